/* SPDX-License-Identifier: PostgreSQL
 *
 * The live world for SQL: functions under the views live.zone_players, live.zone_npcs and
 * live.zone_load. Each place is copied under its lock; a view is no snapshot across places.
 */
#include "postgres.h"

#include "world/world.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static const char *const activities[] = {"IDLE", "MOVING", "COMBAT", "AFK", "DEAD"};
static const char *const minds[] = {"IDLE", "PATROL", "ALERT", "COMBAT", "FLEE", "RETURN", "DEAD"};

static void
put_row(FunctionCallInfo fcinfo, Datum *values)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool nulls[16] = {false};

	Assert(result->setDesc->natts <= (int) lengthof(nulls));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Columns that characters and NPCs share; returns how many. */
static int
common_columns(const NecpEntity *entity, Datum *values)
{
	int n = 0;

	values[n++] = Int64GetDatum(entity->place_id);
	values[n++] = Int64GetDatum(entity->state.id < 0 ? -entity->state.id : entity->state.id);
	values[n++] = CStringGetTextDatum(entity->name);
	values[n++] = Int32GetDatum(entity->level);
	values[n++] = Float4GetDatum(entity->state.x);
	values[n++] = Float4GetDatum(entity->state.y);
	values[n++] = Float4GetDatum(entity->state.z);
	values[n++] = Float4GetDatum(entity->state.yaw);
	values[n++] = Int32GetDatum(entity->state.hp);
	values[n++] = Int32GetDatum(entity->state.max_hp);
	values[n++] = CStringGetTextDatum(activities[entity->state.activity]);
	values[n++] = Int64GetDatum(entity->combat_id);
	return n;
}

static void
put_player(FunctionCallInfo fcinfo, const NecpEntity *entity)
{
	Datum values[16];
	int n = common_columns(entity, values);

	values[n++] = Int32GetDatum(entity->violations);
	values[n++] = TimestampTzGetDatum(entity->entered_at);
	put_row(fcinfo, values);
}

static void
put_npc(FunctionCallInfo fcinfo, const NecpEntity *entity)
{
	Datum values[16];
	int n = common_columns(entity, values);

	values[n++] = Int64GetDatum(entity->template_id);
	values[n++] = Int64GetDatum(entity->life_id);
	values[n++] = CStringGetTextDatum(minds[entity->mind]);
	put_row(fcinfo, values);
}

static void
put_entities(FunctionCallInfo fcinfo, uint8 kind, void (*put)(FunctionCallInfo, const NecpEntity *))
{
	NecpPlace *places;
	int nplaces = necp_world_places(&places);

	for (int i = 0; i < nplaces; i++)
	{
		NecpEntity *entities;
		int n = necp_world_list(places[i].id, kind, &entities);

		for (int k = 0; k < n; k++)
			put(fcinfo, &entities[k]);
	}
}

/* live_zone_players(): who stands where. */
PG_FUNCTION_INFO_V1(necp_live_zone_players);
Datum
necp_live_zone_players(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	put_entities(fcinfo, NECP_ENTITY_CHARACTER, put_player);
	return (Datum) 0;
}

/* live_zone_npcs(): which NPC stands where. */
PG_FUNCTION_INFO_V1(necp_live_zone_npcs);
Datum
necp_live_zone_npcs(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	put_entities(fcinfo, NECP_ENTITY_NPC, put_npc);
	return (Datum) 0;
}

/* live_zone_load(): how full places are. */
PG_FUNCTION_INFO_V1(necp_live_zone_load);
Datum
necp_live_zone_load(PG_FUNCTION_ARGS)
{
	NecpPlace *places;
	int n;

	InitMaterializedSRF(fcinfo, 0);
	n = necp_world_places(&places);
	for (int i = 0; i < n; i++)
	{
		Datum values[] = {Int64GetDatum(places[i].id),
						  Int32GetDatum(places[i].players),
						  Int32GetDatum(places[i].npcs),
						  Int32GetDatum(places[i].capacity),
						  Int64GetDatum((int64) places[i].tick),
						  Int64GetDatum((int64) places[i].stamp)};

		put_row(fcinfo, values);
	}
	return (Datum) 0;
}

/* live_world_jobs(): what the world worker's jobs cost. */
PG_FUNCTION_INFO_V1(necp_live_world_jobs);
Datum
necp_live_world_jobs(PG_FUNCTION_ARGS)
{
	NecpWorldWork work[NECP_MAX_WORLD_JOBS];
	int n = necp_world_work(work);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < n; i++)
	{
		Datum values[] = {CStringGetTextDatum(work[i].name),
						  Int64GetDatum(work[i].runs),
						  Int64GetDatum(work[i].total_us),
						  Int64GetDatum(work[i].most_us),
						  Int64GetDatum(work[i].shed)};

		put_row(fcinfo, values);
	}
	return (Datum) 0;
}
