/* SPDX-License-Identifier: PostgreSQL
 *
 * The edge: HTTP to SQL. One event loop per thread, each with its own listening socket, database
 * connections and caches; threads share only the rate limits and immutable snapshots.
 */
#ifndef NECP_EDGE_H
#define NECP_EDGE_H

#include <h2o.h>
#include <h2o/http1.h>
#include <stdatomic.h>

#include "bind.h"
#include "config.h"
#include "errors.h"
#include "listen.h"
#include "metrics.h"
#include "pool.h"
#include "route.h"
#include "token.h"
#include "uuid.h"

#define EDGE_PREFIX "/api/v1"
#define EDGE_MAX_BODY 65536
#define EDGE_MAX_CLASSES 64
#define EDGE_MAX_PROXIES 32
#define EDGE_MAX_ORIGINS 32

typedef struct EdgeOptions
{
	const char *db;
	const char *listen;
	const char *service;
	const char *node;
	const char *docs;
	int threads;
	int connections;
} EdgeOptions;

/* An address as 16 bytes; IPv4 mapped into IPv6. */
typedef struct EdgeAddress
{
	unsigned char bytes[16];
} EdgeAddress;

typedef struct EdgeNetwork
{
	EdgeAddress address;
	int bits; /* of 128 */
} EdgeNetwork;

typedef struct EdgeRate
{
	uint64_t interval_us; /* between two tokens; 0: no limit */
	uint64_t window_us;   /* of a full bucket */
} EdgeRate;

typedef enum EdgeLogRequests
{
	EDGE_LOG_NONE,
	EDGE_LOG_ERRORS, /* status 500 and above, and what took longer than a second */
	EDGE_LOG_ALL
} EdgeLogRequests;

/* What the edge reads from necp.edge_config(). Immutable, shared by reference. */
typedef struct EdgeSettings
{
	_Atomic int references;
	NecpConfig *config;
	int64_t access_token_seconds;
	size_t argon2_memory;
	unsigned argon2_ops;
	int password_threads;
	int password_share; /* percent of the machine */
	int password_queue;
	int max_connections; /* per thread */
	uint64_t header_timeout_ms;
	EdgeLogRequests log_requests;
	EdgeRate rates[EDGE_MAX_CLASSES];
	int bursts[EDGE_MAX_CLASSES]; /* a further class to take from, or -1 */
	int nproxies;
	EdgeNetwork proxies[EDGE_MAX_PROXIES];
	bool any_origin;
	int norigins;
	const char *origins[EDGE_MAX_ORIGINS]; /* borrowed from config */
} EdgeSettings;

typedef struct EdgeStats EdgeStats;

/* What is counted without a route. */
typedef enum EdgeLabel
{
	EDGE_UNMATCHED,
	EDGE_PREFLIGHT,
	EDGE_PROBE,
	EDGE_LABELS
} EdgeLabel;

typedef struct EdgeThread
{
	h2o_context_t ctx; /* first: h2o hands out pointers to it */
	pthread_t id;
	h2o_globalconf_t *conf;
	int index;
	int listen_fd;
	h2o_accept_ctx_t accept;
	h2o_socket_t *listener;
	NecpPool *pool;
	NecpTokenCache *tokens;
	NecpListener *loader; /* of the first thread only */
	EdgeSettings *settings;
	NecpRoutes *routes; /* NULL until loaded */
	NecpKeys *keys;
	bool asking_keys;
	uint64_t keys_asked_ms; /* when the database last said which there are; 0: not asked yet */
	h2o_multithread_receiver_t messages;
	h2o_multithread_receiver_t password_results;
	struct EdgeJob *free_jobs;
	int nfree_jobs;
	int jobs; /* under way */
	int connections;
	bool draining;
	uint64_t drain_until_ms;
	uint64_t tick_at_ms;
	int64_t now_seconds; /* of the wall clock, taken once per turn */
} EdgeThread;

/* A request on its way, from the parsed head to the answer. */
typedef struct EdgeJob
{
	NecpRequest request;               /* first: the pool hands it back */
	h2o_multithread_message_t message; /* from the password threads */
	EdgeThread *thread;
	h2o_req_t *req;          /* NULL: the client has gone, or has its answer */
	struct EdgeJob **anchor; /* in the request's pool, tells when the client goes */
	struct EdgeJob *next_free;
	bool waiting; /* the pool or a password thread holds it */
	bool bound_used;
	bool holds_socket; /* see necp_edge_job_hold */
	uint64_t start_us;
	EdgeStats *stats;
	NecpMatch match;
	NecpRoutes *routes;
	EdgeAddress client;
	NecpUuid trace_id;
	NecpUuid key;
	NecpClaims claims; /* account_id 0: no token */
	NecpSlice authorization;
	NecpSlice origin; /* allowed by CORS; base NULL if none */
	NecpSlice content_type;
	NecpSlice idempotency_key;
	NecpSlice user_agent;
	NecpSlice forwarded_for;
	h2o_timeout_entry_t timeout;
	struct EdgePasswordTask *task;
	NecpBound bound; /* last: large, not cleared */
} EdgeJob;

extern EdgeOptions necp_edge_options;
extern pthread_barrier_t necp_edge_all_ready;
extern EdgeThread *necp_edge_threads;

