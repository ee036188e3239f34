/* SPDX-License-Identifier: PostgreSQL
 *
 * Backpacks (DOMAIN §6): what is in them, what they weigh, and who is told. Weight and used slots are
 * derived, never incremented.
 *
 * Lock order: the character, its containers by ascending id, their items, its purse.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/inventory.h"
#include "economy/stats.h"
#include "kernel/args.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/ledger.h"
#include "kernel/push.h"
#include "kernel/room.h"
#include "kernel/spi.h"

#include <math.h>

#include "utils/builtins.h"

/* Of the character $1, with base $2 and kilograms per body $3. */
#define WEIGHT                                                                                     \
	"coalesce((SELECT sum(t.weight * i.quantity) FROM game.containers k"                           \
	" JOIN game.character_items i ON i.container_id = k.id"                                        \
	" JOIN game.item_templates t ON t.id = i.template_id"                                          \
	" WHERE k.owner_id = $1 AND k.kind IN ('BACKPACK', 'EQUIPPED')), 0)"
#define CAPACITY                                                                                   \
	"$2 + $3 * (SELECT c.body FROM game.characters c WHERE c.id = $1)"                             \
	" + coalesce((SELECT sum((t.attributes ->> 'capacity_kg')::float8 * " NECP_WORN_FACTOR         \
	")" NECP_WORN " AND t.attributes ? 'capacity_kg'), 0) + " NECP_PERK_SUM("capacity_kg")
#define LOAD "(SELECT " WEIGHT " AS weight, " CAPACITY " AS capacity) l"
/* Above the capacity nobody moves. */
#define LEVEL                                                                                      \
	"LATERAL (SELECT CASE WHEN l.weight > l.capacity THEN 0 ELSE v.speed_percent END AS speed,"    \
	" v.dodge_percent AS dodge, v.sprint AND l.weight <= l.capacity AS sprint"                     \
	" FROM game.load_levels v WHERE v.from_percent <= 100 * l.weight / l.capacity"                 \
	" ORDER BY v.from_percent DESC LIMIT 1) v"

static NecpPlan view_inventory = NECP_PLAN(
	"SELECT to_json(ROW(b.slots, count(i.id)::int, l.weight, l.capacity, v.speed, v.dodge, v.sprint,"
	" coalesce((SELECT a.balance FROM game.ledger_accounts a WHERE a.owner_id = $1"
	"  AND a.holder = 'WALLET' AND a.currency = 'credits'), 0),"
	" coalesce(array_agg(" NECP_ITEM_ROW " ORDER BY i.slot) FILTER (WHERE i.id IS NOT NULL), '{}'))"
	"::necp.inventory_view)"
	" FROM " LOAD ", " LEVEL ", game.character_inventory b"
	" LEFT JOIN game.character_items i USING (container_id)"
	" LEFT JOIN game.item_templates t ON t.id = i.template_id"
	" WHERE b.character_id = $1 GROUP BY b.slots, l.weight, l.capacity, v.speed, v.dodge, v.sprint",
	INT8OID, FLOAT8OID, FLOAT8OID);
static NecpPlan read_load =
	NECP_PLAN("SELECT l.weight, l.capacity, v.speed, v.dodge, v.sprint FROM " LOAD ", " LEVEL,
			  INT8OID, FLOAT8OID, FLOAT8OID);
/* In one pass, because every pick-up asks: what pockets add, less what is carried. */
static NecpPlan read_spare = NECP_PLAN(
	"SELECT $2 + $3 * (SELECT c.body FROM game.characters c WHERE c.id = $1)"
	" + " NECP_PERK_SUM(
		"capacity_kg") " + coalesce(sum(CASE WHEN k.kind = 'EQUIPPED' AND i.durability > 0"
					   "  AND t.attributes ? 'capacity_kg' THEN (t.attributes ->> 'capacity_kg')::float8 *"
					   "  (SELECT " NECP_WORN_FACTOR
					   " FROM game.item_qualities q WHERE q.quality = i.quality)"
					   "  ELSE 0 END - t.weight * i.quantity), 0)"
					   " FROM game.containers k JOIN game.character_items i ON i.container_id = k.id"
					   " JOIN game.item_templates t ON t.id = i.template_id"
					   " WHERE k.owner_id = $1 AND k.kind IN ('BACKPACK', 'EQUIPPED')",
	INT8OID, FLOAT8OID, FLOAT8OID);
