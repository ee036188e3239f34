/* SPDX-License-Identifier: PostgreSQL
 *
 * Between pool.c (queues, lanes, deadlines) and pool_conn.c (one connection's pipeline).
 */
#ifndef NECP_POOL_INT_H
#define NECP_POOL_INT_H

#include "buf.h"
#include "connect.h"
#include "metrics.h"
#include "pool.h"

#define NECP_MAX_TRIES 4 /* once and three times again */

/* What was sent up to one Sync. Without a request: given up on, or the pool's own. */
typedef struct NecpSlot
{
	NecpRequest *request;
	PGresult *result; /* the last rows, or the first error */
	uint32_t statement_id;
	bool failed;
	bool prepares; /* a Parse went ahead whose success is not known yet */
} NecpSlot;

typedef struct NecpConn
{
	NecpPool *pool;
	NecpLane lane;
	PGconn *pg; /* NULL: down */
	void *watch;
	bool wants_write;
	bool corks;  /* requests leave together at the end of the turn */
	bool unsent; /* this turn has sent something */
	int depth;
	int inflight;
	int head; /* index of the oldest slot */
	int nslots;
	NecpSlot *slots;
	uint64_t head_since_ms; /* when the head became the head */
	uint64_t last_answer_ms;
	uint32_t generation;
	unsigned char *prepared; /* bitmap over statement ids */
	size_t prepared_bytes;
} NecpConn;

typedef struct NecpPoolLane
{
	NecpConn *conns;
	int nconns;
	int up;
	uint64_t down_since_ms;
	NecpRequest *queue;
	NecpRequest **queue_tail;
	int queued;
	NecpMetric *connections;
	NecpMetric *waiting;
} NecpPoolLane;

struct NecpPool
{
	NecpLoop loop;
	NecpConnector *connector;
	NecpPoolLane lanes[NECP_LANES];
	int queue_max;
	uint64_t deadline_ms;
	uint64_t stall_ms;
	uint64_t now_ms;
	NecpRequest *oldest; /* all requests not done, in order of submission */
	NecpRequest *newest;
	int pending;
	NecpMetric *outcomes[NECP_OUTCOME_TIMEOUT + 1];
	NecpMetric *retries;
	NecpMetric *losses;
};

/* pool.c */
void necp_pool_finish(NecpPool *pool, NecpRequest *request, NecpOutcome outcome,
					  const PGresult *result);
/* Puts a request that was sent before in front of its lane's queue. */
void necp_pool_requeue(NecpPool *pool, NecpRequest *request);

/* pool_conn.c */
void necp_conn_init(NecpConn *conn, NecpPool *pool, NecpLane lane, int depth);
/* Takes over an established connection; false if it is of no use (then it is closed). */
bool necp_conn_open(NecpConn *conn, PGconn *pg);
/* Queues the request on the connection; false if the connection failed (the request is not lost). */
bool necp_conn_send(NecpConn *conn, NecpRequest *request);
/* Ends a turn in which something was sent. */
void necp_conn_flush(NecpConn *conn);
/* The connection is of no use any more: what can be repeated is, the rest is UNAVAILABLE. */
void necp_conn_fail(NecpConn *conn, const char *reason);
void necp_conn_free(NecpConn *conn);

#endif
