/* SPDX-License-Identifier: PostgreSQL
 *
 * The database as this server sees it: the pool, the listener with its snapshots, and the calls of
 * docs/interfaces.md §6.
 */
#ifndef NECP_DB_H
#define NECP_DB_H

#include "client.h"
#include "listen.h"
#include "pool.h"
#include "settings.h"

typedef enum DbFunction
{
	DB_CONNECT,    /* session, ticket, node */
	DB_SESSION,    /* session */
	DB_DISCONNECT, /* session, node */
	DB_TOUCH,      /* uuid[] */
	DB_SUBSCRIBE,  /* session, topic */
	DB_KEYS,       /* none: see necp_db_ask_keys */
	DB_EXCHANGE,   /* bytea, binary both ways; see necp_db_exchange */
	DB_FUNCTIONS
} DbFunction;

typedef struct DbCall DbCall;

typedef void (*DbDone)(DbCall *call, NecpOutcome outcome, const PGresult *result);

/* Freed after done; a client is held until then. */
struct DbCall
{
	NecpRequest request;
	Client *client; /* or NULL */
	void *arg;
	DbDone done;
	const char *values[3];
	char text[];
};

extern NecpPool *necp_db_pool;
/* NULL until loaded. */
extern NecpRoutes *necp_db_routes;

typedef struct DbEvents
{
	void (*notified)(const char *payload);
	void (*listening)(void); /* again: what was notified before may be lost */
} DbEvents;

void necp_db_start(const Options *options, const DbEvents *events);
void necp_db_stop(void);
/* About every 100 ms. */
void necp_db_tick(void);
/* At the end of every turn. */
void necp_db_turn(void);
/* Everything loaded and connected. */
bool necp_db_is_ready(void);

/* values are copied; NULL is SQL's. false: unavailable, done is not called. */
bool necp_db_call(DbFunction function, Client *client, void *arg, DbDone done,
				  const char *const values[3]);
/* One at a time; request must live until done. */
bool necp_db_exchange(const void *request, size_t length,
					  void (*done)(NecpOutcome outcome, const PGresult *result));
/* What went wrong; not for NECP_OUTCOME_ROWS. */
void necp_db_problem(NecpProblem *problem, NecpOutcome outcome, const PGresult *result);

/* NECP_NO_ERROR, UNAUTHENTICATED, TOKEN_EXPIRED, or UNAVAILABLE before the keys are known. */
NecpErrorCode necp_db_check_token(NecpSlice token, NecpClaims *claims);
/*
 * The token names a key that is not known, and the database has not been asked for a while: ask it
 * before the token is refused. As on the edge (edge/src/keys.c).
 */
bool necp_db_wants_keys(NecpSlice token);
/* Takes the database's keys and calls done, known: whether it did. false: as of necp_db_call. */
bool necp_db_ask_keys(Client *client, const char *token,
					  void (*done)(Client *client, const char *token, bool known));

#endif