static NecpPlan view_item =
	NECP_PLAN("SELECT to_json(" NECP_ITEM_ROW ") FROM game.containers k"
			  " JOIN game.character_items i ON i.container_id = k.id"
			  " JOIN game.item_templates t ON t.id = i.template_id WHERE i.id = $3"
			  " AND (k.owner_id = $1 AND k.kind IN ('BACKPACK', 'EQUIPPED')"
			  "  OR k.owner_id = $2 AND k.kind = 'BANK')",
			  INT8OID, INT8OID, INT8OID);
static NecpPlan view_template = NECP_PLAN(
	"SELECT to_json(ROW(t.id, t.code, t.name, t.description, t.type, t.rarity, t.max_stack,"
	" t.weight, t.vendor_price, t.binding, t.slot, t.attributes)::necp.template_view)"
	" FROM game.item_templates t WHERE t.id = $1",
	INT4OID);
static NecpPlan read_template =
	NECP_PLAN("SELECT max_stack, code, name, type, rarity, binding, weight, vendor_price, slot"
			  " FROM game.item_templates WHERE id = $1",
			  INT4OID);
static NecpPlan find_backpack =
	NECP_PLAN("SELECT container_id FROM game.character_inventory WHERE character_id = $1", INT8OID);
static NecpPlan find_bags =
	NECP_PLAN("SELECT id, kind FROM game.containers WHERE owner_id = $1"
			  " AND kind IN ('BACKPACK', 'EQUIPPED') OR owner_id = $2 AND kind = 'BANK'",
			  INT8OID, INT8OID);
static NecpPlan insert_backpack = NECP_PLAN(
	"INSERT INTO game.character_inventory (character_id, container_id, slots) VALUES ($1, $2, $3)",
	INT8OID, INT8OID, INT4OID);
static NecpPlan read_kit =
	NECP_PLAN("SELECT t.id, least(greatest((k ->> 'quantity')::int, 1), t.max_stack)"
			  " FROM game.character_origins o, jsonb_array_elements(o.kit) WITH ORDINALITY e (k, n)"
			  " JOIN game.item_templates t ON t.code = k ->> 'item' WHERE o.id = $1 ORDER BY n",
			  INT4OID);
static NecpPlan find_template =
	NECP_PLAN("SELECT id FROM game.item_templates WHERE code = $1", TEXTOID);

NecpTemplate
necp_template(int32 template_id)
{
	const char *binding;

	if (necp_run(&read_template, template_id) == 0)
		elog(ERROR, "there is no item template %d", template_id);
	binding = necp_text(0, 6);
	return (NecpTemplate){.id = template_id,
						  .max_stack = necp_int4(0, 1),
						  .code = necp_text(0, 2),
						  .name = necp_text(0, 3),
						  .type = necp_text(0, 4),
						  .rarity = necp_text(0, 5),
						  .binds_on_pickup = strcmp(binding, "ON_PICKUP") == 0,
						  .binding = binding,
						  .weight = necp_float8(0, 7),
						  .vendor_price = necp_int8(0, 8),
						  .slot = necp_text(0, 9)};
}

const char *
necp_template_born(const NecpTemplate *template)
{
	if (template->binds_on_pickup)
		return "CHARACTER";
	return strcmp(template->binding, "ACCOUNT") == 0 ? "ACCOUNT" : "NONE";
}

int64
necp_backpack(int64 character_id)
{
	return necp_run(&find_backpack, character_id) > 0 ? necp_int8(0, 1) : 0;
}

/* Load ----------------------------------------------------------------------------------------- */

static uint64
run_load(NecpPlan *plan, int64 character_id)
{
	return necp_run(plan,
					character_id,
					Float8GetDatum(necp_config_float("inventory.base_kg")),
					Float8GetDatum(necp_config_float("inventory.kg_per_body")));
}

