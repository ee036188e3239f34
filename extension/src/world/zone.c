/* SPDX-License-Identifier: PostgreSQL
 *
 * Zones: entering, leaving, who is where, and saved positions (DOMAIN §13, §21).
 *
 * A character is in one place: its session's row names it, memory shows it, player_positions keeps
 * where it stood. Lock order: session, character, position. Memory follows the commit; should both ever differ,
 * the sweep of the world worker believes the session's row.
 */
#include "postgres.h"

#include "world/world.h"
#include "world/zone.h"

#include "access/xact.h"

#include "auth/session.h"
#include "character/character.h"
#include "character/life.h"
#include "economy/stats.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/push.h"
#include "kernel/spi.h"

#define WALK_SPEED 10.0f /* m/s (DOMAIN §13); load and buffs come with equipment */

#define ZONE_VIEW(players, position)                                                               \
	"ROW(z.id, z.code, z.name, z.kind, z.status, z.size_m, z.capacity, " players                   \
	", z.safe_x, z.safe_y, z.safe_z, " position ")::necp.zone_view"

static NecpPlan list_zones = NECP_PLAN(
	"SELECT to_json(" ZONE_VIEW(
		"coalesce(l.players, 0)",
		"NULL, NULL, NULL, NULL") "), z.id"
								  " FROM game.zones z LEFT JOIN live.zone_load l ON l.place_id = z.id"
								  " WHERE z.id > $1 AND z.status <> 'OFFLINE' ORDER BY z.id LIMIT $2",
	INT8OID, INT8OID);

static NecpPlan show_zone =
	NECP_PLAN("SELECT to_json(" ZONE_VIEW("$2",
										  "$3, $4, $5, $6") ") FROM game.zones z WHERE z.id = $1",
			  INT8OID, INT4OID, FLOAT4OID, FLOAT4OID, FLOAT4OID, FLOAT4OID);

static NecpPlan list_players = NECP_PLAN(
	"SELECT to_json(ROW(p.character_id, p.name, p.level, p.activity)::necp.zone_player_view),"
	" p.character_id"
	" FROM live.zone_players p WHERE p.place_id = $1 AND p.character_id > $2"
	" ORDER BY p.character_id LIMIT $3",
	INT8OID, INT8OID, INT8OID);

/* Where a character enters a zone: where it was saved there, else the safe point. */
static NecpPlan find_entry =
	NECP_PLAN("SELECT z.status, coalesce(p.x, z.safe_x)::float8, coalesce(p.y, z.safe_y)::float8,"
			  " coalesce(p.z, z.safe_z)::float8, coalesce(p.yaw, 0)::float8"
			  " FROM game.zones z"
			  " LEFT JOIN game.player_positions p ON p.character_id = $2 AND p.place_id = z.id"
			  " AND abs(p.x) <= z.size_m / 2.0 AND abs(p.y) <= z.size_m / 2.0"
			  " WHERE z.id = $1",
			  INT8OID, INT8OID);

/* Portals to a zone, those in a place first and by distance; of others nothing but that they are. */
static NecpPlan find_portals = NECP_PLAN(
	"SELECT CASE WHEN t.zone_id = $2 THEN"
	" sqrt((t.x - $3) * (t.x - $3) + (t.y - $4) * (t.y - $4) + (t.z - $5) * (t.z - $5)) END::float8,"
	" t.to_x::float8, t.to_y::float8, t.to_z::float8"
	" FROM game.zone_portals t WHERE t.to_zone_id = $1 ORDER BY 1 NULLS LAST LIMIT 1",
	INT8OID, INT8OID, FLOAT4OID, FLOAT4OID, FLOAT4OID);

