/* SPDX-License-Identifier: PostgreSQL
 *
 * What characters leave behind (DOMAIN §5): history, counters, snapshots. Written by subscribers, in
 * the transaction of what they tell of; who leaves the world is saved before it is pictured, because
 * SESSION_CLOSED and CHARACTER_SWITCHED reach this room last.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/inventory.h"
#include "economy/stats.h"
#include "gameplay/npc.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/list.h"
#include "kernel/room.h"
#include "kernel/spi.h"

static NecpPlan add_entry =
	NECP_PLAN("INSERT INTO game.character_history (character_id, kind, data, at)"
			  " VALUES ($1, $2, $3::jsonb, $4)",
			  INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan list_entries =
	NECP_PLAN("SELECT to_json(ROW(h.id, h.kind, h.data, h.at)::necp.character_history_view), h.id"
			  " FROM game.character_history h WHERE h.character_id = $1 AND h.id < $2"
			  " ORDER BY h.id DESC LIMIT $3",
			  INT8OID, INT8OID, INT4OID);
static NecpPlan count_kill =
	NECP_PLAN("UPDATE game.characters SET kills = kills + 1 WHERE id = $1", INT8OID);
static NecpPlan count_time = NECP_PLAN(
	"UPDATE game.characters SET played_s = played_s + greatest(extract(epoch FROM $2 - last_played_at)::bigint, 0),"
	" status = CASE status WHEN 'AFK' THEN 'ACTIVE' ELSE status END"
	" WHERE id = $1 AND deleted_at IS NULL",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan take_snapshot = NECP_PLAN(
	"INSERT INTO game.character_snapshots (character_id, reason, taken_at, data)"
	" SELECT c.id, $2, $3, jsonb_build_object('level', c.level, 'xp', c.xp, 'body', c.body,"
	" 'reflexes', c.reflexes, 'technical_ability', c.technical_ability,"
	" 'intelligence', c.intelligence, 'cool', c.cool, 'empathy', c.empathy, 'hp', c.hp,"
	" 'credits', coalesce((SELECT a.balance FROM game.ledger_accounts a WHERE a.owner_id = c.id"
	"  AND a.holder = 'WALLET' AND a.currency = 'credits'), 0),"
	" 'position', (SELECT to_jsonb(p) - 'character_id' FROM game.player_positions p"
	"  WHERE p.character_id = c.id),"
	" 'items', (SELECT coalesce(jsonb_agg(jsonb_build_object('item_id', i.id,"
	"  'template_id', i.template_id, 'container', b.kind, 'slot', i.slot, 'quantity', i.quantity,"
	"  'durability', i.durability, 'binding', i.binding) ORDER BY b.kind, i.slot), '[]')"
	"  FROM game.containers b JOIN game.character_items i ON i.container_id = b.id"
	"  WHERE b.owner_id = c.id AND b.kind IN ('BACKPACK', 'EQUIPPED')))"
	" FROM game.characters c WHERE c.id = $1",
	INT8OID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan keep_snapshots = NECP_PLAN(
	"DELETE FROM game.character_snapshots WHERE character_id = $1 AND id <= (SELECT s.id"
	" FROM game.character_snapshots s WHERE s.character_id = $1 ORDER BY s.id DESC OFFSET $2 LIMIT 1)",
	INT8OID, INT8OID);
static NecpPlan drop_snapshots =
	NECP_PLAN("DELETE FROM game.character_snapshots WHERE character_id = $1", INT8OID);
static NecpPlan show_stats = NECP_PLAN(
	"SELECT to_json(ROW(c.id, c.level, c.xp, c.body, c.reflexes, c.technical_ability,"
	" c.intelligence, c.cool, c.empathy, c.hp, " NECP_MAX_HP_SQL(c.body, c.level, c.perk_hp) ", " NECP_SQL_OF(
		NECP_MAX_ENERGY(
			c.intelligence)) ", $3, $4, c.kills,"
							 " c.deaths, q.active, q.completed, a.unlocked, a.points, c.played_s + coalesce(("
							 "  SELECT greatest(extract(epoch FROM $2 - c.last_played_at)::bigint, 0)"
							 "  FROM game.player_sessions s WHERE s.character_id = c.id), 0))::necp.character_stats_view)"
							 " FROM game.characters c,"
							 " LATERAL (SELECT count(*) FILTER (WHERE i.status = 'ACTIVE')::int AS active,"
							 "  count(*) FILTER (WHERE i.status = 'COMPLETED')::int AS completed"
							 "  FROM game.quest_instances i WHERE i.character_id = c.id) q,"
							 " LATERAL (SELECT count(*)::int AS unlocked, coalesce(sum(t.points), 0)::int AS points"
							 "  FROM game.player_achievements p JOIN game.achievements t ON t.id = p.achievement_id"
							 "  WHERE p.character_id = c.id AND p.unlocked_at IS NOT NULL) a"
							 " WHERE c.id = $1 AND c.account_id = $5 AND c.deleted_at IS NULL",
	INT8OID, TIMESTAMPTZOID, INT4OID, FLOAT8OID, INT8OID);

/* Endpoints ---------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_character_stats)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	NecpLoad load;

	necp_character_require_own(character_id);
	necp_inventory_load(character_id, &load);
	return necp_answer(&show_stats,
					   "character",
					   character_id,
					   TimestampTzGetDatum(necp_now()),
					   Int32GetDatum((int32) necp_stats_luck(character_id)),
					   Float8GetDatum(load.capacity),
					   necp_account());
}

NECP_FUNCTION(necp_character_history)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	int32 limit = necp_arg_limit(fcinfo, 1);
	int64 before = PG_ARGISNULL(2) ? NECP_MAX_ID : necp_arg_id(fcinfo, 2, "cursor");

	necp_character_require_own(character_id);
	return necp_list(&list_entries, limit, character_id, before, limit + 1);
}

/* Reactions ---------------------------------------------------------------------------------- */

