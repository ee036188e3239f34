/* SPDX-License-Identifier: PostgreSQL
 *
 * Loot tables: sampling, luck, pity (DOMAIN §7). A draw picks a class of rarity by its weight, times
 * what luck and pity make of it, and then an entry of that class through its alias table. Lock order:
 * the character's row of loot_pity, one per roll.
 */
#include "postgres.h"

#include "economy/loot_table.h"
#include "economy/loot_table_int.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/json.h"
#include "kernel/random.h"
#include "kernel/spi.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

#define RETRIES 16 /* draws that met a condition which does not hold, before the exact way */

/* What conditions ask about, read when the first one does. */
typedef struct Facts
{
	const NecpLootContext *context;
	bool read;
	int32 level;
	int32 class_id;
	int32 hour; /* of the game's clock, UTC */
} Facts;

typedef struct Roll
{
	Facts *facts;
	double factors[LOOT_CLASSES];
	bool legendary; /* one came */
	bool drawn;     /* the first stack came of a draw */
	NecpLoot *loot;
} Roll;

static NecpPlan read_character =
	NECP_PLAN("SELECT level, class_id FROM game.characters WHERE id = $1", INT8OID);
static NecpPlan has_quest = NECP_PLAN(
	"SELECT FROM game.quest_instances WHERE character_id = $1 AND template_id = $2 AND status = $3"
	" LIMIT 1",
	INT8OID, INT4OID, TEXTOID);
static NecpPlan has_item = NECP_PLAN(
	"SELECT FROM game.containers c JOIN game.character_items i ON i.container_id = c.id"
	" WHERE (c.owner_id = $1 AND c.kind IN ('BACKPACK', 'EQUIPPED', 'HELD') OR c.kind = 'BANK'"
	" AND c.owner_id = (SELECT h.account_id FROM game.characters h WHERE h.id = $1))"
	" AND i.template_id = $2 LIMIT 1",
	INT8OID, INT4OID);
/* One statement counts the miss and tells what was before it; a LEGENDARY takes the count back. */
static NecpPlan count_kill = NECP_PLAN(
	"INSERT INTO game.loot_pity AS p (character_id, table_id, misses) VALUES ($1, $2, 1)"
	" ON CONFLICT (character_id, table_id) DO UPDATE SET misses = p.misses + 1 RETURNING misses - 1",
	INT8OID, INT4OID);
static NecpPlan reset_count =
	NECP_PLAN("UPDATE game.loot_pity SET misses = 0 WHERE character_id = $1 AND table_id = $2",
			  INT8OID, INT4OID);

/* Conditions ----------------------------------------------------------------------------------- */

static void
read_facts(Facts *facts)
{
	if (facts->read)
		return;
	facts->read = true;
	facts->hour = (int32) ((necp_now() / USECS_PER_HOUR) % 24);
	if (facts->hour < 0)
		facts->hour += 24;
	if (facts->context->character_id != 0 &&
		necp_run(&read_character, facts->context->character_id) > 0)
	{
		facts->level = necp_int4(0, 1);
		facts->class_id = necp_int4(0, 2);
	}
}

static bool
is_hour(const LootCondition *when, int32 hour)
{
	if (when->from_hour < 0)
		return true;
	if (when->from_hour <= when->to_hour)
		return hour >= when->from_hour && hour < when->to_hour;
	return hour >= when->from_hour || hour < when->to_hour;
}

static bool
plays(const Facts *facts, int32 quest_id, const char *status)
{
	return quest_id == 0 || (quest_id != LOOT_NEVER && facts->context->character_id != 0 &&
							 necp_run(&has_quest,
									  facts->context->character_id,
									  quest_id,
									  necp_cstring_datum(status)) > 0);
}

