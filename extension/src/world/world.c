/* SPDX-License-Identifier: PostgreSQL
 *
 * What rooms do with places and entities. Enter, leave, engage and kill belong to transactions: what
 * can fail happens at the call, the effect waits for the commit. Lock order in pool.h.
 */
#include "postgres.h"

#include "world/pool.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "kernel/clock.h"
#include "kernel/workers.h"

void
necp_world_name(NecpEntity *entity, const char *name)
{
	int length = pg_mbcliplen(name, (int) strlen(name), NECP_NAME_SIZE - 1);

	memset(entity->name, 0, NECP_NAME_SIZE);
	memcpy(entity->name, name, length);
}

float
necp_world_distance(const NecpEntity *a, const NecpEntity *b)
{
	float dx = a->state.x - b->state.x;
	float dy = a->state.y - b->state.y;
	float dz = a->state.z - b->state.z;

	return sqrtf(dx * dx + dy * dy + dz * dz);
}

/* Places --------------------------------------------------------------------------------------- */

static int32
free_place(void)
{
	for (int32 slot = 0; slot < necp_max_places; slot++)
		if (PLACE(slot)->id == 0)
			return slot;
	return NO_SLOT;
}

/* Stamps begin at the time of day in microseconds, so that one of an earlier opening is never mistaken. */
static void
clear_place(WorldPlace *place, int64 id)
{
	memset(place, 0, sizeof(*place));
	place->id = id;
	place->newest = place->oldest = NO_SLOT;
	place->stamp = place->first_stamp = (uint64) GetCurrentTimestamp();
}

bool
necp_world_open(const NecpPlace *spec)
{
	int32 slot;

	LWLockAcquire(DIRECTORY_LOCK, LW_EXCLUSIVE);
	slot = necp_pool_find(&necp_world->places_by_id, spec->id);
	if (slot == NO_SLOT)
	{
		slot = free_place();
		if (slot == NO_SLOT)
		{
			LWLockRelease(DIRECTORY_LOCK);
			return false;
		}
		LWLockAcquire(PLACE_LOCK(slot), LW_EXCLUSIVE);
		clear_place(PLACE(slot), spec->id);
		necp_pool_add(&necp_world->places_by_id, spec->id, slot);
	}
	else
		LWLockAcquire(PLACE_LOCK(slot), LW_EXCLUSIVE);
	PLACE(slot)->bounds = spec->bounds;
	PLACE(slot)->capacity = spec->capacity;
	LWLockRelease(PLACE_LOCK(slot));
	LWLockRelease(DIRECTORY_LOCK);
	return true;
}

/* Takes an entity out of its place and out of the world; under the directory's lock. */
static void
remove_entity(int32 slot)
{
	LWLock *lock = PLACE_LOCK(ENTITY(slot)->place);

	LWLockAcquire(lock, LW_EXCLUSIVE);
	necp_pool_unlink(slot);
	necp_pool_remove(&necp_world->entities_by_id, ENTITY(slot)->self.state.id);
	necp_pool_give(slot);
	LWLockRelease(lock);
}

void
necp_world_close(int64 place_id)
{
	int32 slot;

	LWLockAcquire(DIRECTORY_LOCK, LW_EXCLUSIVE);
	slot = necp_pool_find(&necp_world->places_by_id, place_id);
	if (slot != NO_SLOT)
	{
		while (PLACE(slot)->newest != NO_SLOT)
			remove_entity(PLACE(slot)->newest);
		LWLockAcquire(PLACE_LOCK(slot), LW_EXCLUSIVE);
		necp_pool_remove(&necp_world->places_by_id, place_id);
		PLACE(slot)->id = 0;
		LWLockRelease(PLACE_LOCK(slot));
	}
	LWLockRelease(DIRECTORY_LOCK);
}

void
necp_world_belong_to(Oid schema)
{
	NecpPlace *places;
	int n = necp_world->schema == schema ? 0 : necp_world_places(&places);

	for (int i = 0; i < n; i++)
		necp_world_close(places[i].id);
	necp_world->schema = schema;
}

static void
read_place(const WorldPlace *place, NecpPlace *out)
{
	out->id = place->id;
	out->bounds = place->bounds;
	out->capacity = place->capacity;
	out->players = place->players;
	out->npcs = place->npcs;
	out->tick = place->tick;
	out->stamp = place->stamp;
}

