/* SPDX-License-Identifier: PostgreSQL
 *
 * What the world worker does for zones: opens them, brings back who was there before a crash,
 * advances their ticks, saves positions, sweeps out who has no session any more (DOMAIN §13, §21).
 */
#include "postgres.h"

#include "world/world.h"
#include "world/zone.h"

#include "catalog/namespace.h"
#include "catalog/pg_type_d.h"
#include "utils/array.h"

#include "kernel/clock.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define DEPTH_M 1000 /* a zone reaches from that far below to that far above */
#define SAVE_MS 30000
#define SPARE 64 /* who comes while positions are copied may wait for the next time */
#define SETTLED_US (30 * USECS_PER_SEC) /* an entry this old must have its session's row */

static NecpPlan online_zones =
	NECP_PLAN0("SELECT id, size_m, capacity FROM game.zones WHERE status = 'ONLINE' ORDER BY id");

static NecpPlan who_was_here = NECP_PLAN0(
	"SELECT s.character_id, p.place_id, p.x::float8, p.y::float8, p.z::float8, p.yaw::float8"
	" FROM game.player_sessions s JOIN game.player_positions p ON p.character_id = s.character_id"
	" WHERE s.closed_at IS NULL AND s.place_id = p.place_id");

static NecpPlan save_positions = NECP_PLAN(
	"UPDATE game.player_positions p SET x = u.x, y = u.y, z = u.z, yaw = u.yaw, saved_at = $7"
	" FROM unnest($1, $2, $3, $4, $5, $6) AS u (character_id, place_id, x, y, z, yaw)"
	" WHERE p.character_id = u.character_id AND p.place_id = u.place_id",
	INT8ARRAYOID, INT8ARRAYOID, FLOAT4ARRAYOID, FLOAT4ARRAYOID, FLOAT4ARRAYOID, FLOAT4ARRAYOID,
	TIMESTAMPTZOID);

static NecpPlan find_ghosts = NECP_PLAN(
	"SELECT u.character_id FROM unnest($1, $2) AS u (character_id, place_id)"
	" WHERE NOT EXISTS (SELECT FROM game.player_sessions s WHERE s.character_id = u.character_id"
	" AND s.place_id = u.place_id AND s.closed_at IS NULL)",
	INT8ARRAYOID, INT8ARRAYOID);

/* Loading -------------------------------------------------------------------------------------- */

static void
open_zones(void)
{
	uint64 rows = necp_run0(&online_zones);
	NecpPlace *open;
	int nopen = necp_world_places(&open);

	for (uint64 row = 0; row < rows; row++)
	{
		float half = (float) necp_int4(row, 2) / 2;
		NecpPlace zone = {.id = necp_int8(row, 1),
						  .bounds = {-half, -half, -DEPTH_M, half, half, DEPTH_M},
						  .capacity = necp_int4(row, 3)};

		if (!necp_world_open(&zone))
			elog(WARNING, "no room for zone " INT64_FORMAT ": raise necpgame.max_places", zone.id);
	}
	for (int i = 0; i < nopen; i++)
	{
		bool online = open[i].id < 0;

		for (uint64 row = 0; row < rows && !online; row++)
			online = necp_int8(row, 1) == open[i].id;
		if (!online)
			necp_world_close(open[i].id);
	}
}

static void
bring_back(const NecpEntity *saved)
{
	NecpEntity who;

	if (necp_world_read(saved->state.id, &who) || !necp_zone_describe(saved->state.id, &who))
		return;
	who.place_id = saved->place_id;
	who.state.x = saved->state.x;
	who.state.y = saved->state.y;
	who.state.z = saved->state.z;
	who.state.yaw = saved->state.yaw;
	(void) necp_world_spawn(&who);
}

static void
bring_back_characters(void)
{
	uint64 rows = necp_run0(&who_was_here);
	NecpEntity *saved = palloc0(rows * sizeof(NecpEntity));

	for (uint64 row = 0; row < rows; row++)
	{
		saved[row].state.id = necp_int8(row, 1);
		saved[row].place_id = necp_int8(row, 2);
		saved[row].state.x = (float) necp_float8(row, 3);
		saved[row].state.y = (float) necp_float8(row, 4);
		saved[row].state.z = (float) necp_float8(row, 5);
		saved[row].state.yaw = (float) necp_float8(row, 6);
	}
	for (uint64 row = 0; row < rows; row++)
		bring_back(&saved[row]);
}

