/* SPDX-License-Identifier: PostgreSQL
 *
 * What the world worker does for NPCs: brings them to life from their rows, walks their patrols,
 * respawns the dead (DOMAIN §8). Patrols are known to the worker alone; in places without players
 * nobody walks.
 */
#include "postgres.h"

#include "gameplay/npc.h"

#include <math.h>

#include "utils/array.h"
#include "utils/memutils.h"

#include "kernel/clock.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define RESPAWN_MS 1000
#define LONGEST_STEP_US 200000 /* after a pause, a patrol does not leap */

/* The columns that read_npc() reads. */
#define NPC_COLUMNS                                                                                \
	"i.id, i.life_id, i.status = 'DEAD', s.zone_id, t.id, t.name, t.level, t.armor,"               \
	" floor(t.max_hp * (1 + 0.1 * t.level))::int, s.x::float8, s.y::float8, s.z::float8,"          \
	" s.yaw::float8, t.walk_speed::float8, s.waypoints"

#define NPC_JOIN                                                                                   \
	" JOIN game.npc_templates t ON t.id = s.template_id"                                           \
	" JOIN game.zones z ON z.id = s.zone_id AND z.status = 'ONLINE'"

static NecpPlan make_instances = NECP_PLAN0(
	"INSERT INTO game.npc_instances (spawn_id) SELECT s.id FROM game.npc_spawns s WHERE s.enabled"
	" AND NOT EXISTS (SELECT FROM game.npc_instances i WHERE i.spawn_id = s.id) ORDER BY s.id"
	" ON CONFLICT DO NOTHING");

static NecpPlan all_npcs =
	NECP_PLAN0("SELECT " NPC_COLUMNS
			   " FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id" NPC_JOIN
			   " WHERE s.enabled ORDER BY i.id");

static NecpPlan disabled_npcs =
	NECP_PLAN0("SELECT i.id FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id"
			   " WHERE NOT s.enabled");

static NecpPlan respawn_due = NECP_PLAN(
	"UPDATE game.npc_instances i SET status = 'ALIVE', life_id = i.life_id + 1, died_at = NULL,"
	" respawn_at = NULL FROM game.npc_spawns s" NPC_JOIN
	" WHERE i.status = 'DEAD' AND i.respawn_at <= $1 AND s.id = i.spawn_id AND s.enabled"
	" RETURNING " NPC_COLUMNS,
	TIMESTAMPTZOID);

/* A walk from point to point, round and round. */
typedef struct Patrol
{
	int64 npc_id;
	int64 place_id;
	float speed;
	int npoints;
	int next;
	float *points; /* x, y, z each */
} Patrol;

static MemoryContext patrol_context;
static Patrol *patrols; /* by place */
static int npatrols;
static TimestampTz walked_at;

/* Loading -------------------------------------------------------------------------------------- */

static void
read_npc(uint64 row, NecpEntity *npc)
{
	bool dead = necp_bool(row, 3);

	memset(npc, 0, sizeof(*npc));
	npc->state.id = -necp_int8(row, 1);
	npc->state.kind = NECP_ENTITY_NPC;
	npc->state.activity = dead ? NECP_ACTIVITY_DEAD : NECP_ACTIVITY_IDLE;
	npc->life_id = necp_int8(row, 2);
	npc->place_id = necp_int8(row, 4);
	npc->template_id = necp_int8(row, 5);
	necp_world_name(npc, necp_text(row, 6));
	npc->level = necp_int4(row, 7);
	npc->armor = necp_int4(row, 8);
	npc->state.max_hp = necp_int4(row, 9);
	npc->state.hp = dead ? 0 : npc->state.max_hp;
	npc->state.x = (float) necp_float8(row, 10);
	npc->state.y = (float) necp_float8(row, 11);
	npc->state.z = (float) necp_float8(row, 12);
	npc->state.yaw = (float) necp_float8(row, 13);
}

/* One that is there in the same life stays as it is: content may load while it fights. */
static void
bring_to_life(const NecpEntity *npc)
{
	NecpEntity there;

	if (necp_world_read(npc->state.id, &there) && there.life_id == npc->life_id &&
		there.place_id == npc->place_id)
		return;
	if (necp_world_spawn(npc) == NECP_ENTRY_NO_MEMORY)
		elog(WARNING,
			 "no room for NPC " INT64_FORMAT ": raise necpgame.max_entities",
			 -npc->state.id);
}

static void
read_patrol(uint64 row, Patrol *patrol)
{
	bool isnull;
	ArrayType *array = DatumGetArrayTypeP(necp_datum(row, 15, &isnull));
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	patrol->npc_id = necp_int8(row, 1);
	patrol->place_id = necp_int8(row, 4);
	patrol->speed = (float) necp_float8(row, 14);
	patrol->npoints = n / 3;
	patrol->next = 0;
	patrol->points = MemoryContextAlloc(patrol_context, n * sizeof(float));
	memcpy(patrol->points,
		   ARR_DATA_PTR(array),
		   n * sizeof(float)); /* no nulls: real[] of content */
}

static bool
has_patrol(uint64 row)
{
	bool isnull;
	ArrayType *array = DatumGetArrayTypeP(necp_datum(row, 15, &isnull));

	return !ARR_HASNULL(array) && necp_float8(row, 14) > 0 &&
		   ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) >= 3;
}

