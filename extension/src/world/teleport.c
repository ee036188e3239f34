/* SPDX-License-Identifier: PostgreSQL
 *
 * Journeys to teleports that a character has been at, and the way out of being stuck (DOMAIN §21). A
 * journey is a row from its beginning to its end; it ends by the scheduler, which pays and moves in one
 * transaction, or lets it lapse where the traveller moved, fights, fell, carries too much or cannot pay.
 *
 * Lock order: the character's row of teleport_states, the session, the purse; the position comes with
 * the move.
 */
#include "postgres.h"

#include "auth/session.h"
#include "character/character.h"
#include "economy/inventory.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/ledger.h"
#include "kernel/list.h"
#include "kernel/push.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"
#include "world/world.h"
#include "world/zone.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#define ARRIVE_S 1
#define DISCOVER_S 2
#define AT_ONCE 200
#define STANDING_M 1.0f /* who has moved no farther stands still */

static NecpPlan list_teleports = NECP_PLAN(
	"SELECT to_json(ROW(t.id, t.code, t.name, t.zone_id, t.x, t.y, t.z, d.character_id IS NOT NULL)"
	"::necp.teleport_view), t.id FROM game.teleports t"
	" LEFT JOIN game.teleport_discoveries d ON d.teleport_id = t.id AND d.character_id = $1"
	" ORDER BY t.id LIMIT 1000",
	INT8OID);
static NecpPlan is_discovered = NECP_PLAN(
	"SELECT d.character_id IS NOT NULL FROM game.teleports t LEFT JOIN game.teleport_discoveries d"
	" ON d.teleport_id = t.id AND d.character_id = $2 WHERE t.id = $1",
	INT8OID, INT8OID);
static NecpPlan make_state =
	NECP_PLAN("INSERT INTO game.teleport_states (character_id) VALUES ($1) ON CONFLICT DO NOTHING",
			  INT8OID);
static NecpPlan lock_state =
	NECP_PLAN("SELECT teleport_id, arrives_at, ready_at, unstuck_at FROM game.teleport_states"
			  " WHERE character_id = $1 FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan begin_journey =
	NECP_PLAN("UPDATE game.teleport_states SET teleport_id = $2, arrives_at = $3,"
			  " from_place_id = $4, from_x = $5, from_y = $6, from_z = $7 WHERE character_id = $1",
			  INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, FLOAT4OID, FLOAT4OID, FLOAT4OID);
static NecpPlan end_journey =
	NECP_PLAN("UPDATE game.teleport_states SET teleport_id = NULL, arrives_at = NULL,"
			  " from_place_id = NULL, ready_at = greatest(ready_at, $2) WHERE character_id = $1",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan find_arrivals =
	NECP_PLAN("SELECT character_id FROM game.teleport_states WHERE arrives_at <= $1"
			  " ORDER BY arrives_at LIMIT 200",
			  TIMESTAMPTZOID);
static NecpPlan lock_arrival = NECP_PLAN(
	"SELECT s.teleport_id, s.from_place_id, s.from_x::float8, s.from_y::float8, s.from_z::float8,"
	" t.zone_id, t.x::float8, t.y::float8, t.z::float8, z.status = 'ONLINE'"
	" FROM game.teleport_states s JOIN game.teleports t ON t.id = s.teleport_id"
	" JOIN game.zones z ON z.id = t.zone_id"
	" WHERE s.character_id = $1 AND s.arrives_at <= $2 FOR NO KEY UPDATE OF s",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan read_points = NECP_PLAN0(
	"SELECT id, zone_id, x::float8, y::float8, z::float8 FROM game.teleports ORDER BY zone_id");
static NecpPlan discover =
	NECP_PLAN("INSERT INTO game.teleport_discoveries (character_id, teleport_id, discovered_at)"
			  " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			  INT8OID, INT8OID, TIMESTAMPTZOID);
static NecpPlan mark_unstuck =
	NECP_PLAN("UPDATE game.teleport_states SET unstuck_at = $2 WHERE character_id = $1", INT8OID,
			  TIMESTAMPTZOID);
static NecpPlan save_safe_point = NECP_PLAN(
	"UPDATE game.player_positions p SET x = z.safe_x, y = z.safe_y, z = z.safe_z, saved_at = $2"
	" FROM game.zones z WHERE p.character_id = $1 AND z.id = p.place_id"
	" RETURNING p.x::float8, p.y::float8, p.z::float8",
	INT8OID, TIMESTAMPTZOID);

static void
emit_journey(const char *type, int64 character_id, int64 teleport_id)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "teleport_id", teleport_id);
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .account_id = necp_character_account(character_id),
								 .character_id = character_id,
								 .data = necp_json_close(&data)});
}

