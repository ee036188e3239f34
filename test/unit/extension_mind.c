/* SPDX-License-Identifier: PostgreSQL
 *
 * What NPCs decide, and the numbers of DOMAIN §8: each transition of the state machine, each limit.
 */
#include "gameplay/npc_mind.h"
#include "world/mind.h"

#include <stdio.h>

#include "common_tap.h"

static void
number(int64_t got, int64_t expected, const char *name)
{
	ok(got == expected, name);
	if (got != expected)
		printf("# got %lld, expected %lld\n", (long long) got, (long long) expected);
}

static void
peace(void)
{
	NecpSenses calm = {.temper = NECP_AGGRESSIVE};
	NecpSenses walker = {.temper = NECP_AGGRESSIVE, .patrols = true};
	NecpSenses sees = {.temper = NECP_AGGRESSIVE, .sees = true, .since_us = NECP_ALERT_US - 1};
	NecpSenses saw = {.temper = NECP_AGGRESSIVE, .sees = true, .since_us = NECP_ALERT_US};
	NecpSenses shy = {.temper = NECP_DEFENSIVE, .sees = true, .since_us = NECP_ALERT_US};
	NecpSenses called = {.temper = NECP_DEFENSIVE, .called = true};
	NecpSenses deaf = {.temper = NECP_PASSIVE, .called = true, .sees = true};

	number(necp_mind_next(NECP_MIND_IDLE, &calm), NECP_MIND_IDLE, "who sees nobody stands");
	number(necp_mind_next(NECP_MIND_IDLE, &walker), NECP_MIND_PATROL, "or walks");
	number(necp_mind_next(NECP_MIND_IDLE, &saw), NECP_MIND_ALERT, "who sees somebody looks first");
	number(necp_mind_next(NECP_MIND_PATROL, &sees), NECP_MIND_ALERT, "on patrol too");
	number(necp_mind_next(NECP_MIND_ALERT, &sees), NECP_MIND_ALERT, "for a second");
	number(necp_mind_next(NECP_MIND_ALERT, &saw), NECP_MIND_COMBAT, "then it attacks");
	number(necp_mind_next(NECP_MIND_ALERT, &calm), NECP_MIND_IDLE, "unless it has lost sight");
	number(necp_mind_next(NECP_MIND_IDLE, &shy), NECP_MIND_IDLE, "a defensive one does not begin");
	number(necp_mind_next(NECP_MIND_IDLE, &called), NECP_MIND_COMBAT, "but comes to help");
	number(necp_mind_next(NECP_MIND_IDLE, &deaf), NECP_MIND_IDLE, "a passive one does neither");
}

static void
fight(void)
{
	NecpSenses fights = {.temper = NECP_DEFENSIVE, .fights = true};
	NecpSenses alone = {.temper = NECP_DEFENSIVE};
	NecpSenses far = {.temper = NECP_DEFENSIVE, .fights = true, .too_far = true};
	NecpSenses afraid = {.temper = NECP_DEFENSIVE, .fights = true, .afraid = true};
	NecpSenses tired = {.temper = NECP_DEFENSIVE,
						.fights = true,
						.afraid = true,
						.since_us = NECP_FLIGHT_US};
	NecpSenses home = {.temper = NECP_DEFENSIVE, .home = true, .patrols = true};
	NecpSenses late = {.temper = NECP_DEFENSIVE, .home = true, .fights = true};
	NecpSenses victim = {.temper = NECP_PASSIVE, .fights = true, .afraid = true, .too_far = true};
	NecpSenses spared = {.temper = NECP_PASSIVE};
	NecpSenses dead = {.temper = NECP_DEFENSIVE, .dead = true, .fights = true};

	number(necp_mind_next(NECP_MIND_IDLE, &fights), NECP_MIND_COMBAT, "who is attacked fights");
	number(necp_mind_next(NECP_MIND_COMBAT, &far), NECP_MIND_RETURN, "not beyond its leash");
	number(necp_mind_next(NECP_MIND_COMBAT, &alone), NECP_MIND_RETURN, "and not without anybody");
	number(necp_mind_next(NECP_MIND_COMBAT, &afraid), NECP_MIND_FLEE, "it may lose its courage");
	number(necp_mind_next(NECP_MIND_FLEE, &fights), NECP_MIND_FLEE, "and does not find it again");
	number(necp_mind_next(NECP_MIND_FLEE, &tired), NECP_MIND_RETURN, "but runs for ten seconds");
	number(necp_mind_next(NECP_MIND_FLEE, &far), NECP_MIND_RETURN, "or to the end of its leash");
	number(necp_mind_next(NECP_MIND_RETURN, &alone), NECP_MIND_RETURN, "it runs home");
	number(necp_mind_next(NECP_MIND_RETURN, &late), NECP_MIND_RETURN, "out of any fight");
	number(necp_mind_next(NECP_MIND_RETURN, &home), NECP_MIND_PATROL, "and goes on as before");
	number(necp_mind_next(NECP_MIND_IDLE, &victim), NECP_MIND_COMBAT, "a passive one endures");
	number(necp_mind_next(NECP_MIND_COMBAT, &spared), NECP_MIND_IDLE, "and stays where it is");
	number(necp_mind_next(NECP_MIND_COMBAT, &dead), NECP_MIND_DEAD, "the dead are dead");
	number(necp_mind_next(NECP_MIND_DEAD, &alone), NECP_MIND_IDLE, "until they live");
}