void
necp_inventory_load(int64 character_id, NecpLoad *load)
{
	if (run_load(&read_load, character_id) == 0)
		elog(ERROR, "there is no load level");
	*load = (NecpLoad){.weight = necp_float8(0, 1),
					   .capacity = necp_float8(0, 2),
					   .speed_percent = necp_int4(0, 3),
					   .dodge_percent = necp_int4(0, 4),
					   .sprint = necp_bool(0, 5)};
}

double
necp_inventory_spare(int64 character_id)
{
	run_load(&read_spare, character_id);
	return necp_float8(0, 1);
}

/* How many of a kind may still come; weights are fractions, so a hair too much is let pass. */
static int32
fits_by_weight(const NecpTemplate *template, double spare_kg, int32 quantity)
{
	double most;

	if (template->weight <= 0)
		return quantity;
	most = floor(spare_kg / template->weight + 1e-6);
	return most >= quantity ? quantity : (int32) Max(most, 0);
}

int32
necp_inventory_take(const NecpItem *item, int32 quantity, NecpContainer *backpack,
					const NecpTemplate *template, double *spare_kg, bool *too_heavy,
					const char *cause, int64 cause_id)
{
	int32 carried = fits_by_weight(template, *spare_kg, quantity);
	int32 taken;

	if (carried < quantity)
		*too_heavy = true;
	if (carried == 0)
		return 0;
	taken = necp_item_stow(item, carried, backpack, template->max_stack, cause, cause_id);
	*spare_kg -= taken * template->weight;
	return taken;
}

/* Bags ----------------------------------------------------------------------------------------- */

void
necp_bags_lock(int which, NecpBags *bags)
{
	static const char *const kinds[] = {"BACKPACK", "EQUIPPED", "BANK"};
	NecpContainer *locked[3];
	int64 ids[3] = {0};
	uint64 rows = necp_run(&find_bags, necp_character(), necp_account());

	for (uint64 row = 0; row < rows; row++)
		for (int i = 0; i < 3; i++)
			if ((which & (1 << i)) != 0 && strcmp(necp_text(row, 2), kinds[i]) == 0)
				ids[i] = necp_int8(row, 1);
	necp_container_lock_all(ids, 3, locked);
	for (int i = 0; i < 3; i++)
		if ((which & (1 << i)) != 0 && locked[i] == NULL)
			elog(ERROR, "the acting character has no %s", kinds[i]);
	*bags = (NecpBags){locked[0], locked[1], locked[2]};
}

NecpItem *
necp_item_require(const NecpContainer *container, int64 item_id, const char *field)
{
	NecpItem *item = necp_container_item(container, item_id);

	if (item == NULL)
		necp_fail(NOT_FOUND, field, "item not found");
	if (item->locked)
		necp_fail(ITEM_LOCKED, field, "item " INT64_FORMAT " is offered in a trade", item_id);
	return item;
}

int32
necp_arg_part(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? 0 : necp_arg_quantity(fcinfo, n, "quantity");
}

int32
necp_item_part(const NecpItem *item, int32 quantity)
{
	if (quantity > item->quantity)
		necp_fail(INSUFFICIENT_QUANTITY, "quantity", "there are %d of it", item->quantity);
	return quantity > 0 ? quantity : item->quantity;
}

/* Who is told ---------------------------------------------------------------------------------- */

typedef struct Change
{
	const NecpItem *item;
	const char *op; /* ADD, MOVE, UPDATE, REMOVE */
	const char *container;
} Change;

static const NecpItem *
find(const NecpItem *items, int n, int64 item_id)
{
	for (int i = 0; i < n; i++)
		if (items[i].id == item_id)
			return &items[i];
	return NULL;
}

static bool
is_same(const NecpItem *one, const NecpItem *other)
{
	return one->slot == other->slot && one->quantity == other->quantity &&
		   one->durability == other->durability && strcmp(one->binding, other->binding) == 0;
}

static void
append_change(StringInfo list, const Change *change)
{
	NecpJson json;

	if (list->len > 1)
		appendStringInfoChar(list, ',');
	necp_json_open(&json);
	necp_json_int(&json, "item_id", change->item->id);
	necp_json_text(&json, "op", change->op);
	necp_json_text(&json, "container", change->container);
	necp_json_int(&json, "slot", change->item->slot);
	necp_json_int(&json, "qty", change->item->quantity);
	necp_json_int(&json, "template_id", change->item->template_id);
	necp_json_int(&json, "durability", change->item->durability);
	appendStringInfoString(list, necp_json_close(&json));
}

