/* SPDX-License-Identifier: PostgreSQL
 *
 * Characters, as other rooms read them.
 */
#ifndef NECP_CHARACTER_CHARACTER_H
#define NECP_CHARACTER_CHARACTER_H

#include "postgres.h"

typedef struct NecpCharacter
{
	int64 id;
	int64 account_id;
	const char *name;
	const char *status; /* ACTIVE, DEAD, … */
	int32 level;
	int32 body;
	int32 reflexes;
	int32 hp;
	int32 max_hp;
	int64 zone_id; /* home */
} NecpCharacter;

/* Reads an undeleted character; false where there is none. */
extern bool necp_character_read(int64 character_id, NecpCharacter *character);
/* Locks it FOR NO KEY UPDATE and reads it. */
extern bool necp_character_lock(int64 character_id, NecpCharacter *character);
/* Adds experience for a kill or a quest inside the caller's transaction; levels follow. */
extern void necp_character_add_xp(int64 character_id, int64 xp, const char *cause, int64 cause_id);
/* Keeps the hit points that shared memory held. */
extern void necp_character_save_hp(int64 character_id, int32 hp);

/*
 * Rooms that hold a character fast refuse its leaving (BUSY) and its deletion, from init functions. A
 * check runs with the character's row locked and raises; returning lets it go.
 */
extern void necp_character_on_leave(void (*check)(int64 character_id));
extern void necp_character_on_delete(void (*check)(int64 character_id));

/* Detail of CHARACTER_CREATED. */
typedef struct NecpCharacterCreated
{
	int64 character_id;
	int64 account_id;
	int32 origin_id;
} NecpCharacterCreated;

#endif
