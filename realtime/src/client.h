/* SPDX-License-Identifier: PostgreSQL
 *
 * One connection: its socket, what waits to be sent, what it is subscribed to and who it is.
 *
 * A client lives as long as its socket and every call to the database made for it; wsi is NULL once
 * the socket is closed.
 */
#ifndef NECP_CLIENT_H
#define NECP_CLIENT_H

#include "errors.h"
#include "map.h"
#include "message.h"
#include "stomp.h"
#include "uuid.h"
#include "zone.h"

struct lws;
struct Subscription;
struct RouteCall;
struct RateBucket;

typedef enum ClientState
{
	CLIENT_NEW,        /* CONNECT is to come */
	CLIENT_CONNECTING, /* the database is asked */
	CLIENT_CONNECTED,
	CLIENT_LEAVING, /* DISCONNECT received, commands are still under way */
	CLIENT_CLOSING, /* sends what is queued, then closes */
	CLIENT_CLOSED
} ClientState;

typedef struct Pending
{
	Message *message;
	struct Subscription *subscription; /* NULL: the message is a whole frame */
} Pending;

typedef struct Bucket
{
	double tokens;
	uint64_t at_ms;
} Bucket;

typedef struct Client
{
	struct Client *prev, *next;             /* all clients */
	struct Client *place_prev, *place_next; /* of the place it watches */
	struct WatchedPlace *watched;           /* the world's; NULL: none */
	MapNode session_node;
	struct lws *wsi;
	int fd;
	uint32_t refs;
	uint8_t state;
	uint8_t version; /* StompVersion */
	bool dirty;      /* in the list of those to flush this turn */
	bool blocked;    /* the socket takes nothing until lws calls WRITEABLE */
	bool registered; /* in the map of sessions */
	bool moved;      /* input waits for the next tick */
	char *leave_receipt;
	char *ticket;          /* of the URL, until CONNECT */
	char *reconnect_token; /* until CONNECTED */
	StompParser parser;

	/* waiting to be sent: a ring */
	Pending *queue;
	uint32_t head, count, capacity;
	size_t backlog;

	/* who */
	NecpUuid session;
	int64_t account_id;
	int64_t character_id; /* 0: none */
	int64_t place_id;
	uint64_t binding;

	/* liveness and limits */
	uint64_t opened_ms;
	uint64_t last_in_ms;
	uint64_t last_out_ms;
	uint64_t pinged_ms;     /* 0: no ping is out */
	uint32_t send_every_ms; /* heart-beats, 0: none */
	uint32_t expect_every_ms;
	uint32_t commands; /* waiting or under way */
	uint32_t verified; /* the round of verification that covered it */
	uint32_t excess;   /* frames refused more than accepted */
	Bucket frames;
	struct RateBucket *rates; /* of commands */

	/* commands run one after another: a client's later one may build on an earlier one */
	struct RouteCall *first_command;
	struct RouteCall *last_command;

	/* subscriptions */
	struct Subscription *subscriptions;
	struct Subscription *replies;
	struct Subscription *errors;
	struct Subscription *position;
	uint32_t subscription_count;

	/* movement */
	uint8_t input[ZONE_INPUT];
	uint32_t input_seq;
	bool has_input_seq;
	uint32_t last_tick; /* of the last position frame */
	uint64_t position_seq;
	View view;
} Client;

/* Every client with an open socket. */
extern Client *necp_clients;
extern uint32_t necp_client_count;

Client *necp_client_new(struct lws *wsi, int fd, uint64_t now_ms);
Client *necp_client_ref(Client *client);
void necp_client_unref(Client *client);
/* The socket is gone: leaves all lists and drops the socket's reference. */
void necp_client_closed(Client *client);

/* Whether it may still be told something. */
static inline bool
necp_client_is_open(const Client *client)
{
	return client->wsi != NULL && client->state < CLIENT_CLOSING;
}

/* Queues one more reference to the message; over the backlog limit the client is cut off. */
void necp_client_send(Client *client, Message *message, struct Subscription *subscription);
/* Forgets what is queued for a subscription that ends. */
void necp_client_forget(Client *client, const struct Subscription *subscription);
void necp_client_heartbeat(Client *client);
/* A WebSocket ping, for those that do not send heart-beats. */
void necp_client_ping(Client *client);
/* A frame of one header at most, like RECEIPT. */
void necp_client_send_simple(Client *client, StompCommand command, const char *name,
							 const char *value);
/* ERROR, then close: for protocol violations and the end of a session. */
void necp_client_fail(Client *client, uint16_t close_code, const char *message, const char *detail);
/* Closes once the queue is sent. */
void necp_client_close(Client *client, uint16_t close_code, const char *reason);
/* Cuts the connection without a word. */
void necp_client_kill(Client *client, const char *reason);

/* Answers on the client's own queues; nothing is sent if it is not subscribed there. */
void necp_client_reply(Client *client, const char *correlation, int status, NecpSlice body);
/* topic may be NULL; it becomes a member of the problem document. */
void necp_client_refuse(Client *client, const char *correlation, const NecpProblem *problem,
						const char *topic, const char *trace_id);

/* Sends what the queue holds, as far as the socket takes it. */
void necp_client_flush(Client *client);
/* The socket takes more again. */
void necp_client_writeable(Client *client);
/* At the end of a loop turn: all that was queued in it, one write per client. */
void necp_clients_flush(void);
/* Milliseconds for which flushing should wait, 0: it is due now. */
uint64_t necp_clients_pause(void);
/* Whether a position frame would wait behind something else. */
bool necp_client_is_congested(const Client *client);

/* Takes a token if there is one; rate per second, at most burst. */
bool necp_bucket_take(Bucket *bucket, double rate, double burst, uint64_t now_ms);

#endif
