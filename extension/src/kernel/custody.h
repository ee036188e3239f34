/* SPDX-License-Identifier: PostgreSQL
 *
 * Where every item is (DOMAIN §0, G1, G2): one row per instance, in one container; every creation,
 * move, split, merge and destruction appends to item_moves. Callers lock the containers first,
 * ascending id, with necp_container_lock().
 */
#ifndef NECP_KERNEL_CUSTODY_H
#define NECP_KERNEL_CUSTODY_H

#include "postgres.h"

typedef struct NecpItem
{
	int64 id;
	int64 container_id;
	int32 slot;
	int32 template_id;
	int32 quantity;
	int32 durability;
	const char *binding; /* NONE, CHARACTER, ACCOUNT */
	bool plain;          /* no attributes of its own: may join a stack */
	bool locked;         /* offered in a trade */
} NecpItem;

typedef struct NecpContainer
{
	int64 id;
	int32 capacity; /* slots */
	int nitems;
	NecpItem *items; /* by slot */
} NecpContainer;

/* Creates a container of a kind for an owner and returns its id. */
extern int64 necp_container_create(const char *kind, int64 owner_id, int32 capacity);
/* Id of an owner's container of a kind; 0 where there is none. */
extern int64 necp_container_find(const char *kind, int64 owner_id);
/* Locks a container and loads its items. */
extern NecpContainer *necp_container_lock(int64 container_id);

/* Creates an item out of nothing in a slot: loot, kits, grants. Returns its id. */
extern int64 necp_item_create(int64 container_id, int32 slot, int32 template_id, int32 quantity,
							  const char *binding, const char *cause, int64 cause_id);
/* Moves a whole item to a slot of another container. */
extern void necp_item_move(const NecpItem *item, int64 to_container, int32 to_slot,
						   const char *cause, int64 cause_id);
/* Joins quantity of one stack to another of the same kind; an emptied source is gone. */
extern void necp_item_merge(const NecpItem *from, const NecpItem *to, int32 quantity,
							const char *cause, int64 cause_id);
/* Destroys a whole item. */
extern void necp_item_destroy(const NecpItem *item, const char *cause, int64 cause_id);

/*
 * Puts what fits of an item into a locked container: joins stacks of the same template and binding
 * up to max_stack, then free slots. Returns the quantity that went in; the rest stays where it is.
 */
extern int32 necp_item_stow(const NecpItem *item, NecpContainer *into, int32 max_stack,
							const char *cause, int64 cause_id);

#endif