/* Where a selected character appears: in the zone it was in, else at home. */
static NecpPlan find_home =
	NECP_PLAN("SELECT z.id, coalesce(p.x, z.safe_x)::float8, coalesce(p.y, z.safe_y)::float8,"
			  " coalesce(p.z, z.safe_z)::float8, coalesce(p.yaw, 0)::float8"
			  " FROM game.zones z"
			  " LEFT JOIN game.player_positions p ON p.character_id = $1 AND p.place_id = z.id"
			  " AND abs(p.x) <= z.size_m / 2.0 AND abs(p.y) <= z.size_m / 2.0"
			  " WHERE z.status = 'ONLINE' AND (p.character_id IS NOT NULL OR z.id = $2)"
			  " ORDER BY p.character_id LIMIT 1",
			  INT8OID, INT8OID);

static NecpPlan save_position = NECP_PLAN(
	"INSERT INTO game.player_positions (character_id, place_id, x, y, z, yaw, saved_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)"
	" ON CONFLICT (character_id) DO UPDATE SET place_id = excluded.place_id, x = excluded.x,"
	" y = excluded.y, z = excluded.z, yaw = excluded.yaw, saved_at = excluded.saved_at",
	INT8OID, INT8OID, FLOAT4OID, FLOAT4OID, FLOAT4OID, FLOAT4OID, TIMESTAMPTZOID);

static NecpPlan save_safe_point = NECP_PLAN(
	"UPDATE game.player_positions p SET x = z.safe_x, y = z.safe_y, z = z.safe_z, saved_at = $2"
	" FROM game.zones z WHERE p.character_id = $1 AND z.id = p.place_id"
	" RETURNING p.x::float8, p.y::float8, p.z::float8",
	INT8OID, TIMESTAMPTZOID);

static NecpPlan read_position =
	NECP_PLAN("SELECT x::float8, y::float8, z::float8 FROM game.player_positions"
			  " WHERE character_id = $1 AND place_id = $2",
			  INT8OID, INT8OID);

static NecpPlan import_zones = NECP_PLAN(
	"INSERT INTO game.zones AS z (code, name, kind, status, size_m, capacity, safe_x, safe_y, safe_z, origin)"
	" SELECT r.code, r.name, r.kind, coalesce(r.status, 'ONLINE'), coalesce(r.size_m, 1000),"
	" coalesce(r.capacity, 100), coalesce(r.safe_x, 0), coalesce(r.safe_y, 0), coalesce(r.safe_z, 0), 'pack'"
	" FROM jsonb_to_recordset($1) AS r (code text, name text, kind text, status text, size_m int,"
	" capacity int, safe_x real, safe_y real, safe_z real)"
	" ON CONFLICT (code) DO UPDATE SET name = excluded.name, kind = excluded.kind,"
	" status = excluded.status, size_m = excluded.size_m, capacity = excluded.capacity,"
	" safe_x = excluded.safe_x, safe_y = excluded.safe_y, safe_z = excluded.safe_z"
	" WHERE z.origin = 'pack' AND (z.name, z.kind, z.status, z.size_m, z.capacity, z.safe_x, z.safe_y,"
	" z.safe_z) IS DISTINCT FROM (excluded.name, excluded.kind, excluded.status, excluded.size_m,"
	" excluded.capacity, excluded.safe_x, excluded.safe_y, excluded.safe_z)",
	JSONBOID);

/* Messages ------------------------------------------------------------------------------------- */

static char *
events_topic(int64 place_id)
{
	return place_id > 0 ? psprintf("/topic/zone/" INT64_FORMAT "/events", place_id)
						: psprintf("/topic/instance/" INT64_FORMAT "/events", -place_id);
}

void
necp_zone_push(int64 place_id, const char *type, const char *data)
{
	necp_push(events_topic(place_id), type, 0, data);
}

static void
push_presence(int64 place_id, const char *type, const NecpEntity *who)
{
	NecpJson json;

	necp_json_open(&json);
	necp_json_int(&json, "entity_id", who->state.id);
	necp_json_text(&json, "name", who->name);
	necp_zone_push(place_id, type, necp_json_close(&json));
}

