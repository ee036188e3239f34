/* SPDX-License-Identifier: PostgreSQL
 *
 * How drops come to lie (DOMAIN §7): what a death or a container leaves, by the mode, the threshold
 * and the set of eligible that are fixed at that moment; and what players put down. Lock order: the
 * lockouts of a boss by ascending character, the row of pity (loot_table.c), nothing else: a drop is
 * nobody's before its commit.
 */
#include "postgres.h"

#include "economy/inventory.h"
#include "economy/loot.h"
#include "economy/loot_int.h"
#include "economy/stats.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/spi.h"
#include "world/world.h"
#include "world/zone.h"

#include "utils/builtins.h"

#define BOSS_TIER 5

/* What one roll or several have brought. */
typedef struct Heap
{
	int64 credits; /* of all */
	int n;
	NecpPile *piles;
	int64 *own; /* credits that are one's alone, as the earners are */
} Heap;

/* How the piles that are nobody's are given out. */
typedef struct Manner
{
	const char *mode;
	int threshold;  /* rank from which on it is not just taken; above all: never */
	bool by_master; /* not by dice */
	int64 party_id;
	int64 master_id;
} Manner;

static NecpPlan next_drop_id =
	NECP_PLAN0("SELECT nextval(pg_get_serial_sequence('game.world_drops', 'id'))");
