/* SPDX-License-Identifier: PostgreSQL
 *
 * NPCs (DOMAIN §8): templates and spawns are content; an instance's row says only whether it lives,
 * and in which life. Where it is and its hit points are in memory. Lock order: the NPC's row comes
 * before the combat's.
 */
#include "postgres.h"

#include "world/world.h"
#include "world/zone.h"

#include "gameplay/npc.h"

#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/spi.h"

#define FULL_HP "floor(t.max_hp * (1 + 0.1 * t.level))::int"

static NecpPlan show_npc = NECP_PLAN(
	"SELECT to_json(ROW(i.id, t.code, t.name, t.tier, t.level, s.zone_id, i.status,"
	" CASE WHEN i.status = 'DEAD' THEN 0 ELSE coalesce($2, " FULL_HP ") END, " FULL_HP ","
	" coalesce($3, s.x), coalesce($4, s.y), coalesce($5, s.z), i.respawn_at)::necp.npc_view)"
	" FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id"
	" JOIN game.npc_templates t ON t.id = s.template_id WHERE i.id = $1",
	INT8OID, INT4OID, FLOAT4OID, FLOAT4OID, FLOAT4OID);

static NecpPlan lock_npc =
	NECP_PLAN("SELECT status, life_id FROM game.npc_instances WHERE id = $1 FOR NO KEY UPDATE",
			  INT8OID);

static NecpPlan insert_death = NECP_PLAN(
	"INSERT INTO game.npc_deaths (npc_id, life_id, killer_id, died_at) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT DO NOTHING",
	INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID);

static NecpPlan bury =
	NECP_PLAN("UPDATE game.npc_instances i SET status = 'DEAD', died_at = $3,"
			  " respawn_at = $3 + make_interval(secs => t.respawn_seconds)"
			  " FROM game.npc_spawns s JOIN game.npc_templates t ON t.id = s.template_id"
			  " WHERE i.id = $1 AND i.life_id = $2 AND i.status = 'ALIVE' AND s.id = i.spawn_id"
			  " RETURNING t.id, t.loot_table_code, t.level, t.xp_base, t.tier::int,"
			  " t.guaranteed_table_code",
			  INT8OID, INT8OID, TIMESTAMPTZOID);

static NecpPlan import_templates = NECP_PLAN(
	"INSERT INTO game.npc_templates AS t (code, name, tier, level, max_hp, armor, attack_damage,"
	" attack_range, attack_interval_ms, walk_speed, run_speed, temperament, aggro_m,"
	" assist_m, leash_m, enrage_s, reflexes, loot_table_code, guaranteed_table_code, xp_base,"
	" respawn_seconds, origin)"
	" SELECT r.code, r.name, r.tier, r.level, r.max_hp, coalesce(r.armor, 0),"
	" coalesce(r.attack_damage, 10), coalesce(r.attack_range, 25), coalesce(r.attack_interval_ms, 1000),"
	" coalesce(r.walk_speed, 1.5), coalesce(r.run_speed, 6), coalesce(r.temperament, 'passive'),"
	" coalesce(r.aggro_m, 20), coalesce(r.assist_m, 15), coalesce(r.leash_m, 60),"
	" coalesce(r.enrage_s, 600), coalesce(r.reflexes, 5), r.loot_table_code, r.guaranteed_table_code,"
	/* DOMAIN §36: 50 × level × the tier's factor */
	" coalesce(r.xp_base, (50 * r.level * (ARRAY[1, 1.5, 2, 3, 5, 20])[r.tier + 1])::int),"
	" coalesce(r.respawn_seconds, 300), 'pack'"
	" FROM jsonb_to_recordset($1 -> 'templates') AS r (code text, name text, tier smallint, level int,"
	" max_hp int, armor int, attack_damage int, attack_range real, attack_interval_ms int,"
	" walk_speed real, run_speed real, temperament text, aggro_m real, assist_m real, leash_m real,"
	" enrage_s int, reflexes int, loot_table_code text, guaranteed_table_code text, xp_base int, respawn_seconds int)"
	" ON CONFLICT (code) DO UPDATE SET name = excluded.name, tier = excluded.tier,"
	" level = excluded.level, max_hp = excluded.max_hp, armor = excluded.armor,"
	" attack_damage = excluded.attack_damage, attack_range = excluded.attack_range,"
	" attack_interval_ms = excluded.attack_interval_ms, walk_speed = excluded.walk_speed,"
	" run_speed = excluded.run_speed, temperament = excluded.temperament, aggro_m = excluded.aggro_m,"
	" assist_m = excluded.assist_m, leash_m = excluded.leash_m, enrage_s = excluded.enrage_s, reflexes = excluded.reflexes,"
	" loot_table_code = excluded.loot_table_code,"
	" guaranteed_table_code = excluded.guaranteed_table_code, xp_base = excluded.xp_base,"
	" respawn_seconds = excluded.respawn_seconds"
	" WHERE t.origin = 'pack' AND (t.name, t.tier, t.level, t.max_hp, t.armor, t.attack_damage,"
	" t.attack_range, t.attack_interval_ms, t.walk_speed, t.run_speed, t.temperament, t.aggro_m,"
	" t.assist_m, t.leash_m, t.enrage_s, t.reflexes, t.loot_table_code, t.guaranteed_table_code, t.xp_base,"
	" t.respawn_seconds) IS DISTINCT FROM (excluded.name, excluded.tier, excluded.level,"
	" excluded.max_hp, excluded.armor, excluded.attack_damage, excluded.attack_range,"
	" excluded.attack_interval_ms, excluded.walk_speed, excluded.run_speed, excluded.temperament,"
	" excluded.aggro_m, excluded.assist_m, excluded.leash_m, excluded.enrage_s, excluded.reflexes, excluded.loot_table_code,"
	" excluded.guaranteed_table_code, excluded.xp_base,"
	" excluded.respawn_seconds)",
	JSONBOID);

