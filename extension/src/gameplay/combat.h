/* SPDX-License-Identifier: PostgreSQL
 *
 * Combat, for its own files and for NPCs that fight.
 */
#ifndef NECP_COMBAT_H
#define NECP_COMBAT_H

#include "postgres.h"

#include "world/world.h"

#define NECP_SIDE_CHARACTERS 1
#define NECP_SIDE_NPCS 2

/* The combat that an entity fights in, by the rows; 0: none. */
extern int64 necp_combat_of(int64 entity_id);
/* Locks one that goes on; false where it has ended. */
extern bool necp_combat_lock(int64 combat_id);
/* The combat that both are to fight in: one of theirs that goes on, or a new one; locked. */
extern int64 necp_combat_choose(const NecpEntity *self, const NecpEntity *npc);
/* Lets an entity fight in a combat that is locked; a character is IN_COMBAT from then on. */
extern void necp_combat_join(int64 combat_id, int64 entity_id, int32 side);
/*
 * One is out of it; where that was the last of a side the combat ends, with that status, and true is
 * the answer. The combat is locked.
 */
extern bool necp_combat_drop_out(int64 combat_id, int64 place_id, int64 entity_id, int32 side,
								 const char *status);
/* Ends a combat that the caller has locked: COMPLETED, FLED or ABORTED. */
extern void necp_combat_end(int64 combat_id, int64 place_id, const char *status);

/* For the world worker, which waits for nobody: false where something is locked, or not so any more. */

/* An NPC attacks a character, or joins the fight that the character is in. */
extern bool necp_combat_provoke(const NecpEntity *npc, int64 character_id);
/* An NPC leaves its combat. */
extern bool necp_combat_withdraw(const NecpEntity *npc);
/* Locks the combat and the row of a character who fights in it, before it dies. */
extern bool necp_combat_hold(int64 combat_id, int64 character_id);

/* A message to one who fights, and the data of those that say how a combat stands. */
extern void necp_combat_push(int64 character_id, const char *type, const char *data);
extern char *necp_combat_data(int64 combat_id, const char *status);

/* A blow as those are told who are in the fight. */
typedef struct NecpBlowTold
{
	int64 combat_id;
	int64 actor_id;
	int64 target_id;
	const char *part;
	int32 amount;
	bool crit;
	bool killed;
	int32 hp; /* left to the target */
} NecpBlowTold;
extern void necp_combat_push_blow(int64 character_id, const NecpBlowTold *blow);
/* Puts a blow into the log once this transaction has committed; or at once, outside of one. */
extern void necp_combat_log(const NecpBlowTold *blow);
extern void necp_combat_log_now(const NecpBlowTold *blow);
extern void necp_combat_log_init(void);

/* necp.combat_view of a combat, with hit points from memory. */
extern Datum necp_combat_view(int64 combat_id);
/* Registers combat's job with the world worker. */
extern void necp_combat_work_init(void);
/* Follows those who leave, die and return. */
extern void necp_combat_session_init(void);

extern void necp_combat_init(void);

#endif
