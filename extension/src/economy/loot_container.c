/* SPDX-License-Identifier: PostgreSQL
 *
 * Crates and lockers (DOMAIN §7): whoever opens one that is full leaves a drop at it, for itself and
 * those of its party who are near, as a kill does. Lock order: the container's row, then as a death.
 */
#include "postgres.h"

#include "economy/loot_int.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "world/world.h"
#include "world/zone.h"

#define SQUARE "((k.x - $2) * (k.x - $2) + (k.y - $3) * (k.y - $3))"

static NecpPlan view_nearby =
	NECP_PLAN("SELECT to_json(ROW(k.id, k.code, k.name, k.x, k.y, k.z, k.full_at <= $4,"
			  " nullif(k.full_at, '-infinity'))::necp.loot_container_view), k.id"
			  " FROM game.loot_containers k WHERE k.zone_id = $1 AND " SQUARE " <= $5 * $5"
			  " ORDER BY " SQUARE ", k.id LIMIT 100",
			  INT8OID, FLOAT4OID, FLOAT4OID, TIMESTAMPTZOID, FLOAT8OID);
static NecpPlan lock_container =
	NECP_PLAN("SELECT zone_id, x::float8, y::float8, z::float8, loot_table_code, life, full_at"
			  " FROM game.loot_containers WHERE id = $1 FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan empty_container =
	NECP_PLAN("UPDATE game.loot_containers SET life = life + 1,"
			  " full_at = $2 + make_interval(secs => refill_s) WHERE id = $1",
			  INT8OID, TIMESTAMPTZOID);

/* loot_containers_nearby() → loot_container_view, nearest first. */
NECP_FUNCTION(necp_loot_containers_nearby)
{
	NecpEntity self = necp_zone_require_self();

	return necp_list(&view_nearby,
					 100,
					 self.place_id,
					 Float4GetDatum(self.state.x),
					 Float4GetDatum(self.state.y),
					 TimestampTzGetDatum(necp_now()),
					 Float8GetDatum(necp_config_float("loot.nearby_m")));
}

/* The container's row, locked; only who stands at it learns that it is there. */
static void
take_container(int64 container_id, const NecpEntity *self, NecpFall *fall)
{
	NecpEntity there = {0};
	TimestampTz full_at;

	if (necp_run(&lock_container, container_id) == 0 || necp_int8(0, 1) != self->place_id)
		necp_fail(NOT_FOUND, "container_id", "container not found");
	there.state.x = fall->x = (float) necp_float8(0, 2);
	there.state.y = fall->y = (float) necp_float8(0, 3);
	there.state.z = fall->z = (float) necp_float8(0, 4);
	fall->table = necp_text(0, 5);
	fall->source_life = necp_int8(0, 6);
	full_at = necp_timestamp(0, 7);
	if (self->state.activity == NECP_ACTIVITY_DEAD)
		necp_fail(YOU_ARE_DEAD, NULL, "the dead open nothing");
	if (necp_world_distance(self, &there) > necp_config_float("loot.pickup_m"))
		necp_fail(TOO_FAR,
				  "container_id",
				  "it is farther than %g m away",
				  necp_config_float("loot.pickup_m"));
	if (full_at > necp_now())
		necp_fail(ALREADY_LOOTED, "container_id", "it was emptied before");
}

/* loot_container_open(container_id) → opened_view. */
NECP_FUNCTION(necp_loot_container_open)
{
	int64 container_id = necp_arg_id(fcinfo, 0, "container_id");
	NecpEntity self = necp_zone_require_self();
	NecpFall fall = {.source = "CONTAINER",
					 .source_id = container_id,
					 .place_id = self.place_id,
					 .finder_id = self.state.id};
	int64 drop_id;
	NecpJson view;

	take_container(container_id, &self, &fall);
	necp_run(&empty_container, container_id, TimestampTzGetDatum(necp_now()));
	necp_npc_finders(&self, &fall.earners);
	drop_id = necp_drop_fall(&fall);
	necp_json_open(&view);
	necp_json_int(&view, "container_id", container_id);
	necp_json_raw(&view, "drop_id", drop_id == 0 ? "null" : psprintf(INT64_FORMAT, drop_id));
	return necp_cstring_datum(necp_json_close(&view));
}

NECP_ROOM_INIT(loot_container)
{
}