bool
necp_world_place(int64 place_id, NecpPlace *out)
{
	int32 slot = necp_pool_lock_place(place_id, LW_SHARED);

	if (slot == NO_SLOT)
		return false;
	read_place(PLACE(slot), out);
	LWLockRelease(PLACE_LOCK(slot));
	return true;
}

int
necp_world_places(NecpPlace **out)
{
	NecpPlace *places = palloc(necp_max_places * sizeof(NecpPlace));
	int n = 0;

	for (int32 slot = 0; slot < necp_max_places; slot++)
	{
		if (PLACE(slot)->id == 0)
			continue;
		LWLockAcquire(PLACE_LOCK(slot), LW_SHARED);
		if (PLACE(slot)->id != 0)
			read_place(PLACE(slot), &places[n++]);
		LWLockRelease(PLACE_LOCK(slot));
	}
	*out = places;
	return n;
}

static void
raise_generation(bool committed, void *arg)
{
	if (committed)
		pg_atomic_fetch_add_u32(&necp_world->generation, 1);
}

void
necp_world_reload(void)
{
	necp_at_xact_end(raise_generation, NULL);
}

uint32
necp_world_generation(void)
{
	return pg_atomic_read_u32(&necp_world->generation);
}

/* Entities ------------------------------------------------------------------------------------- */

bool
necp_world_read(int64 entity_id, NecpEntity *out)
{
	int32 slot = necp_pool_lock_entity(entity_id, LW_SHARED);

	if (slot == NO_SLOT)
		return false;
	*out = ENTITY(slot)->self;
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
	return true;
}

int
necp_world_list(int64 place_id, uint8 kind, NecpEntity **out)
{
	int room = 32;
	NecpEntity *entities = palloc(room * sizeof(NecpEntity));

	for (;;)
	{
		int32 place = necp_pool_lock_place(place_id, LW_SHARED);
		int want;
		int n = 0;

		*out = entities;
		if (place == NO_SLOT)
			return 0;
		want = PLACE(place)->players + PLACE(place)->npcs;
		if (want <= room)
		{
			for (int32 i = PLACE(place)->newest; i != NO_SLOT; i = ENTITY(i)->older)
				if (kind == 0 || ENTITY(i)->self.state.kind == kind)
					entities[n++] = ENTITY(i)->self;
			LWLockRelease(PLACE_LOCK(place));
			return n;
		}
		LWLockRelease(PLACE_LOCK(place));
		room = want + 16; /* some may come while the memory is found */
		entities = palloc(room * sizeof(NecpEntity));
	}
}

void
necp_world_look(int64 place_id, const int64 *entity_ids, int n, NecpEntity *out)
{
	int32 *slots = palloc(Max(n, 1) * sizeof(int32));
	int32 place;

	LWLockAcquire(DIRECTORY_LOCK, LW_SHARED);
	place = necp_pool_find(&necp_world->places_by_id, place_id);
	for (int i = 0; i < n; i++)
		slots[i] = necp_pool_find(&necp_world->entities_by_id, entity_ids[i]);
	LWLockRelease(DIRECTORY_LOCK);

	if (place != NO_SLOT)
		LWLockAcquire(PLACE_LOCK(place), LW_SHARED);
	for (int i = 0; i < n; i++)
	{
		if (place != NO_SLOT && slots[i] != NO_SLOT && ENTITY(slots[i])->place == place &&
			ENTITY(slots[i])->self.state.id == entity_ids[i])
			out[i] = ENTITY(slots[i])->self;
		else
			out[i].state.id = 0;
	}
	if (place != NO_SLOT)
		LWLockRelease(PLACE_LOCK(place));
	pfree(slots);
}

static void
fill_entity(WorldEntity *entity, const NecpEntity *who)
{
	TimestampTz now = necp_now();

	memset(entity, 0, sizeof(*entity));
	entity->self = *who;
	entity->self.moved_at = entity->self.entered_at = now;
	entity->self.state.zero = 0;
	entity->place = entity->newer = entity->older = NO_SLOT;
	entity->first_harm = entity->last_harm = NO_SLOT;
	entity->allowed_at = entity->from_at = now;
	entity->from_x = who->state.x;
	entity->from_y = who->state.y;
}

