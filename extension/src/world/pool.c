/* SPDX-License-Identifier: PostgreSQL
 *
 * Shared memory of the live world: places, entities, and the directories that find them. Lock order
 * in pool.h.
 */
#include "postgres.h"

#include "world/pool.h"

#include "port/pg_bitutils.h"
#include "storage/shmem.h"
#include "utils/guc.h"

#include "kernel/shmem.h"

int necp_max_places = 1024;
int necp_max_entities = 16384;

World *necp_world;
LWLockPadded *necp_world_locks;

static NecpShmemPart part;

static uint32
directory_size(int ids)
{
	return pg_nextpower2_32((uint32) ids * 2);
}

static Size
world_size(void)
{
	Size size = CACHELINEALIGN(sizeof(World));

	size = add_size(size, CACHELINEALIGN(mul_size(necp_max_places, sizeof(WorldPlace))));
	size = add_size(size, CACHELINEALIGN(mul_size(necp_max_entities, sizeof(WorldEntity))));
	size = add_size(size, CACHELINEALIGN(mul_size(NECP_MAX_HARMS, sizeof(WorldHarm))));
	size = add_size(size, mul_size(directory_size(necp_max_places), sizeof(DirectoryEntry)));
	size = add_size(size, mul_size(directory_size(necp_max_entities), sizeof(DirectoryEntry)));
	return add_size(size, PG_CACHE_LINE_SIZE);
}

/* The pointers hold in every process: the main segment is mapped before the fork. */
static void
world_shmem_init(void *piece, LWLockPadded *locks)
{
	World *world = piece;
	char *next = (char *) CACHELINEALIGN((char *) piece + sizeof(World));

	pg_atomic_init_u32(&world->generation, 1);
	world->places = (WorldPlace *) next;
	next += CACHELINEALIGN(necp_max_places * sizeof(WorldPlace));
	world->entities = (WorldEntity *) next;
	next += CACHELINEALIGN(necp_max_entities * sizeof(WorldEntity));
	world->harms = (WorldHarm *) next;
	next += CACHELINEALIGN(NECP_MAX_HARMS * sizeof(WorldHarm));
	world->places_by_id.mask = directory_size(necp_max_places) - 1;
	world->places_by_id.entries = (DirectoryEntry *) next;
	next += directory_size(necp_max_places) * sizeof(DirectoryEntry);
	world->entities_by_id.mask = directory_size(necp_max_entities) - 1;
	world->entities_by_id.entries = (DirectoryEntry *) next;

	for (int32 i = 0; i < necp_max_entities; i++)
	{
		world->entities[i].place = NO_SLOT;
		world->entities[i].first_harm = world->entities[i].last_harm = NO_SLOT;
		world->entities[i].older = i + 1 < necp_max_entities ? i + 1 : NO_SLOT;
	}
	world->free_entity = 0;
	for (int32 i = 0; i < NECP_MAX_HARMS; i++)
		world->harms[i].next = i + 1 < NECP_MAX_HARMS ? i + 1 : NO_SLOT;
	world->free_harm = 0;
	SpinLockInit(&world->harm_lock);
}

void
necp_world_init(void)
{
	DefineCustomIntVariable("necpgame.max_places",
							"Sets how many zones and instances may be open at once.",
							NULL,
							&necp_max_places,
							1024,
							1,
							65535,
							PGC_POSTMASTER,
							0,
							NULL,
							NULL,
							NULL);
	DefineCustomIntVariable("necpgame.max_entities",
							"Sets how many characters and NPCs may be in the world at once.",
							NULL,
							&necp_max_entities,
							16384,
							16,
							1000000,
							PGC_POSTMASTER,
							0,
							NULL,
							NULL,
							NULL);
	part.name = "necpgame_world";
	part.size = world_size;
	part.init = world_shmem_init;
	part.locks = 1 + necp_max_places;
	part.piece = (void **) &necp_world;
	part.lock_array = &necp_world_locks;
	necp_shmem_register(&part);
}

static inline uint32
home_of(const Directory *directory, int64 id)
{
	return (uint32) (((uint64) id * UINT64CONST(0x9E3779B97F4A7C15)) >> 32) & directory->mask;
}

int32
necp_pool_find(const Directory *directory, int64 id)
{
	for (uint32 i = home_of(directory, id);; i = (i + 1) & directory->mask)
	{
		if (directory->entries[i].id == id)
			return id == 0 ? NO_SLOT : directory->entries[i].slot;
		if (directory->entries[i].id == 0)
			return NO_SLOT;
	}
}