static void
emit_change(int64 account_id, const NecpZoneChange *change)
{
	NecpJson json;
	NecpEvent event = {.type = "ZONE_CHANGED",
					   .aggregate_type = "CHARACTER",
					   .aggregate_id = change->character_id,
					   .account_id = account_id,
					   .character_id = change->character_id,
					   .detail = change};

	necp_json_open(&json);
	necp_json_int(&json, "from_place_id", change->from_place_id);
	necp_json_int(&json, "to_place_id", change->to_place_id);
	event.data = necp_json_close(&json);
	necp_event_emit(&event);
}

/* Positions ------------------------------------------------------------------------------------ */

static void
write_position(const NecpEntity *who)
{
	necp_run(&save_position,
			 who->state.id,
			 who->place_id,
			 Float4GetDatum(who->state.x),
			 Float4GetDatum(who->state.y),
			 Float4GetDatum(who->state.z),
			 Float4GetDatum(who->state.yaw),
			 TimestampTzGetDatum(necp_now()));
}

static Datum
zone_answer(int64 zone_id, int32 players, const NecpEntity *who)
{
	return necp_answer_args(&show_zone,
							"zone",
							(Datum[]){Int64GetDatum(zone_id),
									  Int32GetDatum(players),
									  Float4GetDatum(who ? who->state.x : 0),
									  Float4GetDatum(who ? who->state.y : 0),
									  Float4GetDatum(who ? who->state.z : 0),
									  Float4GetDatum(who ? who->state.yaw : 0)},
							who ? "      " : "  nnnn");
}

static int32
players_in(int64 place_id)
{
	NecpPlace place;

	return necp_world_place(place_id, &place) ? place.players : 0;
}

Datum
necp_zone_view(const NecpEntity *who)
{
	return zone_answer(who->place_id, players_in(who->place_id), who);
}

/* Leaving -------------------------------------------------------------------------------------- */

/* Tells a place that a character is gone from it; where it is next is the caller's matter. */
static void
announce_departure(const NecpEntity *who)
{
	push_presence(who->place_id, "PLAYER_LEFT", who);
	necp_push_unsubscribe(events_topic(who->place_id), "character", who->state.id);
}

/* The event comes before the character's row: those who hear it lock fights, which come first. */
static void
leave_world(int64 account_id, const NecpEntity *who)
{
	NecpZoneChange change = {.character_id = who->state.id, .from_place_id = who->place_id};

	emit_change(account_id, &change);
	necp_character_save_hp(who->state.id, who->state.hp);
	write_position(who);
	announce_departure(who);
	necp_world_leave(who->state.id);
}

static void
session_closes(const NecpSession *session)
{
	NecpEntity who;

	if (session->character_id != 0 && necp_world_read(session->character_id, &who))
		leave_world(session->account_id, &who);
}

/* Who moves plays, without a command. */
static TimestampTz
last_move(const NecpSession *session)
{
	NecpEntity who;

	if (session->character_id == 0 || !necp_world_read(session->character_id, &who))
		return 0;
	return who.moved_at;
}

/* Death and return ----------------------------------------------------------------------------- */

static void
character_dies(const NecpEvent *event)
{
	NecpEntity who;

	if (!necp_world_read(event->character_id, &who))
		return;
	necp_world_fall(who.state.id);
	push_presence(who.place_id, "PLAYER_DIED", &who);
}

/* It stands at the safe point of its place, or will when it comes back into the world. */
static void
character_returns(const NecpEvent *event)
{
	const NecpReturn *back = event->detail;
	bool moved =
		necp_run(&save_safe_point, back->character_id, TimestampTzGetDatum(necp_now())) > 0;
	NecpEntity who;

	if (!necp_world_read(back->character_id, &who))
		return;
	if (moved)
	{
		who.state.x = (float) necp_float8(0, 1);
		who.state.y = (float) necp_float8(0, 2);
		who.state.z = (float) necp_float8(0, 3);
	}
	who.state.hp = back->hp;
	necp_world_rise(&who);
	push_presence(who.place_id, "PLAYER_RESPAWNED", &who);
}

