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
	bool plain;          /* nothing of its own: may join a stack */
	bool locked;         /* offered in a trade */
} NecpItem;

typedef struct NecpContainer
{
	int64 id;
	const char *kind; /* BACKPACK, … */
	int32 capacity;   /* slots */
	int nitems;
	NecpItem *items; /* by slot */
	int nbefore;
	NecpItem *before; /* as they were when it was locked */
} NecpContainer;

/* Creates a container of a kind for an owner and returns its id. */
extern int64 necp_container_create(const char *kind, int64 owner_id, int32 capacity);
/* Id of an owner's container of a kind; 0 where there is none. */
extern int64 necp_container_find(const char *kind, int64 owner_id);
/* Locks a container and loads its items. */
extern NecpContainer *necp_container_lock(int64 container_id);
/* Locks several, in ascending id; an id may be 0, then there is NULL. */
extern void necp_container_lock_all(const int64 *ids, int n, NecpContainer **containers);
/* Loads what this command made of its items; before stays. */
extern void necp_container_reload(NecpContainer *container);
/* An item in a locked container; NULL where it is not in there. */
extern NecpItem *necp_container_item(const NecpContainer *container, int64 item_id);
/* What is in a slot, or NULL; the first free slot, or -1. */
extern NecpItem *necp_container_at(const NecpContainer *container, int32 slot);
extern int32 necp_container_free_slot(const NecpContainer *container);

/* Creates an item out of nothing in a slot: loot, kits, grants. Returns its id. */
extern int64 necp_item_create(int64 container_id, int32 slot, int32 template_id, int32 quantity,
							  const char *binding, const char *cause, int64 cause_id);
/* Moves a whole item to a free slot of another container, or of the same. */
extern void necp_item_move(const NecpItem *item, int64 to_container, int32 to_slot,
						   const char *cause, int64 cause_id);
/* Two items change places, in one statement: neither needs a free slot. */
extern void necp_item_swap(const NecpItem *one, const NecpItem *other, const char *cause,
						   int64 cause_id);
/* Puts less than a whole stack into a free slot as an item with the same attributes; its id. */
extern int64 necp_item_split(const NecpItem *item, int32 quantity, int64 to_container,
							 int32 to_slot, const char *cause, int64 cause_id);
/* Joins quantity of one stack to another of the same kind; an emptied source is gone. */
extern void necp_item_merge(const NecpItem *from, const NecpItem *to, int32 quantity,
							const char *cause, int64 cause_id);
/* Destroys a whole item, or quantity of it. */
extern void necp_item_destroy(const NecpItem *item, const char *cause, int64 cause_id);
extern void necp_item_reduce(const NecpItem *item, int32 quantity, const char *cause,
							 int64 cause_id);
/* Binds an item that was not bound. */
extern void necp_item_bind(const NecpItem *item, const char *binding);
/* Makes an item whole again. */
extern void necp_item_repair(const NecpItem *item);
/* Takes points of durability from all that is in a locked container, offered or not. */
extern void necp_container_wear(int64 container_id, int32 points);
/* May these stand in one stack? */
extern bool necp_item_joins(const NecpItem *item, const NecpItem *stack);

/*
 * Puts what fits of an item, at most quantity, into a locked container: joins stacks of the same
 * template and binding up to max_stack, then a free slot. Returns how many went in; the rest stays
 * where it is. The container is kept current, the item is not.
 */
extern int32 necp_item_stow(const NecpItem *item, int32 quantity, NecpContainer *into,
							int32 max_stack, const char *cause, int64 cause_id);

#endif
