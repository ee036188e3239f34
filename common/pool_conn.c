/* SPDX-License-Identifier: PostgreSQL
 *
 * One connection in pipeline mode: a ring of slots, one per Sync, answered in order.
 */
#include "cork.h"
#include "errors.h"
#include "log.h"
#include "pool_int.h"

static bool
is_prepared(const NecpConn *conn, uint32_t id)
{
	return id / 8 < conn->prepared_bytes && (conn->prepared[id / 8] & (1u << (id % 8))) != 0;
}

static void
set_prepared(NecpConn *conn, uint32_t id, bool on)
{
	size_t need = id / 8 + 1;

	if (need > conn->prepared_bytes)
	{
		size_t size = need + 63;

		conn->prepared = necp_realloc(conn->prepared, size);
		memset(conn->prepared + conn->prepared_bytes, 0, size - conn->prepared_bytes);
		conn->prepared_bytes = size;
	}
	if (on)
		conn->prepared[id / 8] |= (unsigned char) (1u << (id % 8));
	else
		conn->prepared[id / 8] &= (unsigned char) ~(1u << (id % 8));
}

static NecpSlot *
push_slot(NecpConn *conn, NecpRequest *request)
{
	int index = (conn->head + conn->inflight) % conn->nslots;
	NecpSlot *slot = &conn->slots[index];

	*slot = (NecpSlot){.request = request};
	if (conn->inflight++ == 0)
		conn->head_since_ms = conn->pool->now_ms;
	if (request != NULL)
	{
		request->conn = conn;
		request->slot = (uint32_t) index;
	}
	return slot;
}

void
necp_conn_init(NecpConn *conn, NecpPool *pool, NecpLane lane, int depth)
{
	*conn = (NecpConn){.pool = pool, .lane = lane, .depth = depth};
	conn->nslots = depth + 1; /* a DEALLOCATE may come on top */
	conn->slots = necp_alloc_zero((size_t) conn->nslots * sizeof(NecpSlot));
}

/*
 * Newer routes: whatever is prepared belongs to older ones. The pipeline keeps the order, so
 * requests under way still find their statements.
 */
static bool
drop_statements(NecpConn *conn, uint32_t generation)
{
	bool empty = conn->generation == 0;

	conn->generation = generation;
	if (empty)
		return true;
	if (conn->prepared_bytes > 0)
		memset(conn->prepared, 0, conn->prepared_bytes);
	if (!PQsendQueryParams(conn->pg, "DEALLOCATE ALL", 0, NULL, NULL, NULL, NULL, 0) ||
		!PQpipelineSync(conn->pg))
		return false;
	push_slot(conn, NULL);
	return true;
}

static bool
send_request(NecpConn *conn, NecpRequest *request)
{
	const NecpStatement *statement = request->statement;
	bool prepares = !is_prepared(conn, statement->id);
	NecpSlot *slot;

	if (prepares && !PQsendPrepare(conn->pg,
								   statement->name,
								   statement->sql,
								   statement->types ? statement->nparams : 0,
								   statement->types))
		return false;
	if (!PQsendQueryPrepared(conn->pg,
							 statement->name,
							 statement->nparams,
							 request->values,
							 request->lengths,
							 request->formats,
							 statement->result_format) ||
		!PQpipelineSync(conn->pg))
		return false;
	if (prepares)
		set_prepared(conn, statement->id, true);
	slot = push_slot(conn, request);
	slot->statement_id = statement->id;
	slot->prepares = prepares;
	return true;
}

bool
necp_conn_send(NecpConn *conn, NecpRequest *request)
{
	bool ok;

	necp_cork(conn->corks);
	ok = (request->statement->generation <= conn->generation ||
		  drop_statements(conn, request->statement->generation)) &&
		 send_request(conn, request);
	necp_cork(false);
	if (!ok)
	{
		necp_conn_fail(conn, PQerrorMessage(conn->pg));
		return false;
	}
	conn->unsent = true;
	return true;
}