/* The phases that a pack gives to templates of packs. */
#define PACK_PHASES                                                                                \
	"(SELECT t.id AS template_id, p.* FROM jsonb_to_recordset($1 -> 'templates') AS r (code text," \
	" phases jsonb) JOIN game.npc_templates t ON t.code = r.code AND t.origin = 'pack',"           \
	" jsonb_to_recordset(r.phases) AS p (phase smallint, hp_percent smallint, damage_percent int," \
	" area_damage int, area_m real, area_every_ms int, telegraph_ms int, weak_ms int,"             \
	" weak_percent int))"

static NecpPlan drop_phases =
	NECP_PLAN("DELETE FROM game.npc_phases o USING game.npc_templates t"
			  " WHERE t.id = o.template_id AND t.origin = 'pack'"
			  " AND t.code IN (SELECT r ->> 'code' FROM jsonb_array_elements($1 -> 'templates') r)"
			  " AND NOT EXISTS (SELECT FROM " PACK_PHASES " n"
			  " WHERE n.template_id = o.template_id AND n.phase = o.phase)",
			  JSONBOID);

static NecpPlan import_phases = NECP_PLAN(
	"INSERT INTO game.npc_phases AS p (template_id, phase, hp_percent, damage_percent, area_damage,"
	" area_m, area_every_ms, telegraph_ms, weak_ms, weak_percent)"
	" SELECT n.template_id, n.phase, n.hp_percent, coalesce(n.damage_percent, 100),"
	" coalesce(n.area_damage, 0), coalesce(n.area_m, 8), coalesce(n.area_every_ms, 15000),"
	" coalesce(n.telegraph_ms, 2000), coalesce(n.weak_ms, 0), coalesce(n.weak_percent, 150)"
	" FROM " PACK_PHASES " n"
	" ON CONFLICT (template_id, phase) DO UPDATE SET hp_percent = excluded.hp_percent,"
	" damage_percent = excluded.damage_percent, area_damage = excluded.area_damage,"
	" area_m = excluded.area_m, area_every_ms = excluded.area_every_ms,"
	" telegraph_ms = excluded.telegraph_ms, weak_ms = excluded.weak_ms,"
	" weak_percent = excluded.weak_percent"
	" WHERE (p.hp_percent, p.damage_percent, p.area_damage, p.area_m, p.area_every_ms, p.telegraph_ms,"
	" p.weak_ms, p.weak_percent) IS DISTINCT FROM (excluded.hp_percent, excluded.damage_percent,"
	" excluded.area_damage, excluded.area_m, excluded.area_every_ms, excluded.telegraph_ms,"
	" excluded.weak_ms, excluded.weak_percent)",
	JSONBOID);

