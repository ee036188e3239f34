/* SPDX-License-Identifier: PostgreSQL
 *
 * The life of sessions by the clock (DOMAIN §4). Commands only note in shared memory that somebody
 * acts; the sweep looks through that memory and writes a row where a session's state is another one,
 * each in a transaction of its own, so that one that fails keeps nobody else. Deadlines do not wait
 * for it: enter() refuses what has lasted too long.
 */
#include "postgres.h"

#include "auth/session_int.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/kernel.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define SWEEP_S 2
#define PURGE_S 60
#define ADOPT_US (60 * USECS_PER_SEC)
#define SETTLED_US (10 * USECS_PER_SEC) /* an entry this old must have its row */
#define WATCH_US (30 * USECS_PER_SEC)   /* who acted since is not asked after */
#define MOST_CHANGES 1000               /* of one sweep; other jobs wait for it */
#define MAX_WATCHES 8

static NecpSessionWatch watches[MAX_WATCHES];
static int nwatches;
static TimestampTz adopted_at; /* by this process */

static NecpPlan list_live =
	NECP_PLAN0("SELECT id FROM game.player_sessions WHERE closed_at IS NULL ORDER BY account_id");
static NecpPlan list_expired =
	NECP_PLAN("SELECT id FROM game.player_sessions WHERE closed_at IS NULL AND expires_at <= $1"
			  " ORDER BY expires_at LIMIT 1000",
			  TIMESTAMPTZOID);
static NecpPlan purge_closed =
	NECP_PLAN("DELETE FROM game.player_sessions WHERE id IN (SELECT id FROM game.player_sessions"
			  " WHERE closed_at IS NOT NULL AND closed_at < $1 ORDER BY closed_at LIMIT 1000)",
			  TIMESTAMPTZOID);
static NecpPlan of_character =
	NECP_PLAN("SELECT id, status, disconnected_at, expires_at FROM game.player_sessions"
			  " WHERE character_id = $1 AND closed_at IS NULL",
			  INT8OID);

/* Verdicts ----------------------------------------------------------------------------------- */

void
necp_session_on_watch(NecpSessionWatch watch)
{
	if (nwatches == MAX_WATCHES)
		elog(ERROR, "too many watches of sessions");
	watches[nwatches++] = watch;
}

TimestampTz
necp_session_last_action(const NecpPresence *live)
{
	TimestampTz last = live->last_action;

	for (int i = 0; i < nwatches; i++)
		last = Max(last, watches[i](&live->session));
	if (last > live->last_action)
		necp_session_acted(&live->session.id, last);
	return last;
}

/* As of the last time it was asked for inside a transaction: the sweep judges outside one. */
static struct
{
	int64 idle, afk, warn, close, silence, reconnect; /* microseconds */
} limits;

static int64
limit_us(const char *key)
{
	return necp_config_int(key) * USECS_PER_SEC;
}

static void
read_limits(void)
{
	limits.idle = limit_us("session.idle_s");
	limits.afk = limit_us("session.afk_s");
	limits.warn = limit_us("session.afk_warn_s");
	limits.close = limit_us("session.afk_close_s");
	limits.silence = limit_us("session.silence_s");
	limits.reconnect = limit_us("session.reconnect_s");
}

/* Of a session that is connected: by its last action. */
static NecpVerdict
judge_action(const NecpPresence *live, TimestampTz now)
{
	int64 idle = now - live->last_action;
	TimestampTz out = live->last_action + limits.close;
	NecpVerdict verdict = {.ends_at = Min(out, live->session.expires_at)};

	if (out <= now)
	{
		verdict.status = NECP_SESSION_CLOSED;
		verdict.reason = "AFK_TIMEOUT";
	}
	else if (idle >= limits.afk)
		verdict.status = NECP_SESSION_AFK;
	else if (idle >= limits.idle)
		verdict.status = NECP_SESSION_IDLE;
	else if (live->status == NECP_SESSION_CREATED && live->last_action <= live->since)
		verdict.status = NECP_SESSION_CREATED;
	else
		verdict.status = NECP_SESSION_ACTIVE;
	return verdict;
}

static NecpVerdict
judge(const NecpPresence *live, TimestampTz now)
{
	TimestampTz seen = Max(live->last_seen, live->last_action);
	TimestampTz silent = seen + limits.silence;
	bool lost =
		live->status == NECP_SESSION_DISCONNECTED && live->last_action <= live->disconnected_at;
	NecpVerdict verdict = {.lost = lost ? live->disconnected_at : silent};

	if (live->session.expires_at <= now)
		return (NecpVerdict){.status = NECP_SESSION_EXPIRED, .reason = "EXPIRED"};
	if (!lost && silent > now)
		return judge_action(live, now);
	verdict.ends_at = Min(verdict.lost + limits.reconnect, live->session.expires_at);
	verdict.status = NECP_SESSION_DISCONNECTED;
	if (verdict.lost + limits.reconnect <= now)
	{
		verdict.status = NECP_SESSION_EXPIRED;
		verdict.reason = "DISCONNECTED";
	}
	return verdict;
}

