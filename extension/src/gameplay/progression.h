/* SPDX-License-Identifier: PostgreSQL
 *
 * What rooms give characters for what they do. Everything counts inside the caller's transaction; the
 * caller sees to it that a source gives once (G7).
 */
#ifndef NECP_GAMEPLAY_PROGRESSION_H
#define NECP_GAMEPLAY_PROGRESSION_H

#include "postgres.h"

#define NECP_MAX_LEVEL 50
#define NECP_MAX_ATTRIBUTE 20
#define NECP_MAX_SKILL 100

/* Detail of XP_GAINED; the first four as the caller gives them. */
typedef struct NecpGain
{
	int64 character_id;
	const char *cause;  /* "KILL", "QUEST", … */
	int64 source_id;    /* of the cause: the NPC, the quest's instance */
	int64 source_round; /* which life of the NPC; 0 where a source gives once for ever */
	int64 xp;           /* in: to be given; for subscribers: what was credited */
	int32 level;        /* for subscribers: after it */
} NecpGain;

/* Gives experience and the levels that come of it; returns what was credited, 0 at the cap. */
extern int64 necp_progression_gain(const NecpGain *gain);
/* The same for the kill of an NPC's life, and experience for the skill of the weapon that is worn. */
extern int64 necp_progression_kill(int64 character_id, int64 xp, int64 npc_id, int64 life_id);
/* Gives experience in a skill for its use. Locks the skill's row, which comes behind the character's. */
extern void necp_progression_train(int64 character_id, int32 skill_id, int64 xp);

/* Detail of SKILL_INCREASED, one for each level. */
typedef struct NecpSkillIncreased
{
	int64 character_id;
	const char *name; /* for players */
	int32 level;
} NecpSkillIncreased;

#endif