static void
snapshot(int64 character_id, const char *reason)
{
	necp_run(&take_snapshot,
			 character_id,
			 necp_cstring_datum(reason),
			 TimestampTzGetDatum(necp_now()));
	necp_run(&keep_snapshots, character_id, necp_config_int("character.snapshots"));
}

static void
leave(int64 character_id, const char *reason)
{
	necp_run(&count_time, character_id, TimestampTzGetDatum(necp_now()));
	snapshot(character_id, reason);
}

static void
on_close(const NecpEvent *event)
{
	if (event->character_id != 0)
		leave(event->character_id, "LOGOUT");
}

static void
on_switch(const NecpEvent *event)
{
	const NecpCharacterSwitched *switched = event->detail;

	if (switched->from_id != 0)
		leave(switched->from_id, "SWITCH");
}

static void
on_kill(const NecpEvent *event)
{
	const NecpNpcDeath *death = event->detail;

	if (death->killer_id != 0)
		necp_run(&count_kill, death->killer_id);
}

static void
remember(const NecpEvent *event, const char *kind)
{
	necp_run(&add_entry,
			 event->character_id,
			 necp_cstring_datum(kind),
			 necp_cstring_datum(event->data != NULL ? event->data : "{}"),
			 TimestampTzGetDatum(necp_now()));
}

static void
on_creation(const NecpEvent *event)
{
	remember(event, "CREATED");
}

static void
on_level(const NecpEvent *event)
{
	remember(event, "LEVEL_UP");
}

static void
on_death(const NecpEvent *event)
{
	remember(event, "DIED");
}

static void
on_return(const NecpEvent *event)
{
	remember(event, "RESPAWNED");
}

static void
on_deletion(const NecpEvent *event)
{
	remember(event, "DELETED");
	snapshot(event->character_id, "DELETION");
}

static void
on_restoration(const NecpEvent *event)
{
	remember(event, "RESTORED");
}

static void
on_purge(const NecpEvent *event)
{
	remember(event, "PURGED");
	necp_run(&drop_snapshots, event->character_id);
}

NECP_ROOM_INIT(history)
{
	necp_event_subscribe("CHARACTER_CREATED", on_creation);
	necp_event_subscribe("LEVEL_UP", on_level);
	necp_event_subscribe("PLAYER_DIED", on_death);
	necp_event_subscribe("PLAYER_RESPAWNED", on_return);
	necp_event_subscribe("CHARACTER_DELETED", on_deletion);
	necp_event_subscribe("CHARACTER_RESTORED", on_restoration);
	necp_event_subscribe("CHARACTER_PURGED", on_purge);
	necp_event_subscribe("CHARACTER_SWITCHED", on_switch);
	necp_event_subscribe("SESSION_CLOSED", on_close);
	necp_event_subscribe("NPC_DIED", on_kill);
}