static bool
holds(Facts *facts, const LootCondition *when)
{
	if (!when->set)
		return true;
	if (when->zone_id != 0 && when->zone_id != facts->context->place_id)
		return false;
	read_facts(facts);
	return (when->min_level == 0 || facts->level >= when->min_level) &&
		   (when->max_level == 0 || (facts->level > 0 && facts->level <= when->max_level)) &&
		   (when->class_id == 0 || facts->class_id == when->class_id) &&
		   is_hour(when, facts->hour) && plays(facts, when->quest_active, "ACTIVE") &&
		   plays(facts, when->quest_done, "COMPLETED");
}

static bool
can_come(Facts *facts, const LootLegend *legend)
{
	for (int i = 0; i < legend->nconditions; i++)
		if (!holds(facts, legend->conditions[i]))
			return false;
	return true;
}

/* Draws ---------------------------------------------------------------------------------------- */

/* The exact way where most of the weight may not come: looks at every entry. */
static LootEntry *
draw_among_few(Roll *roll, LootGroup *group)
{
	double *sums = palloc(sizeof(double) * group->nentries);
	double total = 0;
	double point;

	for (int i = 0; i < group->nentries; i++)
	{
		LootEntry *entry = &group->entries[i];

		if (holds(roll->facts, &entry->when))
			total += entry->weight * roll->factors[entry->class];
		sums[i] = total;
	}
	point = necp_random_double() * total;
	for (int i = 0; i < group->nentries; i++)
		if (point < sums[i])
			return &group->entries[i];
	return NULL;
}

static LootClass
draw_class(const Roll *roll, const LootGroup *group)
{
	double weights[LOOT_CLASSES];
	double total = 0;
	double point;
	LootClass last = LOOT_PLAIN;

	for (LootClass class = LOOT_PLAIN; class < LOOT_CLASSES; class ++)
	{
		weights[class] = group->pools[class].total * roll->factors[class];
		total += weights[class];
	}
	point = necp_random_double() * total;
	for (LootClass class = LOOT_PLAIN; class < LOOT_CLASSES; class ++)
	{
		if (weights[class] <= 0)
			continue;
		last = class;
		if (point < weights[class])
			break;
		point -= weights[class];
	}
	return last;
}

/*
 * One entry of a group; NULL where none may come. An entry whose condition does not hold is as if it
 * were not there: a draw that meets one is drawn again as a whole, which keeps the others' proportions.
 */
static LootEntry *
draw(Roll *roll, LootGroup *group)
{
	for (int try = 0; try < RETRIES; try++)
	{
		LootPool *pool = &group->pools[draw_class(roll, group)];
		LootEntry *entry;

		if (pool->total <= 0)
			return NULL;
		entry = pool->entries[necp_alias_draw(&pool->alias, necp_random_double())];
		if (!group->conditional || holds(roll->facts, &entry->when))
			return entry;
	}
	return draw_among_few(roll, group);
}

/* A LEGENDARY that the character has already. */
static bool
is_spare(const Roll *roll, const LootEntry *entry)
{
	int64 character_id = roll->facts->context->character_id;

	return entry != NULL && entry->template_id != 0 && entry->class == LOOT_LEGENDARY &&
		   character_id != 0 && necp_run(&has_item, character_id, entry->template_id) > 0;
}

/* Puts a stack of an item where it says; the slot is there. */
static void
set_stack(Roll *roll, const LootEntry *entry, int slot)
{
	int64 quantity = necp_random_int(entry->min_quantity, entry->max_quantity);

	roll->legendary |= entry->class == LOOT_LEGENDARY;
	roll->loot->stacks[slot] = (NecpLootStack){.template_id = entry->template_id,
											   .quantity = (int32) Min(quantity, entry->max_stack),
											   .born = entry->born};
}

static void
add_stack(Roll *roll, const LootEntry *entry, bool drawn)
{
	if (roll->loot->nstacks == NECP_LOOT_STACKS)
		return;
	if (roll->loot->nstacks == 0)
		roll->drawn = drawn;
	set_stack(roll, entry, roll->loot->nstacks++);
}

static void roll_table(Roll *roll, LootTable *table);