/* Whether an error says that running the request again may help; takes what the error implies. */
static bool
worth_repeating(NecpConn *conn, const NecpSlot *slot)
{
	const char *sqlstate = slot->result ? PQresultErrorField(slot->result, PG_DIAG_SQLSTATE) : NULL;
	NecpPool *pool = conn->pool;

	if (slot->prepares && slot->failed)
		set_prepared(conn, slot->statement_id, false);
	if (!slot->failed || sqlstate == NULL)
		return false;
	/* invalid_sql_statement_name: the Parse it relied on had failed, or somebody deallocated it */
	if (strcmp(sqlstate, "26000") == 0)
		set_prepared(conn, slot->statement_id, false);
	else if (!necp_sqlstate_is_transient(sqlstate))
		return false;
	/* a lock that kept it waiting for long will keep the next attempt waiting as well */
	return slot->request != NULL && slot->request->tries < NECP_MAX_TRIES &&
		   pool->now_ms - slot->request->submitted_ms < pool->deadline_ms / 2;
}

/* The Sync of the oldest slot has come: only now is its outcome certain. */
static void
complete_head(NecpConn *conn)
{
	NecpPool *pool = conn->pool;
	NecpSlot slot = conn->slots[conn->head];
	bool again = worth_repeating(conn, &slot);

	conn->head = (conn->head + 1) % conn->nslots;
	conn->inflight--;
	conn->head_since_ms = pool->now_ms;
	conn->last_answer_ms = pool->now_ms;
	if (slot.request != NULL)
	{
		slot.request->conn = NULL;
		if (again)
			necp_pool_requeue(pool, slot.request);
		else
			necp_pool_finish(pool,
							 slot.request,
							 slot.failed ? NECP_OUTCOME_ERROR : NECP_OUTCOME_ROWS,
							 slot.result);
	}
	PQclear(slot.result);
}

static void
take_result(NecpConn *conn, PGresult *result)
{
	NecpSlot *slot = &conn->slots[conn->head];

	switch (PQresultStatus(result))
	{
		case PGRES_PIPELINE_SYNC:
			PQclear(result);
			complete_head(conn);
			return;
		case PGRES_TUPLES_OK:
		case PGRES_COMMAND_OK:
			slot->prepares = false; /* the Parse comes first */
			if (slot->failed)
				break;
			PQclear(slot->result);
			slot->result = result;
			return;
		case PGRES_PIPELINE_ABORTED:
			break;
		default:
			if (slot->failed)
				break;
			/* also after rows: a deferred constraint fails at the Sync */
			PQclear(slot->result);
			slot->result = result;
			slot->failed = true;
			return;
	}
	PQclear(result);
}

/* Takes every result that has fully arrived. The connection may be down afterwards. */
static void
take_results(NecpConn *conn)
{
	int nulls = 0;

	while (conn->pg != NULL && conn->inflight > 0 && !PQisBusy(conn->pg))
	{
		PGresult *result = PQgetResult(conn->pg);

		if (result != NULL)
		{
			nulls = 0;
			take_result(conn, result);
		}
		else if (++nulls > 1 || PQstatus(conn->pg) == CONNECTION_BAD)
		{
			necp_conn_fail(conn, PQerrorMessage(conn->pg));
			return;
		}
	}
	/* nothing is due: still lets libpq look at notices and at a FATAL of the server */
	if (conn->pg != NULL && conn->inflight == 0)
		(void) PQisBusy(conn->pg);
}

static void
set_wants_write(NecpConn *conn, bool on)
{
	if (conn->wants_write == on)
		return;
	conn->wants_write = on;
	conn->pool->loop.ops->want_write(conn->watch, on);
}