NecpVerdict
necp_session_judge(const NecpPresence *live, TimestampTz now)
{
	read_limits();
	return judge(live, now);
}

bool
necp_session_is_away(int64 character_id, int64 seconds)
{
	NecpPresence live = {0};
	NecpVerdict verdict;
	TimestampTz now = necp_now();
	pg_uuid_t id;

	if (necp_run(&of_character, character_id) == 0)
		return true;
	id = necp_uuid(0, 1);
	if (!necp_presence_read(&id, &live))
	{
		live.status = necp_session_status(necp_text(0, 2));
		if (live.status != NECP_SESSION_DISCONNECTED)
			return live.status == NECP_SESSION_AFK;
		live.disconnected_at = necp_timestamp(0, 3);
		live.session.expires_at = necp_timestamp(0, 4);
	}
	else
		live.last_action = necp_session_last_action(&live);
	verdict = necp_session_judge(&live, now);
	if (verdict.status == NECP_SESSION_DISCONNECTED)
		return now - verdict.lost >= seconds * USECS_PER_SEC;
	return verdict.status >= NECP_SESSION_AFK;
}

bool
necp_session_settle(const pg_uuid_t *session)
{
	NecpPresence live;
	NecpVerdict verdict;

	if (!necp_session_take(session, &live))
		return false;
	live.last_action = necp_session_last_action(&live);
	verdict = necp_session_judge(&live, necp_now());
	if (verdict.status < NECP_SESSION_EXPIRED)
		return true;
	necp_session_close(session, verdict.reason);
	return false;
}

/* Transitions -------------------------------------------------------------------------------- */

/* What the sweep writes it would find to do again. */
static void
commit_lazily(void)
{
	(void) set_config_option("synchronous_commit",
							 "off",
							 PGC_USERSET,
							 PGC_S_SESSION,
							 GUC_ACTION_LOCAL,
							 true,
							 0,
							 false);
}

static void
advance(void *arg)
{
	const pg_uuid_t *id = arg;
	TimestampTz now = necp_now();
	NecpPresence live;
	NecpVerdict verdict;

	commit_lazily();
	if (!necp_session_take(id, &live))
	{
		necp_session_ended(id);
		return;
	}
	verdict = necp_session_judge(&live, now);
	if (verdict.status == NECP_SESSION_EXPIRED && live.status != NECP_SESSION_DISCONNECTED &&
		strcmp(verdict.reason, "DISCONNECTED") == 0)
		necp_session_change(&live, NECP_SESSION_DISCONNECTED, verdict.lost);
	if (verdict.status >= NECP_SESSION_EXPIRED)
		necp_session_close(id, verdict.reason);
	else
		necp_session_change(&live, verdict.status, verdict.lost);
}

static void
warn(void *arg)
{
	const NecpPresence *live = arg;

	necp_session_push(live,
					  necp_session_status_name(NECP_SESSION_AFK),
					  "AFK_WARNING",
					  necp_session_judge(live, necp_now()).ends_at);
}

typedef struct Sweep
{
	MemoryContext context;
	TimestampTz now;
	NecpPresence *all;
	int count;
	int changes;
	pg_uuid_t *rows;
	uint64 nrows;
} Sweep;

static void
sweep_one(Sweep *sweep, NecpPresence *live)
{
	NecpVerdict verdict;

	if (live->session.place_id != 0 &&
		sweep->now - live->last_action >= Min(WATCH_US, limits.idle / 2))
		live->last_action = necp_session_last_action(live);
	verdict = judge(live, sweep->now);
	if (verdict.status != live->status)
	{
		sweep->changes++;
		(void) necp_worker_transaction(advance, &live->session.id);
	}
	else if (verdict.status == NECP_SESSION_AFK && live->warned_at != live->last_action &&
			 sweep->now - live->last_action >= limits.warn && necp_worker_transaction(warn, live))
		necp_presence_warned(&live->session.id, live->last_action);
}

/* Memory and rows ---------------------------------------------------------------------------- */

/*
 * A live session that memory does not know, after a crash or because memory was full, starts from
 * now. Its row is locked: who closes it waits, and takes it out of memory again.
 */
static void
adopt(void *arg)
{
	const pg_uuid_t *id = arg;
	uint64 generation = necp_presence_generation(id);
	NecpPresence live;
	NecpVerdict verdict;

	commit_lazily();
	if (!necp_session_take(id, &live))
		return;
	verdict = necp_session_judge(&live, necp_now());
	if (live.status == NECP_SESSION_DISCONNECTED)
		live.disconnected_at = necp_now();
	necp_presence_store(&live, false, generation);
	if (!necp_presence_read(id, &live) && verdict.status >= NECP_SESSION_EXPIRED)
		necp_session_close(id, verdict.reason);
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_LEN);
}