static int
by_place(const void *a, const void *b)
{
	const Patrol *first = a;
	const Patrol *second = b;

	return first->place_id < second->place_id ? -1 : first->place_id > second->place_id;
}

static void
load_patrols(uint64 rows)
{
	if (patrol_context == NULL)
		patrol_context =
			AllocSetContextCreate(TopMemoryContext, "necp patrols", ALLOCSET_DEFAULT_SIZES);
	npatrols = 0;
	MemoryContextReset(patrol_context);
	patrols = MemoryContextAlloc(patrol_context, Max(rows, 1) * sizeof(Patrol));
	for (uint64 row = 0; row < rows; row++)
		if (has_patrol(row))
			read_patrol(row, &patrols[npatrols++]);
	qsort(patrols, npatrols, sizeof(Patrol), by_place);
}

static void
load_npcs(void *unused)
{
	uint64 rows;

	necp_run0(&make_instances);
	rows = necp_run0(&disabled_npcs);
	for (uint64 row = 0; row < rows; row++)
		necp_world_despawn(-necp_int8(row, 1));
	rows = necp_run0(&all_npcs);
	for (uint64 row = 0; row < rows; row++)
	{
		NecpEntity npc;

		read_npc(row, &npc);
		bring_to_life(&npc);
	}
	load_patrols(rows);
}

/* Walking -------------------------------------------------------------------------------------- */

/* One step towards the next point; at it, the one after is next. */
static void
walk(Patrol *patrol, const NecpEntity *npc, float seconds, NecpMotion *motion)
{
	const float *to = &patrol->points[3 * patrol->next];
	float dx = to[0] - npc->state.x;
	float dy = to[1] - npc->state.y;
	float dz = to[2] - npc->state.z;
	float distance = sqrtf(dx * dx + dy * dy + dz * dz);
	float part = distance > 0 ? Min(patrol->speed * seconds / distance, 1.0f) : 1.0f;

	motion->entity_id = npc->state.id;
	motion->x = npc->state.x + dx * part;
	motion->y = npc->state.y + dy * part;
	motion->z = npc->state.z + dz * part;
	motion->yaw = dx != 0 || dy != 0 ? atan2f(dy, dx) : npc->state.yaw;
	motion->vx = distance > 0 ? patrol->speed * dx / distance : 0;
	motion->vy = distance > 0 ? patrol->speed * dy / distance : 0;
	if (part >= 1.0f)
		patrol->next = (patrol->next + 1) % patrol->npoints;
}

/* The patrols [first, last) of one place. */
static void
walk_place(Patrol *first, Patrol *last, float seconds)
{
	NecpMotion *motions = palloc((last - first) * sizeof(NecpMotion));
	NecpPlace place;
	int n = 0;

	if (!necp_world_place(first->place_id, &place) || place.players == 0)
		return;
	for (Patrol *patrol = first; patrol < last; patrol++)
	{
		NecpEntity npc;

		if (necp_world_read(-patrol->npc_id, &npc) && npc.state.activity <= NECP_ACTIVITY_MOVING)
			walk(patrol, &npc, seconds, &motions[n++]);
	}
	if (n > 0)
		necp_world_steer(first->place_id, motions, n);
}

static void
walk_patrols(TimestampTz now)
{
	float seconds = (float) Min(Max(now - walked_at, 0), LONGEST_STEP_US) / (float) USECS_PER_SEC;
	Patrol *end = patrols + npatrols;
	Patrol *last;

	walked_at = now;
	for (Patrol *first = patrols; first < end; first = last)
	{
		for (last = first; last < end && last->place_id == first->place_id; last++)
			;
		walk_place(first, last, seconds);
	}
}

static const NecpWorldJob living = {
	.name = "npcs",
	.load = load_npcs,
	.step = walk_patrols,
};

/* Coming back ---------------------------------------------------------------------------------- */

/* New lives that wait for their transaction. */
typedef struct Births
{
	uint64 n;
	NecpEntity npcs[FLEXIBLE_ARRAY_MEMBER];
} Births;

static void
finish_births(bool committed, void *arg)
{
	Births *births = arg;

	for (uint64 i = 0; committed && i < births->n; i++)
		(void) necp_world_spawn(&births->npcs[i]);
}

static void
respawn(void *unused)
{
	uint64 rows = necp_run(&respawn_due, TimestampTzGetDatum(necp_now()));
	Births *births;

	if (rows == 0)
		return;
	births = MemoryContextAlloc(TopTransactionContext,
								offsetof(Births, npcs) + rows * sizeof(NecpEntity));
	births->n = rows;
	for (uint64 row = 0; row < rows; row++)
		read_npc(row, &births->npcs[row]);
	necp_at_xact_end(finish_births, births);
}

static void
respawn_now(TimestampTz now)
{
	(void) necp_worker_transaction(respawn, NULL);
}

static const NecpWorldJob respawning = {
	.name = "respawns",
	.period_ms = RESPAWN_MS,
	.step = respawn_now,
};

/* npc_respawn() → void: respawns at once who is due, for tests and operators. */
NECP_FUNCTION(necp_npc_respawn)
{
	respawn(NULL);
	PG_RETURN_VOID();
}

void
necp_npc_work_init(void)
{
	necp_world_job(&living);
	necp_world_job(&respawning);
}
