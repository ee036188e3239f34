/* SPDX-License-Identifier: PostgreSQL
 *
 * What the files of the progression room share.
 */
#ifndef NECP_GAMEPLAY_PROGRESSION_INT_H
#define NECP_GAMEPLAY_PROGRESSION_INT_H

#include "economy/stats.h"
#include "gameplay/progression.h"
#include "kernel/json.h"

#include "utils/timestamp.h"

/* Points that a level has earned in all, as the table generates them. */
#define NECP_SKILL_POINTS(level) (2 * ((level) -1))
#define NECP_PERK_POINTS(level) ((level) / 5)

/* A character and its points, locked. */
typedef struct NecpProgress
{
	int64 character_id;
	int32 level;
	int64 xp;
	int32 perk_hp;
	int32 own[NECP_ATTRIBUTES];   /* attributes, without what is worn */
	int32 spent[NECP_ATTRIBUTES]; /* points in them */
	int32 skill_spent;
	int32 perk_spent;
	TimestampTz respec_at; /* DT_NOBEGIN: never */
} NecpProgress;

/* Locks the acting character, then its points; NOT_FOUND. */
extern void necp_progress_lock_acting(NecpProgress *progress);
/* Writes both rows; hit points follow. */
extern void necp_progress_save(const NecpProgress *progress);
extern int32 necp_progress_attribute_spent(const NecpProgress *progress);
/* Emits an event of the character. */
extern void necp_progress_emit(const char *type, int64 character_id, NecpJson *data,
							   const void *detail);
/* necp.progression_view of the acting character. */
extern Datum necp_progress_view(void);

/* Takes points out of all skills of a character; what was learned by use stays. */
extern void necp_skills_respec(int64 character_id);

#endif
