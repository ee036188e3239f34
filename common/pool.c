/* SPDX-License-Identifier: PostgreSQL
 *
 * The pool: lanes with their queues, deadlines, and what happens while the database is away.
 */
#include "pool.h"

#include <stdatomic.h>
#include <stdio.h>

#include "log.h"
#include "pool_int.h"

/* How long requests that may be repeated wait for a connection after the last one of a lane died. */
#define RECONNECT_GRACE_MS 1500
#define SERVER_OPTIONS "-c lock_timeout=2s -c statement_timeout=5s"

static const char *const lane_names[NECP_LANES] = {"read", "command"};

void
necp_statement_init(NecpStatement *statement, uint32_t generation, const char *sql, int nparams,
					const Oid *types)
{
	static _Atomic uint32_t next_id;

	statement->id = atomic_fetch_add(&next_id, 1);
	statement->generation = generation;
	snprintf(statement->name, sizeof(statement->name), "n%u", statement->id);
	statement->sql = sql;
	statement->nparams = nparams;
	statement->types = types;
	statement->result_format = 0;
}

void
necp_pool_config_init(NecpPoolConfig *config)
{
	*config = (NecpPoolConfig){
		.application_name = "necp",
		.connections = {2, 8},
		.depth = {32, 4},
		.queue = 1024,
		.deadline_ms = 6000,
		.stall_ms = 6500,
	};
}

static void
append_queue(NecpPoolLane *lane, NecpRequest *request)
{
	request->queue_next = NULL;
	*lane->queue_tail = request;
	lane->queue_tail = &request->queue_next;
	lane->queued++;
	necp_metric_add(lane->waiting, 1);
}

static NecpRequest *
pop_queue(NecpPoolLane *lane)
{
	NecpRequest *request = lane->queue;

	lane->queue = request->queue_next;
	if (lane->queue == NULL)
		lane->queue_tail = &lane->queue;
	lane->queued--;
	necp_metric_add(lane->waiting, -1);
	return request;
}

static void
remove_from_queue(NecpPoolLane *lane, NecpRequest *request)
{
	NecpRequest **link = &lane->queue;

	while (*link != NULL && *link != request)
		link = &(*link)->queue_next;
	if (*link == NULL)
		return;
	*link = request->queue_next;
	if (lane->queue_tail == &request->queue_next)
		lane->queue_tail = link;
	lane->queued--;
	necp_metric_add(lane->waiting, -1);
}

void
necp_pool_requeue(NecpPool *pool, NecpRequest *request)
{
	NecpPoolLane *lane = &pool->lanes[request->lane];

	request->queue_next = lane->queue;
	if (lane->queue == NULL)
		lane->queue_tail = &request->queue_next;
	lane->queue = request;
	lane->queued++;
	necp_metric_add(lane->waiting, 1);
	necp_metric_add(pool->retries, 1);
}

static void
append_pending(NecpPool *pool, NecpRequest *request)
{
	request->next = NULL;
	request->prev = pool->newest;
	if (pool->newest != NULL)
		pool->newest->next = request;
	else
		pool->oldest = request;
	pool->newest = request;
	pool->pending++;
}

static void
remove_pending(NecpPool *pool, NecpRequest *request)
{
	if (request->prev != NULL)
		request->prev->next = request->next;
	else
		pool->oldest = request->next;
	if (request->next != NULL)
		request->next->prev = request->prev;
	else
		pool->newest = request->prev;
	pool->pending--;
}

void
necp_pool_finish(NecpPool *pool, NecpRequest *request, NecpOutcome outcome, const PGresult *result)
{
	remove_pending(pool, request);
	necp_metric_add(pool->outcomes[outcome], 1);
	request->done(request, outcome, result);
}

/* Assigns a new connection to the lane that has least of what it should have. */
static void
on_connected(void *arg, PGconn *pg)
{
	NecpPool *pool = arg;
	NecpConn *free_conn = NULL;
	int free_up = 0;

	pool->now_ms = necp_now_ms();
	for (int i = 0; i < NECP_LANES; i++)
	{
		NecpPoolLane *lane = &pool->lanes[i];

		if (free_conn != NULL && lane->up >= free_up)
			continue;
		for (int c = 0; c < lane->nconns; c++)
			if (lane->conns[c].pg == NULL)
			{
				free_conn = &lane->conns[c];
				free_up = lane->up;
				break;
			}
	}
	if (free_conn == NULL)
		PQfinish(pg);
	else if (!necp_conn_open(free_conn, pg))
		necp_connector_want(pool->connector, 1);
}