/* settings.c */
EdgeSettings *necp_edge_settings_build(NecpConfig *config);
EdgeSettings *necp_edge_settings_ref(EdgeSettings *settings);
void necp_edge_settings_unref(EdgeSettings *settings);
/* The number of a rate class, given on first sight; -1 if there are too many. */
int necp_edge_rate_class(const char *name);

/* address.c */
bool necp_edge_address_parse(EdgeAddress *address, const char *text, size_t len);
bool necp_edge_network_parse(EdgeNetwork *network, const char *text);
/* out holds INET6_ADDRSTRLEN bytes. */
void necp_edge_address_format(const EdgeAddress *address, char *out);
/* The peer, or what its X-Forwarded-For says if the peer is a trusted proxy. */
EdgeAddress necp_edge_client_address(EdgeJob *job);

/* limit.c */
/* Sized by the environment once, before any thread starts. */
void necp_edge_limit_init(void);
/* Takes a token; returns 0, or after how many seconds there will be one. */
int necp_edge_limit_take(const EdgeRate *rate, int rate_class, uint64_t kind, const void *id,
						 size_t len);

/* framing.c */
/* NULL, or what makes the message's length or host ambiguous. */
const char *necp_edge_framing_trouble(h2o_req_t *req);

/* listener.c */
int necp_edge_listen_open(const char *address, bool first);
void necp_edge_listen_start(EdgeThread *thread);
void necp_edge_drain(EdgeThread *thread);

/* loop.c */
extern const NecpLoopOps necp_edge_loop_ops;

/* thread.c */
void *necp_edge_thread_run(void *thread);
void necp_edge_thread_stop(EdgeThread *thread);

/* reload.c */
NecpListener *necp_edge_loader_new(NecpLoop loop);
void necp_edge_reload_init(EdgeThread *thread);

/* server.c */
void necp_edge_server_init(h2o_globalconf_t *conf);

/* job.c */
EdgeJob *necp_edge_job_new(EdgeThread *thread, h2o_req_t *req);
/* The client has its answer (or does not want it); frees the job once nobody else holds it. */
void necp_edge_job_end(EdgeJob *job);
/* The job is about to wait for the pool or a password thread. */
void necp_edge_job_hold(EdgeJob *job);
/* Before an answer: h2o reads from the socket again. */
void necp_edge_job_release_socket(EdgeJob *job);
/* The pool or the password thread gave the job back; false if nobody waits for it any more. */
bool necp_edge_job_resume(EdgeJob *job);

/* request.c */
void necp_edge_api(EdgeJob *job);
/* What follows once the route is found. */
void necp_edge_proceed(EdgeJob *job);
/* Sends the job's statement; answers UNAVAILABLE if that cannot be. */
void necp_edge_submit(EdgeJob *job, const NecpStatement *statement, NecpLane lane, bool repeatable,
					  NecpDone done);
/* The route's own statement, with all values bound. */
void necp_edge_call(EdgeJob *job);
void necp_edge_refuse_outcome(EdgeJob *job, NecpOutcome outcome, const PGresult *result);
/* The path without its query, and the query. */
NecpSlice necp_edge_path(const h2o_req_t *req);
NecpSlice necp_edge_query(const h2o_req_t *req);

/* keys.c */
/*
 * For a token of an unknown key. false: the token may be refused. true: the job waits for the keys of
 * the database and proceeds then, or it was told to come again.
 */
bool necp_edge_keys_ask(EdgeJob *job);

/* auth.c */
/* Fills the claims and takes the rate-limit token; false: answered, or it proceeds later. */
bool necp_edge_authorize(EdgeJob *job, const NecpRoute *route);

/* password.c */
void necp_edge_password_init(void);
void necp_edge_password_configure(const EdgeSettings *settings);
/* Does what the route's password mode asks for and then calls the route. */
/* A request without a password was answered; the hashes stand back behind those. */
void necp_edge_password_other(void);
/* The client of a job that waits has gone. */
void necp_edge_password_abandon(EdgeJob *job);
void necp_edge_password_start(EdgeJob *job);
void necp_edge_password_receive(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);

/* response.c */
void necp_edge_answer(EdgeJob *job, int status, const char *content_type, const char *body,
					  size_t len);
void necp_edge_answer_json(EdgeJob *job, int status, const char *body, size_t len);
void necp_edge_refuse(EdgeJob *job, const NecpProblem *problem);
void necp_edge_refuse_code(EdgeJob *job, NecpErrorCode code, const char *field, const char *detail);
void necp_edge_refuse_method(EdgeJob *job, unsigned allowed);
void necp_edge_answer_options(EdgeJob *job, unsigned allowed);
/* Keeps the origin if CORS allows it. */
void necp_edge_take_origin(EdgeJob *job, NecpSlice origin);
/* Turns what h2o answers by itself into problem documents. */
void necp_edge_add_problem_filter(h2o_pathconf_t *path);

/* measure.c */
void necp_edge_measure_init(void);
/* Sets the route's user pointer. */
void necp_edge_measure_route(NecpRoute *route);
EdgeStats *necp_edge_stats(EdgeLabel label);
/* The class the route names, -1 if none. */
int necp_edge_route_rate_class(const NecpRoute *route);
void necp_edge_measure_connections(int delta);
/* Counts and logs an answer. */
void necp_edge_measure_answer(EdgeJob *job, int status);

/* probes.c */
void necp_edge_health(EdgeJob *job);
void necp_edge_ready(EdgeJob *job);
void necp_edge_metrics(EdgeJob *job);

#endif
