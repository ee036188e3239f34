/* SPDX-License-Identifier: PostgreSQL
 *
 * What its owner does with an item in the backpack (DOMAIN §6): divide, join, arrange, give up, use.
 *
 * Lock order: the character where it stands nowhere, its backpack, its items.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/inventory.h"
#include "economy/loot.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/spi.h"
#include "world/world.h"
#include "world/zone.h"

#include "utils/builtins.h"

static NecpPlan view_item =
	NECP_PLAN("SELECT to_json(" NECP_ITEM_ROW ") FROM game.character_items i"
			  " JOIN game.item_templates t ON t.id = i.template_id WHERE i.id = $1",
			  INT8OID);
static NecpPlan read_effect =
	NECP_PLAN("SELECT (t.attributes ->> 'heal')::int, (t.attributes ->> 'cooldown_s')::int"
			  " FROM game.item_templates t WHERE t.id = $1",
			  INT4OID);
static NecpPlan cool_down = NECP_PLAN(
	"INSERT INTO game.item_cooldowns AS c (character_id, template_id, ready_at) VALUES ($1, $2, $4)"
	" ON CONFLICT (character_id, template_id) DO UPDATE SET ready_at = excluded.ready_at"
	" WHERE c.ready_at <= $3",
	INT8OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

static void
require_deletable(const NecpTemplate *template)
{
	if (strcmp(template->type, "QUEST_ITEM") == 0)
		necp_fail(NOT_DELETABLE, "item_id", "what a quest needs is not given up");
}

/* What is left of an item, and how much went: {item_id, quantity, …}. */
static Datum
answer_rest(const NecpItem *item, int32 gone, const char *name, int64 value)
{
	NecpJson view;

	necp_json_open(&view);
	necp_json_int(&view, "item_id", item->id);
	necp_json_int(&view, "quantity", item->quantity - gone);
	necp_json_int(&view, name, value);
	return necp_cstring_datum(necp_json_close(&view));
}

/* Stacks --------------------------------------------------------------------------------------- */

/* inventory_split(item_id, quantity, slot) → item_view of the new stack. */
NECP_FUNCTION(necp_inventory_split)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	int32 quantity = necp_arg_quantity(fcinfo, 1, "quantity");
	NecpBags bags;
	NecpItem *item;
	int32 slot;
	int64 part_id;

	necp_bags_lock(NECP_BACKPACK, &bags);
	item = necp_item_require(bags.backpack, item_id, "item_id");
	if (quantity >= item->quantity)
		necp_fail(INSUFFICIENT_QUANTITY,
				  "quantity",
				  "a part of %d is less than all of it",
				  item->quantity);
	slot = PG_ARGISNULL(2)
			   ? necp_container_free_slot(bags.backpack)
			   : (int32) necp_arg_int(fcinfo, 2, "slot", 0, bags.backpack->capacity - 1);
	if (slot < 0)
		necp_fail(INVENTORY_FULL, NULL, "there is no free slot");
	if (necp_container_at(bags.backpack, slot) != NULL)
		necp_fail(SLOT_OCCUPIED, "slot", "there is something in slot %d", slot);
	part_id = necp_item_split(item, quantity, bags.backpack->id, slot, "SPLIT", necp_character());
	necp_bags_push(&bags);
	return necp_answer(&view_item, "item", part_id);
}

/* inventory_merge(item_id, into_item_id, quantity) → item_view of the stack that grew. */
NECP_FUNCTION(necp_inventory_merge)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	int64 into_id = necp_arg_id(fcinfo, 1, "into_item_id");
	NecpBags bags;
	NecpItem *item;
	NecpItem *into;
	int32 quantity = necp_arg_part(fcinfo, 2);
	int32 room;

	necp_bags_lock(NECP_BACKPACK, &bags);
	item = necp_item_require(bags.backpack, item_id, "item_id");
	if (item_id == into_id)
		necp_fail(VALIDATION, "into_item_id", "an item does not join itself");
	into = necp_item_require(bags.backpack, into_id, "into_item_id");
	quantity = necp_item_part(item, quantity);
	if (!necp_item_joins(item, into))
		necp_fail(CONFLICT,
				  "into_item_id",
				  "they differ in kind, in binding or in what they have of their own");
	room = necp_template(into->template_id).max_stack - into->quantity;
	if (room <= 0)
		necp_fail(CONFLICT, "into_item_id", "the stack is full");
	necp_item_merge(item, into, Min(quantity, room), "MERGE", necp_character());
	necp_bags_push(&bags);
	return necp_answer(&view_item, "item", into_id);
}

/* inventory_move(item_id, slot, swap) → item_view. */
NECP_FUNCTION(necp_inventory_move)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	bool swap = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	NecpBags bags;
	NecpItem *item;
	NecpItem *other;
	int32 slot;

	necp_bags_lock(NECP_BACKPACK, &bags);
	item = necp_item_require(bags.backpack, item_id, "item_id");
	slot = (int32) necp_arg_int(fcinfo, 1, "slot", 0, bags.backpack->capacity - 1);
	other = necp_container_at(bags.backpack, slot);
	if (other == item)
		return necp_answer(&view_item, "item", item_id);
	if (other == NULL)
		necp_item_move(item, bags.backpack->id, slot, "ARRANGE", necp_character());
	else if (!swap)
		necp_fail(SLOT_OCCUPIED, "slot", "there is something in slot %d", slot);
	else
		necp_item_swap(item,
					   necp_item_require(bags.backpack, other->id, "slot"),
					   "ARRANGE",
					   necp_character());
	necp_bags_push(&bags);
	return necp_answer(&view_item, "item", item_id);
}

