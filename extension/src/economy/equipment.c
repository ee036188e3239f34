/* SPDX-License-Identifier: PostgreSQL
 *
 * What a character wears (DOMAIN §6): slots, requirements, binding, wear and repair.
 *
 * Lock order: the character (at its death), the backpack and what is worn by ascending id, their
 * items, the purse. Requirements are about level and own attributes, which a respec alone lowers, and
 * that locks what is worn.
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

#include "utils/builtins.h"

#define MAX_SLOTS 64

static NecpPlan read_slots = NECP_PLAN(
	"SELECT slot, code, min_level FROM game.equipment_slots WHERE kind = $1 ORDER BY slot",
	TEXTOID);
static NecpPlan count_slots =
	NECP_PLAN0("SELECT coalesce(max(slot) + 1, 1) FROM game.equipment_slots");
static NecpPlan read_requirements =
	NECP_PLAN("SELECT r.key, r.value #>> '{}' FROM game.item_templates t,"
			  " jsonb_each(t.attributes -> 'requires') r WHERE t.id = $1 ORDER BY r.key",
			  INT4OID);
static NecpPlan view_slots =
	NECP_PLAN("SELECT coalesce(json_agg(ROW(s.code, s.kind, s.min_level, s.min_level <= $2,"
			  " CASE WHEN i.id IS NOT NULL THEN " NECP_ITEM_ROW
			  " END)::necp.worn_view ORDER BY s.slot), '[]')"
			  " FROM game.equipment_slots s"
			  " LEFT JOIN game.containers w ON w.owner_id = $1 AND w.kind = 'EQUIPPED'"
			  " LEFT JOIN game.character_items i ON i.container_id = w.id AND i.slot = s.slot"
			  " LEFT JOIN game.item_templates t ON t.id = i.template_id",
			  INT8OID, INT4OID);

/* Requirements --------------------------------------------------------------------------------- */

static void
require(const char *name, const char *wanted, const NecpStats *stats)
{
	int32 have = stats->level;

	if (strcmp(name, "class") == 0)
	{
		if (strcmp(wanted, stats->class) != 0)
			necp_fail(REQUIREMENTS_NOT_MET, "item_id", "it is made for the class \"%s\"", wanted);
		return;
	}
	for (int i = 0; i < NECP_ATTRIBUTES; i++)
		if (strcmp(name, necp_attribute_names[i]) == 0)
			have = stats->own[i];
	if (have < pg_strtoint32(wanted))
		necp_fail(REQUIREMENTS_NOT_MET, "item_id", "it takes %s %s", name, wanted);
}

static void
require_all(const NecpTemplate *template, const NecpStats *stats)
{
	NecpRows rows = necp_fetch(&read_requirements, template->id);

	for (uint64 row = 0; row < rows.count; row++)
		require(necp_row_text(&rows, row, 1), necp_row_text(&rows, row, 2), stats);
}

/*
 * The slot that is meant; else the first free one that fits, else the first that fits. NOT_USABLE
 * where there is none, REQUIREMENTS_NOT_MET where the level is too low.
 */
static int32
choose_slot(const NecpTemplate *template, const char *wanted, int32 level,
			const NecpContainer *equipped)
{
	NecpRows slots = necp_fetch(&read_slots, necp_cstring_datum(template->slot));
	int32 fitting = -1;

	for (uint64 row = 0; row < slots.count; row++)
	{
		int32 slot = necp_row_int4(&slots, row, 1);
		bool open = necp_row_int4(&slots, row, 3) <= level;

		if (wanted != NULL && strcmp(wanted, necp_row_text(&slots, row, 2)) == 0)
		{
			if (!open)
				necp_fail(REQUIREMENTS_NOT_MET,
						  "slot",
						  "this slot opens at level %d",
						  necp_row_int4(&slots, row, 3));
			return slot;
		}
		if (wanted != NULL || !open)
			continue;
		if (necp_container_at(equipped, slot) == NULL)
			return slot;
		if (fitting < 0)
			fitting = slot;
	}
	if (wanted != NULL)
		necp_fail(VALIDATION, "slot", "it does not go into \"%s\"", wanted);
	if (fitting < 0)
		necp_fail(NOT_USABLE, "item_id", "there is no slot for it");
	return fitting;
}

