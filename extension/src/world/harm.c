/* SPDX-License-Identifier: PostgreSQL
 *
 * Who harmed whom: for each entity that is fought a list by character, in the order in which they
 * came to it. It decides whose a kill is and whom an NPC hates. It ends with the entity's life.
 * The list is under its place's lock; free records have a spinlock, taken last and for two stores.
 */
#include "postgres.h"

#include "world/pool.h"

static int32
take_record(void)
{
	int32 slot;

	SpinLockAcquire(&necp_world->harm_lock);
	slot = necp_world->free_harm;
	if (slot != NO_SLOT)
		necp_world->free_harm = HARM(slot)->next;
	SpinLockRelease(&necp_world->harm_lock);
	return slot;
}

static WorldHarm *
find_record(const WorldEntity *target, int64 character_id)
{
	for (int32 i = target->first_harm; i != NO_SLOT; i = HARM(i)->next)
		if (HARM(i)->self.character_id == character_id)
			return HARM(i);
	return NULL;
}

static WorldHarm *
add_record(WorldEntity *target, int64 character_id)
{
	int32 slot = take_record();

	if (slot == NO_SLOT)
		return NULL;
	*HARM(slot) = (WorldHarm){.self = {.character_id = character_id}, .next = NO_SLOT};
	if (target->last_harm == NO_SLOT)
		target->first_harm = slot;
	else
		HARM(target->last_harm)->next = slot;
	target->last_harm = slot;
	return HARM(slot);
}

/* Negative numbers take back what a transaction that did not commit had done. */
void
necp_pool_harm(WorldEntity *target, int64 character_id, int64 damage, int64 healing)
{
	WorldHarm *record = find_record(target, character_id);

	/* whose a character's death is, nobody asks */
	if (target->self.state.kind != NECP_ENTITY_NPC)
		return;
	if (record == NULL && (damage > 0 || healing > 0))
		record = add_record(target, character_id);
	if (record == NULL)
		return;
	record->self.damage = Max(record->self.damage + damage, 0);
	record->self.healing = Max(record->self.healing + healing, 0);
}

void
necp_pool_forget_harm(WorldEntity *target)
{
	if (target->first_harm == NO_SLOT)
		return;
	SpinLockAcquire(&necp_world->harm_lock);
	HARM(target->last_harm)->next = necp_world->free_harm;
	necp_world->free_harm = target->first_harm;
	SpinLockRelease(&necp_world->harm_lock);
	target->first_harm = target->last_harm = NO_SLOT;
}

static int
count_records(const WorldEntity *target)
{
	int n = 0;

	for (int32 i = target->first_harm; i != NO_SLOT; i = HARM(i)->next)
		n++;
	return n;
}

static int
copy_records(const WorldEntity *target, NecpHarm *out)
{
	int n = 0;

	for (int32 i = target->first_harm; i != NO_SLOT; i = HARM(i)->next)
		if (HARM(i)->self.damage > 0 || HARM(i)->self.healing > 0)
			out[n++] = HARM(i)->self;
	return n;
}

int
necp_world_harms(int64 entity_id, int64 life_id, NecpHarm **out)
{
	int room = 32;

	for (;;)
	{
		int32 slot = necp_pool_lock_entity(entity_id, LW_SHARED);
		LWLock *lock;
		int want;
		int n = -1;

		if (slot == NO_SLOT)
			return 0;
		lock = PLACE_LOCK(ENTITY(slot)->place);
		want = ENTITY(slot)->self.life_id == life_id ? count_records(ENTITY(slot)) : 0;
		LWLockRelease(lock);
		/* no memory is found under the lock */
		room = Max(room, want + 8);
		*out = palloc(room * sizeof(NecpHarm));
		slot = necp_pool_lock_entity(entity_id, LW_SHARED);
		if (slot == NO_SLOT)
			return 0;
		lock = PLACE_LOCK(ENTITY(slot)->place);
		if (ENTITY(slot)->self.life_id != life_id)
			n = 0;
		else if (count_records(ENTITY(slot)) <= room)
			n = copy_records(ENTITY(slot), *out);
		LWLockRelease(lock);
		if (n >= 0)
			return n;
	}
}

void
necp_world_aid(int64 entity_id, int64 life_id, int64 character_id, int32 healing)
{
	int32 slot = necp_pool_lock_entity(entity_id, LW_EXCLUSIVE);

	if (slot == NO_SLOT)
		return;
	if (ENTITY(slot)->self.life_id == life_id &&
		ENTITY(slot)->self.state.activity != NECP_ACTIVITY_DEAD)
		necp_pool_harm(ENTITY(slot), character_id, 0, healing);
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
}

void
necp_world_forgive(int64 entity_id)
{
	int32 slot = necp_pool_lock_entity(entity_id, LW_EXCLUSIVE);

	if (slot == NO_SLOT)
		return;
	necp_pool_forget_harm(ENTITY(slot));
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
}
