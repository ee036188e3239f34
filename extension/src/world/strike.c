/* SPDX-License-Identifier: PostgreSQL
 *
 * Harm in the live world: who fights whom, strikes, and the claim that lets exactly one transaction
 * kill an entity (DOMAIN §8). Actor and target are in one place, so its lock decides a strike.
 * Lock order in pool.h.
 */
#include "postgres.h"

#include "world/pool.h"

#include "utils/memutils.h"

#include "kernel/clock.h"
#include "kernel/workers.h"

/* Who fights ----------------------------------------------------------------------------------- */

/* n entities begin to fight, or, with none named, everybody in the combat stops. */
typedef struct Engagement
{
	int64 place_id;
	int64 combat_id;
	int n;
	int64 entity_ids[FLEXIBLE_ARRAY_MEMBER];
} Engagement;

static void
set_combat(WorldPlace *place, int32 slot, int64 combat_id, TimestampTz now)
{
	NecpEntity *self = &ENTITY(slot)->self;

	self->combat_id = combat_id;
	if (combat_id != 0)
		self->acted_at = now;
	if (self->state.activity == NECP_ACTIVITY_DEAD)
		return;
	self->state.vx = self->state.vy = 0;
	self->state.activity = combat_id != 0 ? NECP_ACTIVITY_COMBAT : NECP_ACTIVITY_IDLE;
	pool_changed(place, slot);
}

static void
begin_fight(bool committed, void *arg)
{
	Engagement *engagement = arg;
	TimestampTz now = necp_now();

	for (int i = 0; committed && i < engagement->n; i++)
	{
		int32 slot = necp_pool_lock_entity(engagement->entity_ids[i], LW_EXCLUSIVE);
		int32 place;

		if (slot == NO_SLOT)
			continue;
		place = ENTITY(slot)->place;
		if (PLACE(place)->id == engagement->place_id)
			set_combat(PLACE(place), slot, engagement->combat_id, now);
		LWLockRelease(PLACE_LOCK(place));
	}
}

static void
end_fight(bool committed, void *arg)
{
	Engagement *engagement = arg;
	int32 place;

	if (!committed)
		return;
	place = necp_pool_lock_place(engagement->place_id, LW_EXCLUSIVE);
	if (place == NO_SLOT)
		return;
	for (int32 i = PLACE(place)->newest, older; i != NO_SLOT; i = older)
	{
		older = ENTITY(i)->older;
		if (ENTITY(i)->self.combat_id == engagement->combat_id)
			set_combat(PLACE(place), i, 0, 0);
	}
	LWLockRelease(PLACE_LOCK(place));
}

void
necp_world_engage(int64 place_id, int64 combat_id, const int64 *entity_ids, int n)
{
	Engagement *engagement =
		MemoryContextAlloc(TopTransactionContext,
						   offsetof(Engagement, entity_ids) + n * sizeof(int64));

	engagement->place_id = place_id;
	engagement->combat_id = combat_id;
	engagement->n = n;
	memcpy(engagement->entity_ids, entity_ids, n * sizeof(int64));
	necp_at_xact_end(begin_fight, engagement);
}

void
necp_world_disengage(int64 place_id, int64 combat_id)
{
	Engagement *engagement =
		MemoryContextAllocZero(TopTransactionContext, offsetof(Engagement, entity_ids));

	engagement->place_id = place_id;
	engagement->combat_id = combat_id;
	necp_at_xact_end(end_fight, engagement);
}

/* Strikes -------------------------------------------------------------------------------------- */

/* A strike that waits for its transaction. */
typedef struct Wound
{
	int64 actor_id;
	int64 target_id;
	int64 life_id;
	int32 damage; /* taken off already, or what a kill takes; 0: nothing was struck */
	bool kill;    /* claimed */
} Wound;

static void
die(WorldPlace *place, int32 slot)
{
	WorldEntity *target = ENTITY(slot);

	target->claim = 0;
	target->self.combat_id = 0;
	target->self.state.hp = 0;
	target->self.state.vx = target->self.state.vy = 0;
	target->self.state.activity = NECP_ACTIVITY_DEAD;
	if (target->self.state.kind == NECP_ENTITY_NPC)
		target->self.mind = NECP_MIND_DEAD;
	pool_changed(place, slot);
}

static void
finish_fall(bool committed, void *arg)
{
	int32 slot = committed ? necp_pool_lock_entity(*(int64 *) arg, LW_EXCLUSIVE) : NO_SLOT;

	if (slot == NO_SLOT)
		return;
	die(PLACE(ENTITY(slot)->place), slot);
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
}

