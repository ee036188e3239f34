/* SPDX-License-Identifier: PostgreSQL
 *
 * The log of blows (DOMAIN §8). A blow changes memory only, so it goes to a ring in shared memory
 * first, from where the world worker writes batches of rows; where the ring is full it is counted as
 * lost. When a combat has ended, and its blows are written, one event tells what everybody dealt.
 *
 * A spinlock guards the ring for as long as one record is copied. Only the worker takes records out,
 * and only when its transaction has committed.
 */
#include "postgres.h"

#include "gameplay/combat.h"

#include "catalog/pg_type_d.h"
#include "funcapi.h"
#include "storage/spin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/shmem.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define RING 16384 /* a power of two */
#define BATCH 4096
#define WRITE_MS 1000
#define SETTLED_US (3 * USECS_PER_SEC) /* after its end the last blows of a combat are written */
#define TOLD_AT_ONCE 50

typedef struct Record
{
	TimestampTz at;
	int64 combat_id, actor_id, target_id;
	int32 amount;
	char part[16];
	bool crit, killed;
} Record;

typedef struct Ring
{
	slock_t lock;
	uint64 head, tail; /* written, taken out */
	uint64 lost;
	Record records[RING];
} Ring;

static Ring *ring;

static Size
ring_size(void)
{
	return sizeof(Ring);
}

static void
ring_start(void *piece, LWLockPadded *locks)
{
	SpinLockInit(&((Ring *) piece)->lock);
}

static NecpShmemPart ring_part = {
	.name = "necpgame_blows",
	.size = ring_size,
	.init = ring_start,
	.piece = (void **) &ring,
};

static NecpPlan write_blows = NECP_PLAN(
	"INSERT INTO game.damage_logs (combat_id, struck_at, actor_id, target_id, amount, part, crit, killed)"
	" SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)",
	INT8ARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, TEXTARRAYOID,
	BOOLARRAYOID, BOOLARRAYOID);

static NecpPlan untold = NECP_PLAN("UPDATE game.combat_sessions SET told = true WHERE id IN"
								   " (SELECT id FROM game.combat_sessions WHERE NOT told"
								   " AND ended_at <= $1 ORDER BY ended_at LIMIT $2"
								   " FOR NO KEY UPDATE SKIP LOCKED) RETURNING id",
								   TIMESTAMPTZOID, INT4OID);

static NecpPlan sum_up = NECP_PLAN(
	"SELECT coalesce(json_agg(json_build_object('actor', actor_id, 'damage', damage, 'hits', hits,"
	" 'kills', kills) ORDER BY damage DESC, actor_id)::text, '[]'), count(*) FROM (SELECT actor_id,"
	" sum(amount) AS damage, count(*) AS hits, count(*) FILTER (WHERE killed) AS kills"
	" FROM game.damage_logs WHERE combat_id = $1 GROUP BY actor_id LIMIT 100) by_actor",
	INT8OID);

static NecpPlan took_part = NECP_PLAN(
	"SELECT EXISTS (SELECT FROM game.combat_participants p WHERE p.combat_id = s.id AND p.entity_id = $2)"
	" FROM game.combat_sessions s WHERE s.id = $1",
	INT8OID, INT8OID);

static NecpPlan list_blows = NECP_PLAN(
	"SELECT to_json(ROW(id, struck_at, actor_id, target_id, part, amount, crit, killed)::necp.blow_view),"
	" id FROM game.damage_logs WHERE combat_id = $1 AND id > $2 ORDER BY id LIMIT $3",
	INT8OID, INT8OID, INT8OID);

static NecpPlan forget_old =
	NECP_PLAN("DELETE FROM game.damage_logs WHERE id IN (SELECT id FROM game.damage_logs"
			  " WHERE struck_at < $1 ORDER BY struck_at LIMIT 10000 FOR UPDATE SKIP LOCKED)",
			  TIMESTAMPTZOID);

/* Collecting ----------------------------------------------------------------------------------- */

static void
add_record(const NecpBlowTold *blow, TimestampTz at)
{
	SpinLockAcquire(&ring->lock);
	if (ring->head - ring->tail < RING)
	{
		Record *record = &ring->records[ring->head % RING];

		record->at = at;
		record->combat_id = blow->combat_id;
		record->actor_id = blow->actor_id;
		record->target_id = blow->target_id;
		record->amount = blow->amount;
		strlcpy(record->part, blow->part, sizeof(record->part));
		record->crit = blow->crit;
		record->killed = blow->killed;
		ring->head++;
	}
	else
		ring->lost++;
	SpinLockRelease(&ring->lock);
}

static void
finish_blow(bool committed, void *arg)
{
	if (committed)
		add_record(arg, necp_now());
}

void
necp_combat_log(const NecpBlowTold *blow)
{
	NecpBlowTold *copy = MemoryContextAlloc(TopTransactionContext, sizeof(NecpBlowTold));

	*copy = *blow;
	necp_at_xact_end(finish_blow, copy);
}

void
necp_combat_log_now(const NecpBlowTold *blow)
{
	add_record(blow, necp_now());
}

/* Writing -------------------------------------------------------------------------------------- */

/* A batch as columns. */
typedef struct Batch
{
	int n;
	Datum combats[BATCH], times[BATCH], actors[BATCH], targets[BATCH];
	Datum amounts[BATCH], parts[BATCH], crits[BATCH], kills[BATCH];
} Batch;