/* Views ---------------------------------------------------------------------------------------- */

static char *
stats_json(const NecpStats *stats)
{
	NecpJson json;

	necp_json_open(&json);
	for (int i = 0; i < NECP_ATTRIBUTES; i++)
		necp_json_int(&json, necp_attribute_names[i], stats->all[i]);
	necp_json_int(&json, "armor", stats->armor);
	necp_json_int(&json, "luck", stats->luck);
	return necp_json_close(&json);
}

static Datum
equipment_view(void)
{
	NecpStats stats;
	NecpWeapon weapon;
	NecpJson json;

	if (!necp_stats(necp_character(), &stats))
		necp_fail(NOT_FOUND, NULL, "the character is gone");
	necp_run(&view_slots, necp_character(), stats.level);
	necp_json_open(&json);
	necp_json_raw(&json, "slots", necp_text(0, 1));
	necp_json_raw(&json, "stats", stats_json(&stats));
	necp_json_raw(&json,
				  "damage",
				  necp_stats_weapon(necp_character(), &weapon) ? psprintf("%d", weapon.damage)
															   : "null");
	return necp_cstring_datum(necp_json_close(&json));
}

NECP_FUNCTION(necp_equipment_get)
{
	return equipment_view();
}

/* Wearing -------------------------------------------------------------------------------------- */

static void
put_on(NecpItem *item, const NecpTemplate *template, int32 slot, const NecpContainer *equipped)
{
	int64 character_id = necp_character();
	const NecpItem *worn = necp_container_at(equipped, slot);

	if (worn == NULL)
		necp_item_move(item, equipped->id, slot, "EQUIP", character_id);
	else
	{
		NecpTemplate former = necp_template(worn->template_id);

		worn = necp_item_require(equipped, worn->id, "slot");
		necp_item_swap(item, worn, "EQUIP", character_id);
		necp_item_emit("ITEM_UNEQUIPPED", character_id, worn->id, &former, 1);
	}
	if (strcmp(template->binding, "ON_EQUIP") == 0)
		necp_item_bind(item, "CHARACTER");
	necp_item_emit("ITEM_EQUIPPED", character_id, item->id, template, 1);
}

/* equipment_equip(item_id, slot) → equipment_view. */
NECP_FUNCTION(necp_equipment_equip)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	const char *wanted = PG_ARGISNULL(1) ? NULL : necp_arg_text(fcinfo, 1, "slot", 1, 50);
	NecpBags bags;
	NecpItem *item;
	NecpTemplate template;
	NecpStats stats;

	necp_bags_lock(NECP_BACKPACK | NECP_EQUIPPED, &bags);
	item = necp_item_require(bags.backpack, item_id, "item_id");
	template = necp_template(item->template_id);
	if (template.slot == NULL)
		necp_fail(NOT_USABLE, "item_id", "it is not worn");
	if (item->quantity > 1)
		necp_fail(NOT_USABLE, "item_id", "one is worn, not a stack: split it off");
	if (item->durability == 0)
		necp_fail(ITEM_BROKEN, "item_id", "it has to be repaired first");
	if (!necp_stats(necp_character(), &stats))
		necp_fail(NOT_FOUND, NULL, "the character is gone");
	require_all(&template, &stats);
	put_on(item,
		   &template,
		   choose_slot(&template, wanted, stats.level, bags.equipped),
		   bags.equipped);
	necp_stats_refit(necp_character());
	necp_bags_push(&bags);
	return equipment_view();
}

/* equipment_unequip(item_id) → equipment_view. */
NECP_FUNCTION(necp_equipment_unequip)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	NecpBags bags;
	NecpItem *item;
	NecpTemplate template;
	int32 slot;

	necp_bags_lock(NECP_BACKPACK | NECP_EQUIPPED, &bags);
	item = necp_item_require(bags.equipped, item_id, "item_id");
	template = necp_template(item->template_id);
	slot = necp_container_free_slot(bags.backpack);
	if (slot < 0)
		necp_fail(INVENTORY_FULL, NULL, "the backpack has no free slot");
	necp_item_move(item, bags.backpack->id, slot, "UNEQUIP", necp_character());
	necp_item_emit("ITEM_UNEQUIPPED", necp_character(), item_id, &template, 1);
	necp_stats_refit(necp_character());
	necp_bags_push(&bags);
	return equipment_view();
}

