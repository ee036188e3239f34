/* SPDX-License-Identifier: PostgreSQL
 *
 * What NPCs decide, and by which numbers (DOMAIN §8): pure functions of what an NPC sees. Nothing
 * here reads the world, draws, or locks.
 */
#ifndef NECP_NPC_MIND_H
#define NECP_NPC_MIND_H

#include <stdbool.h>
#include <stdint.h>

#define NECP_MELEE_M 5.0f        /* who is that near is at hand; others shoot */
#define NECP_ALERT_US 1000000    /* from noticing somebody to attacking it */
#define NECP_FLIGHT_US 10000000  /* after that it turns home */
#define NECP_MORALE_FLEES 30     /* below it */
#define NECP_ENRAGED_PERCENT 200 /* damage of a boss that has had enough */

typedef enum NecpTemper
{
	NECP_PASSIVE,    /* never fights back */
	NECP_DEFENSIVE,  /* fights who attacks it or those near it */
	NECP_AGGRESSIVE, /* attacks whom it sees */
} NecpTemper;

/* What decides its next state. */
typedef struct NecpSenses
{
	NecpTemper temper;
	bool dead;
	bool fights;      /* it is in a combat */
	bool sees;        /* somebody it would attack is within its aggro radius */
	bool called;      /* somebody near it fights */
	bool too_far;     /* beyond its leash */
	bool afraid;      /* its morale is broken */
	bool home;        /* back where it left its way */
	bool patrols;     /* has a way to walk */
	int64_t since_us; /* how long it has been in its state */
} NecpSenses;

/* Its next NECP_MIND_…. COMBAT from outside of a fight means that it begins or joins one. */
extern uint8_t necp_mind_next(uint8_t mind, const NecpSenses *senses);

/* Damage of one of its blows: percent is that of phase and rage, crit half as much again. */
extern int32_t necp_mind_damage(int32_t attack, int32_t level, int32_t percent, bool crit,
								int32_t armor);
/* Of 100: -10 for each fallen ally, -30 where they are outnumbered, +20 with a boss among them. */
extern int32_t necp_mind_morale(int32_t fallen, bool outnumbered, bool boss);
/* Damage counts once, healing half; in halves, so that it is whole. */
extern int64_t necp_mind_threat(int64_t damage, int64_t healing);
/* It turns to another above 110 % of the held one's threat at hand, above 130 % from afar. */
extern bool necp_mind_turns(int64_t held, int64_t other, bool at_hand);

/* Experience of one of n who earn a kill together, by its own level. */
extern int32_t necp_mind_xp(int32_t base, int32_t npc_level, int32_t level, int32_t n);
/* Percent with which a flight succeeds. */
extern int32_t necp_mind_flight(int32_t reflexes, int32_t hunters_reflexes);

#endif