static void
make_metrics(NecpPool *pool)
{
	static const char *const outcome_names[] = {"rows", "error", "unavailable", "timeout"};
	NecpFamily *connections = necp_metric_family(NECP_GAUGE,
												 "necp_pool_connections",
												 "Established database connections.",
												 "lane");
	NecpFamily *waiting = necp_metric_family(NECP_GAUGE,
											 "necp_pool_waiting_requests",
											 "Requests waiting for a database connection.",
											 "lane");
	NecpFamily *outcomes = necp_metric_family(NECP_COUNTER,
											  "necp_pool_requests_total",
											  "Requests to the database by outcome.",
											  "outcome");

	for (int i = 0; i < NECP_LANES; i++)
	{
		pool->lanes[i].connections = necp_metric(connections, lane_names[i]);
		pool->lanes[i].waiting = necp_metric(waiting, lane_names[i]);
	}
	for (int i = 0; i <= NECP_OUTCOME_TIMEOUT; i++)
		pool->outcomes[i] = necp_metric(outcomes, outcome_names[i]);
	pool->retries = necp_metric(necp_metric_family(NECP_COUNTER,
												   "necp_pool_retries_total",
												   "Requests sent to the database again.",
												   NULL));
	pool->losses = necp_metric(necp_metric_family(NECP_COUNTER,
												  "necp_pool_lost_connections_total",
												  "Database connections lost.",
												  NULL));
}

NecpPool *
necp_pool_new(NecpLoop loop, const NecpPoolConfig *config)
{
	NecpPool *pool = necp_alloc_zero(sizeof(NecpPool));
	int total = 0;

	pool->loop = loop;
	pool->queue_max = config->queue;
	pool->deadline_ms = (uint64_t) config->deadline_ms;
	pool->stall_ms = (uint64_t) config->stall_ms;
	pool->now_ms = necp_now_ms();
	make_metrics(pool);
	for (int i = 0; i < NECP_LANES; i++)
	{
		NecpPoolLane *lane = &pool->lanes[i];

		lane->nconns = config->connections[i];
		lane->conns = necp_alloc_zero((size_t) lane->nconns * sizeof(NecpConn));
		lane->queue_tail = &lane->queue;
		for (int c = 0; c < lane->nconns; c++)
			necp_conn_init(&lane->conns[c], pool, (NecpLane) i, config->depth[i]);
		total += lane->nconns;
	}
	pool->connector = necp_connector_new(loop,
										 config->conninfo,
										 config->application_name,
										 SERVER_OPTIONS,
										 on_connected,
										 pool);
	necp_connector_want(pool->connector, total);
	return pool;
}

bool
necp_pool_is_up(const NecpPool *pool, NecpLane lane)
{
	return pool->lanes[lane].up > 0 ||
		   (lane == NECP_LANE_READ && pool->lanes[NECP_LANE_COMMAND].up > 0);
}

int
necp_pool_pending(const NecpPool *pool)
{
	return pool->pending;
}

bool
necp_pool_submit(NecpPool *pool, NecpRequest *request)
{
	if (request->lane == NECP_LANE_READ && pool->lanes[NECP_LANE_READ].up == 0)
		request->lane = NECP_LANE_COMMAND;
	if (pool->lanes[request->lane].up == 0 || pool->lanes[request->lane].queued >= pool->queue_max)
	{
		necp_metric_add(pool->outcomes[NECP_OUTCOME_UNAVAILABLE], 1);
		return false;
	}
	request->submitted_ms = necp_now_ms();
	request->tries = 0;
	request->conn = NULL;
	append_pending(pool, request);
	append_queue(&pool->lanes[request->lane], request);
	return true;
}