static void
push_journey(int64 character_id, const char *type, int64 teleport_id, const char *reason)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "teleport_id", teleport_id);
	if (reason != NULL)
		necp_json_text(&data, "reason", reason);
	necp_push(psprintf("/topic/character/" INT64_FORMAT "/travel", character_id),
			  type,
			  0,
			  necp_json_close(&data));
}

/* Beginning ------------------------------------------------------------------------------------ */

/* teleport_list() → teleport_view. */
NECP_FUNCTION(necp_teleport_list)
{
	return necp_list(&list_teleports, 1000, necp_character());
}

static NecpEntity
require_present(void)
{
	NecpEntity self = necp_zone_require_self();

	necp_zone_require_free(&self);
	return self;
}

static void
require_discovered(int64 teleport_id, int64 character_id)
{
	if (necp_run(&is_discovered, teleport_id, character_id) == 0)
		necp_fail(NOT_FOUND, "teleport_id", "teleport not found");
	if (!necp_bool(0, 1))
		necp_fail(NOT_DISCOVERED, "teleport_id", "the character has never been there");
}

static bool
is_overloaded(int64 character_id)
{
	NecpLoad load;

	necp_inventory_load(character_id, &load);
	return load.speed_percent == 0;
}

static bool
can_pay(int64 character_id)
{
	return necp_ledger_balance((NecpPurse){NECP_WALLET, character_id}, NECP_CREDITS) >=
		   necp_config_int("teleport.credits");
}

/* The row, locked; it is made at the first time. */
static void
lock_journeys(int64 character_id)
{
	if (necp_run(&lock_state, character_id) > 0)
		return;
	necp_run(&make_state, character_id);
	necp_run(&lock_state, character_id);
}

static void
require_ready(TimestampTz now)
{
	if (!necp_isnull(0, 1) && necp_timestamp(0, 2) > now)
		necp_fail(BUSY, NULL, "a journey has begun already");
	if (necp_timestamp(0, 3) > now)
		necp_fail(COOLDOWN, NULL, "not so soon after the last journey");
}

/* teleport_use(teleport_id) → journey_view. */
NECP_FUNCTION(necp_teleport_use)
{
	int64 teleport_id = necp_arg_id(fcinfo, 0, "teleport_id");
	int64 character_id = necp_character();
	NecpEntity self = require_present();
	TimestampTz now;
	TimestampTz arrives_at;
	NecpJson view;

	require_discovered(teleport_id, character_id);
	lock_journeys(character_id);
	now = necp_now();
	require_ready(now);
	if (is_overloaded(character_id))
		necp_fail(OVERWEIGHT, NULL, "who carries too much stays where it is");
	if (!can_pay(character_id))
		necp_fail(INSUFFICIENT_FUNDS, NULL, "the journey costs more than there is");
	arrives_at = now + necp_config_int("teleport.cast_s") * USECS_PER_SEC;
	necp_run(&begin_journey,
			 character_id,
			 teleport_id,
			 TimestampTzGetDatum(arrives_at),
			 self.place_id,
			 Float4GetDatum(self.state.x),
			 Float4GetDatum(self.state.y),
			 Float4GetDatum(self.state.z));
	emit_journey("TELEPORT_STARTED", character_id, teleport_id);
	necp_json_open(&view);
	necp_json_int(&view, "teleport_id", teleport_id);
	necp_json_time(&view, "arrives_at", arrives_at);
	necp_json_int(&view, "credits", necp_config_int("teleport.credits"));
	return necp_cstring_datum(necp_json_close(&view));
}

