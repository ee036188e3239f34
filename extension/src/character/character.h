/* SPDX-License-Identifier: PostgreSQL
 *
 * Characters, as other rooms read them.
 */
#ifndef NECP_CHARACTER_CHARACTER_H
#define NECP_CHARACTER_CHARACTER_H

#include "postgres.h"

#include "utils/timestamp.h"

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
/* Whose an undeleted character is; 0 where there is none. */
extern int64 necp_character_account(int64 character_id);
/* Locks it FOR NO KEY UPDATE and reads it. */
extern bool necp_character_lock(int64 character_id, NecpCharacter *character);
/* Keeps the hit points that shared memory held. */
extern void necp_character_save_hp(int64 character_id, int32 hp);

/*
 * Rooms that hold a character fast refuse its leaving (BUSY) and its deletion, from init functions. A
 * check runs with the character's row locked and raises; returning lets it go.
 */
extern void necp_character_on_leave(void (*check)(int64 character_id));
extern void necp_character_on_delete(void (*check)(int64 character_id));

/* Runs what was registered for a deletion. */
extern void necp_character_require_deletable(int64 character_id);

/*
 * What follows from attributes, level and perks (DOMAIN §10, §36), for C and, as text, for statements.
 * The body is the character's own, without what it wears; whatever a perk takes, one point is left.
 */
#define NECP_MAX_HP_SUM(body, level, perk_hp)                                                      \
	(100 + 10 * ((body) -5) + 10 * ((level) -1) + (perk_hp))
#define NECP_MAX_HP(body, level, perk_hp) Max(NECP_MAX_HP_SUM(body, level, perk_hp), 1)
#define NECP_MAX_HP_SQL(body, level, perk_hp)                                                      \
	"greatest(" NECP_SQL_OF(NECP_MAX_HP_SUM(body, level, perk_hp)) ", 1)"
#define NECP_MAX_ENERGY(intelligence) (100 + 5 * ((intelligence) -5))
#define NECP_TEXT_OF(rule) #rule
#define NECP_SQL_OF(rule) NECP_TEXT_OF(rule)

/* NOT_FOUND for a character of another account. */
extern void necp_character_require_own(int64 character_id);
/* necp.character_view of one of the account's characters, deleted or not; NOT_FOUND. */
extern Datum necp_character_view(int64 character_id);
/* Who was deleted before that is not restored any more. */
extern TimestampTz necp_character_restorable_since(void);

/* Locks the account's slots, before any character; returns how many are used. */
extern int32 necp_slots_lock(int64 account_id);
/* Takes one; NO_FREE_SLOT. */
extern void necp_slot_take(int64 account_id);
/* Gives one back; the slots are locked. */
extern void necp_slot_free(int64 account_id);

/* Detail of CHARACTER_SWITCHED; equal selections again have no from. */
typedef struct NecpCharacterSwitched
{
	int64 from_id; /* 0: none was left */
	int64 to_id;
} NecpCharacterSwitched;

/* Detail of CHARACTER_CREATED. */
typedef struct NecpCharacterCreated
{
	int64 character_id;
	int64 account_id;
	int32 origin_id;
} NecpCharacterCreated;

#endif