/* What became of an item that is in a container now; NULL: nothing. */
static const char *
change_of(const NecpItem *item, NecpContainer **containers, int n)
{
	for (int i = 0; i < n; i++)
	{
		const NecpItem *was = find(containers[i]->before, containers[i]->nbefore, item->id);

		if (was != NULL && was->container_id != item->container_id)
			return "MOVE";
		if (was != NULL)
			return is_same(was, item) ? NULL : "UPDATE";
	}
	return "ADD";
}

static bool
is_gone(const NecpItem *was, NecpContainer **containers, int n)
{
	for (int i = 0; i < n; i++)
		if (find(containers[i]->items, containers[i]->nitems, was->id) != NULL)
			return false;
	return true;
}

static char *
list_changes(NecpContainer **containers, int n)
{
	StringInfoData list;

	initStringInfo(&list);
	appendStringInfoChar(&list, '[');
	for (int c = 0; c < n; c++)
	{
		const NecpContainer *it = containers[c];

		for (int i = 0; i < it->nbefore; i++)
			if (is_gone(&it->before[i], containers, n))
				append_change(&list, &(Change){&it->before[i], "REMOVE", it->kind});
		for (int i = 0; i < it->nitems; i++)
		{
			Change change = {&it->items[i], change_of(&it->items[i], containers, n), it->kind};

			if (change.op != NULL)
				append_change(&list, &change);
		}
	}
	appendStringInfoChar(&list, ']');
	return list.data;
}

void
necp_inventory_push(int64 character_id, NecpContainer **containers, int n)
{
	NecpPurse wallet = {NECP_WALLET, character_id};
	NecpJson data;

	necp_json_open(&data);
	necp_json_raw(&data, "changes", list_changes(containers, n));
	necp_json_int(&data, "credits", necp_ledger_balance(wallet, NECP_CREDITS));
	necp_push(psprintf("/topic/character/" INT64_FORMAT "/inventory", character_id),
			  "INVENTORY_CHANGED",
			  0,
			  necp_json_close(&data));
}

void
necp_bags_push(NecpBags *bags)
{
	NecpContainer *all[] = {bags->backpack, bags->equipped, bags->bank};
	NecpContainer *locked[3];
	int n = 0;

	for (int i = 0; i < 3; i++)
	{
		if (all[i] == NULL)
			continue;
		necp_container_reload(all[i]);
		locked[n++] = all[i];
	}
	necp_inventory_push(necp_character(), locked, n);
}

void
necp_item_emit(const char *type, int64 character_id, int64 item_id, const NecpTemplate *template,
			   int32 quantity)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "item_id", item_id);
	necp_json_text(&data, "item", template->code);
	necp_json_int(&data, "quantity", quantity);
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "ITEM",
								 .aggregate_id = item_id,
								 .character_id = character_id,
								 .data = necp_json_close(&data)});
}

void
necp_spent_emit(int64 amount, const char *cause)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "amount", amount);
	necp_json_text(&data, "cause", cause);
	necp_event_emit(&(NecpEvent){.type = "CURRENCY_SPENT",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = necp_character(),
								 .data = necp_json_close(&data)});
}

/* Reads ---------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_inventory_get)
{
	return necp_answer(&view_inventory,
					   "inventory",
					   necp_character(),
					   Float8GetDatum(necp_config_float("inventory.base_kg")),
					   Float8GetDatum(necp_config_float("inventory.kg_per_body")));
}

NECP_FUNCTION(necp_inventory_item)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");

	return necp_answer(&view_item, "item", necp_character(), necp_account(), item_id);
}

NECP_FUNCTION(necp_inventory_template)
{
	return necp_answer(&view_template,
					   "item template",
					   necp_arg_int(fcinfo, 0, "template_id", 1, PG_INT32_MAX));
}

NECP_FUNCTION(necp_inventory_wallet)
{
	NecpJson wallet;

	necp_json_open(&wallet);
	necp_json_int(&wallet,
				  "credits",
				  necp_ledger_balance((NecpPurse){NECP_WALLET, necp_character()}, NECP_CREDITS));
	necp_json_int(&wallet,
				  "premium",
				  necp_ledger_balance((NecpPurse){NECP_PREMIUM, necp_account()},
									  NECP_PREMIUM_CURRENCY));
	return necp_cstring_datum(necp_json_close(&wallet));
}

/* Creation ------------------------------------------------------------------------------------- */

