/* SPDX-License-Identifier: PostgreSQL
 *
 * Death and return, for the rooms that kill and that bring back.
 *
 * Both are events: PLAYER_DIED before the character's row is locked, so that who hears it may lock
 * fights, which come first; PLAYER_RESPAWNED after it. Equipment wears by the latter.
 */
#ifndef NECP_CHARACTER_LIFE_H
#define NECP_CHARACTER_LIFE_H

#include "postgres.h"

/* Detail of PLAYER_DIED. */
typedef struct NecpDeath
{
	int64 character_id;
	const char *cause; /* "NPC", "OPERATOR" */
	int64 cause_id;
} NecpDeath;

/* Detail of PLAYER_RESPAWNED. */
typedef struct NecpReturn
{
	int64 character_id;
	int32 hp;
	int32 max_hp;
} NecpReturn;

/* A character dies, once per life; TARGET_DEAD where it has. reason may be NULL. */
extern void necp_character_die(const NecpDeath *death, const char *reason);

/* Brings a dead character back if its time has come; false where it stays as it is. */
extern bool necp_character_respawn(int64 character_id);

#endif
