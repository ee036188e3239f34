/* SPDX-License-Identifier: PostgreSQL
 *
 * Reads loot tables into memory, each with its sub-tables when it is first rolled; all of them are
 * forgotten when content changes. A table that cannot be read leaves nothing behind: it becomes known
 * when it is complete.
 */
#include "postgres.h"

#include "economy/loot_table_int.h"
#include "kernel/content.h"
#include "kernel/spi.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define MAX_CODE 64

typedef struct KnownTable
{
	char code[MAX_CODE];
	LootTable *table; /* NULL: there is none of that code */
} KnownTable;

static MemoryContext memory; /* of all tables and of the directory */
static HTAB *known;
static uint32 generation_read;

static NecpPlan read_table = NECP_PLAN(
	"SELECT id, min_items, max_items, min_credits, max_credits FROM game.loot_tables WHERE code = $1",
	TEXTOID);
static NecpPlan read_entries = NECP_PLAN(
	"SELECT e.group_ord, coalesce(g.draws, 0), coalesce(e.template_id, 0), s.code,"
	" coalesce(e.weight, 0), coalesce(e.chance, 0), e.min_quantity, e.max_quantity,"
	" CASE i.rarity WHEN 'RARE' THEN 1 WHEN 'EPIC' THEN 2 WHEN 'LEGENDARY' THEN 3 ELSE 0 END,"
	" coalesce(i.max_stack, 1), coalesce(i.binding, 'NONE'), e.weight IS NOT NULL,"
	" coalesce(e.min_level, 0), coalesce(e.max_level, 0),"
	" CASE WHEN e.class_code IS NULL THEN 0 ELSE coalesce("
	"  (SELECT c.id FROM game.character_classes c WHERE c.code = e.class_code), -1) END,"
	" CASE WHEN e.quest_active_code IS NULL THEN 0 ELSE coalesce("
	"  (SELECT q.id FROM game.quests q WHERE q.code = e.quest_active_code), -1) END,"
	" CASE WHEN e.quest_done_code IS NULL THEN 0 ELSE coalesce("
	"  (SELECT q.id FROM game.quests q WHERE q.code = e.quest_done_code), -1) END,"
	" coalesce(e.from_hour, -1), coalesce(e.to_hour, -1),"
	" CASE WHEN e.zone_code IS NULL THEN 0 ELSE coalesce("
	"  (SELECT z.id FROM game.zones z WHERE z.code = e.zone_code), -1) END"
	" FROM game.loot_entries e JOIN game.loot_groups g ON g.table_id = e.table_id AND g.ord = e.group_ord"
	" LEFT JOIN game.item_templates i ON i.id = e.template_id"
	" LEFT JOIN game.loot_tables s ON s.id = e.sub_table_id"
	" WHERE e.table_id = $1 ORDER BY e.group_ord, e.ord",
	INT4OID);

static LootTable *load_table(const char *code, int depth);

static LootCondition
read_condition(const NecpRows *rows, uint64 row)
{
	LootCondition when = {.min_level = necp_row_int4(rows, row, 13),
						  .max_level = necp_row_int4(rows, row, 14),
						  .class_id = necp_row_int4(rows, row, 15),
						  .quest_active = necp_row_int4(rows, row, 16),
						  .quest_done = necp_row_int4(rows, row, 17),
						  .from_hour = necp_row_int4(rows, row, 18),
						  .to_hour = necp_row_int4(rows, row, 19),
						  .zone_id = necp_row_int8(rows, row, 20)};

	when.set = when.min_level != 0 || when.max_level != 0 || when.class_id != 0 ||
			   when.quest_active != 0 || when.quest_done != 0 || when.from_hour >= 0 ||
			   when.zone_id != 0;
	return when;
}

static double
row_float8(const NecpRows *rows, uint64 row, int col)
{
	bool isnull;

	return DatumGetFloat8(
		SPI_getbinval(rows->table->vals[row], rows->table->tupdesc, col, &isnull));
}