void
necp_world_fall(int64 entity_id)
{
	int64 *id = MemoryContextAlloc(TopTransactionContext, sizeof(int64));

	*id = entity_id;
	necp_at_xact_end(finish_fall, id);
}

/* As after a refused move, its client has to take the position. */
static void
put(int32 slot, const NecpEntity *who)
{
	NecpEntity *self = &ENTITY(slot)->self;

	if (self->place_id == who->place_id)
	{
		self->state.x = ENTITY(slot)->from_x = who->state.x;
		self->state.y = ENTITY(slot)->from_y = who->state.y;
		self->state.z = who->state.z;
	}
	self->state.vx = self->state.vy = 0;
	self->state.flags |= NECP_FLAG_REFUSED;
	pool_changed(PLACE(ENTITY(slot)->place), slot);
}

static void
finish_rise(bool committed, void *arg)
{
	const NecpEntity *who = arg;
	int32 slot = committed ? necp_pool_lock_entity(who->state.id, LW_EXCLUSIVE) : NO_SLOT;

	if (slot == NO_SLOT)
		return;
	ENTITY(slot)->self.life_id++;
	ENTITY(slot)->self.state.hp = who->state.hp;
	ENTITY(slot)->self.state.activity = NECP_ACTIVITY_IDLE;
	put(slot, who);
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
}

static void
finish_shift(bool committed, void *arg)
{
	const NecpEntity *who = arg;
	int32 slot = committed ? necp_pool_lock_entity(who->state.id, LW_EXCLUSIVE) : NO_SLOT;

	if (slot == NO_SLOT)
		return;
	put(slot, who);
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
}

static void
at_commit(NecpXactCallback finish, const NecpEntity *who)
{
	NecpEntity *copy = MemoryContextAlloc(TopTransactionContext, sizeof(NecpEntity));

	*copy = *who;
	necp_at_xact_end(finish, copy);
}

void
necp_world_rise(const NecpEntity *who)
{
	at_commit(finish_rise, who);
}

void
necp_world_shift(const NecpEntity *who)
{
	at_commit(finish_shift, who);
}

static void
finish_wound(bool committed, void *arg)
{
	Wound *wound = arg;
	int32 slot;
	WorldEntity *target;
	WorldPlace *place;

	if (!wound->kill && (committed || wound->damage == 0))
		return;
	slot = necp_pool_lock_entity(wound->target_id, LW_EXCLUSIVE);
	if (slot == NO_SLOT)
		return;
	target = ENTITY(slot);
	place = PLACE(target->place);
	if (target->self.life_id == wound->life_id)
	{
		if (!committed)
			necp_pool_harm(target, wound->actor_id, -(int64) wound->damage, 0);
		if (wound->kill && committed)
			die(place, slot);
		else if (wound->kill)
			target->claim = 0;
		else if (target->self.state.activity != NECP_ACTIVITY_DEAD)
		{
			target->self.state.hp =
				Min(target->self.state.hp + wound->damage, target->self.state.max_hp);
			pool_changed(place, slot);
		}
	}
	LWLockRelease(PLACE_LOCK(target->place));
}

static bool
is_dead(const WorldEntity *entity)
{
	return entity->self.state.activity == NECP_ACTIVITY_DEAD || entity->self.state.hp <= 0;
}

/* What the strike would be, before anything is stored. */
static NecpStruck
judge(const WorldEntity *actor, const WorldEntity *target, const NecpStrike *strike,
	  TimestampTz now)
{
	if (is_dead(actor))
		return NECP_STRUCK_ACTOR_DEAD;
	if (target->self.life_id != strike->life_id || is_dead(target) || target->claim != 0)
		return NECP_STRUCK_TARGET_DEAD;
	if (actor->self.combat_id != strike->combat_id || target->self.combat_id != strike->combat_id ||
		target->self.mind == NECP_MIND_RETURN)
		return NECP_STRUCK_APART;
	if (necp_world_distance(&actor->self, &target->self) > strike->range)
		return NECP_STRUCK_OUT_OF_RANGE;
	if (now >= actor->self.shot_at &&
		now - actor->self.shot_at < (int64) strike->interval_ms * 1000)
		return NECP_STRUCK_TOO_SOON;
	return strike->damage >= target->self.state.hp ? NECP_STRUCK_KILL : NECP_STRUCK_HIT;
}