/* Puts a filled entity where it belongs, in place of its former self; under the directory's lock. */
static void
settle(int32 place, int32 slot)
{
	int64 id = ENTITY(slot)->self.state.id;
	int32 former = necp_pool_find(&necp_world->entities_by_id, id);

	if (former != NO_SLOT)
		remove_entity(former);
	LWLockAcquire(PLACE_LOCK(place), LW_EXCLUSIVE);
	necp_pool_link(place, slot);
	necp_pool_add(&necp_world->entities_by_id, id, slot);
	LWLockRelease(PLACE_LOCK(place));
}

/* An entry that waits for its transaction. The slot is filled, in no place and in no directory. */
typedef struct Arrival
{
	int64 place_id;
	uint64 opening; /* the place's first stamp: it may be closed, even opened anew, meanwhile */
	int32 place;
	int32 slot;
} Arrival;

static bool
same_place(const Arrival *arrival)
{
	const WorldPlace *place = PLACE(arrival->place);

	return place->id == arrival->place_id && place->first_stamp == arrival->opening;
}

static void
finish_arrival(bool committed, void *arg)
{
	Arrival *arrival = arg;

	if (arrival->slot == NO_SLOT)
		return;
	LWLockAcquire(DIRECTORY_LOCK, LW_EXCLUSIVE);
	if (same_place(arrival))
	{
		LWLockAcquire(PLACE_LOCK(arrival->place), LW_EXCLUSIVE);
		PLACE(arrival->place)->entering--;
		LWLockRelease(PLACE_LOCK(arrival->place));
	}
	if (committed && same_place(arrival))
		settle(arrival->place, arrival->slot);
	else
		necp_pool_give(arrival->slot);
	LWLockRelease(DIRECTORY_LOCK);
}

/* Counts one more into a place if there is room. */
static NecpEntry
reserve_seat(int32 slot)
{
	WorldPlace *place = PLACE(slot);
	bool room;

	LWLockAcquire(PLACE_LOCK(slot), LW_EXCLUSIVE);
	room = place->players + place->entering < place->capacity;
	if (room)
		place->entering++;
	LWLockRelease(PLACE_LOCK(slot));
	return room ? NECP_ENTRY_OK : NECP_ENTRY_FULL;
}

NecpEntry
necp_world_enter(const NecpEntity *who)
{
	Arrival *arrival = MemoryContextAlloc(TopTransactionContext, sizeof(Arrival));
	NecpEntry entry = NECP_ENTRY_NO_PLACE;
	int32 slot = NO_SLOT;

	arrival->place = 0;
	arrival->slot = NO_SLOT;
	arrival->place_id = who->place_id;
	necp_at_xact_end(finish_arrival, arrival);

	LWLockAcquire(DIRECTORY_LOCK, LW_EXCLUSIVE);
	arrival->place = necp_pool_find(&necp_world->places_by_id, who->place_id);
	if (arrival->place != NO_SLOT)
	{
		slot = necp_pool_take();
		entry = slot == NO_SLOT ? NECP_ENTRY_NO_MEMORY : reserve_seat(arrival->place);
	}
	if (entry == NECP_ENTRY_OK)
	{
		fill_entity(ENTITY(slot), who);
		arrival->opening = PLACE(arrival->place)->first_stamp;
		arrival->slot = slot;
	}
	else if (slot != NO_SLOT)
		necp_pool_give(slot);
	LWLockRelease(DIRECTORY_LOCK);
	return entry;
}

NecpEntry
necp_world_spawn(const NecpEntity *who)
{
	NecpEntry entry = NECP_ENTRY_NO_PLACE;
	int32 place;

	LWLockAcquire(DIRECTORY_LOCK, LW_EXCLUSIVE);
	place = necp_pool_find(&necp_world->places_by_id, who->place_id);
	if (place != NO_SLOT)
	{
		int32 slot = necp_pool_take();

		entry = slot == NO_SLOT ? NECP_ENTRY_NO_MEMORY : NECP_ENTRY_OK;
		if (slot != NO_SLOT)
		{
			fill_entity(ENTITY(slot), who);
			settle(place, slot);
		}
	}
	LWLockRelease(DIRECTORY_LOCK);
	return entry;
}

