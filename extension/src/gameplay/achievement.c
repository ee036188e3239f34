/* SPDX-License-Identifier: PostgreSQL
 *
 * Achievements (DOMAIN §25): progress from events alone, never down; unlocking is final.
 */
#include "postgres.h"

#include "economy/loot.h"
#include "gameplay/achievement.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/room.h"
#include "kernel/spi.h"

#define VIEW                                                                                       \
	"to_json(ROW(a.id, a.code, a.name, a.description, a.category, a.points,"                       \
	" coalesce(p.progress, 0), a.required, p.unlocked_at)::necp.achievement_view), a.id::bigint"
#define FROM_ACHIEVEMENTS(join)                                                                    \
	" FROM game.achievements a " join " game.player_achievements p"                                \
	" ON p.achievement_id = a.id AND p.character_id = $1 WHERE a.id > $2"

static NecpPlan list_all = NECP_PLAN(
	"SELECT " VIEW FROM_ACHIEVEMENTS(
		"LEFT JOIN") " AND (a.kind <> 'SECRET' OR p.unlocked_at IS NOT NULL) ORDER BY a.id LIMIT $3",
	INT8OID, INT8OID, INT4OID);
static NecpPlan list_mine = NECP_PLAN(
	"SELECT " VIEW FROM_ACHIEVEMENTS(
		"JOIN") " AND (a.kind <> 'SECRET' OR p.unlocked_at IS NOT NULL) ORDER BY a.id LIMIT $3",
	INT8OID, INT8OID, INT4OID);
static NecpPlan progress = NECP_PLAN(
	"INSERT INTO game.player_achievements AS p (character_id, achievement_id, progress, unlocked_at)"
	" SELECT $1, a.id, least($3, a.required), CASE WHEN $3 >= a.required THEN $4 END"
	" FROM game.achievements a WHERE a.event = $2"
	" AND (a.item_type IS NULL OR a.item_type = $5) AND (a.rarity IS NULL OR a.rarity = $6)"
	" AND NOT EXISTS (SELECT FROM game.player_achievements u WHERE u.character_id = $1"
	"  AND u.achievement_id = a.id AND u.unlocked_at IS NOT NULL)"
	" ORDER BY a.id"
	" ON CONFLICT (character_id, achievement_id) DO UPDATE SET"
	"  progress = least(p.progress + $3, (SELECT a.required FROM game.achievements a WHERE a.id = p.achievement_id)),"
	"  unlocked_at = CASE WHEN p.progress + $3 >= (SELECT a.required FROM game.achievements a WHERE a.id = p.achievement_id)"
	"   THEN $4 END"
	" RETURNING achievement_id, unlocked_at IS NOT NULL",
	INT8OID, TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID, TEXTOID);
static NecpPlan read_achievement =
	NECP_PLAN("SELECT code, name, points FROM game.achievements WHERE id = $1", INT4OID);

static Datum
list(NecpPlan *plan, FunctionCallInfo fcinfo)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 after = PG_ARGISNULL(1) ? 0 : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(plan, limit, necp_character(), after, limit + 1);
}

NECP_FUNCTION(necp_achievement_list)
{
	return list(&list_all, fcinfo);
}

NECP_FUNCTION(necp_achievement_mine)
{
	return list(&list_mine, fcinfo);
}

static void
unlock(int64 character_id, int32 achievement_id)
{
	NecpUnlocked detail = {.character_id = character_id, .achievement_id = achievement_id};
	NecpJson data;

	necp_run(&read_achievement, achievement_id);
	detail.code = necp_text(0, 1);
	detail.name = necp_text(0, 2);
	detail.points = necp_int4(0, 3);
	necp_json_open(&data);
	necp_json_text(&data, "achievement", detail.code);
	necp_json_int(&data, "points", detail.points);
	necp_event_emit(&(NecpEvent){.type = "ACHIEVEMENT_UNLOCKED",
								 .aggregate_type = "ACHIEVEMENT",
								 .aggregate_id = achievement_id,
								 .character_id = character_id,
								 .data = necp_json_close(&data),
								 .detail = &detail});
}

static void
on_pickup(const NecpEvent *event)
{
	const NecpPickedUp *item = event->detail;
	NecpRows moved = necp_fetch(&progress,
								item->character_id,
								necp_cstring_datum(event->type),
								item->quantity,
								TimestampTzGetDatum(necp_now()),
								necp_cstring_datum(item->type),
								necp_cstring_datum(item->rarity));

	for (uint64 row = 0; row < moved.count; row++)
	{
		if (necp_row_bool(&moved, row, 2))
			unlock(item->character_id, necp_row_int4(&moved, row, 1));
	}
}

NECP_ROOM_INIT(achievement)
{
	necp_event_subscribe("ITEM_PICKED_UP", on_pickup);
}