/* As necp_template_born(). */
static const char *
born_of(const char *binding)
{
	if (strcmp(binding, "ON_PICKUP") == 0)
		return "CHARACTER";
	return strcmp(binding, "ACCOUNT") == 0 ? "ACCOUNT" : "NONE";
}

static LootEntry
read_entry(const NecpRows *rows, uint64 row, int depth)
{
	const char *sub_table = necp_row_text(rows, row, 4);
	LootEntry entry = {.template_id = necp_row_int4(rows, row, 3),
					   .class = (LootClass) necp_row_int4(rows, row, 9),
					   .weight = row_float8(rows, row, 5),
					   .chance = row_float8(rows, row, 6),
					   .min_quantity = necp_row_int4(rows, row, 7),
					   .max_quantity = necp_row_int4(rows, row, 8),
					   .max_stack = necp_row_int4(rows, row, 10),
					   .born = born_of(necp_row_text(rows, row, 11)),
					   .when = read_condition(rows, row)};

	if (sub_table != NULL)
	{
		entry.table = load_table(sub_table, depth + 1);
		if (entry.table == NULL)
			elog(ERROR, "loot table \"%s\" is gone", sub_table);
		entry.class = entry.table->class;
	}
	return entry;
}

/* One alias table for the entries of one class. */
static void
fill_pool(LootGroup *group, LootClass class)
{
	LootPool *pool = &group->pools[class];
	double *weights = palloc(sizeof(double) * group->nentries);
	int *scratch = palloc(sizeof(int) * group->nentries);
	int n = 0;

	pool->entries = MemoryContextAlloc(memory, sizeof(LootEntry *) * group->nentries);
	for (int i = 0; i < group->nentries; i++)
	{
		if (group->entries[i].class != class)
			continue;
		weights[n] = group->entries[i].weight;
		pool->total += weights[n];
		pool->entries[n++] = &group->entries[i];
	}
	pool->alias.n = n;
	pool->alias.keep = MemoryContextAlloc(memory, sizeof(double) * (n + 1));
	pool->alias.other = MemoryContextAlloc(memory, sizeof(int) * (n + 1));
	if (!necp_alias_build(&pool->alias, weights, scratch))
		pool->total = 0;
}

/* Entries first to last of the result are one group. */
static void
fill_group(LootGroup *group, const NecpRows *rows, uint64 first, uint64 last, int depth)
{
	group->exclusive = necp_row_bool(rows, first, 12);
	group->draws = necp_row_int4(rows, first, 2);
	group->nentries = (int) (last - first) + 1;
	group->entries = MemoryContextAllocZero(memory, sizeof(LootEntry) * group->nentries);
	for (int i = 0; i < group->nentries; i++)
	{
		group->entries[i] = read_entry(rows, first + i, depth);
		group->conditional |= group->entries[i].when.set;
	}
	for (LootClass class = LOOT_PLAIN; group->exclusive && class < LOOT_CLASSES; class ++)
		fill_pool(group, class);
}

static void
fill_groups(LootTable *table, const NecpRows *rows, int depth)
{
	uint64 first = 0;

	table->groups = MemoryContextAllocZero(memory, sizeof(LootGroup) * (rows->count + 1));
	for (uint64 row = 0; row < rows->count; row++)
	{
		if (row + 1 < rows->count &&
			necp_row_int4(rows, row + 1, 1) == necp_row_int4(rows, first, 1))
			continue;
		fill_group(&table->groups[table->ngroups++], rows, first, row, depth);
		first = row + 1;
	}
}

/*
 * A table that gives one class only, by weight, counts as of that class where it is an entry: so that
 * a table of tables, one per rarity, knows luck. Inside it the factor of its class cancels out.
 */
