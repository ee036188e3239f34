/* SPDX-License-Identifier: PostgreSQL
 *
 * The inside of the live world: what lies in shared memory and how it is locked. For the files of
 * this folder only; rooms use world.h.
 *
 * Lock order: the directory, then one place; never two places, never across SPI. The directory lock
 * guards both directories, the free list, and who is in which place; an entity in a place is
 * written under that place's lock only, and enters or leaves it under both. Everything is validated
 * before the first store, and nothing between the first and the last store can fail.
 */
#ifndef NECP_WORLD_POOL_H
#define NECP_WORLD_POOL_H

#include "world/world.h"

#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

#define NO_SLOT (-1)
#define REMOVALS 64          /* of a place that are remembered one by one */
#define SPEED_TOLERANCE 1.2f /* DOMAIN §13 */
#define STILL_AFTER_US 500000

typedef struct Removal
{
	uint64 stamp;
	int64 id; /* 0: came back */
} Removal;

/* Entities of a place form a list by stamp, newest first: what changed since then is its head. */
typedef struct WorldPlace
{
	int64 id; /* 0: free */
	uint64 stamp;
	uint64 first_stamp; /* of this opening; older ones are of another */
	uint64 forgotten;   /* removals up to here are no longer known */
	int32 newest, oldest;
	uint32 tick;
	int32 capacity;
	int32 players, npcs;
	int32 entering; /* reserved by transactions in flight */
	NecpBounds bounds;
	uint32 nremovals; /* ever */
	Removal removals[REMOVALS];
} WorldPlace;

typedef struct WorldEntity
{
	uint64 stamp;
	int32 newer, older; /* in the list of its place; older also links the free list */
	int32 place;        /* slot, NO_SLOT: not in one */
	float allowance;    /* metres it may still move */
	TimestampTz allowed_at;
	float from_x, from_y; /* where and when its velocity is measured from */
	TimestampTz from_at;
	int64 claim;                 /* who kills it in a transaction in flight */
	int32 first_harm, last_harm; /* what it suffered in this life, by who came first */
	NecpEntity self;
} WorldEntity;

/* What somebody did to an entity; under the lock of its place. */
typedef struct WorldHarm
{
	NecpHarm self;
	int32 next; /* also links the free ones, under a lock of their own */
} WorldHarm;

/* Hash of ids to slots: open addressing, no tombstones; 0 is no id. */
typedef struct DirectoryEntry
{
	int64 id;
	int32 slot;
} DirectoryEntry;

typedef struct Directory
{
	uint32 mask;
	DirectoryEntry *entries;
} Directory;

typedef struct World
{
	pg_atomic_uint32 generation;
	Oid schema; /* of the data it shows; only the world worker looks */
	int32 free_entity;
	Directory places_by_id, entities_by_id;
	WorldPlace *places;
	WorldEntity *entities;
	slock_t harm_lock;
	int32 free_harm;
	WorldHarm *harms;
	NecpWorldWork work[NECP_MAX_WORLD_JOBS]; /* written by the world worker alone */
} World;

extern World *necp_world;
extern LWLockPadded *necp_world_locks;

#define DIRECTORY_LOCK (&necp_world_locks[0].lock)
#define PLACE_LOCK(slot) (&necp_world_locks[1 + (slot)].lock)
#define PLACE(slot) (&necp_world->places[slot])
#define ENTITY(slot) (&necp_world->entities[slot])
#define HARM(slot) (&necp_world->harms[slot])
#define NECP_MAX_HARMS (necp_max_entities * 2)

/* Slot of an id, or NO_SLOT; under the directory's lock. */
extern int32 necp_pool_find(const Directory *directory, int64 id);
extern void necp_pool_add(Directory *directory, int64 id, int32 slot);
extern void necp_pool_remove(Directory *directory, int64 id);

/* Free entities; under the directory's lock, exclusively. */
extern int32 necp_pool_take(void);
extern void necp_pool_give(int32 slot);

/* Membership of a place; under both locks, exclusively. */
extern void necp_pool_link(int32 place, int32 entity);
extern void necp_pool_unlink(int32 entity);

/* Locks the place of an entity and returns the entity's slot, or NO_SLOT and no lock. */
extern int32 necp_pool_lock_entity(int64 entity_id, LWLockMode mode);
extern int32 necp_pool_lock_place(int64 place_id, LWLockMode mode);

/* Harm, under the lock of the entity's place. Where memory is full a newcomer goes unnoticed. */
extern void necp_pool_harm(WorldEntity *target, int64 character_id, int64 damage, int64 healing);
extern void necp_pool_forget_harm(WorldEntity *target);

/* Gives an entity the place's current stamp; the caller has bumped it. */
static inline void
pool_touch(WorldPlace *place, int32 slot)
{
	WorldEntity *entity = ENTITY(slot);

	entity->stamp = place->stamp;
	if (place->newest == slot)
		return;
	ENTITY(entity->newer)->older = entity->older;
	if (entity->older == NO_SLOT)
		place->oldest = entity->newer;
	else
		ENTITY(entity->older)->newer = entity->newer;
	entity->newer = NO_SLOT;
	entity->older = place->newest;
	ENTITY(place->newest)->newer = slot;
	place->newest = slot;
}

/* One change of one entity. */
static inline void
pool_changed(WorldPlace *place, int32 slot)
{
	place->stamp++;
	pool_touch(place, slot);
}

#endif
