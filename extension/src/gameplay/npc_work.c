/* SPDX-License-Identifier: PostgreSQL
 *
 * What the world worker does for NPCs: brings them to life from their rows and respawns the dead
 * (DOMAIN §8). What they do while they live is in npc_ai.c.
 */
#include "postgres.h"

#include "gameplay/npc.h"

#include "utils/memutils.h"

#include "kernel/clock.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define RESPAWN_MS 1000

/* The columns that read_npc() reads. */
#define NPC_COLUMNS                                                                                \
	"i.id, i.life_id, i.status = 'DEAD', s.zone_id, t.id, t.name, t.level, t.armor,"               \
	" floor(t.max_hp * (1 + 0.1 * t.level))::int, s.x::float8, s.y::float8, s.z::float8,"          \
	" s.yaw::float8, t.tier::int, t.reflexes"

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
	npc->tier = (uint8) necp_int4(row, 14);
	npc->reflexes = necp_int4(row, 15);
	npc->mind = dead ? NECP_MIND_DEAD : NECP_MIND_IDLE;
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
}

static const NecpWorldJob living = {
	.name = "npcs",
	.load = load_npcs,
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
	necp_npc_ai_init();
}
