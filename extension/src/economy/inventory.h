/* SPDX-License-Identifier: PostgreSQL
 *
 * Backpacks, for the rooms that put things into them.
 */
#ifndef NECP_ECONOMY_INVENTORY_H
#define NECP_ECONOMY_INVENTORY_H

#include "postgres.h"

#include "kernel/custody.h"

typedef struct NecpTemplate
{
	int32 id;
	int32 max_stack;
	const char *code;
	const char *name;
	const char *type;
	const char *rarity;
	bool binds_on_pickup;
} NecpTemplate;

/* What an item is; fails where there is no such template. */
extern NecpTemplate necp_template(int32 template_id);
/* Container of a character's backpack; 0 where it has none. */
extern int64 necp_backpack(int64 character_id);
/* Tells the character's inventory topic; changes is a JSON array of {item_id, op, quantity}. */
extern void necp_inventory_push(int64 character_id, const char *changes);

#endif