static NecpConn *
least_loaded(NecpPoolLane *lane)
{
	NecpConn *best = NULL;

	for (int i = 0; i < lane->nconns; i++)
	{
		NecpConn *conn = &lane->conns[i];

		if (conn->pg != NULL && conn->inflight < conn->depth &&
			(best == NULL || conn->inflight < best->inflight))
			best = conn;
	}
	return best;
}

static void
send_queue(NecpPool *pool, NecpPoolLane *lane)
{
	while (lane->queue != NULL)
	{
		NecpConn *conn = least_loaded(lane);
		NecpRequest *request;

		if (conn == NULL)
			break;
		request = pop_queue(lane);
		request->tries++;
		if (!necp_conn_send(conn, request))
			necp_pool_requeue(pool, request);
	}
	for (int i = 0; i < lane->nconns; i++)
		if (lane->conns[i].unsent)
			necp_conn_flush(&lane->conns[i]);
}

/* Nobody to send it to: what has waited for a new connection long enough is refused. */
static void
refuse_queue(NecpPool *pool, NecpPoolLane *lane)
{
	if (lane->up > 0 || pool->now_ms - lane->down_since_ms < RECONNECT_GRACE_MS)
		return;
	while (lane->queue != NULL)
		necp_pool_finish(pool, pop_queue(lane), NECP_OUTCOME_UNAVAILABLE, NULL);
}

/*
 * Answers requests that took too long. One that was sent leaves its slot behind: killing the
 * connection would take its neighbours along.
 */
static void
expire_requests(NecpPool *pool)
{
	while (pool->oldest != NULL && pool->now_ms - pool->oldest->submitted_ms > pool->deadline_ms)
	{
		NecpRequest *request = pool->oldest;

		if (request->conn == NULL)
		{
			remove_from_queue(&pool->lanes[request->lane], request);
			necp_pool_finish(pool, request, NECP_OUTCOME_UNAVAILABLE, NULL);
			continue;
		}
		request->conn->slots[request->slot].request = NULL;
		request->conn = NULL;
		necp_pool_finish(pool, request, NECP_OUTCOME_TIMEOUT, NULL);
	}
}

/*
 * The server ends a statement after five seconds. A connection silent for longer is dead or its
 * server hangs; then every connection that has not answered since is suspect, and idle ones are
 * cheap to replace.
 */
static void
drop_stalled(NecpPool *pool)
{
	uint64_t stalled_since = 0;

	for (int i = 0; i < NECP_LANES; i++)
		for (int c = 0; c < pool->lanes[i].nconns; c++)
		{
			NecpConn *conn = &pool->lanes[i].conns[c];

			if (conn->pg != NULL && conn->inflight > 0 &&
				pool->now_ms - conn->head_since_ms > pool->stall_ms)
				stalled_since = conn->head_since_ms;
		}
	if (stalled_since == 0)
		return;
	for (int i = 0; i < NECP_LANES; i++)
		for (int c = 0; c < pool->lanes[i].nconns; c++)
		{
			NecpConn *conn = &pool->lanes[i].conns[c];

			if (conn->pg != NULL && conn->last_answer_ms <= stalled_since)
				necp_conn_fail(conn, "the server does not answer");
		}
}

void
necp_pool_turn(NecpPool *pool)
{
	pool->now_ms = necp_now_ms();
	expire_requests(pool);
	drop_stalled(pool);
	for (int i = 0; i < NECP_LANES; i++)
	{
		if (pool->lanes[i].queue == NULL)
			continue;
		send_queue(pool, &pool->lanes[i]);
		refuse_queue(pool, &pool->lanes[i]);
	}
}

void
necp_pool_free(NecpPool *pool)
{
	necp_connector_free(pool->connector);
	while (pool->oldest != NULL)
	{
		NecpRequest *request = pool->oldest;

		if (request->conn != NULL)
			request->conn->slots[request->slot].request = NULL;
		else
			remove_from_queue(&pool->lanes[request->lane], request);
		necp_pool_finish(pool, request, NECP_OUTCOME_UNAVAILABLE, NULL);
	}
	for (int i = 0; i < NECP_LANES; i++)
	{
		for (int c = 0; c < pool->lanes[i].nconns; c++)
			necp_conn_free(&pool->lanes[i].conns[c]);
		free(pool->lanes[i].conns);
	}
	free(pool);
}