/* A character as it stands in the world, brought back from death first if it is time. */
static bool
read_living(int64 character_id, NecpEntity *who)
{
	NecpCharacter character;

	if (!necp_world_read(character_id, who))
		return false;
	if (who->state.activity == NECP_ACTIVITY_DEAD && !XactReadOnly &&
		necp_character_respawn(character_id) && necp_character_read(character_id, &character))
	{
		who->state.hp = character.hp;
		who->state.activity = NECP_ACTIVITY_IDLE;
		if (necp_run(&read_position, character_id, who->place_id) > 0)
		{
			who->state.x = (float) necp_float8(0, 1);
			who->state.y = (float) necp_float8(0, 2);
			who->state.z = (float) necp_float8(0, 3);
		}
	}
	return true;
}

/* Entering ------------------------------------------------------------------------------------- */

bool
necp_zone_describe(int64 character_id, NecpEntity *out)
{
	NecpCharacter character;
	NecpStats stats;

	if (!necp_character_read(character_id, &character))
		return false;
	memset(out, 0, sizeof(*out));
	out->state.id = character_id;
	out->state.kind = NECP_ENTITY_CHARACTER;
	out->state.hp = character.hp;
	out->state.max_hp = character.max_hp;
	out->state.activity = character.hp > 0 ? NECP_ACTIVITY_IDLE : NECP_ACTIVITY_DEAD;
	out->max_speed = WALK_SPEED;
	out->level = character.level;
	if (necp_stats(character_id, &stats))
		necp_stats_apply(&stats, out);
	necp_world_name(out, character.name);
	return true;
}

/*
 * A zone that portals lead to is entered through one of them, by who stands at it, and from nowhere;
 * one that none leads to is open from anywhere (DOMAIN §21).
 */
static void
pass_portal(const NecpEntity *here, int64 zone_id, NecpEntity *there)
{
	double reach = necp_config_float("zone.portal_m");
	uint64 rows = necp_run(&find_portals,
						   zone_id,
						   here->place_id,
						   Float4GetDatum(here->state.x),
						   Float4GetDatum(here->state.y),
						   Float4GetDatum(here->state.z));

	if (rows == 0)
		return;
	if (necp_isnull(0, 1) || necp_float8(0, 1) > reach)
		necp_fail(TOO_FAR, "zone_id", "the way there begins at a portal, within %g m of it", reach);
	there->state.x = (float) necp_float8(0, 2);
	there->state.y = (float) necp_float8(0, 3);
	there->state.z = (float) necp_float8(0, 4);
}

static void
find_entry_point(int64 zone_id, NecpEntity *who)
{
	if (necp_run(&find_entry, zone_id, who->state.id) == 0)
		necp_fail(NOT_FOUND, "zone_id", "zone " INT64_FORMAT " not found", zone_id);
	if (strcmp(necp_text(0, 1), "ONLINE") != 0)
		necp_fail(MAINTENANCE, "zone_id", "zone " INT64_FORMAT " is not open", zone_id);
	who->place_id = zone_id;
	who->state.x = (float) necp_float8(0, 2);
	who->state.y = (float) necp_float8(0, 3);
	who->state.z = (float) necp_float8(0, 4);
	who->state.yaw = (float) necp_float8(0, 5);
}

/* A session's character moves from here (NULL: from nowhere) into the place it has a seat in. */
static void
move_in(const pg_uuid_t *session, int64 account_id, const NecpEntity *here, const NecpEntity *there)
{
	NecpZoneChange change = {.character_id = there->state.id,
							 .from_place_id = here != NULL ? here->place_id : 0,
							 .to_place_id = there->place_id};

	necp_session_play(session, there->state.id, there->place_id);
	write_position(there);
	if (here != NULL)
		announce_departure(here);
	push_presence(there->place_id, "PLAYER_ENTERED", there);
	emit_change(account_id, &change);
	necp_stats_refit(there->state.id); /* they may have changed since they were read */
}

