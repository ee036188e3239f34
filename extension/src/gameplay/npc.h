/* SPDX-License-Identifier: PostgreSQL
 *
 * NPCs: what they are, where they live, when they die (DOMAIN §8).
 */
#ifndef NECP_NPC_H
#define NECP_NPC_H

#include "social/party.h"
#include "world/world.h"

#define NECP_BOSS_TIER 5

/*
 * Whose a kill is, fixed at the death (DOMAIN §7): of the party of whoever harmed it first, or of
 * that one alone, those who had a part in it, are near, and are there.
 */
typedef struct NecpEarners
{
	const NecpParty *party; /* NULL: somebody without one */
	int n;
	int64 *character_ids; /* ascending; everybody who hears of the death reads the same */
} NecpEarners;

/* Detail of the event NPC_DIED. */
typedef struct NecpNpcDeath
{
	int64 npc_id;
	int64 life_id;
	int64 template_id;
	const char *loot_table_code;       /* NULL: leaves nothing */
	const char *guaranteed_table_code; /* rolled for everybody who has earned it; or NULL */
	int64 place_id;
	float x, y, z;
	int64 killer_id; /* character */
	int32 level;
	int32 xp; /* the killer's share; 0 where it earns nothing */
	int32 tier;
	NecpEarners earners;
	int32 *shares; /* experience of each of them, by its own level */
} NecpNpcDeath;

/*
 * Locks an NPC that lives, so that who begins to fight it and who kills it come one after the
 * other; returns its life. NOT_FOUND, TARGET_DEAD.
 */
extern int64 necp_npc_lock(int64 npc_id);

/*
 * Writes the death of an NPC whose kill was claimed, once per life, and tells: events NPC_DIED and, of
 * a boss, BOSS_DIED, push to the place. TARGET_DEAD where this life has ended before. Whoever earns it
 * or fights in that combat, which the caller has locked, is locked before anybody hears of it.
 */
extern void necp_npc_die(const NecpEntity *npc, int64 killer_id, int64 combat_id,
						 NecpNpcDeath *death);
/* Gives everybody who earns it its experience. */
extern void necp_npc_reward(const NecpNpcDeath *death);

/* Locks who earns a death and who fights in that combat, and fixes the shares of base experience. */
extern void necp_npc_share(NecpNpcDeath *death, int32 base, int64 combat_id);

/* Who earns the death of an NPC in this life; the killer where nobody of those who fought is near. */
extern void necp_npc_earners(const NecpNpcDeath *death, NecpEarners *earners);
/* The same of what one finds at a spot: it, and of its party who is near and there. */
extern void necp_npc_finders(const NecpEntity *finder, NecpEarners *earners);

/* Registers the NPCs' jobs with the world worker. */
extern void necp_npc_work_init(void);
extern void necp_npc_ai_init(void);

extern void necp_npc_init(void);

#endif
