/* SPDX-License-Identifier: PostgreSQL
 *
 * What the world worker does for combat: ends fights that have gone cold or on for too long, and
 * those whose memory was lost in a crash (DOMAIN §8). Also the view of a combat, which joins rows
 * with memory.
 */
#include "postgres.h"

#include "gameplay/combat.h"
#include "world/world.h"

#include "catalog/pg_type_d.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "kernel/clock.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define EXPIRE_MS 1000
#define COLD_US (30 * USECS_PER_SEC)
#define LONGEST_US (2 * USECS_PER_HOUR)

static NecpPlan overdue =
	NECP_PLAN("SELECT id, place_id FROM game.combat_sessions WHERE status = 'ACTIVE'"
			  " AND (started_at < $3 OR (started_at < $2 AND id <> ALL ($1)))"
			  " ORDER BY started_at LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED",
			  INT8ARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID);

static NecpPlan participants =
	NECP_PLAN("SELECT entity_id FROM game.combat_participants WHERE combat_id = $1", INT8OID);

static NecpPlan show_combat = NECP_PLAN(
	"SELECT to_json(ROW(s.id, s.kind, s.status, s.place_id, s.started_at, s.ended_at,"
	" ARRAY(SELECT ROW(p.entity_id, l.name, p.side, l.hp, l.max_hp, p.left_at IS NULL)::necp.combatant_view"
	" FROM game.combat_participants p"
	" LEFT JOIN unnest($2, $3, $4, $5) AS l (id, name, hp, max_hp) ON l.id = p.entity_id"
	" WHERE p.combat_id = s.id ORDER BY p.side, p.entity_id DESC))::necp.combat_view)"
	" FROM game.combat_sessions s WHERE s.id = $1",
	INT8OID, INT8ARRAYOID, TEXTARRAYOID, INT4ARRAYOID, INT4ARRAYOID);

static Datum
text_array(Datum *values, int n)
{
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}

Datum
necp_combat_view(int64 combat_id)
{
	int n = (int) necp_run(&participants, combat_id);
	Datum *ids = palloc(n * sizeof(Datum));
	Datum *names = palloc(n * sizeof(Datum));
	Datum *hp = palloc(n * sizeof(Datum));
	Datum *max_hp = palloc(n * sizeof(Datum));
	int here = 0;

	for (int i = 0; i < n; i++)
	{
		NecpEntity entity;

		if (!necp_world_read(necp_int8(i, 1), &entity))
			continue;
		ids[here] = Int64GetDatum(entity.state.id);
		names[here] = CStringGetTextDatum(entity.name);
		hp[here] = Int32GetDatum(entity.state.hp);
		max_hp[here] = Int32GetDatum(entity.state.max_hp);
		here++;
	}
	return necp_answer(&show_combat,
					   "combat",
					   combat_id,
					   necp_int8_array(ids, here),
					   text_array(names, here),
					   necp_int4_array(hp, here),
					   necp_int4_array(max_hp, here));
}

/* Combats in which somebody acted since then; only where players are can anybody act. */
static Datum
warm_combats(TimestampTz since)
{
	NecpPlace *places;
	int nplaces = necp_world_places(&places);
	ArrayBuildState *ids = initArrayResult(INT8OID, CurrentMemoryContext, false);

	for (int i = 0; i < nplaces; i++)
	{
		NecpEntity *characters;
		int n = places[i].players == 0
					? 0
					: necp_world_list(places[i].id, NECP_ENTITY_CHARACTER, &characters);

		for (int k = 0; k < n; k++)
			if (characters[k].combat_id != 0 && characters[k].acted_at >= since)
				ids = accumArrayResult(ids,
									   Int64GetDatum(characters[k].combat_id),
									   false,
									   INT8OID,
									   CurrentMemoryContext);
	}
	return makeArrayResult(ids, CurrentMemoryContext);
}

typedef struct Overdue
{
	int64 combat_id;
	int64 place_id;
} Overdue;

static void
expire(void *unused)
{
	TimestampTz now = necp_now();
	uint64 rows = necp_run(&overdue,
						   warm_combats(now - COLD_US),
						   TimestampTzGetDatum(now - COLD_US),
						   TimestampTzGetDatum(now - LONGEST_US));
	Overdue *ended = palloc(rows * sizeof(Overdue));

	for (uint64 row = 0; row < rows; row++)
		ended[row] = (Overdue){necp_int8(row, 1), necp_int8(row, 2)};
	for (uint64 row = 0; row < rows; row++)
		necp_combat_end(ended[row].combat_id, ended[row].place_id, "ABORTED");
}

static void
expire_now(TimestampTz now)
{
	(void) necp_worker_transaction(expire, NULL);
}

static const NecpWorldJob expiring = {
	.name = "combats",
	.period_ms = EXPIRE_MS,
	.step = expire_now,
};

/* combat_expire(): ends at once what is overdue, for tests and operators. */
NECP_FUNCTION(necp_combat_expire)
{
	expire(NULL);
	PG_RETURN_VOID();
}

void
necp_combat_work_init(void)
{
	necp_world_job(&expiring);
}