/* Free slots that quantity of a template needs besides the stacks that it joins. */
static void
require_room(const NecpContainer *backpack, const NecpTemplate *template, int32 quantity)
{
	NecpItem made = {.template_id = template->id,
					 .plain = true,
					 .binding = necp_template_born(template)};
	int64 room = (int64) (backpack->capacity - backpack->nitems) * template->max_stack;

	for (int i = 0; i < backpack->nitems; i++)
		if (!backpack->items[i].locked && necp_item_joins(&made, &backpack->items[i]))
			room += template->max_stack - backpack->items[i].quantity;
	if (room < quantity)
		necp_fail(INVENTORY_FULL, NULL, "the backpack has no room for all of it");
}

/*
 * The new stack is born in the first free slot, or beside the last where it only fills others, and
 * joins what is there: so that its life says where it came from.
 */
void
necp_inventory_grant(int64 character_id, int32 template_id, int32 quantity, const char *cause,
					 int64 cause_id)
{
	NecpTemplate template = necp_template(template_id);
	int64 container_id = necp_backpack(character_id);
	NecpContainer *backpack = necp_container_lock(container_id);
	int64 item_id = 0;
	int32 left = quantity;

	if (fits_by_weight(&template, necp_inventory_spare(character_id), quantity) < quantity)
		necp_fail(OVERWEIGHT, NULL, "it is too heavy to carry");
	require_room(backpack, &template, quantity);
	while (left > 0)
	{
		NecpItem made = {.container_id = container_id,
						 .template_id = template_id,
						 .quantity = Min(left, template.max_stack),
						 .durability = 100,
						 .binding = necp_template_born(&template),
						 .plain = true,
						 .slot = backpack->capacity + 1};

		item_id = made.id = necp_item_create(container_id,
											 made.slot,
											 template_id,
											 made.quantity,
											 made.binding,
											 cause,
											 cause_id);
		left -= necp_item_stow(&made, made.quantity, backpack, template.max_stack, cause, cause_id);
	}
	necp_item_emit("ITEM_ADDED", character_id, item_id, &template, quantity);
	necp_inventory_push(character_id, &backpack, 1);
}

/* inventory_grant(character_id, item, quantity, cause): for operators. */
NECP_FUNCTION(necp_inventory_grant_sql)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	char *code = necp_arg_text(fcinfo, 1, "item", 1, 64);
	int32 quantity = necp_arg_quantity(fcinfo, 2, "quantity");
	char *cause = necp_arg_text(fcinfo, 3, "cause", 1, 64);
	NecpCharacter character;

	if (!necp_character_lock(character_id, &character))
		necp_fail(NOT_FOUND, "character_id", "character not found");
	if (necp_run(&find_template, necp_cstring_datum(code)) == 0)
		necp_fail(NOT_FOUND, "item", "there is no item \"%s\"", code);
	necp_inventory_grant(character_id, necp_int4(0, 1), quantity, cause, character_id);
	PG_RETURN_VOID();
}

/* A new character gets its backpack and its origin's kit. */
static void
pack_kit(const NecpEvent *event)
{
	const NecpCharacterCreated *created = event->detail;
	int32 slots = (int32) necp_config_int("inventory.slots");
	int64 container = necp_container_create("BACKPACK", created->character_id, slots);
	NecpRows kit;

	necp_run(&insert_backpack, created->character_id, container, slots);
	kit = necp_fetch(&read_kit, created->origin_id);
	for (uint64 row = 0; row < kit.count && row < (uint64) slots; row++)
	{
		NecpTemplate template = necp_template(necp_row_int4(&kit, row, 1));

		necp_item_create(container,
						 (int32) row,
						 template.id,
						 necp_row_int4(&kit, row, 2),
						 necp_template_born(&template),
						 "KIT",
						 created->character_id);
	}
}

NECP_ROOM_INIT(inventory)
{
	necp_event_subscribe("CHARACTER_CREATED", pack_kit);
}