static void
load_zones(void *unused)
{
	necp_world_belong_to(get_namespace_oid("game", false));
	open_zones();
	bring_back_characters();
}

/* Advancing ------------------------------------------------------------------------------------ */

static void
tick_zones(TimestampTz now)
{
	NecpPlace *places;
	int n = necp_world_places(&places);

	for (int i = 0; i < n; i++)
		if (places[i].players > 0)
			necp_world_tick(places[i].id, now);
}

static const NecpWorldJob ticking = {
	.name = "zones",
	.load = load_zones,
	.step = tick_zones,
};

/* Saving --------------------------------------------------------------------------------------- */

/* Columns of what is saved, as arrays of Datums. */
typedef struct Positions
{
	int n, room;
	Datum *ids, *places, *x, *y, *z, *yaw;
} Positions;

static TimestampTz saved_until; /* by the worker */

static void
positions_room(Positions *positions, int room)
{
	positions->room = room;
	positions->ids = palloc(room * sizeof(Datum));
	positions->places = palloc(room * sizeof(Datum));
	positions->x = palloc(room * sizeof(Datum));
	positions->y = palloc(room * sizeof(Datum));
	positions->z = palloc(room * sizeof(Datum));
	positions->yaw = palloc(room * sizeof(Datum));
}

static void
add_position(Positions *positions, const NecpEntity *who)
{
	int i = positions->n++;

	positions->ids[i] = Int64GetDatum(who->state.id);
	positions->places[i] = Int64GetDatum(who->place_id);
	positions->x[i] = Float4GetDatum(who->state.x);
	positions->y[i] = Float4GetDatum(who->state.y);
	positions->z[i] = Float4GetDatum(who->state.z);
	positions->yaw[i] = Float4GetDatum(who->state.yaw);
}

static void
write_positions(const Positions *positions)
{
	if (positions->n == 0)
		return;
	necp_run(&save_positions,
			 necp_int8_array(positions->ids, positions->n),
			 necp_int8_array(positions->places, positions->n),
			 necp_float4_array(positions->x, positions->n),
			 necp_float4_array(positions->y, positions->n),
			 necp_float4_array(positions->z, positions->n),
			 necp_float4_array(positions->yaw, positions->n),
			 TimestampTzGetDatum(necp_now()));
}

/* Who stands in memory without a session there is a leftover of a race: the row is right. */
static void
sweep_ghosts(const Positions *settled)
{
	uint64 rows;

	if (settled->n == 0)
		return;
	rows = necp_run(&find_ghosts,
					necp_int8_array(settled->ids, settled->n),
					necp_int8_array(settled->places, settled->n));
	for (uint64 row = 0; row < rows; row++)
		necp_world_despawn(necp_int8(row, 1));
}

/* Positions that changed since then (TimestampTz), all at once. */
static void
save_world(void *since)
{
	TimestampTz changed = *(TimestampTz *) since;
	TimestampTz settled_by = necp_now() - SETTLED_US;
	Positions moved = {0};
	Positions settled = {0};
	NecpPlace *places;
	int nplaces = necp_world_places(&places);
	int players = 0;

	for (int i = 0; i < nplaces; i++)
		players += places[i].players;
	positions_room(&moved, players + SPARE);
	positions_room(&settled, players + SPARE);
	for (int i = 0; i < nplaces; i++)
	{
		NecpEntity *characters;
		int n = places[i].players == 0
					? 0
					: necp_world_list(places[i].id, NECP_ENTITY_CHARACTER, &characters);

		for (int k = 0; k < n && moved.n < moved.room && settled.n < settled.room; k++)
		{
			if (characters[k].moved_at >= changed)
				add_position(&moved, &characters[k]);
			if (characters[k].entered_at < settled_by)
				add_position(&settled, &characters[k]);
		}
	}
	write_positions(&moved);
	sweep_ghosts(&settled);
}

/* A clock that was set back makes everything look saved: then all is saved again. */
static void
save_now(TimestampTz now)
{
	TimestampTz since = now < saved_until ? 0 : saved_until;

	if (necp_worker_transaction(save_world, &since))
		saved_until = now;
}

static const NecpWorldJob saving = {
	.name = "positions",
	.period_ms = SAVE_MS,
	.step = save_now,
};

/* world_save(): saves all positions here and now, for operators and tests. */
NECP_FUNCTION(necp_world_save)
{
	TimestampTz since = 0;

	save_world(&since);
	PG_RETURN_VOID();
}

void
necp_zone_work_init(void)
{
	necp_world_job(&ticking);
	necp_world_job(&saving);
}