/* Arriving ------------------------------------------------------------------------------------- */

typedef struct Journey
{
	int64 character_id;
	int64 teleport_id;
	NecpEntity from; /* where it began */
	NecpEntity to;
	bool open;
} Journey;

static bool
lock_journey(int64 character_id, Journey *journey)
{
	*journey = (Journey){.character_id = character_id};
	if (necp_run(&lock_arrival, character_id, TimestampTzGetDatum(necp_now())) == 0)
		return false;
	journey->teleport_id = necp_int8(0, 1);
	journey->from.place_id = necp_int8(0, 2);
	journey->from.state.x = (float) necp_float8(0, 3);
	journey->from.state.y = (float) necp_float8(0, 4);
	journey->from.state.z = (float) necp_float8(0, 5);
	journey->to.place_id = necp_int8(0, 6);
	journey->to.state.x = (float) necp_float8(0, 7);
	journey->to.state.y = (float) necp_float8(0, 8);
	journey->to.state.z = (float) necp_float8(0, 9);
	journey->open = necp_bool(0, 10);
	return true;
}

static bool
has_room(int64 place_id)
{
	NecpPlace place;

	return necp_world_place(place_id, &place) && place.players < place.capacity;
}

/* Why the traveller stays; NULL: it goes. */
static const char *
hindrance(const Journey *journey, const NecpEntity *self)
{
	if (self->place_id != journey->from.place_id ||
		necp_world_distance(self, &journey->from) > STANDING_M)
		return "MOVED";
	if (self->combat_id != 0)
		return "IN_COMBAT";
	if (self->state.activity == NECP_ACTIVITY_DEAD)
		return "DEAD";
	if (is_overloaded(self->state.id))
		return "OVERWEIGHT";
	if (!journey->open ||
		(journey->to.place_id != self->place_id && !has_room(journey->to.place_id)))
		return "ZONE_FULL";
	return can_pay(self->state.id) ? NULL : "INSUFFICIENT_FUNDS";
}

static void
pay(const Journey *journey)
{
	necp_ledger_transfer((NecpPurse){NECP_WALLET, journey->character_id},
						 (NecpPurse){NECP_SINK, 0},
						 NECP_CREDITS,
						 necp_config_int("teleport.credits"),
						 "TELEPORT",
						 journey->teleport_id);
}

/* Within its place it is put there as after a refused move: its client has to take the position. */
static void
travel(const Journey *journey, const pg_uuid_t *session, int64 account_id, const NecpEntity *self)
{
	NecpEntity there = *self;

	there.place_id = journey->to.place_id;
	there.state.x = journey->to.state.x;
	there.state.y = journey->to.state.y;
	there.state.z = journey->to.state.z;
	there.state.vx = there.state.vy = 0;
	if (there.place_id == self->place_id)
		necp_world_shift(&there);
	else
		necp_zone_move(session, account_id, self, &there);
}

static void
arrive(void *arg)
{
	TimestampTz ready_at = DT_NOBEGIN;
	Journey journey;
	NecpCharacter character;
	NecpEntity self;
	pg_uuid_t session;
	const char *reason = "GONE";

	if (!lock_journey(*(int64 *) arg, &journey))
		return;
	if (necp_world_read(journey.character_id, &self) &&
		necp_character_read(journey.character_id, &character) &&
		necp_session_of_character(journey.character_id, &session))
		reason = hindrance(&journey, &self);
	if (reason == NULL)
	{
		necp_session_lock(&session);
		travel(&journey, &session, character.account_id, &self);
		pay(&journey);
		emit_journey("TELEPORT_ARRIVED", journey.character_id, journey.teleport_id);
		ready_at = necp_now() + necp_config_int("teleport.cooldown_s") * USECS_PER_SEC;
	}
	necp_run(&end_journey, journey.character_id, TimestampTzGetDatum(ready_at));
	push_journey(journey.character_id,
				 reason == NULL ? "TELEPORT_ARRIVED" : "TELEPORT_CANCELLED",
				 journey.teleport_id,
				 reason);
}