/* Under the lock of the place of both. */
static void
apply_strike(WorldEntity *actor, int32 target_slot, Wound *wound, NecpStruck struck,
			 TimestampTz now)
{
	WorldEntity *target = ENTITY(target_slot);

	actor->self.shot_at = actor->self.acted_at = target->self.acted_at = now;
	wound->damage = Min(wound->damage, target->self.state.hp);
	necp_pool_harm(target, wound->actor_id, wound->damage, 0);
	if (struck == NECP_STRUCK_KILL)
	{
		target->claim = wound->actor_id;
		wound->kill = true;
		return;
	}
	target->self.state.hp -= wound->damage;
	pool_changed(PLACE(target->place), target_slot);
}

/* Locks the place that both are in; false and no lock where they are not in one place. */
static bool
lock_both(int64 actor_id, int64 target_id, int32 *actor, int32 *target)
{
	int32 place;

	for (;;)
	{
		LWLockAcquire(DIRECTORY_LOCK, LW_SHARED);
		*actor = necp_pool_find(&necp_world->entities_by_id, actor_id);
		*target = necp_pool_find(&necp_world->entities_by_id, target_id);
		place = *actor == NO_SLOT ? NO_SLOT : ENTITY(*actor)->place;
		if (*target == NO_SLOT || ENTITY(*target)->place != place)
			place = NO_SLOT;
		LWLockRelease(DIRECTORY_LOCK);
		if (place == NO_SLOT)
			return false;
		LWLockAcquire(PLACE_LOCK(place), LW_EXCLUSIVE);
		if (ENTITY(*actor)->place == place && ENTITY(*actor)->self.state.id == actor_id &&
			ENTITY(*target)->place == place && ENTITY(*target)->self.state.id == target_id)
			return true;
		LWLockRelease(PLACE_LOCK(place));
	}
}

NecpStruck
necp_world_strike(const NecpStrike *strike, NecpEntity *out)
{
	Wound *wound = MemoryContextAllocZero(TopTransactionContext, sizeof(Wound));
	TimestampTz now = necp_now();
	NecpStruck struck;
	int32 actor;
	int32 target;

	wound->actor_id = strike->actor_id;
	wound->target_id = strike->target_id;
	wound->life_id = strike->life_id;
	necp_at_xact_end(finish_wound, wound);

	if (!lock_both(strike->actor_id, strike->target_id, &actor, &target))
		return NECP_STRUCK_APART;
	struck = judge(ENTITY(actor), ENTITY(target), strike, now);
	if (struck == NECP_STRUCK_HIT || struck == NECP_STRUCK_KILL)
	{
		wound->damage = strike->damage;
		apply_strike(ENTITY(actor), target, wound, struck, now);
	}
	*out = ENTITY(target)->self;
	LWLockRelease(PLACE_LOCK(ENTITY(target)->place));
	return struck;
}

NecpStruck
necp_world_hit(const NecpStrike *strike, NecpEntity *out)
{
	TimestampTz now = necp_now();
	Wound wound = {.actor_id = strike->actor_id, .damage = strike->damage};
	NecpStruck struck;
	int32 actor;
	int32 target;

	if (!lock_both(strike->actor_id, strike->target_id, &actor, &target))
		return NECP_STRUCK_APART;
	struck = judge(ENTITY(actor), ENTITY(target), strike, now);
	if (struck == NECP_STRUCK_HIT)
		apply_strike(ENTITY(actor), target, &wound, struck, now);
	*out = ENTITY(target)->self;
	LWLockRelease(PLACE_LOCK(ENTITY(target)->place));
	return struck;
}

bool
necp_world_try_flight(int64 entity_id, int32 interval_ms)
{
	TimestampTz now = necp_now();
	int32 slot = necp_pool_lock_entity(entity_id, LW_EXCLUSIVE);
	NecpEntity *self;
	bool may;

	if (slot == NO_SLOT)
		return false;
	self = &ENTITY(slot)->self;
	may = now < self->fled_at || now - self->fled_at >= (int64) interval_ms * 1000;
	if (may)
		self->fled_at = now;
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
	return may;
}

/* NPCs that give up --------------------------------------------------------------------------- */

/* The living entity in that life, its place locked; NO_SLOT and no lock where it is not. */
static int32
lock_life(int64 entity_id, int64 life_id)
{
	int32 slot = necp_pool_lock_entity(entity_id, LW_EXCLUSIVE);

	if (slot != NO_SLOT && (ENTITY(slot)->self.life_id != life_id || is_dead(ENTITY(slot))))
	{
		LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
		return NO_SLOT;
	}
	return slot;
}

