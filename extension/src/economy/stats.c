/* SPDX-License-Identifier: PostgreSQL
 *
 * Stats of characters (DOMAIN §6): own attributes, and what is worn times its quality and upgrades, and
 * what perks add (§36). What is broken counts for nothing.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/stats.h"
#include "kernel/config.h"
#include "kernel/spi.h"
#include "world/world.h"

#define STATS_LOCK 0x57a75 /* class of advisory locks on a character's stats */

#define BONUS(name)                                                                                \
	", c." name ", c." name " + coalesce(floor((SELECT sum((t.attributes #>> '{bonus," name        \
	"}')::float8 * " NECP_WORN_FACTOR ")" NECP_WORN "))::int, 0)"
#define SUM(name)                                                                                  \
	"coalesce(floor((SELECT sum((t.attributes ->> '" name "')::float8 * " NECP_WORN_FACTOR         \
	")" NECP_WORN "))::int, 0)"
#define PERK(stat) "coalesce(sum(e.amount) FILTER (WHERE e.stat = '" stat "'), 0)::int AS " stat
#define PERKS                                                                                      \
	"(SELECT " PERK("armor") ", " PERK("luck") ", " PERK("damage_percent") ", " PERK(              \
		"crit_percent") " FROM game.character_perks p"                                             \
						" JOIN game.perk_effects e ON e.perk_id = p.perk_id"                       \
						" WHERE p.character_id = c.id)"
#define OF_PERKS_AND_GEAR                                                                          \
	"k.armor + " SUM("armor") ", k.luck + " SUM("luck") ", k.damage_percent, k.crit_percent, "
#define OWN_AND_ALL                                                                                \
	BONUS("body")                                                                                  \
	BONUS("reflexes")                                                                              \
	BONUS("technical_ability") BONUS("intelligence") BONUS("cool") BONUS("empathy")

static NecpPlan read_stats = NECP_PLAN(
	"SELECT c.level,"
	" (SELECT s.code FROM game.character_classes s WHERE s.id = c.class_id)," OF_PERKS_AND_GEAR
		NECP_MAX_HP_SQL(c.body, c.level, c.perk_hp) OWN_AND_ALL
	" FROM game.characters c, LATERAL " PERKS " k WHERE c.id = $1 AND c.deleted_at IS NULL",
	INT8OID);
static NecpPlan read_luck =
	NECP_PLAN("SELECT " NECP_PERK_SUM("luck") "::int + " SUM("luck"), INT8OID);
static NecpPlan wait_for_stats =
	NECP_PLAN("SELECT pg_advisory_xact_lock($2, hashint8($1))", INT8OID, INT4OID);
static NecpPlan read_weapon = NECP_PLAN(
	"SELECT greatest(floor((t.attributes ->> 'damage')::float8 * " NECP_WORN_FACTOR ")::int, 1),"
	" (t.attributes ->> 'rpm')::int, (t.attributes ->> 'range_m')::float8,"
	" coalesce(t.attributes ->> 'attribute' = 'body', false)" NECP_WORN
	" AND t.slot = 'weapon' AND t.attributes ?& '{damage,rpm,range_m}' ORDER BY i.slot LIMIT 1",
	INT8OID);

const char *const necp_attribute_names[NECP_ATTRIBUTES] =
	{"body", "reflexes", "technical_ability", "intelligence", "cool", "empathy"};

bool
necp_stats(int64 character_id, NecpStats *stats)
{
	if (necp_run(&read_stats, character_id) == 0)
		return false;
	stats->level = necp_int4(0, 1);
	stats->class = necp_text(0, 2);
	stats->armor = Max(necp_int4(0, 3), 0);
	stats->luck = necp_int4(0, 4);
	stats->damage_percent = Max(necp_int4(0, 5), -100);
	stats->crit_percent = necp_int4(0, 6);
	stats->max_hp = necp_int4(0, 7);
	for (int i = 0; i < NECP_ATTRIBUTES; i++)
	{
		stats->own[i] = necp_int4(0, 8 + 2 * i);
		stats->all[i] = necp_int4(0, 9 + 2 * i);
	}
	stats->luck += (int32) necp_config_int("equipment.luck");
	return true;
}

double
necp_stats_luck(int64 character_id)
{
	necp_run(&read_luck, character_id);
	return (double) necp_config_int("equipment.luck") + necp_int4(0, 1);
}

bool
necp_stats_weapon(int64 character_id, NecpWeapon *weapon)
{
	if (necp_run(&read_weapon, character_id) == 0)
		return false;
	*weapon = (NecpWeapon){.damage = necp_int4(0, 1),
						   .rpm = Max(necp_int4(0, 2), 1),
						   .range = (float) necp_float8(0, 3),
						   .by_body = necp_bool(0, 4)};
	return true;
}

void
necp_stats_apply(const NecpStats *stats, NecpEntity *entity)
{
	entity->level = stats->level;
	entity->body = stats->all[NECP_BODY];
	entity->reflexes = stats->all[NECP_REFLEXES];
	entity->armor = stats->armor;
	entity->damage_percent = stats->damage_percent;
	entity->crit_percent = stats->crit_percent;
}

void
necp_stats_refit(int64 character_id)
{
	NecpStats stats;

	necp_run(&wait_for_stats, character_id, Int32GetDatum(STATS_LOCK));
	if (necp_stats(character_id, &stats))
		necp_world_refit(&(NecpFit){.entity_id = character_id,
									.level = stats.level,
									.max_hp = stats.max_hp,
									.body = stats.all[NECP_BODY],
									.reflexes = stats.all[NECP_REFLEXES],
									.armor = stats.armor,
									.damage_percent = stats.damage_percent,
									.crit_percent = stats.crit_percent});
}
