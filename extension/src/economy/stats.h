/* SPDX-License-Identifier: PostgreSQL
 *
 * What a character can do: the one place that derives it from attributes, from what is worn, with its
 * quality and upgrades (DOMAIN §6), and from perks (§36). Nothing here is stored.
 */
#ifndef NECP_ECONOMY_STATS_H
#define NECP_ECONOMY_STATS_H

#include "postgres.h"

typedef enum NecpAttribute
{
	NECP_BODY,
	NECP_REFLEXES,
	NECP_TECHNICAL_ABILITY,
	NECP_INTELLIGENCE,
	NECP_COOL,
	NECP_EMPATHY,
	NECP_ATTRIBUTES
} NecpAttribute;

extern const char *const necp_attribute_names[NECP_ATTRIBUTES];

typedef struct NecpStats
{
	int32 level;
	int32 max_hp;
	const char *class;
	int32 own[NECP_ATTRIBUTES]; /* the character's */
	int32 all[NECP_ATTRIBUTES]; /* with what is worn */
	int32 armor;
	int32 luck;           /* base 10, then perks and gear */
	int32 damage_percent; /* that perks add to every blow */
	int32 crit_percent;   /* that perks add to the chance of a critical hit */
} NecpStats;

typedef struct NecpWeapon
{
	int32 damage; /* of a hit on the torso */
	int32 rpm;
	float range;
	bool by_body; /* body counts, not reflexes */
} NecpWeapon;

/* False where there is no such character. */
extern bool necp_stats(int64 character_id, NecpStats *stats);
/* LUCK (DOMAIN §36) of a character; what everybody has where there is no such character. */
extern double necp_stats_luck(int64 character_id);
/* The first weapon worn that is not broken; false without one. */
extern bool necp_stats_weapon(int64 character_id, NecpWeapon *weapon);
/*
 * The live world fights with the character's present stats once this transaction has committed. Call it
 * last: it waits for other transactions that change the same character's stats, so that
 * the memory never ends up with what was read before their change.
 */
extern void necp_stats_refit(int64 character_id);
/* An entity fights with these numbers. */
struct NecpEntity;
extern void necp_stats_apply(const NecpStats *stats, struct NecpEntity *entity);

/* In SQL, of the character $1: what its perks add to a stat. */
#define NECP_PERK_SUM(stat)                                                                        \
	"coalesce((SELECT sum(e.amount) FROM game.character_perks p"                                   \
	" JOIN game.perk_effects e ON e.perk_id = p.perk_id"                                           \
	" WHERE p.character_id = $1 AND e.stat = '" stat "'), 0)"

/*
 * In SQL, of the character $1: what it wears that is not broken, as items i of templates t, and the
 * factor of their numbers.
 */
#define NECP_WORN                                                                                  \
	" FROM game.containers w JOIN game.character_items i ON i.container_id = w.id"                 \
	" JOIN game.item_templates t ON t.id = i.template_id"                                          \
	" JOIN game.item_qualities q ON q.quality = i.quality"                                         \
	" WHERE w.owner_id = $1 AND w.kind = 'EQUIPPED' AND i.durability > 0"
#define NECP_WORN_FACTOR                                                                           \
	"q.factor * (1 + i.upgrade * (SELECT g.value::text::float8 / 100 FROM game.config g"           \
	" WHERE g.key = 'equipment.upgrade_percent'))"

#endif