/* Durability ----------------------------------------------------------------------------------- */

/* ceil(vendor_price × missing % × 0.5); the last factor is equipment.repair_percent. */
static int64
repair_price(const NecpTemplate *template, int32 durability)
{
	int64 parts =
		template->vendor_price * (100 - durability) * necp_config_int("equipment.repair_percent");

	return (parts + 9999) / 10000;
}

/* equipment_repair(item_id) → repaired_view. */
NECP_FUNCTION(necp_equipment_repair)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	NecpPurse wallet = {NECP_WALLET, necp_character()};
	NecpBags bags;
	NecpItem *item;
	NecpTemplate template;
	int64 price;
	NecpJson view;

	necp_bags_lock(NECP_BACKPACK | NECP_EQUIPPED, &bags);
	item = necp_item_require(necp_container_item(bags.equipped, item_id) != NULL ? bags.equipped
																				 : bags.backpack,
							 item_id,
							 "item_id");
	if (item->durability == 100)
		necp_fail(CONFLICT, "item_id", "there is nothing to repair");
	template = necp_template(item->template_id);
	price = repair_price(&template, item->durability);
	necp_item_repair(item);
	if (price > 0)
	{
		necp_ledger_transfer(wallet,
							 (NecpPurse){NECP_SINK, 0},
							 NECP_CREDITS,
							 price,
							 "REPAIR",
							 item_id);
		necp_spent_emit(price, "REPAIR");
	}
	necp_item_emit("ITEM_REPAIRED", necp_character(), item_id, &template, 1);
	necp_stats_refit(necp_character());
	necp_bags_push(&bags);
	necp_json_open(&view);
	necp_json_int(&view, "item_id", item_id);
	necp_json_int(&view, "durability", 100);
	necp_json_int(&view, "price", price);
	necp_json_int(&view, "credits", necp_ledger_balance(wallet, NECP_CREDITS));
	return necp_cstring_datum(necp_json_close(&view));
}

/* Tells who wears it what will not last much longer. */
static void
warn(int64 character_id, const NecpContainer *equipped)
{
	int32 low = (int32) necp_config_int("equipment.warn_durability");
	StringInfoData items;
	NecpJson data;

	initStringInfo(&items);
	for (int i = 0; i < equipped->nitems; i++)
		if (equipped->items[i].durability <= low)
			appendStringInfo(&items,
							 "%s{\"item_id\":" INT64_FORMAT ",\"durability\":%d}",
							 items.len > 0 ? "," : "",
							 equipped->items[i].id,
							 equipped->items[i].durability);
	if (items.len == 0)
		return;
	necp_json_open(&data);
	necp_json_raw(&data, "items", psprintf("[%s]", items.data));
	necp_push(psprintf("/topic/character/" INT64_FORMAT "/inventory", character_id),
			  "DURABILITY_LOW",
			  0,
			  necp_json_close(&data));
}

/* Death wears out what is worn. */
static void
wear_out(const NecpEvent *event)
{
	int64 character_id = event->character_id;
	NecpCharacter character;
	int64 container_id;
	NecpContainer *equipped;

	if (!necp_character_lock(character_id, &character))
		return;
	container_id = necp_container_find("EQUIPPED", character_id);
	if (container_id == 0)
		return;
	equipped = necp_container_lock(container_id);
	if (equipped->nitems == 0)
		return;
	necp_container_wear(container_id, (int32) necp_config_int("equipment.death_wear"));
	necp_container_reload(equipped);
	necp_stats_refit(character_id);
	necp_inventory_push(character_id, &equipped, 1);
	warn(character_id, equipped);
}

/* A new character can wear something. */
static void
open_slots(const NecpEvent *event)
{
	const NecpCharacterCreated *created = event->detail;

	necp_run0(&count_slots);
	(void) necp_container_create("EQUIPPED",
								 created->character_id,
								 Min(necp_int4(0, 1), MAX_SLOTS));
}

NECP_ROOM_INIT(equipment)
{
	necp_event_subscribe("CHARACTER_CREATED", open_slots);
	necp_event_subscribe("PLAYER_DIED", wear_out);
}