static LootClass
class_of_all(const LootTable *table)
{
	LootClass class = LOOT_PLAIN;

	for (int g = 0; g < table->ngroups; g++)
		for (int i = 0; i < table->groups[g].nentries; i++)
		{
			const LootEntry *entry = &table->groups[g].entries[i];

			if (!table->groups[g].exclusive || entry->class == LOOT_PLAIN ||
				(class != LOOT_PLAIN && class != entry->class))
				return LOOT_PLAIN;
			class = entry->class;
		}
	return class;
}

static double
likelihood(const LootGroup *group, const LootEntry *entry)
{
	double total = 0;

	if (!group->exclusive)
		return entry->chance;
	for (LootClass class = LOOT_PLAIN; class < LOOT_CLASSES; class ++)
		total += group->pools[class].total;
	return total > 0 ? entry->weight / total : 0;
}

static void
add_legend(LootTable *table, const LootLegend *found, double weight, LootCondition *when)
{
	LootLegend *legend;

	if (weight <= 0 || table->nlegends == LOOT_LEGENDS)
		return;
	if (table->legends == NULL)
		table->legends = MemoryContextAlloc(memory, sizeof(LootLegend) * LOOT_LEGENDS);
	legend = &table->legends[table->nlegends++];
	*legend = *found;
	legend->weight = weight;
	if (when->set)
		legend->conditions[legend->nconditions++] = when;
}

/* Every way from a table to a LEGENDARY: its own, and those of its sub-tables, one step longer. */
static void
find_legends(LootTable *table)
{
	for (int g = 0; g < table->ngroups; g++)
		for (int i = 0; i < table->groups[g].nentries; i++)
		{
			LootEntry *entry = &table->groups[g].entries[i];
			double weight = likelihood(&table->groups[g], entry);

			if (entry->template_id != 0 && entry->class == LOOT_LEGENDARY)
				add_legend(table, &(LootLegend){.entry = entry}, weight, &entry->when);
			for (int l = 0; entry->table != NULL && l < entry->table->nlegends; l++)
				add_legend(table,
						   &entry->table->legends[l],
						   weight * entry->table->legends[l].weight,
						   &entry->when);
		}
}

/* A sub-table is there, and import saw to it that depth ends; rows written by hand may differ. */
static LootTable *
load_table(const char *code, int depth)
{
	KnownTable *directory = hash_search(known, code, HASH_FIND, NULL);
	LootTable *table = NULL;
	NecpRows rows;

	if (directory != NULL)
		return directory->table;
	if (depth > LOOT_NESTING)
		elog(ERROR, "loot table \"%s\" is nested deeper than %d", code, LOOT_NESTING);
	if (necp_run(&read_table, necp_cstring_datum(code)) > 0)
	{
		table = MemoryContextAllocZero(memory, sizeof(LootTable));
		table->id = necp_int4(0, 1);
		table->min_items = necp_int4(0, 2);
		table->max_items = necp_int4(0, 3);
		table->min_credits = necp_int8(0, 4);
		table->max_credits = necp_int8(0, 5);
		rows = necp_fetch(&read_entries, table->id);
		fill_groups(table, &rows, depth);
		table->class = class_of_all(table);
		find_legends(table);
	}
	directory = hash_search(known, code, HASH_ENTER, NULL);
	directory->table = table;
	return table;
}

static void
forget_all(void)
{
	HASHCTL control = {.keysize = MAX_CODE, .entrysize = sizeof(KnownTable)};

	if (memory != NULL)
		MemoryContextDelete(memory);
	memory = AllocSetContextCreate(TopMemoryContext, "necp loot tables", ALLOCSET_DEFAULT_SIZES);
	control.hcxt = memory;
	known = hash_create("necp loot tables", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

LootTable *
necp_loot_table_find(const char *code)
{
	uint32 generation = necp_content_generation();
	KnownTable *directory;

	if (strlen(code) >= MAX_CODE)
		return NULL;
	if (known == NULL || generation != generation_read)
	{
		forget_all();
		generation_read = generation;
	}
	directory = hash_search(known, code, HASH_FIND, NULL);
	return directory != NULL ? directory->table : load_table(code, 1);
}