static void
take(Roll *roll, LootEntry *entry, bool drawn)
{
	if (entry == NULL)
		return;
	if (entry->table != NULL)
		roll_table(roll, entry->table);
	else if (entry->template_id != 0)
		add_stack(roll, entry, drawn);
}

static void
roll_exclusive(Roll *roll, LootGroup *group, int draws)
{
	for (int i = 0; i < draws; i++)
	{
		LootEntry *entry = draw(roll, group);

		if (is_spare(roll, entry))
			entry = draw(roll, group);
		take(roll, entry, true);
	}
}

static void
roll_independent(Roll *roll, LootGroup *group)
{
	for (int i = 0; i < group->nentries; i++)
	{
		LootEntry *entry = &group->entries[i];
		double chance = entry->chance * roll->factors[entry->class];

		if (!holds(roll->facts, &entry->when) || necp_random_double() >= chance)
			continue;
		if (!is_spare(roll, entry) || necp_random_double() < chance)
			take(roll, entry, false);
	}
}

static void
roll_table(Roll *roll, LootTable *table)
{
	int draws = (int) necp_random_int(table->min_items, table->max_items);

	check_stack_depth();
	roll->loot->credits += necp_random_int(table->min_credits, table->max_credits);
	for (int g = 0; g < table->ngroups; g++)
	{
		LootGroup *group = &table->groups[g];

		if (group->exclusive)
			roll_exclusive(roll, group, group->draws > 0 ? group->draws : draws);
		else
			roll_independent(roll, group);
	}
}

/* Luck and pity -------------------------------------------------------------------------------- */

static LootLegend *
draw_legend(Roll *roll, LootTable *table)
{
	double sums[LOOT_LEGENDS];
	double total = 0;
	double point;

	for (int i = 0; i < table->nlegends; i++)
	{
		if (can_come(roll->facts, &table->legends[i]))
			total += table->legends[i].weight;
		sums[i] = total;
	}
	point = necp_random_double() * total;
	for (int i = 0; i < table->nlegends; i++)
		if (point < sums[i])
			return &table->legends[i];
	return NULL;
}

/* The certain one takes the place of what the first draw brought, or is all there is. */
static void
force_legend(Roll *roll, LootTable *table)
{
	NecpLoot *loot = roll->loot;
	LootLegend *legend = draw_legend(roll, table);

	if (legend == NULL)
		return;
	if (is_spare(roll, legend->entry))
		legend = draw_legend(roll, table);
	if (roll->drawn || loot->nstacks == NECP_LOOT_STACKS)
		set_stack(roll, legend->entry, 0);
	else
		add_stack(roll, legend->entry, true);
}

/* Would this kill count: is there a LEGENDARY that may come? */
static bool
is_eligible(Facts *facts, const LootTable *table)
{
	for (int i = 0; facts->context->character_id != 0 && i < table->nlegends; i++)
		if (can_come(facts, &table->legends[i]))
			return true;
	return false;
}

/* Rolls a table after so many misses; returns whether a LEGENDARY came. */
static bool
roll_after(LootTable *table, Facts *facts, int64 misses, NecpLoot *loot)
{
	double luck = (facts->context->luck - NECP_PLAIN_LUCK) / 20;
	int64 over = misses - necp_config_int("loot.pity_after");
	double pity = over > 0 ? 1 + necp_config_float("loot.pity_step") * (double) over : 1;
	Roll roll = {.facts = facts, .loot = loot};

	luck = Max(-0.5, Min(0.5, luck));
	roll.factors[LOOT_PLAIN] = 1;
	roll.factors[LOOT_RARE] = 1 + 0.1 * luck;
	roll.factors[LOOT_EPIC] = 1 + 0.2 * luck;
	roll.factors[LOOT_LEGENDARY] = (1 + 0.3 * luck) * pity;
	loot->credits = 0;
	loot->nstacks = 0;
	roll_table(&roll, table);
	if (!roll.legendary && misses >= necp_config_int("loot.pity_certain"))
		force_legend(&roll, table);
	return roll.legendary;
}