typedef struct Arrivals
{
	uint64 n;
	int64 ids[AT_ONCE];
} Arrivals;

static void
find_due(void *arg)
{
	Arrivals *arrivals = arg;

	arrivals->n = Min(necp_run(&find_arrivals, TimestampTzGetDatum(necp_now())), AT_ONCE);
	for (uint64 row = 0; row < arrivals->n; row++)
		arrivals->ids[row] = necp_int8(row, 1);
}

static void
arrive_all(void)
{
	Arrivals arrivals = {0};

	if (!necp_worker_transaction(find_due, &arrivals))
		return;
	for (uint64 i = 0; i < arrivals.n; i++)
		(void) necp_worker_transaction(arrive, &arrivals.ids[i]);
}

/* Discovering ---------------------------------------------------------------------------------- */

typedef struct Visit
{
	int64 character_id;
	int64 teleport_id;
} Visit;

static HTAB *visits; /* that the scheduler has written already */

static HTAB *
known_visits(void)
{
	HASHCTL control = {.keysize = sizeof(Visit), .entrysize = sizeof(Visit)};

	if (visits == NULL)
		visits = hash_create("necp teleport visits", 1024, &control, HASH_ELEM | HASH_BLOBS);
	return visits;
}

static void
visit(int64 character_id, int64 teleport_id)
{
	Visit made = {character_id, teleport_id};
	bool known;

	(void) hash_search(known_visits(), &made, HASH_ENTER, &known);
	if (known)
		return;
	if (necp_run(&discover, character_id, teleport_id, TimestampTzGetDatum(necp_now())) > 0)
		push_journey(character_id, "TELEPORT_DISCOVERED", teleport_id, NULL);
}

/* Whoever comes near has been there; who stands at one costs a look into a table in memory. */
static void
discover_near(void *unused)
{
	NecpRows points = necp_rows(necp_run0(&read_points));
	float reach = (float) necp_config_float("teleport.discover_m");

	for (uint64 row = 0; row < points.count; row++)
	{
		NecpEntity spot = {.place_id = necp_row_int8(&points, row, 2)};
		NecpEntity *characters;
		int n = necp_world_list(spot.place_id, NECP_ENTITY_CHARACTER, &characters);

		spot.state.x = (float) necp_row_float8(&points, row, 3);
		spot.state.y = (float) necp_row_float8(&points, row, 4);
		spot.state.z = (float) necp_row_float8(&points, row, 5);
		for (int i = 0; i < n; i++)
			if (necp_world_distance(&characters[i], &spot) <= reach)
				visit(characters[i].state.id, necp_row_int8(&points, row, 1));
	}
}

/* Stuck ---------------------------------------------------------------------------------------- */

/* zone_unstuck() → zone_view. */
NECP_FUNCTION(necp_zone_unstuck)
{
	int64 character_id = necp_character();
	NecpEntity self = require_present();
	TimestampTz now;

	lock_journeys(character_id);
	now = necp_now();
	if (necp_timestamp(0, 4) > now)
		necp_fail(COOLDOWN, NULL, "not so soon after the last time");
	necp_run(&mark_unstuck,
			 character_id,
			 TimestampTzGetDatum(now + necp_config_int("zone.unstuck_s") * USECS_PER_SEC));
	if (necp_run(&save_safe_point, character_id, TimestampTzGetDatum(now)) == 0)
		necp_fail(CONFLICT, NULL, "the place has no safe point");
	self.state.x = (float) necp_float8(0, 1);
	self.state.y = (float) necp_float8(0, 2);
	self.state.z = (float) necp_float8(0, 3);
	necp_world_shift(&self);
	return necp_zone_view(&self);
}

NECP_ROOM_INIT(teleport)
{
	necp_schedule_steps("teleport_arrivals", ARRIVE_S, arrive_all);
	necp_schedule("teleport_discoveries", DISCOVER_S, discover_near);
}
