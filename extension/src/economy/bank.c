/* SPDX-License-Identifier: PostgreSQL
 *
 * The bank (DOMAIN §6): a container of the account, for all its characters.
 *
 * Lock order: the backpack and the bank by ascending id, their items.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/inventory.h"
#include "kernel/args.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/room.h"
#include "kernel/spi.h"

static NecpPlan view_bank =
	NECP_PLAN("SELECT to_json(ROW(b.slots, count(i.id)::int, coalesce(array_agg(" NECP_ITEM_ROW
			  " ORDER BY i.slot) FILTER (WHERE i.id IS NOT NULL), '{}'))::necp.bank_view)"
			  " FROM game.bank_storage b LEFT JOIN game.character_items i USING (container_id)"
			  " LEFT JOIN game.item_templates t ON t.id = i.template_id"
			  " WHERE b.account_id = $1 GROUP BY b.slots",
			  INT8OID);
static NecpPlan find_bank =
	NECP_PLAN("SELECT FROM game.bank_storage WHERE account_id = $1", INT8OID);
static NecpPlan insert_bank =
	NECP_PLAN("INSERT INTO game.bank_storage (account_id, container_id, slots) VALUES ($1, $2, $3)",
			  INT8OID, INT8OID, INT4OID);

NECP_FUNCTION(necp_bank_get)
{
	return necp_answer(&view_bank, "bank", necp_account());
}

/* bank_deposit(item_id, quantity) → bank_view. */
NECP_FUNCTION(necp_bank_deposit)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	NecpBags bags;
	NecpItem *item;
	int32 quantity = necp_arg_part(fcinfo, 1);

	necp_bags_lock(NECP_BACKPACK | NECP_BANK, &bags);
	item = necp_item_require(bags.backpack, item_id, "item_id");
	quantity = necp_item_part(item, quantity);
	if (strcmp(item->binding, "CHARACTER") == 0)
		necp_fail(ITEM_BOUND, "item_id", "it is bound to the character");
	if (necp_item_stow(item,
					   quantity,
					   bags.bank,
					   necp_template(item->template_id).max_stack,
					   "BANK_DEPOSIT",
					   necp_character()) < quantity)
		necp_fail(INVENTORY_FULL, NULL, "the bank has no room for all of it");
	necp_bags_push(&bags);
	return necp_answer(&view_bank, "bank", necp_account());
}

/* bank_withdraw(item_id, quantity) → bank_view. */
NECP_FUNCTION(necp_bank_withdraw)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	NecpBags bags;
	NecpItem *item;
	NecpTemplate template;
	int32 quantity = necp_arg_part(fcinfo, 1);
	int32 taken;
	double spare_kg;
	bool too_heavy = false;

	necp_bags_lock(NECP_BACKPACK | NECP_BANK, &bags);
	item = necp_item_require(bags.bank, item_id, "item_id");
	quantity = necp_item_part(item, quantity);
	template = necp_template(item->template_id);
	spare_kg = necp_inventory_spare(necp_character());
	taken = necp_inventory_take(item,
								quantity,
								bags.backpack,
								&template,
								&spare_kg,
								&too_heavy,
								"BANK_WITHDRAW",
								necp_character());
	if (too_heavy)
		necp_fail(OVERWEIGHT, NULL, "it is too heavy to carry");
	if (taken < quantity)
		necp_fail(INVENTORY_FULL, NULL, "the backpack has no room for all of it");
	necp_item_emit("ITEM_ADDED", necp_character(), item_id, &template, quantity);
	necp_bags_push(&bags);
	return necp_answer(&view_bank, "bank", necp_account());
}

/* The first character of an account opens its bank; who creates one holds the account's slots. */
static void
open_bank(const NecpEvent *event)
{
	const NecpCharacterCreated *created = event->detail;
	int32 slots = (int32) necp_config_int("bank.slots");

	if (necp_run(&find_bank, created->account_id) > 0)
		return;
	necp_run(&insert_bank,
			 created->account_id,
			 necp_container_create("BANK", created->account_id, slots),
			 slots);
}

NECP_ROOM_INIT(bank)
{
	necp_event_subscribe("CHARACTER_CREATED", open_bank);
}