static void
blows(void)
{
	number(necp_mind_damage(10, 1, 100, false, 0), 10, "damage grows by 5 % a level: 10.5");
	number(necp_mind_damage(100, 10, 100, false, 0), 150, "half as much again at level 10");
	number(necp_mind_damage(100, 10, 100, true, 0), 225, "a critical hit as much again");
	number(necp_mind_damage(100, 10, 100, false, 100), 75, "armor 100 halves it");
	number(necp_mind_damage(100, 10, 200, true, 50), 300, "rage doubles it");
	number(necp_mind_damage(1, 1, 100, false, 10000), 1, "at least 1");
	number(necp_mind_damage(10000, 100, 1000, true, 0), 900000, "the most there is fits");
}

static void
feelings(void)
{
	number(necp_mind_morale(0, false, false), 100, "morale begins at 100");
	number(necp_mind_morale(4, true, false), 30, "four have fallen, outnumbered: 30, which stands");
	number(necp_mind_morale(5, true, false), 20, "one more: 20");
	number(necp_mind_morale(5, true, true), 40, "a boss adds 20");
	ok(necp_mind_morale(4, true, false) >= NECP_MORALE_FLEES, "30 does not flee");
	number(necp_mind_threat(100, 0), 2 * necp_mind_threat(0, 100), "healing counts half");
	ok(!necp_mind_turns(100, 110, true), "110 % at hand keeps the target");
	ok(necp_mind_turns(100, 111, true), "more does not");
	ok(!necp_mind_turns(100, 130, false), "130 % from afar keeps it");
	ok(necp_mind_turns(100, 131, false), "more does not");
	ok(necp_mind_turns(0, 1, false), "who has done nothing yields to who has");
	ok(!necp_mind_turns(0, 0, true), "but not to who has not");
}

static void
rewards(void)
{
	number(necp_mind_xp(375, 5, 5, 1), 375, "alone and of its level: all");
	number(necp_mind_xp(375, 8, 5, 1), 487, "three levels below it: 130 %");
	number(necp_mind_xp(375, 20, 5, 1), 562, "150 % at most");
	number(necp_mind_xp(375, 5, 15, 1), 0, "nothing ten levels above");
	number(necp_mind_xp(375, 5, 60, 1), 0, "nor further");
	number(necp_mind_xp(1000, 5, 5, 2), 550, "two: 110 %, half each");
	number(necp_mind_xp(1000, 5, 5, 5), 280, "five: 140 %, a fifth each");
	number(necp_mind_xp(1000, 5, 9, 2), 330, "each by its own level");
	number(necp_mind_flight(5, 5), 50, "a flight succeeds half the time");
	number(necp_mind_flight(8, 5), 65, "5 % more for each point of reflexes");
	number(necp_mind_flight(20, 3), 90, "90 % at most");
	number(necp_mind_flight(3, 20), 10, "10 % at least");
}

int
main(void)
{
	peace();
	fight();
	blows();
	feelings();
	rewards();
	return done_testing();
}
