/* SPDX-License-Identifier: PostgreSQL
 *
 * Backpacks (DOMAIN §6). Weight and used slots are derived, never incremented.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/inventory.h"
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

#define ITEM_ROW                                                                                   \
	"ROW(i.id, i.template_id, t.code, t.name, t.type, t.rarity, i.slot, i.quantity, i.durability," \
	" i.binding, i.lock_ref IS NOT NULL)::necp.item_view"

static NecpPlan view_inventory = NECP_PLAN(
	"SELECT to_json(ROW(b.slots, count(i.id)::int, coalesce(sum(t.weight * i.quantity), 0),"
	" $2 + $3 * (SELECT c.body FROM game.characters c WHERE c.id = $1),"
	" coalesce((SELECT a.balance FROM game.ledger_accounts a WHERE a.owner_id = $1"
	"  AND a.holder = 'WALLET' AND a.currency = 'credits'), 0),"
	" coalesce(array_agg(" ITEM_ROW " ORDER BY i.slot) FILTER (WHERE i.id IS NOT NULL), '{}'))"
	"::necp.inventory_view)"
	" FROM game.character_inventory b LEFT JOIN game.character_items i USING (container_id)"
	" LEFT JOIN game.item_templates t ON t.id = i.template_id"
	" WHERE b.character_id = $1 GROUP BY b.slots",
	INT8OID, FLOAT8OID, FLOAT8OID);
static NecpPlan view_item = NECP_PLAN(
	"SELECT to_json(" ITEM_ROW ") FROM game.character_inventory b"
	" JOIN game.character_items i USING (container_id)"
	" JOIN game.item_templates t ON t.id = i.template_id WHERE b.character_id = $1 AND i.id = $2",
	INT8OID, INT8OID);
static NecpPlan view_template = NECP_PLAN(
	"SELECT to_json(ROW(t.id, t.code, t.name, t.description, t.type, t.rarity, t.max_stack,"
	" t.weight, t.vendor_price, t.binding, t.attributes)::necp.template_view)"
	" FROM game.item_templates t WHERE t.id = $1",
	INT4OID);
static NecpPlan read_template = NECP_PLAN(
	"SELECT max_stack, code, name, type, rarity, binding = 'ON_PICKUP' FROM game.item_templates"
	" WHERE id = $1",
	INT4OID);
static NecpPlan find_backpack =
	NECP_PLAN("SELECT container_id FROM game.character_inventory WHERE character_id = $1", INT8OID);
static NecpPlan insert_backpack = NECP_PLAN(
	"INSERT INTO game.character_inventory (character_id, container_id, slots) VALUES ($1, $2, $3)",
	INT8OID, INT8OID, INT4OID);
static NecpPlan read_kit =
	NECP_PLAN("SELECT t.id, least(greatest((k ->> 'quantity')::int, 1), t.max_stack)"
			  " FROM game.character_origins o, jsonb_array_elements(o.kit) WITH ORDINALITY e (k, n)"
			  " JOIN game.item_templates t ON t.code = k ->> 'item' WHERE o.id = $1 ORDER BY n",
			  INT4OID);

NecpTemplate
necp_template(int32 template_id)
{
	if (necp_run(&read_template, template_id) == 0)
		elog(ERROR, "there is no item template %d", template_id);
	return (NecpTemplate){.id = template_id,
						  .max_stack = necp_int4(0, 1),
						  .code = necp_text(0, 2),
						  .name = necp_text(0, 3),
						  .type = necp_text(0, 4),
						  .rarity = necp_text(0, 5),
						  .binds_on_pickup = necp_bool(0, 6)};
}

int64
necp_backpack(int64 character_id)
{
	return necp_run(&find_backpack, character_id) > 0 ? necp_int8(0, 1) : 0;
}

void
necp_inventory_push(int64 character_id, const char *changes)
{
	NecpPurse wallet = {NECP_WALLET, character_id};
	NecpJson data;

	necp_json_open(&data);
	necp_json_raw(&data, "changes", changes);
	necp_json_int(&data, "credits", necp_ledger_balance(wallet, NECP_CREDITS));
	necp_push(psprintf("/topic/character/" INT64_FORMAT "/inventory", character_id),
			  "INVENTORY_CHANGED",
			  0,
			  necp_json_close(&data));
}

/* Endpoints ---------------------------------------------------------------------------------- */

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

	return necp_answer(&view_item, "item", necp_character(), item_id);
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

/* Reactions ---------------------------------------------------------------------------------- */

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
		necp_item_create(container,
						 (int32) row,
						 necp_row_int4(&kit, row, 1),
						 necp_row_int4(&kit, row, 2),
						 "NONE",
						 "KIT",
						 created->character_id);
}

NECP_ROOM_INIT(inventory)
{
	necp_event_subscribe("CHARACTER_CREATED", pack_kit);
}
