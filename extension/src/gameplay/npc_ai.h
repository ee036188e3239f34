/* SPDX-License-Identifier: PostgreSQL
 *
 * NPCs that act, for their own files: what the world worker knows of each, and one place as it sees
 * it in a tick. Only the worker has any of this, so nothing here is locked.
 */
#ifndef NECP_NPC_AI_H
#define NECP_NPC_AI_H

#include "gameplay/combat.h"
#include "gameplay/npc.h"
#include "gameplay/npc_mind.h"
#include "world/world.h"

/* A phase of a boss: content. */
typedef struct NecpPhase
{
	int64 template_id;
	int32 phase;      /* from 1 */
	int32 hp_percent; /* it begins at or below that */
	int32 damage_percent;
	int32 area_damage; /* before the level's factor; 0: it has no area attack */
	float area_m;
	int32 area_every_ms;
	int32 telegraph_ms;
	int32 weak_ms; /* its weak point after an area attack; 0: none */
	int32 weak_percent;
} NecpPhase;

/* What changes; it stays when content is loaded again. */
typedef struct NecpMood
{
	int64 life_id;
	uint8 mind; /* NECP_MIND_… */
	TimestampTz since;
	float x, y, z;
	float anchor_x, anchor_y, anchor_z; /* where it left its way to fight */
	int next;                           /* point of its patrol */
	int64 combat_id;                    /* that it fights in */
	TimestampTz fight_since;
	int64 target_id;
	int32 fallen; /* allies, in this fight */
	bool enraged;
	int32 phase; /* boss: 1, 2, … */
	TimestampTz area_next;
	TimestampTz area_at; /* when the one that was announced strikes; 0: none */
	float area_x, area_y, area_z;
} NecpMood;

typedef struct NecpMind
{
	int64 npc_id;
	int64 place_id;
	NecpTemper temper;
	int32 level, attack, interval_ms;
	float range, walk_speed, run_speed, aggro_m, assist_m, leash_m;
	int64 enrage_us;
	float home_x, home_y, home_z, home_yaw;
	int npoints;
	float *points; /* x, y, z each */
	int nphases;
	const NecpPhase *phases; /* by phase */
	NecpMood mood;
} NecpMind;

/* An NPC that is awake in this tick. */
typedef struct NecpAwake
{
	NecpMind *mind;
	NecpEntity self;
	int next; /* of those who fight in its cell, -1: none */
} NecpAwake;

/* One side against the other. */
typedef struct NecpFight
{
	int64 combat_id; /* 0: free */
	int32 characters, npcs;
	int32 fallen; /* NPCs that have died since the last tick */
	bool boss;
} NecpFight;

typedef struct NecpScene
{
	int64 place_id;
	TimestampTz now;
	float seconds; /* since the last tick */
	NecpBounds bounds;
	int ncharacters;
	NecpEntity *characters; /* by id */
	int nawake;
	NecpAwake *awake;
	/* cells of 100 m: chains of characters, and of NPCs that fight */
	int columns, rows;
	int *first_character, *next_character, *first_fighter;
	uint32 fight_mask;
	NecpFight *fights; /* hash by combat */
	int nmotions;
	NecpMotion *motions;
} NecpScene;

/* Sight (npc_sight.c). */
extern void necp_sight_open(NecpScene *scene, const NecpPlace *place);
/* Is a character in its cell or one beside it? */
extern bool necp_sight_near(const NecpScene *scene, float x, float y);
extern void necp_sight_fighters(NecpScene *scene);
extern NecpEntity *necp_sight_character(const NecpScene *scene, int64 character_id);
/* The nearest living character within a distance; in that combat, unless that is 0. NULL: none. */
extern const NecpEntity *necp_sight_nearest(const NecpScene *scene, const NecpEntity *from,
											float most, int64 combat_id);
/* Somebody within a distance who fights, and whom. NULL: none. */
extern const NecpAwake *necp_sight_ally(const NecpScene *scene, const NecpEntity *from, float most);
extern NecpFight *necp_sight_fight(const NecpScene *scene, int64 combat_id);

/* Acts (npc_act.c). */
extern void necp_act(NecpScene *scene, NecpAwake *npc);
/* A blow with that damage before armor's part; true where it struck. */
extern bool necp_act_strike(const NecpScene *scene, const NecpAwake *npc, int64 target_id,
							int32 attack, float range, int32 interval_ms);
/* Attacks, or joins a fight; leaves it, and turns home. False: not now. */
extern bool necp_act_provoke(const NecpAwake *npc, int64 character_id);
extern bool necp_act_withdraw(NecpAwake *npc);
/* Sends what acts of this tick have to say. */
extern void necp_act_tell(void);

/* Bosses (npc_boss.c): phases, area attacks, rage. */
extern void necp_boss_begin(NecpMind *mind, TimestampTz now);
extern void necp_boss_act(const NecpScene *scene, NecpAwake *npc);
extern const NecpPhase *necp_boss_phase(const NecpMind *mind);

static inline bool
mind_passed(TimestampTz since, TimestampTz now, int64 us)
{
	return now < since || now - since >= us; /* a clock that was set back holds nobody up */
}

#endif