static void
require_seat(const NecpEntity *who)
{
	switch (necp_world_enter(who))
	{
		case NECP_ENTRY_OK:
			break;
		case NECP_ENTRY_FULL:
			necp_fail(ZONE_FULL, "zone_id", "zone " INT64_FORMAT " is full", who->place_id);
			break;
		case NECP_ENTRY_NO_PLACE:
		case NECP_ENTRY_NO_MEMORY:
			ereport(ERROR,
					errcode(NECP_ERR_UNAVAILABLE),
					errmsg("zone " INT64_FORMAT " cannot be entered now", who->place_id),
					necp_errfield("zone_id"),
					necp_errretry(1));
	}
}

void
necp_zone_move(const pg_uuid_t *session, int64 account_id, const NecpEntity *here,
			   const NecpEntity *there)
{
	require_seat(there);
	move_in(session, account_id, here, there);
}

void
necp_zone_require_free(const NecpEntity *who)
{
	if (who->combat_id != 0)
		necp_fail(IN_COMBAT, NULL, "finish the fight first");
	if (who->state.activity == NECP_ACTIVITY_DEAD)
		necp_fail(YOU_ARE_DEAD, NULL, "the dead do not travel");
}

/* zone_enter(zone_id bigint) → zone_view: the character moves to a zone (DOMAIN §21). */
NECP_FUNCTION(necp_zone_enter)
{
	int64 zone_id = necp_arg_id(fcinfo, 0, "zone_id");
	int64 character_id = necp_character();
	NecpEntity here;
	NecpEntity there;
	bool moves = read_living(character_id, &here);

	if (moves)
		necp_zone_require_free(&here);
	if (moves && here.place_id == zone_id)
	{
		necp_world_restart_input(character_id); /* a client that starts over counts from 1 */
		return zone_answer(zone_id, players_in(zone_id), &here);
	}
	if (!moves)
		(void) necp_character_respawn(character_id);
	if (!necp_zone_describe(character_id, &there))
		necp_fail(NOT_FOUND, NULL, "the character is gone");
	if (moves)
		there.state.hp = here.state.hp;
	necp_zone_require_free(&there);
	find_entry_point(zone_id, &there);
	if (moves)
		pass_portal(&here, zone_id, &there);
	necp_zone_move(&necp_session()->id, necp_account(), moves ? &here : NULL, &there);
	return zone_answer(zone_id, players_in(zone_id) + 1, &there);
}

static bool
find_home_point(int64 home_id, NecpEntity *who)
{
	if (necp_run(&find_home, who->state.id, home_id) == 0)
		return false;
	who->place_id = necp_int8(0, 1);
	who->state.x = (float) necp_float8(0, 2);
	who->state.y = (float) necp_float8(0, 3);
	who->state.z = (float) necp_float8(0, 4);
	who->state.yaw = (float) necp_float8(0, 5);
	return true;
}

/* The living have a home; who has been dead long enough lives. */
static bool
find_home_of(int64 character_id, NecpEntity *who)
{
	NecpCharacter character;

	(void) necp_character_respawn(character_id);
	return necp_character_read(character_id, &character) && necp_zone_describe(character_id, who) &&
		   who->state.hp > 0 && find_home_point(character.zone_id, who);
}

static void
fail_asleep(void)
{
	ereport(ERROR,
			errcode(NECP_ERR_UNAVAILABLE),
			errmsg("the world is waking up"),
			necp_errretry(1));
}

/* Where there is no room the character is nowhere until it enters a zone. */
static void
come_home(NecpEntity *who)
{
	NecpEntry entry = necp_world_enter(who);

	if (entry == NECP_ENTRY_NO_PLACE)
		fail_asleep();
	if (entry == NECP_ENTRY_OK)
		move_in(&necp_session()->id, necp_account(), NULL, who);
}

bool
necp_zone_self(NecpEntity *self)
{
	int64 character_id = necp_character();

	if (read_living(character_id, self))
		return true;
	if (necp_session()->place_id != 0)
		fail_asleep();
	return false;
}

