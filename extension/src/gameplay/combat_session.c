/* SPDX-License-Identifier: PostgreSQL
 *
 * Fights as rows (DOMAIN §8): who fights in which, from when until when. One entity fights in one
 * combat at a time (combat_participants_active_key), and a combat goes on as long as both sides do.
 *
 * Lock order: the NPC's row, the combat's row, its participants, characters. The world worker, who
 * must not wait, takes the same locks only where they are free (necp_combat_provoke, _withdraw).
 */
#include "postgres.h"

#include "gameplay/combat.h"
#include "gameplay/npc.h"
#include "world/world.h"
#include "world/zone.h"

#include "character/character.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/push.h"
#include "kernel/spi.h"

static NecpPlan combat_of = NECP_PLAN(
	"SELECT combat_id FROM game.combat_participants WHERE entity_id = $1 AND left_at IS NULL",
	INT8OID);

static NecpPlan lock_combat = NECP_PLAN(
	"SELECT place_id FROM game.combat_sessions WHERE id = $1 AND status = 'ACTIVE' FOR NO KEY UPDATE",
	INT8OID);

static NecpPlan insert_combat = NECP_PLAN(
	"INSERT INTO game.combat_sessions (kind, place_id, started_at) VALUES ($1, $2, $3) RETURNING id",
	TEXTOID, INT8OID, TIMESTAMPTZOID);

static NecpPlan join_combat = NECP_PLAN(
	"INSERT INTO game.combat_participants (combat_id, entity_id, side, joined_at) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (combat_id, entity_id) DO UPDATE SET left_at = NULL",
	INT8OID, INT8OID, INT4OID, TIMESTAMPTZOID);

static NecpPlan leave_combat =
	NECP_PLAN("UPDATE game.combat_participants SET left_at = $3"
			  " WHERE combat_id = $1 AND entity_id = $2 AND left_at IS NULL",
			  INT8OID, INT8OID, TIMESTAMPTZOID);

static NecpPlan count_side = NECP_PLAN(
	"SELECT count(*) FROM game.combat_participants WHERE combat_id = $1 AND side = $2 AND left_at IS NULL",
	INT8OID, INT4OID);

static NecpPlan end_session =
	NECP_PLAN("UPDATE game.combat_sessions SET status = $2, ended_at = $3 WHERE id = $1", INT8OID,
			  TEXTOID, TIMESTAMPTZOID);

static NecpPlan release_all = NECP_PLAN(
	"UPDATE game.combat_participants SET left_at = $2 WHERE combat_id = $1 AND left_at IS NULL"
	" RETURNING entity_id",
	INT8OID, TIMESTAMPTZOID);

/* Ascending, as everybody locks characters. */
static NecpPlan calm_characters = NECP_PLAN(
	"UPDATE game.characters c SET status = 'ACTIVE' FROM (SELECT id FROM game.characters"
	" WHERE id = ANY ($1) AND status = 'IN_COMBAT' ORDER BY id FOR NO KEY UPDATE) l WHERE c.id = l.id",
	INT8ARRAYOID);

static NecpPlan rouse_character = NECP_PLAN("UPDATE game.characters SET status = 'IN_COMBAT'"
											" WHERE id = $1 AND status IN ('ACTIVE', 'AFK')",
											INT8OID);

/* Messages ------------------------------------------------------------------------------------- */

void
necp_combat_push(int64 character_id, const char *type, const char *data)
{
	necp_push(psprintf("/topic/character/" INT64_FORMAT "/combat", character_id), type, 0, data);
}

char *
necp_combat_data(int64 combat_id, const char *status)
{
	NecpJson json;

	necp_json_open(&json);
	necp_json_int(&json, "combat_id", combat_id);
	necp_json_text(&json, "status", status);
	return necp_json_close(&json);
}

void
necp_combat_push_blow(int64 character_id, const NecpBlowTold *blow)
{
	NecpJson json;

	necp_json_open(&json);
	necp_json_int(&json, "combat_id", blow->combat_id);
	necp_json_text(&json, "kind", blow->killed ? "KILL" : "HIT");
	necp_json_int(&json, "actor", blow->actor_id);
	necp_json_int(&json, "target", blow->target_id);
	necp_json_text(&json, "part", blow->part);
	necp_json_int(&json, "amount", blow->amount);
	necp_json_bool(&json, "crit", blow->crit);
	necp_json_int(&json, "hp", blow->killed ? 0 : blow->hp);
	necp_combat_push(character_id, "ATTACK", necp_json_close(&json));
}

