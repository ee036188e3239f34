/* SPDX-License-Identifier: PostgreSQL
 *
 * Connections to PostgreSQL in pipeline mode, for one event loop (one pool per thread).
 *
 * Each request is one prepared statement and one Sync, so requests on a connection do not share
 * a transaction or an error. An answer is delivered when the Sync arrives: a deferred failure
 * comes after the rows. Two lanes with connections of their own keep lock waits of commands away
 * from reads. Submitted requests leave at the next necp_pool_turn.
 *
 * Nothing here blocks. Without a connection, or with a full queue, a request is refused at once.
 */
#ifndef NECP_POOL_H
#define NECP_POOL_H

#include <libpq-fe.h>

#include "loop.h"

typedef enum NecpLane
{
	NECP_LANE_READ,
	NECP_LANE_COMMAND,
	NECP_LANES
} NecpLane;

/* Prepared on a connection at first use. Must outlive the requests that name it. */
typedef struct NecpStatement
{
	uint32_t id; /* unique in the process */
	uint32_t
		generation; /* of the routes; a newer one makes a connection drop all older statements */
	char name[16];
	const char *sql;
	int nparams;
	const Oid *types;  /* NULL: inferred */
	int result_format; /* 1: binary */
} NecpStatement;

typedef enum NecpOutcome
{
	NECP_OUTCOME_ROWS,        /* result holds the rows */
	NECP_OUTCOME_ERROR,       /* result holds PostgreSQL's error report */
	NECP_OUTCOME_UNAVAILABLE, /* no connection, or lost it with the request; result is NULL */
	NECP_OUTCOME_TIMEOUT      /* no answer in time, it may still take effect; result is NULL */
} NecpOutcome;

typedef struct NecpRequest NecpRequest;

/* The pool clears the result after the call. The request is the caller's again when it begins. */
typedef void (*NecpDone)(NecpRequest *request, NecpOutcome outcome, const PGresult *result);

/* Owned by the caller, who keeps it and everything it points at until done is called. */
struct NecpRequest
{
	const NecpStatement *statement;
	const char *const *values; /* as for PQsendQueryPrepared */
	const int *lengths;        /* NULL if all are text */
	const int *formats;        /* NULL if all are text */
	NecpLane lane;
	bool repeatable; /* reads only, or carries a key: sent again if its connection dies */
	NecpDone done;

	/* the pool's */
	NecpRequest *prev;
	NecpRequest *next;
	NecpRequest *queue_next;
	uint64_t submitted_ms;
	uint32_t slot;
	uint8_t tries;
	struct NecpConn *conn; /* NULL: not sent */
};

typedef struct NecpPoolConfig
{
	const char *conninfo; /* several hosts and target_session_attrs are libpq's business */
	const char *application_name;
	int connections[NECP_LANES];
	int depth[NECP_LANES]; /* requests under way on one connection */
	int queue;             /* requests waiting for a connection, per lane */
	int deadline_ms;       /* from submission to an answer; then TIMEOUT */
	int stall_ms;          /* a connection whose oldest request takes longer is taken for dead */
} NecpPoolConfig;

typedef struct NecpPool NecpPool;

/* Defaults for everything but conninfo: 2 + 8 connections, deadline 6 s, stall 6.5 s. */
void necp_pool_config_init(NecpPoolConfig *config);
NecpPool *necp_pool_new(NecpLoop loop, const NecpPoolConfig *config);
/*
 * true: done will be called exactly once, never before this returns. false: refused as
 * UNAVAILABLE, done is not called.
 */
bool necp_pool_submit(NecpPool *pool, NecpRequest *request);
/*
 * To be called at the end of every turn of the loop, and at least every 50 ms: sends what was
 * submitted, delivers timeouts.
 */
void necp_pool_turn(NecpPool *pool);
/* Whether a request for this lane would find a connection. */
bool necp_pool_is_up(const NecpPool *pool, NecpLane lane);
/* Requests submitted and not done. */
int necp_pool_pending(const NecpPool *pool);
/* What is still under way is done as UNAVAILABLE. */
void necp_pool_free(NecpPool *pool);

/* Gives the statement its id and name; sql and types are borrowed. */
void necp_statement_init(NecpStatement *statement, uint32_t generation, const char *sql,
						 int nparams, const Oid *types);

#endif
