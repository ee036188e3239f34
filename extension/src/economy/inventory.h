/* SPDX-License-Identifier: PostgreSQL
 *
 * Backpacks, for the rooms that put things into them.
 *
 * A command locks the containers it needs at once, ascending, with necp_bags_lock(); nobody touches an
 * item without its container's lock.
 */
#ifndef NECP_ECONOMY_INVENTORY_H
#define NECP_ECONOMY_INVENTORY_H

#include "postgres.h"

#include "fmgr.h"

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
	const char *binding; /* NONE, ON_PICKUP, ON_EQUIP, ACCOUNT */
	double weight;       /* kg of one */
	int64 vendor_price;
	const char *slot; /* kind of equipment slot; NULL: is not worn */
} NecpTemplate;

/* necp.item_view of an item i of template t, in SQL. */
#define NECP_ITEM_ROW                                                                              \
	"ROW(i.id, i.template_id, t.code, t.name, t.type, t.rarity, i.slot, i.quantity, i.durability," \
	" i.binding::text, i.quality::text, i.upgrade::int, i.lock_ref IS NOT NULL)::necp.item_view"

/* What an item is; fails where there is no such template. */
extern NecpTemplate necp_template(int32 template_id);
/* Binding of an item of it that comes into the world: NONE, CHARACTER or ACCOUNT. */
extern const char *necp_template_born(const NecpTemplate *template);
/* Container of a character's backpack; 0 where it has none. */
extern int64 necp_backpack(int64 character_id);

/* What the acting character has, locked; parts that were not asked for are NULL. */
typedef struct NecpBags
{
	NecpContainer *backpack;
	NecpContainer *equipped;
	NecpContainer *bank; /* of the account */
} NecpBags;

#define NECP_BACKPACK 1
#define NECP_EQUIPPED 2
#define NECP_BANK 4

extern void necp_bags_lock(int which, NecpBags *bags);
/* Tells the acting character what the command made of them. */
extern void necp_bags_push(NecpBags *bags);
/* The same of containers that are current, for any character. */
extern void necp_inventory_push(int64 character_id, NecpContainer **containers, int n);

/* An item in a locked container that is free to go; NOT_FOUND, ITEM_LOCKED. */
extern NecpItem *necp_item_require(const NecpContainer *container, int64 item_id,
								   const char *field);
/* Quantity argument n, 0 where there is none; and what that is of an item: all of it by default. */
extern int32 necp_arg_part(FunctionCallInfo fcinfo, int n);
extern int32 necp_item_part(const NecpItem *item, int32 quantity);

/* What a character carries and what that costs it (DOMAIN §6). */
typedef struct NecpLoad
{
	double weight;       /* kg, backpack and worn */
	double capacity;     /* kg */
	int32 speed_percent; /* 0: cannot move */
	int32 dodge_percent; /* 0 or less */
	bool sprint;
} NecpLoad;

extern void necp_inventory_load(int64 character_id, NecpLoad *load);
/* Kilograms that may still come; negative where there is too much already. */
extern double necp_inventory_spare(int64 character_id);
/*
 * Takes what fits of an item by weight and room into a locked backpack; spare_kg is kept current.
 * Returns how many; too_heavy is set where weight was in the way.
 */
extern int32 necp_inventory_take(const NecpItem *item, int32 quantity, NecpContainer *backpack,
								 const NecpTemplate *template, double *spare_kg, bool *too_heavy,
								 const char *cause, int64 cause_id);
/*
 * Makes items for a character, all of them or none: quests, mail, operators. INVENTORY_FULL,
 * OVERWEIGHT. Emits ITEM_ADDED and tells the character.
 */
extern void necp_inventory_grant(int64 character_id, int32 template_id, int32 quantity,
								 const char *cause, int64 cause_id);

/* Emits an event about an item: {item_id, item, quantity}. */
extern void necp_item_emit(const char *type, int64 character_id, int64 item_id,
						   const NecpTemplate *template, int32 quantity);
/* Emits CURRENCY_SPENT. */
extern void necp_spent_emit(int64 amount, const char *cause);

#endif