void
necp_conn_flush(NecpConn *conn)
{
	int left;

	conn->unsent = false;
	left = PQflush(conn->pg);
	if (left < 0)
	{
		necp_conn_fail(conn, PQerrorMessage(conn->pg));
		return;
	}
	set_wants_write(conn, left > 0);
	/* a blocked flush reads, so answers may lie in libpq's buffer with nothing left to poll */
	if (left > 0)
		take_results(conn);
}

static void
on_event(void *arg, int events)
{
	NecpConn *conn = arg;

	conn->pool->now_ms = necp_now_ms();
	if ((events & NECP_READABLE) != 0)
	{
		if (!PQconsumeInput(conn->pg))
		{
			/* what came before the end still counts */
			take_results(conn);
			if (conn->pg != NULL)
				necp_conn_fail(conn, PQerrorMessage(conn->pg));
			return;
		}
		take_results(conn);
	}
	if ((events & NECP_WRITABLE) != 0 && conn->pg != NULL)
		necp_conn_flush(conn);
}

bool
necp_conn_open(NecpConn *conn, PGconn *pg)
{
	NecpPool *pool = conn->pool;

	if (PQenterPipelineMode(pg))
		conn->watch = pool->loop.ops->watch(pool->loop.loop, PQsocket(pg), on_event, conn);
	if (conn->watch == NULL)
	{
		PQfinish(pg);
		return false;
	}
	conn->pg = pg;
	/* a TLS record that was begun has to be finished with the same bytes */
	conn->corks = !PQsslInUse(pg) && !PQgssEncInUse(pg);
	conn->head = 0;
	conn->generation = 0;
	conn->wants_write = false;
	conn->last_answer_ms = pool->now_ms;
	if (conn->prepared_bytes > 0)
		memset(conn->prepared, 0, conn->prepared_bytes);
	pool->lanes[conn->lane].up++;
	necp_metric_add(pool->lanes[conn->lane].connections, 1);
	return true;
}

static void
close_connection(NecpConn *conn)
{
	NecpPoolLane *lane = &conn->pool->lanes[conn->lane];

	conn->pool->loop.ops->unwatch(conn->watch);
	PQfinish(conn->pg);
	conn->pg = NULL;
	conn->watch = NULL;
	conn->unsent = false;
	necp_metric_add(lane->connections, -1);
	if (--lane->up == 0)
		lane->down_since_ms = conn->pool->now_ms;
}

void
necp_conn_fail(NecpConn *conn, const char *reason)
{
	NecpPool *pool = conn->pool;
	NecpRequest *lost = NULL;

	necp_log(NECP_LOG_WARNING,
			 "lost a database connection with %d requests under way: %.*s",
			 conn->inflight,
			 (int) strcspn(reason, "\n"),
			 reason);
	necp_metric_add(pool->losses, 1);
	close_connection(conn);
	/* from the newest to the oldest, because each goes in front of the queue */
	for (; conn->inflight > 0; conn->inflight--)
	{
		NecpSlot *slot = &conn->slots[(conn->head + conn->inflight - 1) % conn->nslots];
		NecpRequest *request = slot->request;

		PQclear(slot->result);
		*slot = (NecpSlot){0};
		if (request == NULL)
			continue;
		request->conn = NULL;
		if (request->repeatable && request->tries < NECP_MAX_TRIES)
			necp_pool_requeue(pool, request);
		else
		{
			request->queue_next = lost;
			lost = request;
		}
	}
	necp_connector_want(pool->connector, 1);
	while (lost != NULL)
	{
		NecpRequest *request = lost;

		lost = request->queue_next;
		necp_pool_finish(pool, request, NECP_OUTCOME_UNAVAILABLE, NULL);
	}
}

void
necp_conn_free(NecpConn *conn)
{
	if (conn->pg != NULL)
		close_connection(conn);
	for (int i = 0; i < conn->inflight; i++)
		PQclear(conn->slots[(conn->head + i) % conn->nslots].result);
	free(conn->slots);
	free(conn->prepared);
}
