/* SPDX-License-Identifier: PostgreSQL
 *
 * Loot tables as they are kept in memory. Each group with weights is one alias table per class of
 * rarity: luck and pity weigh the classes, which are few, and no alias table is ever built again.
 */
#ifndef NECP_ECONOMY_LOOT_TABLE_INT_H
#define NECP_ECONOMY_LOOT_TABLE_INT_H

#include "postgres.h"

#include "kernel/alias.h"

/* Rarities whose weights change; the others, and nothing, are plain. */
typedef enum LootClass
{
	LOOT_PLAIN,
	LOOT_RARE,
	LOOT_EPIC,
	LOOT_LEGENDARY,
	LOOT_CLASSES
} LootClass;

#define LOOT_NESTING 5
#define LOOT_LEGENDS 256 /* ways to a LEGENDARY that a table remembers */
#define LOOT_NEVER (-1)  /* in place of an id: names what does not exist */

/* 0 is no condition; hours are -1 then. */
typedef struct LootCondition
{
	bool set;
	int32 min_level;
	int32 max_level;
	int32 class_id;
	int32 quest_active;
	int32 quest_done;
	int32 from_hour;
	int32 to_hour;
	int64 zone_id;
} LootCondition;

typedef struct LootEntry
{
	int32 template_id; /* 0: a table, or nothing */
	struct LootTable *table;
	LootClass class;
	double weight;
	double chance;
	int32 min_quantity;
	int32 max_quantity;
	int32 max_stack;
	const char *born; /* how an item is bound */
	LootCondition when;
} LootEntry;

/* Entries of one class of a group. */
typedef struct LootPool
{
	double total; /* 0: none */
	LootEntry **entries;
	NecpAlias alias;
} LootPool;

typedef struct LootGroup
{
	bool exclusive;   /* by weight */
	bool conditional; /* some entry has a condition */
	int draws;        /* 0: as many as the table */
	int nentries;
	LootEntry *entries;
	LootPool pools[LOOT_CLASSES];
} LootGroup;

/* A LEGENDARY that can come of a table: for the time when one has to. */
typedef struct LootLegend
{
	LootEntry *entry;
	double weight; /* how likely each is, roughly: the product along the way */
	int nconditions;
	LootCondition *conditions[LOOT_NESTING];
} LootLegend;

typedef struct LootTable
{
	int32 id;
	int32 min_items;
	int32 max_items;
	int64 min_credits;
	int64 max_credits;
	LootClass class; /* of all that it may give, if that is one; else plain */
	int ngroups;
	LootGroup *groups;
	int nlegends;
	LootLegend *legends;
} LootTable;

/* The table of that code from this backend's memory, read again after content changed; or NULL. */
extern LootTable *necp_loot_table_find(const char *code);

#endif