bool
necp_world_shelter(int64 entity_id, int64 life_id)
{
	int32 slot = lock_life(entity_id, life_id);
	bool sheltered;

	if (slot == NO_SLOT)
		return false;
	sheltered = ENTITY(slot)->claim == 0;
	if (sheltered)
		ENTITY(slot)->self.mind = NECP_MIND_RETURN;
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
	return sheltered;
}

void
necp_world_calm(int64 entity_id, int64 life_id)
{
	int32 slot = lock_life(entity_id, life_id);
	NecpEntity *self;

	if (slot == NO_SLOT)
		return;
	self = &ENTITY(slot)->self;
	self->mind = NECP_MIND_RETURN;
	self->combat_id = 0;
	self->weak_until = 0;
	self->state.hp = self->state.max_hp;
	self->state.vx = self->state.vy = 0;
	self->state.activity = NECP_ACTIVITY_IDLE;
	necp_pool_forget_harm(ENTITY(slot));
	pool_changed(PLACE(ENTITY(slot)->place), slot);
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
}

void
necp_world_expose(int64 entity_id, int64 life_id, TimestampTz until, int32 percent)
{
	int32 slot = lock_life(entity_id, life_id);

	if (slot == NO_SLOT)
		return;
	ENTITY(slot)->self.weak_until = until;
	ENTITY(slot)->self.weak_percent = percent;
	LWLockRelease(PLACE_LOCK(ENTITY(slot)->place));
}

/* Healing and fitting out ---------------------------------------------------------------------- */

typedef struct Cure
{
	int64 entity_id;
	int64 life_id;
	int32 points; /* given already */
} Cure;

/* What was given is taken back, but for the last point: who undoes a cure kills nobody. */
static void
finish_cure(bool committed, void *arg)
{
	Cure *cure = arg;
	int32 slot = committed || cure->points == 0
					 ? NO_SLOT
					 : necp_pool_lock_entity(cure->entity_id, LW_EXCLUSIVE);
	WorldEntity *entity;

	if (slot == NO_SLOT)
		return;
	entity = ENTITY(slot);
	if (!is_dead(entity) && entity->self.life_id == cure->life_id)
	{
		entity->self.state.hp = Max(entity->self.state.hp - cure->points, 1);
		pool_changed(PLACE(entity->place), slot);
	}
	LWLockRelease(PLACE_LOCK(entity->place));
}

bool
necp_world_heal(int64 entity_id, int32 points, NecpEntity *out)
{
	Cure *cure = MemoryContextAllocZero(TopTransactionContext, sizeof(Cure));
	int32 slot;
	WorldEntity *entity;
	bool alive;

	cure->entity_id = entity_id;
	necp_at_xact_end(finish_cure, cure);
	slot = necp_pool_lock_entity(entity_id, LW_EXCLUSIVE);
	if (slot == NO_SLOT)
		return false;
	entity = ENTITY(slot);
	alive = !is_dead(entity) && entity->claim == 0;
	if (alive)
	{
		cure->life_id = entity->self.life_id;
		cure->points = Min(points, entity->self.state.max_hp - entity->self.state.hp);
		entity->self.state.hp += cure->points;
		pool_changed(PLACE(entity->place), slot);
	}
	*out = entity->self;
	LWLockRelease(PLACE_LOCK(entity->place));
	return alive;
}

static void
finish_fit(bool committed, void *arg)
{
	const NecpFit *fit = arg;
	int32 slot = committed ? necp_pool_lock_entity(fit->entity_id, LW_EXCLUSIVE) : NO_SLOT;
	WorldEntity *entity;
	NecpEntity *self;

	if (slot == NO_SLOT)
		return;
	entity = ENTITY(slot);
	self = &entity->self;
	self->level = fit->level;
	self->body = fit->body;
	self->reflexes = fit->reflexes;
	self->armor = fit->armor;
	self->damage_percent = fit->damage_percent;
	self->crit_percent = fit->crit_percent;
	if (self->state.max_hp != fit->max_hp)
	{
		if (!is_dead(entity))
			self->state.hp =
				Min(self->state.hp + Max(fit->max_hp - self->state.max_hp, 0), fit->max_hp);
		self->state.max_hp = fit->max_hp;
		pool_changed(PLACE(entity->place), slot);
	}
	LWLockRelease(PLACE_LOCK(entity->place));
}

void
necp_world_refit(const NecpFit *fit)
{
	NecpFit *copy = MemoryContextAlloc(TopTransactionContext, sizeof(NecpFit));

	*copy = *fit;
	necp_at_xact_end(finish_fit, copy);
}