static void
emit_combat(const char *type, int64 combat_id, const char *data)
{
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "COMBAT",
								 .aggregate_id = combat_id,
								 .data = data});
}

/* Beginning ------------------------------------------------------------------------------------ */

int64
necp_combat_of(int64 entity_id)
{
	return necp_run(&combat_of, entity_id) == 0 ? 0 : necp_int8(0, 1);
}

static const char *
kind_of(const NecpEntity *npc)
{
	if (npc->tier < NECP_BOSS_TIER)
		return "PVE";
	return npc->place_id < 0 ? "RAID_BOSS" : "WORLD_BOSS";
}

static int64
open_combat(const NecpEntity *npc)
{
	int64 combat_id;

	necp_run(&insert_combat,
			 necp_cstring_datum(kind_of(npc)),
			 npc->place_id,
			 TimestampTzGetDatum(necp_now()));
	combat_id = necp_int8(0, 1);
	emit_combat("COMBAT_STARTED", combat_id, necp_combat_data(combat_id, "ACTIVE"));
	return combat_id;
}

bool
necp_combat_lock(int64 combat_id)
{
	return necp_run(&lock_combat, combat_id) > 0;
}

int64
necp_combat_choose(const NecpEntity *self, const NecpEntity *npc)
{
	int64 mine = necp_combat_of(self->state.id);
	int64 theirs = necp_combat_of(npc->state.id);
	int64 combat_id = mine != 0 ? mine : theirs;

	if (mine != 0 && theirs != 0 && mine != theirs)
		necp_fail(IN_COMBAT, "npc_id", "it is in another fight, and so are you");
	if (combat_id != 0 && necp_combat_lock(combat_id))
		return combat_id;
	return open_combat(npc);
}

/* The character's row comes first: who holds it is the one who may write that it fights. */
void
necp_combat_join(int64 combat_id, int64 entity_id, int32 side)
{
	if (side == NECP_SIDE_CHARACTERS)
		necp_run(&rouse_character, entity_id);
	necp_run(&join_combat,
			 combat_id,
			 entity_id,
			 Int32GetDatum(side),
			 TimestampTzGetDatum(necp_now()));
}

/* Ending --------------------------------------------------------------------------------------- */

void
necp_combat_end(int64 combat_id, int64 place_id, const char *status)
{
	Datum now = TimestampTzGetDatum(necp_now());
	char *data = necp_combat_data(combat_id, status);
	NecpRows released;
	Datum *characters;
	int n = 0;

	necp_run(&end_session, combat_id, necp_cstring_datum(status), now);
	released = necp_rows(necp_run(&release_all, combat_id, now));
	characters = palloc(released.count * sizeof(Datum));
	for (uint64 row = 0; row < released.count; row++)
		if (necp_row_int8(&released, row, 1) > 0)
			characters[n++] = Int64GetDatum(necp_row_int8(&released, row, 1));
	for (int i = 0; i < n; i++)
		necp_combat_push(DatumGetInt64(characters[i]), "COMBAT_ENDED", data);
	necp_run(&calm_characters, necp_int8_array(characters, n));
	necp_world_disengage(place_id, combat_id);
	emit_combat("COMBAT_ENDED", combat_id, data);
}

bool
necp_combat_drop_out(int64 combat_id, int64 place_id, int64 entity_id, int32 side,
					 const char *status)
{
	necp_run(&leave_combat, combat_id, entity_id, TimestampTzGetDatum(necp_now()));
	if (side == NECP_SIDE_CHARACTERS)
		necp_run(&calm_characters, necp_int8_array((Datum[]){Int64GetDatum(entity_id)}, 1));
	necp_run(&count_side, combat_id, Int32GetDatum(side));
	if (necp_int8(0, 1) > 0)
		return false;
	necp_combat_end(combat_id, place_id, status);
	return true;
}

/* ZONE_CHANGED: who leaves the place leaves the fight. */
static void
zone_changed(const NecpEvent *event)
{
	const NecpZoneChange *change = event->detail;
	int64 combat_id = necp_combat_of(change->character_id);

	if (combat_id != 0 && necp_run(&lock_combat, combat_id) > 0 &&
		necp_combat_drop_out(combat_id,
							 change->from_place_id,
							 change->character_id,
							 NECP_SIDE_CHARACTERS,
							 "FLED"))
		necp_combat_push(change->character_id, "COMBAT_ENDED", necp_combat_data(combat_id, "FLED"));
}