NecpEntity
necp_zone_require_self(void)
{
	NecpEntity self;

	if (!necp_zone_self(&self))
		necp_fail(CONFLICT, NULL, "the character is in no zone");
	return self;
}

/*
 * A selected character appears where it was. Where that cannot be, it is nowhere until it enters a
 * zone: its selection stands all the same.
 */
static void
character_selected(const NecpEvent *event)
{
	const NecpSession *session = necp_session();
	int64 former_id = session->character_id;
	NecpEntity who;

	if (former_id != 0 && former_id != event->character_id && necp_world_read(former_id, &who))
	{
		if (who.combat_id != 0)
			necp_fail(BUSY, NULL, "the character is in combat");
		leave_world(session->account_id, &who);
	}
	if (read_living(event->character_id, &who))
		necp_world_restart_input(event->character_id);
	else if (find_home_of(event->character_id, &who))
		come_home(&who);
}

/* Reading -------------------------------------------------------------------------------------- */

static int64
cursor_arg(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? 0 : necp_arg_int(fcinfo, n, "cursor", 0, NECP_MAX_ID);
}

/* zone_list("limit" integer, cursor bigint) → zones that are not OFFLINE, by id. */
NECP_FUNCTION(necp_zone_list)
{
	int32 limit = necp_arg_limit(fcinfo, 0);

	return necp_list(&list_zones, limit, cursor_arg(fcinfo, 1), Int64GetDatum(limit + 1));
}

/* zone_read(zone_id bigint) → zone_view. */
NECP_FUNCTION(necp_zone_read)
{
	int64 zone_id = necp_arg_id(fcinfo, 0, "zone_id");

	return zone_answer(zone_id, players_in(zone_id), NULL);
}

/* zone_current() → zone_view with the acting character's position; NOT_FOUND outside of zones. */
NECP_FUNCTION(necp_zone_current)
{
	NecpEntity who;

	if (!necp_zone_self(&who) || who.place_id <= 0)
		necp_fail(NOT_FOUND, NULL, "the character is in no zone");
	return zone_answer(who.place_id, players_in(who.place_id), &who);
}

/* zone_players(zone_id bigint, "limit" integer, cursor bigint) → who is in a zone that is open. */
NECP_FUNCTION(necp_zone_players)
{
	int64 zone_id = necp_arg_id(fcinfo, 0, "zone_id");
	int32 limit = necp_arg_limit(fcinfo, 1);
	NecpPlace place;

	if (!necp_world_place(zone_id, &place))
		necp_fail(NOT_FOUND, "zone_id", "zone " INT64_FORMAT " is not open", zone_id);
	return necp_list(&list_players,
					 limit,
					 zone_id,
					 cursor_arg(fcinfo, 2),
					 Int64GetDatum(limit + 1));
}

/*
 * zone_may_listen(zone_id bigint) → boolean: only who is in the zone hears it. The session tells:
 * it knows the place also while memory is being rebuilt.
 */
NECP_FUNCTION(necp_zone_may_listen)
{
	const NecpSession *session = necp_session();

	PG_RETURN_BOOL(!PG_ARGISNULL(0) && session->character_id != 0 &&
				   session->place_id == PG_GETARG_INT64(0));
}

/* zone_import(pack jsonb) → rows changed; the worker opens what is new. */
NECP_FUNCTION(necp_zone_import)
{
	uint64 changed;

	necp_arg_required(fcinfo, 0, "pack");
	changed = necp_run(&import_zones, PG_GETARG_DATUM(0));
	if (changed > 0)
		necp_world_reload();
	PG_RETURN_INT32((int32) changed);
}

void
necp_zone_init(void)
{
	necp_world_init();
	necp_world_worker_init();
	necp_zone_work_init();
	necp_session_on_close(session_closes);
	necp_session_on_watch(last_move);
	necp_event_subscribe("CHARACTER_SWITCHED", character_selected);
	necp_event_subscribe("PLAYER_DIED", character_dies);
	necp_event_subscribe("PLAYER_RESPAWNED", character_returns);
}