/* There is always room: the directory has twice as many entries as there are slots. */
void
necp_pool_add(Directory *directory, int64 id, int32 slot)
{
	uint32 i = home_of(directory, id);

	while (directory->entries[i].id != 0)
		i = (i + 1) & directory->mask;
	directory->entries[i].id = id;
	directory->entries[i].slot = slot;
}

void
necp_pool_remove(Directory *directory, int64 id)
{
	DirectoryEntry *entries = directory->entries;
	uint32 hole = home_of(directory, id);

	while (entries[hole].id != id)
	{
		if (entries[hole].id == 0)
			return;
		hole = (hole + 1) & directory->mask;
	}
	for (uint32 i = (hole + 1) & directory->mask; entries[i].id != 0; i = (i + 1) & directory->mask)
	{
		uint32 home = home_of(directory, entries[i].id);

		/* an entry may fill the hole unless its home lies behind it */
		if (((i - home) & directory->mask) >= ((i - hole) & directory->mask))
		{
			entries[hole] = entries[i];
			hole = i;
		}
	}
	entries[hole].id = 0;
}

int32
necp_pool_take(void)
{
	int32 slot = necp_world->free_entity;

	if (slot != NO_SLOT)
		necp_world->free_entity = ENTITY(slot)->older;
	return slot;
}

void
necp_pool_give(int32 slot)
{
	necp_pool_forget_harm(ENTITY(slot));
	ENTITY(slot)->self.state.id = 0;
	ENTITY(slot)->older = necp_world->free_entity;
	necp_world->free_entity = slot;
}

static int32 *
count_of(WorldPlace *place, const WorldEntity *entity)
{
	return entity->self.state.kind == NECP_ENTITY_CHARACTER ? &place->players : &place->npcs;
}

void
necp_pool_link(int32 place_slot, int32 slot)
{
	WorldPlace *place = PLACE(place_slot);
	WorldEntity *entity = ENTITY(slot);

	entity->place = place_slot;
	entity->self.place_id = place->id;
	entity->newer = NO_SLOT;
	entity->older = place->newest;
	if (place->newest == NO_SLOT)
		place->oldest = slot;
	else
		ENTITY(place->newest)->newer = slot;
	place->newest = slot;
	entity->stamp = ++place->stamp;
	++*count_of(place, entity);

	/* whoever saw it go learns of its return from the entity itself */
	for (int i = 0; i < REMOVALS; i++)
		if (place->removals[i].id == entity->self.state.id)
			place->removals[i].id = 0;
}

void
necp_pool_unlink(int32 slot)
{
	WorldEntity *entity = ENTITY(slot);
	WorldPlace *place = PLACE(entity->place);
	Removal *removal = &place->removals[place->nremovals++ % REMOVALS];

	if (entity->newer == NO_SLOT)
		place->newest = entity->older;
	else
		ENTITY(entity->newer)->older = entity->older;
	if (entity->older == NO_SLOT)
		place->oldest = entity->newer;
	else
		ENTITY(entity->older)->newer = entity->newer;
	--*count_of(place, entity);
	entity->place = NO_SLOT;

	if (removal->id != 0)
		place->forgotten = removal->stamp;
	removal->stamp = ++place->stamp;
	removal->id = entity->self.state.id;
}

int32
necp_pool_lock_entity(int64 entity_id, LWLockMode mode)
{
	for (;;)
	{
		int32 slot;
		int32 place = NO_SLOT;

		LWLockAcquire(DIRECTORY_LOCK, LW_SHARED);
		slot = necp_pool_find(&necp_world->entities_by_id, entity_id);
		if (slot != NO_SLOT)
			place = ENTITY(slot)->place;
		LWLockRelease(DIRECTORY_LOCK);
		if (slot == NO_SLOT)
			return NO_SLOT;

		LWLockAcquire(PLACE_LOCK(place), mode);
		if (ENTITY(slot)->place == place && ENTITY(slot)->self.state.id == entity_id)
			return slot;
		LWLockRelease(PLACE_LOCK(place)); /* it moved on in between */
	}
}

int32
necp_pool_lock_place(int64 place_id, LWLockMode mode)
{
	int32 place;

	LWLockAcquire(DIRECTORY_LOCK, LW_SHARED);
	place = necp_pool_find(&necp_world->places_by_id, place_id);
	LWLockRelease(DIRECTORY_LOCK);
	if (place == NO_SLOT)
		return NO_SLOT;
	LWLockAcquire(PLACE_LOCK(place), mode);
	if (PLACE(place)->id == place_id)
		return place;
	LWLockRelease(PLACE_LOCK(place));
	return NO_SLOT;
}