/* Each phase begins lower than the one before, and there is a first one. */
static NecpPlan wrong_phases = NECP_PLAN(
	"SELECT code FROM (SELECT t.code, p.phase, p.hp_percent, row_number() OVER w AS n,"
	" lag(p.hp_percent) OVER w AS former FROM game.npc_phases p"
	" JOIN game.npc_templates t ON t.id = p.template_id"
	" WHERE t.code IN (SELECT r ->> 'code' FROM jsonb_array_elements($1 -> 'templates') r)"
	" WINDOW w AS (PARTITION BY p.template_id ORDER BY p.phase)) o"
	" WHERE o.phase <> o.n OR o.hp_percent >= o.former LIMIT 1",
	JSONBOID);

static NecpPlan unknown_references = NECP_PLAN(
	"SELECT r.code FROM jsonb_to_recordset($1 -> 'spawns') AS r (code text, template text, zone text)"
	" WHERE NOT EXISTS (SELECT FROM game.npc_templates t WHERE t.code = r.template)"
	" OR NOT EXISTS (SELECT FROM game.zones z WHERE z.code = r.zone) LIMIT 1",
	JSONBOID);

static NecpPlan import_spawns = NECP_PLAN(
	"INSERT INTO game.npc_spawns AS s (code, template_id, zone_id, x, y, z, yaw, waypoints, enabled, origin)"
	" SELECT r.code, t.id, z.id, r.x, r.y, coalesce(r.z, 0), coalesce(r.yaw, 0),"
	" ARRAY(SELECT c.value::real FROM jsonb_array_elements(coalesce(r.waypoints, '[]')) WITH ORDINALITY"
	" AS w (point, n) CROSS JOIN jsonb_array_elements_text(w.point) WITH ORDINALITY AS c (value, k)"
	" ORDER BY w.n, c.k), coalesce(r.enabled, true), 'pack'"
	" FROM jsonb_to_recordset($1 -> 'spawns') AS r (code text, template text, zone text, x real, y real,"
	" z real, yaw real, waypoints jsonb, enabled boolean)"
	" JOIN game.npc_templates t ON t.code = r.template JOIN game.zones z ON z.code = r.zone"
	" ON CONFLICT (code) DO UPDATE SET template_id = excluded.template_id, zone_id = excluded.zone_id,"
	" x = excluded.x, y = excluded.y, z = excluded.z, yaw = excluded.yaw,"
	" waypoints = excluded.waypoints, enabled = excluded.enabled"
	" WHERE s.origin = 'pack' AND (s.template_id, s.zone_id, s.x, s.y, s.z, s.yaw, s.waypoints, s.enabled)"
	" IS DISTINCT FROM (excluded.template_id, excluded.zone_id, excluded.x, excluded.y, excluded.z,"
	" excluded.yaw, excluded.waypoints, excluded.enabled)",
	JSONBOID);

/* npc_read(npc_id bigint) → npc_view. */
NECP_FUNCTION(necp_npc_read)
{
	int64 npc_id = necp_arg_id(fcinfo, 0, "npc_id");
	NecpEntity npc;
	bool here = necp_world_read(-npc_id, &npc);

	return necp_answer_args(&show_npc,
							"NPC",
							(Datum[]){Int64GetDatum(npc_id),
									  Int32GetDatum(here ? npc.state.hp : 0),
									  Float4GetDatum(here ? npc.state.x : 0),
									  Float4GetDatum(here ? npc.state.y : 0),
									  Float4GetDatum(here ? npc.state.z : 0)},
							here ? "     " : " nnnn");
}

int64
necp_npc_lock(int64 npc_id)
{
	if (necp_run(&lock_npc, npc_id) == 0)
		necp_fail(NOT_FOUND, "npc_id", "NPC " INT64_FORMAT " not found", npc_id);
	if (strcmp(necp_text(0, 1), "ALIVE") != 0)
		necp_fail(TARGET_DEAD, "npc_id", "NPC " INT64_FORMAT " is dead", npc_id);
	return necp_int8(0, 2);
}