static void
read_batch(Batch *batch)
{
	uint64 head;

	SpinLockAcquire(&ring->lock);
	head = ring->head;
	SpinLockRelease(&ring->lock);
	/* what lies between is only ever taken out here */
	for (uint64 i = ring->tail; i < head && batch->n < BATCH; i++)
	{
		const Record *record = &ring->records[i % RING];
		int n = batch->n++;

		batch->combats[n] = Int64GetDatum(record->combat_id);
		batch->times[n] = TimestampTzGetDatum(record->at);
		batch->actors[n] = Int64GetDatum(record->actor_id);
		batch->targets[n] = Int64GetDatum(record->target_id);
		batch->amounts[n] = Int32GetDatum(record->amount);
		batch->parts[n] = CStringGetTextDatum(record->part);
		batch->crits[n] = BoolGetDatum(record->crit);
		batch->kills[n] = BoolGetDatum(record->killed);
	}
}

static Datum
array_of(Datum *values, int n, Oid type)
{
	int16 len;
	bool by_value;
	char align;

	get_typlenbyvalalign(type, &len, &by_value, &align);
	return PointerGetDatum(construct_array(values, n, type, len, by_value, align));
}

static void
write_batch(const Batch *batch)
{
	int n = batch->n;

	necp_run(&write_blows,
			 array_of((Datum *) batch->combats, n, INT8OID),
			 array_of((Datum *) batch->times, n, TIMESTAMPTZOID),
			 array_of((Datum *) batch->actors, n, INT8OID),
			 array_of((Datum *) batch->targets, n, INT8OID),
			 array_of((Datum *) batch->amounts, n, INT4OID),
			 array_of((Datum *) batch->parts, n, TEXTOID),
			 array_of((Datum *) batch->crits, n, BOOLOID),
			 array_of((Datum *) batch->kills, n, BOOLOID));
}

static void
finish_batch(bool committed, void *arg)
{
	if (!committed)
		return;
	SpinLockAcquire(&ring->lock);
	ring->tail += (uint64) * (int *) arg;
	SpinLockRelease(&ring->lock);
}

static void
tell_of(int64 combat_id)
{
	NecpJson json;

	necp_run(&sum_up, combat_id);
	if (necp_int8(0, 2) == 0)
		return;
	necp_json_open(&json);
	necp_json_int(&json, "combat_id", combat_id);
	necp_json_raw(&json, "dealt", necp_text(0, 1));
	necp_event_emit(&(NecpEvent){.type = "DAMAGE_DEALT",
								 .aggregate_type = "COMBAT",
								 .aggregate_id = combat_id,
								 .data = necp_json_close(&json)});
}

static void
write_log(void *unused)
{
	Batch *batch = palloc(sizeof(Batch));
	NecpRows ended;

	(void) set_config_option("synchronous_commit",
							 "off",
							 PGC_USERSET,
							 PGC_S_SESSION,
							 GUC_ACTION_LOCAL,
							 true,
							 0,
							 false);
	batch->n = 0;
	read_batch(batch);
	if (batch->n > 0)
	{
		int *taken = MemoryContextAlloc(TopTransactionContext, sizeof(int));

		*taken = batch->n;
		write_batch(batch);
		necp_at_xact_end(finish_batch, taken);
	}
	if (batch->n == BATCH)
		return; /* there is more: combats may not be written to their end */
	ended = necp_fetch(&untold,
					   TimestampTzGetDatum(necp_now() - SETTLED_US),
					   Int32GetDatum(TOLD_AT_ONCE));
	for (uint64 row = 0; row < ended.count; row++)
		tell_of(necp_row_int8(&ended, row, 1));
}

static void
write_now(TimestampTz now)
{
	(void) necp_worker_transaction(write_log, NULL);
}

static const NecpWorldJob writing = {
	.name = "damage_log",
	.period_ms = WRITE_MS,
	.step = write_now,
	.shed = true,
};

static void
purge(void *unused)
{
	necp_run(&forget_old,
			 TimestampTzGetDatum(necp_now() - necp_config_int("combat.log_days") * USECS_PER_DAY));
}

/* Reading -------------------------------------------------------------------------------------- */

/* combat_log(combat_id bigint, "limit" integer, cursor bigint) → blows, for who is or was in it. */
NECP_FUNCTION(necp_combat_log_list)
{
	int64 combat_id = necp_arg_id(fcinfo, 0, "combat_id");
	int32 limit = necp_arg_limit(fcinfo, 1);
	int64 after = PG_ARGISNULL(2) ? 0 : necp_arg_int(fcinfo, 2, "cursor", 0, NECP_MAX_ID);

	if (necp_run(&took_part, combat_id, necp_character()) == 0)
		necp_fail(NOT_FOUND, "combat_id", "combat " INT64_FORMAT " not found", combat_id);
	if (!necp_bool(0, 1))
		necp_fail(NOT_PARTICIPANT, "combat_id", "you were not in combat " INT64_FORMAT, combat_id);
	return necp_list(&list_blows, limit, combat_id, after, Int64GetDatum(limit + 1));
}

/* live_damage_log(): how the ring fares. */
PG_FUNCTION_INFO_V1(necp_live_damage_log);
Datum
necp_live_damage_log(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool nulls[3] = {false};
	Datum values[3];

	InitMaterializedSRF(fcinfo, 0);
	SpinLockAcquire(&ring->lock);
	values[0] = Int64GetDatum((int64) ring->head);
	values[1] = Int64GetDatum((int64) (ring->head - ring->tail));
	values[2] = Int64GetDatum((int64) ring->lost);
	SpinLockRelease(&ring->lock);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

void
necp_combat_log_init(void)
{
	necp_shmem_register(&ring_part);
	necp_world_job(&writing);
	necp_schedule("damage_log_purge", 60, purge);
}