bool
necp_loot_roll(const char *code, const NecpLootContext *context, NecpLoot *loot)
{
	LootTable *table = necp_loot_table_find(code);
	Facts facts = {.context = context};
	bool counts;
	int64 misses = 0;

	if (table == NULL)
		return false;
	counts = is_eligible(&facts, table);
	if (counts)
	{
		necp_run(&count_kill, context->character_id, table->id);
		misses = necp_int4(0, 1);
	}
	if (roll_after(table, &facts, misses, loot) && counts)
		necp_run(&reset_count, context->character_id, table->id);
	return true;
}

/* For tests ------------------------------------------------------------------------------------ */

static char *
code_argument(FunctionCallInfo fcinfo)
{
	necp_arg_required(fcinfo, 0, "loot_table");
	return text_to_cstring(PG_GETARG_TEXT_PP(0));
}

NECP_FUNCTION(necp_loot_table_roll)
{
	const char *code = code_argument(fcinfo);
	NecpLootContext context = {.character_id = PG_GETARG_INT64(1),
							   .place_id = PG_GETARG_INT64(2),
							   .luck = PG_GETARG_FLOAT8(3)};
	NecpLoot loot;
	StringInfoData items;
	NecpJson view;

	if (!necp_loot_roll(code, &context, &loot))
		necp_fail(NOT_FOUND, "loot_table", "there is no loot table \"%s\"", code);
	initStringInfo(&items);
	for (int i = 0; i < loot.nstacks; i++)
		appendStringInfo(&items,
						 "%s{\"template_id\":%d,\"quantity\":%d}",
						 i > 0 ? "," : "",
						 loot.stacks[i].template_id,
						 loot.stacks[i].quantity);
	necp_json_open(&view);
	necp_json_int(&view, "credits", loot.credits);
	necp_json_raw(&view, "items", psprintf("[%s]", items.data));
	return necp_cstring_datum(necp_json_close(&view));
}

typedef struct Tally
{
	int32 template_id;
	int64 count;
} Tally;

static char *
tell_tallies(HTAB *tallies, int64 none)
{
	HASH_SEQ_STATUS walk;
	Tally *tally;
	NecpJson view;

	necp_json_open(&view);
	necp_json_int(&view, "none", none);
	hash_seq_init(&walk, tallies);
	while ((tally = hash_seq_search(&walk)) != NULL)
		necp_json_int(&view, psprintf("%d", tally->template_id), tally->count);
	return necp_json_close(&view);
}

NECP_FUNCTION(necp_loot_table_sample)
{
	LootTable *table = necp_loot_table_find(code_argument(fcinfo));
	NecpLootContext context = {.character_id = PG_GETARG_INT64(2),
							   .place_id = PG_GETARG_INT64(3),
							   .luck = PG_GETARG_FLOAT8(4)};
	HASHCTL control = {.keysize = sizeof(int32),
					   .entrysize = sizeof(Tally),
					   .hcxt = CurrentMemoryContext};
	HTAB *tallies =
		hash_create("necp tallies", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	Facts facts = {.context = &context};
	int64 none = 0;
	NecpLoot loot;

	if (table == NULL)
		necp_fail(NOT_FOUND, "loot_table", "there is no such loot table");
	for (int32 i = 0; i < PG_GETARG_INT32(1); i++)
	{
		CHECK_FOR_INTERRUPTS();
		roll_after(table, &facts, PG_GETARG_INT32(5), &loot);
		none += loot.nstacks == 0;
		for (int s = 0; s < loot.nstacks; s++)
		{
			bool found;
			Tally *tally = hash_search(tallies, &loot.stacks[s].template_id, HASH_ENTER, &found);

			tally->count = found ? tally->count + 1 : 1;
		}
	}
	return necp_cstring_datum(tell_tallies(tallies, none));
}