static int
compare_sessions(const void *a, const void *b)
{
	return compare_ids(&((const NecpPresence *) a)->session.id,
					   &((const NecpPresence *) b)->session.id);
}

static void
keep_ids(Sweep *sweep, uint64 rows)
{
	sweep->nrows = rows;
	sweep->rows = MemoryContextAlloc(sweep->context, Max(rows, 1) * sizeof(pg_uuid_t));
	for (uint64 row = 0; row < rows; row++)
		sweep->rows[row] = necp_uuid(row, 1);
}

static void
read_expired(void *arg)
{
	Sweep *sweep = arg;

	keep_ids(sweep, necp_run(&list_expired, TimestampTzGetDatum(sweep->now)));
}

static void
read_live(void *arg)
{
	keep_ids(arg, necp_run0(&list_live));
}

static void
sweep_expired(Sweep *sweep)
{
	if (!necp_worker_transaction(read_expired, sweep))
		return;
	for (uint64 row = 0; row < sweep->nrows; row++)
		(void) necp_worker_transaction(advance, &sweep->rows[row]);
}

static void
compare_with_rows(Sweep *sweep)
{
	if (!necp_worker_transaction(read_live, sweep))
		return;
	qsort(sweep->rows, sweep->nrows, sizeof(pg_uuid_t), compare_ids);
	qsort(sweep->all, (size_t) sweep->count, sizeof(NecpPresence), compare_sessions);
	for (int i = 0; i < sweep->count; i++)
	{
		const NecpPresence *known = &sweep->all[i];

		if (known->since < sweep->now - SETTLED_US &&
			bsearch(&known->session.id, sweep->rows, sweep->nrows, UUID_LEN, compare_ids) == NULL)
			necp_presence_forget(&known->session.id);
	}
	for (uint64 row = 0; row < sweep->nrows; row++)
	{
		NecpPresence key = {.session.id = sweep->rows[row]};

		if (bsearch(&key, sweep->all, (size_t) sweep->count, sizeof(key), compare_sessions) == NULL)
			(void) necp_worker_transaction(adopt, &sweep->rows[row]);
	}
	adopted_at = sweep->now;
}

static void
set_limits(void *unused)
{
	read_limits();
	necp_presence_limit(NECP_LIMIT_IDLE, limits.close);
	necp_presence_limit(NECP_LIMIT_LOST, limits.reconnect);
	necp_presence_limit(NECP_LIMIT_SILENT, limits.silence + limits.reconnect);
}

static void
sweep_sessions(void)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "necp sessions", ALLOCSET_DEFAULT_SIZES);
	Sweep sweep = {.context = context, .now = necp_now()};

	sweep.all = MemoryContextAllocHuge(context, (Size) necp_max_sessions * sizeof(NecpPresence));
	if (necp_worker_transaction(set_limits, NULL))
	{
		sweep_expired(&sweep);
		sweep.count = necp_presence_copy(sweep.all);
		if (sweep.now < adopted_at || sweep.now - adopted_at > ADOPT_US)
			compare_with_rows(&sweep);
		for (int i = 0; i < sweep.count && sweep.changes < MOST_CHANGES; i++)
			sweep_one(&sweep, &sweep.all[i]);
	}
	MemoryContextDelete(context);
}

static void
purge(void *arg)
{
	necp_run(&purge_closed, TimestampTzGetDatum(necp_now() - limit_us("session.keep_s")));
}

void
necp_session_work_init(void)
{
	necp_schedule_steps("session_sweep", SWEEP_S, sweep_sessions);
	necp_schedule("session_purge", PURGE_S, purge);
}

/* presence(): what live.online_sessions shows. Reads no table and takes no lock of one. */
PG_FUNCTION_INFO_V1(necp_presence);
Datum
necp_presence(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	NecpPresence *all =
		MemoryContextAllocHuge(CurrentMemoryContext, (Size) necp_max_sessions * sizeof(*all));
	int count = necp_presence_copy(all);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		const NecpPresence *live = &all[i];
		Datum values[7] = {Int64GetDatum(live->session.account_id),
						   Int64GetDatum(live->session.character_id),
						   Int64GetDatum(live->session.place_id),
						   necp_cstring_datum(necp_session_status_name(live->status)),
						   TimestampTzGetDatum(live->last_action),
						   TimestampTzGetDatum(live->last_seen),
						   necp_cstring_datum(live->node)};
		bool nulls[7] = {[1] = live->session.character_id == 0,
						 [2] = live->session.place_id == 0,
						 [6] = live->node[0] == '\0'};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
