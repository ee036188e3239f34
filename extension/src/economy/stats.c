/* SPDX-License-Identifier: PostgreSQL
 *
 * Stats of characters (DOMAIN §6): own attributes, and what is worn times its quality and upgrades. What
 * is broken counts for nothing.
 */
#include "postgres.h"

#include "economy/stats.h"
#include "kernel/config.h"
#include "kernel/spi.h"
#include "world/world.h"

#define BONUS(name)                                                                                \
	"c." name ", c." name " + coalesce(floor((SELECT sum((t.attributes #>> '{bonus," name          \
	"}')::float8 * " NECP_WORN_FACTOR ")" NECP_WORN "))::int, 0)"
#define SUM(name)                                                                                  \
	"coalesce(floor((SELECT sum((t.attributes ->> '" name "')::float8 * " NECP_WORN_FACTOR         \
	")" NECP_WORN "))::int, 0)"

static NecpPlan read_stats = NECP_PLAN(
	"SELECT c.level, (SELECT k.code FROM game.character_classes k WHERE k.id = c.class_id), " SUM("armor") ", " SUM("luck") ", " BONUS(
		"body") ", " BONUS("reflexes") ", " BONUS("technical_"
												  "ability") ", " BONUS("intelligence") ", " BONUS("cool") ", " BONUS("empathy") " FROM game.characters c WHERE c.id = $1 AND c.deleted_at IS NULL",
	INT8OID);
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
	for (int i = 0; i < NECP_ATTRIBUTES; i++)
	{
		stats->own[i] = necp_int4(0, 5 + 2 * i);
		stats->all[i] = necp_int4(0, 6 + 2 * i);
	}
	stats->luck += (int32) necp_config_int("equipment.luck");
	return true;
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
necp_stats_refit(int64 character_id)
{
	NecpStats stats;

	if (necp_stats(character_id, &stats))
		necp_world_refit(character_id, stats.all[NECP_BODY], stats.all[NECP_REFLEXES], stats.armor);
}