void
necp_world_despawn(int64 entity_id)
{
	int32 slot;

	LWLockAcquire(DIRECTORY_LOCK, LW_EXCLUSIVE);
	slot = necp_pool_find(&necp_world->entities_by_id, entity_id);
	if (slot != NO_SLOT)
		remove_entity(slot);
	LWLockRelease(DIRECTORY_LOCK);
}

static void
finish_departure(bool committed, void *arg)
{
	if (committed)
		necp_world_despawn(*(int64 *) arg);
}

void
necp_world_leave(int64 entity_id)
{
	int64 *id = MemoryContextAlloc(TopTransactionContext, sizeof(int64));

	*id = entity_id;
	necp_at_xact_end(finish_departure, id);
}

void
necp_world_restart_input(int64 entity_id)
{
	int32 slot = necp_pool_lock_entity(entity_id, LW_EXCLUSIVE);

	if (slot == NO_SLOT)
		return;
	ENTITY(slot)->self.state.seq = 0;
	pool_changed(PLACE(ENTITY(slot)->place), slot);
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
}

/* Motion --------------------------------------------------------------------------------------- */

static void
stand_still(WorldPlace *place, int32 slot)
{
	NecpEntityState *state = &ENTITY(slot)->self.state;

	state->vx = state->vy = 0;
	if (state->activity == NECP_ACTIVITY_MOVING)
		state->activity = NECP_ACTIVITY_IDLE;
	pool_touch(place, slot);
}

void
necp_world_tick(int64 place_id, TimestampTz now)
{
	int32 place_slot = necp_pool_lock_place(place_id, LW_EXCLUSIVE);
	WorldPlace *place;

	if (place_slot == NO_SLOT)
		return;
	place = PLACE(place_slot);
	place->tick++;
	place->stamp++;
	for (int32 i = place->newest, older; i != NO_SLOT; i = older)
	{
		WorldEntity *entity = ENTITY(i);

		older = entity->older;
		if (entity->self.state.kind == NECP_ENTITY_CHARACTER &&
			(entity->self.state.vx != 0 || entity->self.state.vy != 0) &&
			now - entity->self.moved_at > STILL_AFTER_US)
			stand_still(place, i);
	}
	LWLockRelease(PLACE_LOCK(place_slot));
}

static void
step_entity(WorldPlace *place, int32 slot, const NecpMotion *motion)
{
	NecpEntityState *state = &ENTITY(slot)->self.state;

	if (state->activity == NECP_ACTIVITY_DEAD)
		return;
	ENTITY(slot)->self.mind = motion->mind;
	state->x = motion->x;
	state->y = motion->y;
	state->z = motion->z;
	state->yaw = motion->yaw;
	state->vx = motion->vx;
	state->vy = motion->vy;
	if (state->activity != NECP_ACTIVITY_COMBAT)
		state->activity =
			motion->vx != 0 || motion->vy != 0 ? NECP_ACTIVITY_MOVING : NECP_ACTIVITY_IDLE;
	pool_touch(place, slot);
}

void
necp_world_steer(int64 place_id, const NecpMotion *motions, int n)
{
	int32 *slots = palloc(n * sizeof(int32));
	int32 place;

	LWLockAcquire(DIRECTORY_LOCK, LW_SHARED);
	place = necp_pool_find(&necp_world->places_by_id, place_id);
	for (int i = 0; i < n; i++)
		slots[i] = necp_pool_find(&necp_world->entities_by_id, motions[i].entity_id);
	LWLockRelease(DIRECTORY_LOCK);
	if (place == NO_SLOT)
		return;

	LWLockAcquire(PLACE_LOCK(place), LW_EXCLUSIVE);
	PLACE(place)->stamp++;
	for (int i = 0; i < n; i++)
	{
		if (slots[i] != NO_SLOT && ENTITY(slots[i])->place == place &&
			ENTITY(slots[i])->self.state.id == motions[i].entity_id)
			step_entity(PLACE(place), slots[i], &motions[i]);
	}
	LWLockRelease(PLACE_LOCK(place));
}