static void
emit_death(const NecpNpcDeath *death, const char *type)
{
	NecpJson json;
	StringInfoData earners;
	NecpEvent event = {.type = type,
					   .aggregate_type = "NPC",
					   .aggregate_id = death->npc_id,
					   .detail = death};

	initStringInfo(&earners);
	for (int i = 0; i < death->earners.n; i++)
		appendStringInfo(&earners,
						 "%s" INT64_FORMAT,
						 i > 0 ? "," : "",
						 death->earners.character_ids[i]);
	necp_json_open(&json);
	necp_json_int(&json, "npc_id", death->npc_id);
	necp_json_int(&json, "life_id", death->life_id);
	necp_json_int(&json, "template_id", death->template_id);
	necp_json_int(&json, "place_id", death->place_id);
	necp_json_int(&json, "killer_id", death->killer_id);
	necp_json_int(&json, "level", death->level);
	necp_json_int(&json, "xp", death->xp);
	necp_json_raw(&json, "earners", psprintf("[%s]", earners.data));
	event.data = necp_json_close(&json);
	necp_event_emit(&event);
}

static void
push_death(const NecpNpcDeath *death)
{
	NecpJson json;

	necp_json_open(&json);
	necp_json_int(&json, "entity_id", -death->npc_id);
	necp_json_int(&json, "npc_id", death->npc_id);
	necp_json_int(&json, "killer_id", death->killer_id);
	necp_json_raw(&json, "position", psprintf("[%.2f,%.2f,%.2f]", death->x, death->y, death->z));
	necp_zone_push(death->place_id, "NPC_DIED", necp_json_close(&json));
}

void
necp_npc_die(const NecpEntity *npc, int64 killer_id, int64 combat_id, NecpNpcDeath *death)
{
	TimestampTz now = necp_now();
	int32 base;

	*death = (NecpNpcDeath){.npc_id = -npc->state.id,
							.life_id = npc->life_id,
							.place_id = npc->place_id,
							.x = npc->state.x,
							.y = npc->state.y,
							.z = npc->state.z,
							.killer_id = killer_id};
	if (necp_run(&bury, death->npc_id, death->life_id, TimestampTzGetDatum(now)) == 0)
		necp_fail(TARGET_DEAD, "target_id", "NPC " INT64_FORMAT " is dead", death->npc_id);
	death->template_id = necp_int8(0, 1);
	death->loot_table_code = necp_text(0, 2);
	death->level = necp_int4(0, 3);
	base = necp_int4(0, 4);
	death->tier = necp_int4(0, 5);
	death->guaranteed_table_code = necp_text(0, 6);
	if (necp_run(&insert_death,
				 death->npc_id,
				 death->life_id,
				 killer_id,
				 TimestampTzGetDatum(now)) == 0)
		necp_fail(TARGET_DEAD, "target_id", "NPC " INT64_FORMAT " is dead", death->npc_id);
	necp_npc_earners(death, &death->earners);
	necp_npc_share(death, base, combat_id);
	emit_death(death, "NPC_DIED");
	if (death->tier >= NECP_BOSS_TIER)
		emit_death(death, "BOSS_DIED");
	push_death(death);
}

/* npc_import(pack jsonb) → rows changed; the worker brings to life what is new. */
NECP_FUNCTION(necp_npc_import)
{
	Datum pack;
	uint64 changed;

	necp_arg_required(fcinfo, 0, "pack");
	pack = PG_GETARG_DATUM(0);
	changed = necp_run(&import_templates, pack);
	changed += necp_run(&drop_phases, pack) + necp_run(&import_phases, pack);
	if (necp_run(&wrong_phases, pack) > 0)
		necp_fail(VALIDATION,
				  "pack",
				  "the phases of \"%s\" do not go down one after the other",
				  necp_text(0, 1));
	if (necp_run(&unknown_references, pack) > 0)
		necp_fail(VALIDATION,
				  "pack",
				  "spawn \"%s\" names an unknown template or zone",
				  necp_text(0, 1));
	changed += necp_run(&import_spawns, pack);
	if (changed > 0)
		necp_world_reload();
	PG_RETURN_INT32((int32) changed);
}

void
necp_npc_init(void)
{
	necp_npc_work_init();
}