static NecpPlan insert_drop = NECP_PLAN(
	"INSERT INTO game.world_drops (id, place_id, x, y, z, source, source_id, source_life,"
	" container_id, credits, mode, party_id, master_id, assign_until, boss, created_at,"
	" expires_at) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
	" $11, nullif($12, 0), nullif($13, 0), nullif($14, '-infinity'), $15, $16, $17)",
	INT8OID, INT8OID, FLOAT4OID, FLOAT4OID, FLOAT4OID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID,
	TEXTOID, INT8OID, INT8OID, TIMESTAMPTZOID, BOOLOID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan insert_eligible =
	NECP_PLAN("INSERT INTO game.drop_eligible (drop_id, character_id, credits) VALUES ($1, $2, $3)",
			  INT8OID, INT8OID, INT8OID);
static NecpPlan lock_out =
	NECP_PLAN("INSERT INTO game.loot_lockouts (character_id, npc_template_id, week, drop_id)"
			  " VALUES ($1, $2, date_trunc('week', $3 AT TIME ZONE 'UTC')::date, $4)"
			  " ON CONFLICT DO NOTHING",
			  INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID);

int
necp_rarity_rank(const char *rarity)
{
	static const char *const ranks[] =
		{"COMMON", "UNCOMMON", "RARE", "EPIC", "LEGENDARY", "UNIQUE"};

	for (int i = 0; i < (int) lengthof(ranks); i++)
		if (strcmp(ranks[i], rarity) == 0)
			return i;
	elog(ERROR, "there is no rarity \"%s\"", rarity);
}

/* Rolling -------------------------------------------------------------------------------------- */

static bool
roll(const NecpFall *fall, const char *table, int64 character_id, NecpLoot *loot)
{
	NecpLootContext context = {.character_id = character_id,
							   .place_id = fall->place_id,
							   .luck = necp_stats_luck(character_id)};

	return necp_loot_roll(table, &context, loot);
}

static void
add_piles(Heap *heap, const NecpLoot *loot, int64 owner_id)
{
	heap->piles =
		heap->piles == NULL
			? palloc(sizeof(NecpPile) * NECP_LOOT_STACKS)
			: repalloc(heap->piles, sizeof(NecpPile) * (Size) (heap->n + NECP_LOOT_STACKS));
	for (int i = 0; i < loot->nstacks; i++)
		heap->piles[heap->n++] = (NecpPile){loot->stacks[i], owner_id};
}

/* A roll for each, in ascending id: their rows of pity are locked on the way. */
static void
roll_for_each(const NecpFall *fall, const char *table, Heap *heap)
{
	for (int i = 0; i < fall->earners.n; i++)
	{
		int64 owner_id = fall->earners.character_ids[i];
		NecpLoot loot;

		if (!roll(fall, table, owner_id, &loot))
			return;
		add_piles(heap, &loot, owner_id);
		heap->own[i] += loot.credits;
	}
}

/* The finder's luck, or, where it has no part in it, the first one's. */
static int64
lucky(const NecpFall *fall)
{
	for (int i = 0; i < fall->earners.n; i++)
		if (fall->earners.character_ids[i] == fall->finder_id)
			return fall->finder_id;
	return fall->earners.character_ids[0];
}

static void
roll_all(const NecpFall *fall, bool personal, Heap *heap)
{
	NecpLoot loot;

	heap->own = palloc0(sizeof(int64) * (Size) fall->earners.n);
	if (fall->table != NULL && personal)
		roll_for_each(fall, fall->table, heap);
	else if (fall->table != NULL && roll(fall, fall->table, lucky(fall), &loot))
	{
		add_piles(heap, &loot, 0);
		heap->credits = loot.credits;
	}
	if (fall->own_table != NULL)
		roll_for_each(fall, fall->own_table, heap);
}

/* Giving out ----------------------------------------------------------------------------------- */

/* One alone takes it all, whatever the mode of the party. */
static Manner
manner_of(const NecpFall *fall)
{
	const NecpParty *party = fall->earners.party;
	Manner manner = {.mode = "NEED_GREED", .threshold = PG_INT32_MAX};

	if (party == NULL)
		return manner;
	manner.mode = party->loot_mode;
	manner.party_id = party->id;
	manner.by_master = strcmp(party->loot_mode, "MASTER_LOOTER") == 0;
	if (manner.by_master)
		manner.master_id =
			party->master_looter_id != 0 ? party->master_looter_id : party->leader_id;
	if (fall->earners.n > 1 && (manner.by_master || strcmp(manner.mode, "NEED_GREED") == 0))
		manner.threshold = necp_rarity_rank(party->loot_threshold);
	return manner;
}

static bool
is_contested(const Manner *manner, const NecpPile *pile, const NecpTemplate *template)
{
	return pile->owner_id == 0 && necp_rarity_rank(template->rarity) >= manner->threshold;
}

static bool
has_contested(const Manner *manner, const Heap *heap)
{
	for (int i = 0; manner->threshold < PG_INT32_MAX && i < heap->n; i++)
	{
		NecpTemplate template = necp_template(heap->piles[i].stack.template_id);

		if (is_contested(manner, &heap->piles[i], &template))
			return true;
	}
	return false;
}

static int64
next_id(void)
{
	necp_run0(&next_drop_id);
	return necp_int8(0, 1);
}

/* The row, which lives as long as nothing in it can be decided, and then as long as any. */
static void
write_drop(const NecpFall *fall, const Manner *manner, const Heap *heap, int64 drop_id,
		   int64 container_id)
{
	TimestampTz now = necp_now();
	TimestampTz assign_until = DT_NOBEGIN;
	TimestampTz end = now + necp_config_int("loot.drop_s") * USECS_PER_SEC;

	if (has_contested(manner, heap))
	{
		if (manner->by_master)
		{
			assign_until = now + necp_config_int("loot.assign_s") * USECS_PER_SEC;
			end += assign_until - now;
		}
		end += necp_config_int("loot.roll_s") * USECS_PER_SEC;
	}
	necp_run(&insert_drop,
			 drop_id,
			 fall->place_id,
			 Float4GetDatum(fall->x),
			 Float4GetDatum(fall->y),
			 Float4GetDatum(fall->z),
			 necp_cstring_datum(fall->source),
			 fall->source_id,
			 fall->source_life,
			 container_id,
			 heap->credits,
			 necp_cstring_datum(manner->mode),
			 manner->party_id,
			 manner->master_id,
			 TimestampTzGetDatum(assign_until),
			 BoolGetDatum(fall->boss),
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(end));
}

static void
put_pile(const Manner *manner, const NecpPile *pile, int64 drop_id, int64 container_id, int32 slot)
{
	int64 item_id = necp_item_create(container_id,
									 slot,
									 pile->stack.template_id,
									 pile->stack.quantity,
									 pile->stack.born,
									 "LOOT",
									 drop_id);
	NecpTemplate template;

	if (pile->owner_id != 0)
		necp_drop_claim(drop_id, item_id, "OWNED", pile->owner_id);
	if (pile->owner_id != 0 || manner->threshold == PG_INT32_MAX)
		return;
	template = necp_template(pile->stack.template_id);
	if (!is_contested(manner, pile, &template))
		return;
	if (manner->by_master)
		necp_drop_claim(drop_id, item_id, "MASTER", 0);
	else
		necp_loot_roll_start(drop_id, manner->party_id, item_id, &template, pile->stack.quantity);
}

static void
tell(const NecpFall *fall, const Manner *manner, const Heap *heap, int64 drop_id)
{
	bool npc = strcmp(fall->source, "NPC") == 0;
	NecpJson data;
	char *json;

	necp_json_open(&data);
	necp_json_int(&data, "drop_id", drop_id);
	necp_json_int(&data, npc ? "npc_id" : "container_id", fall->source_id);
	necp_json_float(&data, "x", fall->x);
	necp_json_float(&data, "y", fall->y);
	necp_json_float(&data, "z", fall->z);
	necp_json_int(&data, "items", heap->n);
	necp_json_int(&data, "credits", heap->credits);
	necp_json_text(&data, "mode", manner->mode);
	json = necp_json_close(&data);
	necp_event_emit(&(NecpEvent){.type = "LOOT_GENERATED",
								 .aggregate_type = "DROP",
								 .aggregate_id = drop_id,
								 .data = json});
	necp_zone_push(fall->place_id, "LOOT_DROPPED", json);
}

/*
 * Who has had its share of this boss this week has none now; the others have had it from now on. They
 * have all earned the kill: the death's own list stays as it is.
 */
static void
keep_first_of_week(NecpFall *fall, int64 drop_id)
{
	int64 *kept_ids = palloc(sizeof(int64) * (Size) fall->earners.n);
	int kept = 0;

	for (int i = 0; i < fall->earners.n; i++)
		if (necp_run(&lock_out,
					 fall->earners.character_ids[i],
					 fall->boss_id,
					 TimestampTzGetDatum(necp_now()),
					 drop_id) > 0)
			kept_ids[kept++] = fall->earners.character_ids[i];
	fall->earners.character_ids = kept_ids;
	fall->earners.n = kept;
}

int64
necp_drop_fall(NecpFall *fall)
{
	int64 drop_id = next_id();
	Heap heap = {0};
	int64 own = 0;
	Manner manner;
	int64 container_id;

	if (fall->boss)
		keep_first_of_week(fall, drop_id);
	if (fall->earners.n == 0)
		return 0;
	manner = manner_of(fall);
	roll_all(fall, fall->earners.n > 1 && strcmp(manner.mode, "PERSONAL") == 0, &heap);
	for (int i = 0; i < fall->earners.n; i++)
		own += heap.own[i];
	/* a boss's drop is there even so: its lockouts name it */
	if (heap.n == 0 && heap.credits == 0 && own == 0 && !fall->boss)
		return 0;
	container_id = necp_container_create("DROP", drop_id, Max(heap.n, 1));
	write_drop(fall, &manner, &heap, drop_id, container_id);
	for (int i = 0; i < fall->earners.n; i++)
		necp_run(&insert_eligible, drop_id, fall->earners.character_ids[i], heap.own[i]);
	for (int i = 0; i < heap.n; i++)
		put_pile(&manner, &heap.piles[i], drop_id, container_id, i);
	tell(fall, &manner, &heap, drop_id);
	return drop_id;
}

/* An NPC's death leaves a drop, in the transaction of the death. */
static void
drop_loot(const NecpEvent *event)
{
	const NecpNpcDeath *death = event->detail;
	NecpFall fall = {.source = "NPC",
					 .source_id = death->npc_id,
					 .source_life = death->life_id,
					 .place_id = death->place_id,
					 .x = death->x,
					 .y = death->y,
					 .z = death->z,
					 .boss = death->tier >= BOSS_TIER,
					 .boss_id = death->template_id,
					 .earners = death->earners,
					 .finder_id = death->killer_id,
					 .table = death->loot_table_code,
					 .own_table = death->guaranteed_table_code};

	if (fall.table != NULL || fall.own_table != NULL)
		(void) necp_drop_fall(&fall);
}

/* loot_fall(loot_table, npc_id, life_id, place_id, killer_id): the death as a measurement wants it. */
NECP_FUNCTION(necp_loot_fall)
{
	int64 killer_id = PG_GETARG_INT64(4);
	NecpNpcDeath death = {.loot_table_code = text_to_cstring(PG_GETARG_TEXT_PP(0)),
						  .npc_id = PG_GETARG_INT64(1),
						  .life_id = PG_GETARG_INT64(2),
						  .place_id = PG_GETARG_INT64(3),
						  .killer_id = killer_id,
						  .earners = {.n = 1, .character_ids = &killer_id}};

	drop_loot(&(NecpEvent){.detail = &death});
	PG_RETURN_VOID();
}

/* What players leave --------------------------------------------------------------------------- */

int64
necp_loot_lay(const NecpEntity *where, int32 slots, int64 *container_id)
{
	int64 drop_id = next_id();
	NecpFall fall = {.source = "PLAYER",
					 .source_id = where->state.id,
					 .source_life = drop_id, /* a character lays many: each is a life of its own */
					 .place_id = where->place_id,
					 .x = where->state.x,
					 .y = where->state.y,
					 .z = where->state.z};
	Manner manner = {.mode = "FREE_FOR_ALL", .threshold = PG_INT32_MAX};
	NecpJson data;

	*container_id = necp_container_create("DROP", drop_id, slots);
	write_drop(&fall, &manner, &(Heap){0}, drop_id, *container_id);
	necp_json_open(&data);
	necp_json_int(&data, "drop_id", drop_id);
	necp_json_int(&data, "character_id", where->state.id);
	necp_json_float(&data, "x", where->state.x);
	necp_json_float(&data, "y", where->state.y);
	necp_json_float(&data, "z", where->state.z);
	necp_json_int(&data, "items", slots);
	necp_json_int(&data, "credits", 0);
	necp_zone_push(where->place_id, "LOOT_DROPPED", necp_json_close(&data));
	return drop_id;
}

void
necp_drop_init(void)
{
	necp_event_subscribe("NPC_DIED", drop_loot);
}