/* Giving up ------------------------------------------------------------------------------------ */

/* inventory_destroy(item_id, quantity) → destroyed_view. */
NECP_FUNCTION(necp_inventory_destroy)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	NecpBags bags;
	NecpItem *item;
	NecpTemplate template;
	int32 quantity = necp_arg_part(fcinfo, 1);

	necp_bags_lock(NECP_BACKPACK, &bags);
	item = necp_item_require(bags.backpack, item_id, "item_id");
	quantity = necp_item_part(item, quantity);
	template = necp_template(item->template_id);
	require_deletable(&template);
	necp_item_reduce(item, quantity, "DESTROY", necp_character());
	necp_item_emit("ITEM_DESTROYED", necp_character(), item_id, &template, quantity);
	necp_bags_push(&bags);
	return answer_rest(item, quantity, "destroyed", quantity);
}

/* The acting character where it stands, alive. */
static NecpEntity
require_standing(void)
{
	NecpEntity self;

	if (!necp_zone_self(&self))
		necp_fail(CONFLICT, NULL, "the character is in no zone");
	if (self.state.activity == NECP_ACTIVITY_DEAD)
		necp_fail(YOU_ARE_DEAD, NULL, "the dead drop nothing more");
	return self;
}

/* inventory_drop(item_id, quantity) → dropped_view. */
NECP_FUNCTION(necp_inventory_drop)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	NecpEntity self = require_standing();
	NecpBags bags;
	NecpItem *item;
	NecpTemplate template;
	int32 quantity = necp_arg_part(fcinfo, 1);
	int64 container_id;
	int64 drop_id;

	necp_bags_lock(NECP_BACKPACK, &bags);
	item = necp_item_require(bags.backpack, item_id, "item_id");
	quantity = necp_item_part(item, quantity);
	template = necp_template(item->template_id);
	require_deletable(&template);
	if (strcmp(item->binding, "NONE") != 0)
		necp_fail(ITEM_BOUND, "item_id", "a bound item is for nobody else");
	drop_id = necp_loot_lay(&self, 1, &container_id);
	if (quantity == item->quantity)
		necp_item_move(item, container_id, 0, "DROP", drop_id);
	else
		necp_item_split(item, quantity, container_id, 0, "DROP", drop_id);
	necp_item_emit("ITEM_DROPPED", necp_character(), item_id, &template, quantity);
	necp_bags_push(&bags);
	return answer_rest(item, quantity, "drop_id", drop_id);
}

/* Use ------------------------------------------------------------------------------------------ */

/* Hit points of the acting character after a heal, in the live world or in its row. */
static int32
heal(const NecpCharacter *nowhere, int32 points)
{
	NecpEntity self;

	if (nowhere == NULL)
	{
		if (!necp_world_heal(necp_character(), points, &self))
			necp_fail(YOU_ARE_DEAD, NULL, "it is too late for that");
		return self.state.hp;
	}
	if (nowhere->hp <= 0)
		necp_fail(YOU_ARE_DEAD, NULL, "it is too late for that");
	necp_character_save_hp(nowhere->id, nowhere->hp + points);
	return Min(nowhere->hp + points, nowhere->max_hp);
}

static void
start_cooldown(const NecpTemplate *template, int32 seconds)
{
	TimestampTz now = necp_now();

	if (necp_run(&cool_down,
				 necp_character(),
				 template->id,
				 TimestampTzGetDatum(now),
				 TimestampTzGetDatum(now + seconds * USECS_PER_SEC)) == 0)
		necp_fail(COOLDOWN, "item_id", "not so soon after the last one");
}

/* inventory_use(item_id) → used_view. */
NECP_FUNCTION(necp_inventory_use)
{
	int64 item_id = necp_arg_id(fcinfo, 0, "item_id");
	int64 character_id = necp_character();
	NecpEntity self;
	bool present = necp_zone_self(&self);
	NecpCharacter character;
	NecpBags bags;
	NecpItem *item;
	NecpTemplate template;
	int32 points;
	int32 seconds;

	/* who stands nowhere is healed in its row; who picks up, and may rise by it, stands somewhere */
	if (!present && !necp_character_lock(character_id, &character))
		necp_fail(NOT_FOUND, NULL, "the character is gone");
	necp_bags_lock(NECP_BACKPACK, &bags);
	item = necp_item_require(bags.backpack, item_id, "item_id");
	template = necp_template(item->template_id);
	necp_run(&read_effect, template.id);
	points = necp_int4(0, 1);
	seconds = necp_isnull(0, 2) ? (int32) necp_config_int("inventory.cooldown_s") : necp_int4(0, 2);
	if (strcmp(template.type, "CONSUMABLE") != 0 || points <= 0)
		necp_fail(NOT_USABLE, "item_id", "there is no use in it");
	start_cooldown(&template, seconds);
	necp_item_reduce(item, 1, "USE", character_id);
	points = heal(present ? NULL : &character, points);
	necp_item_emit("ITEM_USED", character_id, item_id, &template, 1);
	necp_bags_push(&bags);
	return answer_rest(item, 1, "hp", points);
}