/* PLAYER_DIED: who falls is out of the fight, which is lost where nobody is left. */
static void
character_dies(const NecpEvent *event)
{
	int64 character_id = event->character_id;
	int64 combat_id = necp_combat_of(character_id);

	if (combat_id != 0 && necp_run(&lock_combat, combat_id) > 0)
		necp_combat_drop_out(combat_id,
							 necp_int8(0, 1),
							 character_id,
							 NECP_SIDE_CHARACTERS,
							 "COMPLETED");
	necp_combat_push(character_id, "PLAYER_DIED", event->data);
}

static void
character_returns(const NecpEvent *event)
{
	necp_combat_push(event->character_id, "PLAYER_RESPAWNED", event->data);
}

/* Who fights is neither switched away from nor deleted. */
static void
require_peace(int64 character_id)
{
	if (necp_combat_of(character_id) != 0)
		necp_fail(BUSY, NULL, "the character is in combat");
}

/* For the world worker ------------------------------------------------------------------------- */

static NecpPlan try_npc =
	NECP_PLAN("SELECT FROM game.npc_instances WHERE id = $1 AND life_id = $2 AND status = 'ALIVE'"
			  " FOR NO KEY UPDATE SKIP LOCKED",
			  INT8OID, INT8OID);

static NecpPlan try_combat =
	NECP_PLAN("SELECT FROM game.combat_sessions WHERE id = $1 AND status = 'ACTIVE'"
			  " FOR NO KEY UPDATE SKIP LOCKED",
			  INT8OID);

static NecpPlan try_character =
	NECP_PLAN("SELECT FROM game.characters WHERE id = $1"
			  " AND status IN ('ACTIVE', 'AFK', 'IN_COMBAT') FOR NO KEY UPDATE SKIP LOCKED",
			  INT8OID);

/* Who is on its way out of the place holds this row. */
static NecpPlan try_session = NECP_PLAN(
	"SELECT FROM game.player_sessions WHERE character_id = $1 AND place_id = $2 AND closed_at IS NULL"
	" FOR NO KEY UPDATE SKIP LOCKED",
	INT8OID, INT8OID);

static void
emit_provocation(const NecpEntity *npc, int64 character_id, int64 combat_id)
{
	NecpJson json;

	necp_json_open(&json);
	necp_json_int(&json, "combat_id", combat_id);
	necp_json_int(&json, "npc_id", -npc->state.id);
	necp_event_emit(&(NecpEvent){.type = "PLAYER_ATTACKED",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .character_id = character_id,
								 .data = necp_json_close(&json)});
}

bool
necp_combat_provoke(const NecpEntity *npc, int64 character_id)
{
	int64 combat_id = necp_combat_of(character_id);
	bool joins = combat_id != 0;

	if (necp_combat_of(npc->state.id) != 0 || necp_run(&try_npc, -npc->state.id, npc->life_id) == 0)
		return false;
	if (joins ? necp_run(&try_combat, combat_id) == 0
			  : necp_run(&try_session, character_id, npc->place_id) == 0 ||
					necp_run(&try_character, character_id) == 0)
		return false;
	if (!joins)
	{
		combat_id = open_combat(npc);
		necp_combat_join(combat_id, character_id, NECP_SIDE_CHARACTERS);
		necp_combat_push(character_id, "COMBAT_STARTED", necp_combat_data(combat_id, "ACTIVE"));
	}
	necp_combat_join(combat_id, npc->state.id, NECP_SIDE_NPCS);
	emit_provocation(npc, character_id, combat_id);
	necp_world_engage(npc->place_id, combat_id, (int64[]){npc->state.id, character_id}, 2);
	return true;
}

bool
necp_combat_withdraw(const NecpEntity *npc)
{
	int64 combat_id;

	if (necp_run(&try_npc, -npc->state.id, npc->life_id) == 0)
		return false;
	combat_id = necp_combat_of(npc->state.id);
	if (combat_id == 0)
		return true;
	if (necp_run(&try_combat, combat_id) == 0)
		return false;
	necp_combat_drop_out(combat_id, npc->place_id, npc->state.id, NECP_SIDE_NPCS, "FLED");
	return true;
}

bool
necp_combat_hold(int64 combat_id, int64 character_id)
{
	return necp_run(&try_combat, combat_id) > 0 && necp_run(&try_character, character_id) > 0;
}

void
necp_combat_session_init(void)
{
	necp_event_subscribe("ZONE_CHANGED", zone_changed);
	necp_event_subscribe("PLAYER_DIED", character_dies);
	necp_event_subscribe("PLAYER_RESPAWNED", character_returns);
	necp_character_on_leave(require_peace);
	necp_character_on_delete(require_peace);
}
