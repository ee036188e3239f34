/* SPDX-License-Identifier: PostgreSQL
 *
 * What NPCs decide (DOMAIN §8); tested by test/unit/extension_mind.c.
 */

#include "gameplay/npc_mind.h"
#include "world/mind.h"

static int64_t
at_least(int64_t value, int64_t least)
{
	return value > least ? value : least;
}

static int64_t
at_most(int64_t value, int64_t most)
{
	return value < most ? value : most;
}

static uint8_t
at_rest(const NecpSenses *senses)
{
	return senses->patrols ? NECP_MIND_PATROL : NECP_MIND_IDLE;
}

/* In a combat, or out of one that it was in. */
static uint8_t
next_in_fight(uint8_t mind, const NecpSenses *senses)
{
	if (senses->temper == NECP_PASSIVE)
		return senses->fights ? NECP_MIND_COMBAT : at_rest(senses);
	if (!senses->fights || senses->too_far)
		return NECP_MIND_RETURN;
	if (mind == NECP_MIND_FLEE)
		return senses->since_us >= NECP_FLIGHT_US ? NECP_MIND_RETURN : NECP_MIND_FLEE;
	return senses->afraid ? NECP_MIND_FLEE : NECP_MIND_COMBAT;
}

static uint8_t
next_in_peace(uint8_t mind, const NecpSenses *senses)
{
	if (senses->temper != NECP_PASSIVE && senses->called)
		return NECP_MIND_COMBAT;
	if (senses->temper != NECP_AGGRESSIVE || !senses->sees)
		return at_rest(senses);
	if (mind != NECP_MIND_ALERT || senses->since_us < NECP_ALERT_US)
		return NECP_MIND_ALERT;
	return NECP_MIND_COMBAT;
}

uint8_t
necp_mind_next(uint8_t mind, const NecpSenses *senses)
{
	if (senses->dead)
		return NECP_MIND_DEAD;
	if (mind == NECP_MIND_RETURN)
		return senses->home && !senses->fights ? at_rest(senses) : NECP_MIND_RETURN;
	if (senses->fights || mind == NECP_MIND_COMBAT || mind == NECP_MIND_FLEE)
		return next_in_fight(mind, senses);
	return next_in_peace(mind, senses);
}

int32_t
necp_mind_damage(int32_t attack, int32_t level, int32_t percent, bool crit, int32_t armor)
{
	int64_t base = (int64_t) attack * (100 + 5 * level) * percent * (crit ? 150 : 100);

	return (int32_t) at_least(base / ((int64_t) 10000 * (100 + armor)), 1);
}

int32_t
necp_mind_morale(int32_t fallen, bool outnumbered, bool boss)
{
	return 100 - 10 * fallen - (outnumbered ? 30 : 0) + (boss ? 20 : 0);
}

int64_t
necp_mind_threat(int64_t damage, int64_t healing)
{
	return 2 * damage + healing;
}

bool
necp_mind_turns(int64_t held, int64_t other, bool at_hand)
{
	return 100 * other > (at_hand ? 110 : 130) * held;
}

int32_t
necp_mind_xp(int32_t base, int32_t npc_level, int32_t level, int32_t n)
{
	int64_t tenths = at_most(at_least(10 + npc_level - level, 0), 15); /* 0 to 1.5 */

	/* × tenths / 10 × (1 + 0.1 (n - 1)) / n */
	return (int32_t) ((int64_t) base * tenths * (9 + n) / (100 * n));
}

int32_t
necp_mind_flight(int32_t reflexes, int32_t hunters_reflexes)
{
	return (int32_t) at_most(at_least(50 + 5 * (reflexes - hunters_reflexes), 10), 90);
}
