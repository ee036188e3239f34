/* SPDX-License-Identifier: PostgreSQL
 *
 * What NPCs do: walk, follow, strike, begin fights and give them up (DOMAIN §8). A hit changes memory
 * only. What makes a difference is a transaction of the world worker: a fight that begins or is left,
 * a character's death, which is claimed in memory first and given back where the transaction fails.
 *
 * Lock order: that of combat_session.c, and nothing is waited for: what is not free now is tried
 * again in the next tick.
 */
#include "postgres.h"

#include "gameplay/combat.h"
#include "gameplay/npc_ai.h"

#include <math.h>

#include "utils/guc.h"

#include "character/life.h"
#include "kernel/args.h"
#include "kernel/errors.h"
#include "kernel/json.h"
#include "kernel/random.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define CRIT_PERCENT 5
#define RANGE_TOLERANCE 1.1f
#define COMFORT 0.9f      /* it goes nearer than its reach, so as not to lose it at once */
#define ANYWHERE 1000.0f  /* metres */
#define HOMEWARD 1.5f     /* times its speed in a fight */
#define MOST_OUTCOMES 32  /* transactions of one tick; the others come in the next */
#define MOST_TELLINGS 256 /* blows of one tick that are told of */

typedef struct Telling
{
	int64 character_id;
	NecpBlowTold blow;
} Telling;

static Telling tellings[MOST_TELLINGS];
static int ntellings;
static int outcomes;

/* Moving --------------------------------------------------------------------------------------- */

static void
put_motion(NecpScene *scene, const NecpAwake *npc, float x, float y, float z, float vx, float vy)
{
	const NecpEntityState *state = &npc->self.state;
	NecpMotion *motion = &scene->motions[scene->nmotions];

	*motion = (NecpMotion){.entity_id = state->id,
						   .x = x,
						   .y = y,
						   .z = z,
						   .yaw = vx != 0 || vy != 0 ? atan2f(vy, vx) : state->yaw,
						   .vx = vx,
						   .vy = vy,
						   .mind = npc->mind->mood.mind};
	scene->nmotions++;
	npc->mind->mood.x = x;
	npc->mind->mood.y = y;
	npc->mind->mood.z = z;
}

/* One step towards a point; true once it is there. */
static bool
go(NecpScene *scene, const NecpAwake *npc, float x, float y, float z, float speed)
{
	const NecpEntityState *state = &npc->self.state;
	float dx = x - state->x;
	float dy = y - state->y;
	float dz = z - state->z;
	float distance = sqrtf(dx * dx + dy * dy + dz * dz);
	float part = distance > 0 ? Min(speed * scene->seconds / distance, 1.0f) : 1.0f;
	float pace = distance > 0 ? speed / distance : 0;

	put_motion(scene,
			   npc,
			   state->x + dx * part,
			   state->y + dy * part,
			   state->z + dz * part,
			   dx * pace,
			   dy * pace);
	return part >= 1.0f;
}

/* Nothing is written where nothing changes: who stands costs nobody anything. */
static void
stand(NecpScene *scene, const NecpAwake *npc)
{
	const NecpEntityState *state = &npc->self.state;

	if (state->vx != 0 || state->vy != 0 || npc->self.mind != npc->mind->mood.mind)
		put_motion(scene, npc, state->x, state->y, state->z, 0, 0);
}

static void
face(NecpScene *scene, const NecpAwake *npc, const NecpEntity *other)
{
	const NecpEntityState *state = &npc->self.state;
	float yaw = atan2f(other->state.y - state->y, other->state.x - state->x);

	if (fabsf(yaw - state->yaw) < 0.1f)
	{
		stand(scene, npc);
		return;
	}
	put_motion(scene, npc, state->x, state->y, state->z, 0, 0);
	scene->motions[scene->nmotions - 1].yaw = yaw;
}

static void
walk(NecpScene *scene, const NecpAwake *npc)
{
	NecpMind *mind = npc->mind;
	const float *to = &mind->points[3 * (mind->mood.next % mind->npoints)];

	if (go(scene, npc, to[0], to[1], to[2], mind->walk_speed))
		mind->mood.next = (mind->mood.next + 1) % mind->npoints;
}

static void
flee(NecpScene *scene, const NecpAwake *npc)
{
	const NecpEntity *hunter = necp_sight_character(scene, npc->mind->mood.target_id);
	const NecpEntityState *state = &npc->self.state;
	float away = hunter != NULL ? atan2f(state->y - hunter->state.y, state->x - hunter->state.x)
								: state->yaw;
	float x = state->x + 10 * cosf(away);
	float y = state->y + 10 * sinf(away);

	go(scene,
	   npc,
	   Min(Max(x, scene->bounds.min_x), scene->bounds.max_x),
	   Min(Max(y, scene->bounds.min_y), scene->bounds.max_y),
	   state->z,
	   npc->mind->run_speed);
}

/* Whom it fights ------------------------------------------------------------------------------- */

static const NecpEntity *
read_target(const NecpScene *scene, const NecpAwake *npc, int64 character_id)
{
	const NecpEntity *target = character_id != 0 ? necp_sight_character(scene, character_id) : NULL;

	if (target == NULL || target->combat_id != npc->self.combat_id ||
		target->state.activity == NECP_ACTIVITY_DEAD || target->state.hp <= 0)
		return NULL;
	return target;
}

/* The one it hates most; the one it fights keeps it busy as long as nobody does so much more. */
static const NecpEntity *
choose_target(const NecpScene *scene, const NecpAwake *npc)
{
	NecpMood *mood = &npc->mind->mood;
	const NecpEntity *target = read_target(scene, npc, mood->target_id);
	NecpHarm *harms;
	int n = necp_world_harms(npc->self.state.id, npc->self.life_id, &harms);
	int64 held = 0;

	for (int i = 0; i < n && target != NULL; i++)
		if (harms[i].character_id == mood->target_id)
			held = necp_mind_threat(harms[i].damage, harms[i].healing);
	for (int i = 0; i < n; i++)
	{
		const NecpEntity *other = read_target(scene, npc, harms[i].character_id);
		int64 threat = necp_mind_threat(harms[i].damage, harms[i].healing);

		if (other == NULL || other == target)
			continue;
		if (target == NULL ||
			necp_mind_turns(held, threat, necp_world_distance(&npc->self, other) <= NECP_MELEE_M))
		{
			target = other;
			held = threat;
		}
	}
	if (target == NULL)
		target = necp_sight_nearest(scene, &npc->self, npc->mind->leash_m, npc->self.combat_id);
	mood->target_id = target != NULL ? target->state.id : 0;
	return target;
}

/* Striking ------------------------------------------------------------------------------------- */

static void
tell(int64 character_id, const NecpBlowTold *blow)
{
	if (ntellings < MOST_TELLINGS)
		tellings[ntellings++] = (Telling){character_id, *blow};
}

/* A death, as its transaction needs it. */
typedef struct Kill
{
	NecpStrike strike;
	NecpBlowTold blow;
} Kill;

/* Who heals in between is only hit. */
static void
kill_character(void *arg)
{
	Kill *kill = arg;
	NecpDeath death = {.character_id = kill->strike.target_id,
					   .cause = "NPC",
					   .cause_id = -kill->strike.actor_id};
	NecpEntity target;
	NecpStruck struck;

	if (!necp_combat_hold(kill->strike.combat_id, kill->strike.target_id))
		return;
	struck = necp_world_strike(&kill->strike, &target);
	if (struck != NECP_STRUCK_KILL && struck != NECP_STRUCK_HIT)
		return;
	kill->blow.killed = struck == NECP_STRUCK_KILL;
	kill->blow.hp = kill->blow.killed ? 0 : target.state.hp;
	necp_combat_push_blow(kill->strike.target_id, &kill->blow);
	necp_combat_log(&kill->blow);
	if (kill->blow.killed)
		necp_character_die(&death, NULL);
}

/* npc_strike(npc_id bigint, character_id bigint, damage integer) → KILL, HIT or NONE. */
NECP_FUNCTION(necp_npc_strike)
{
	int64 npc_id = necp_arg_id(fcinfo, 0, "npc_id");
	NecpEntity target;
	Kill kill = {.strike = {.actor_id = -npc_id,
							.target_id = necp_arg_id(fcinfo, 1, "character_id"),
							.damage = (int32) necp_arg_int(fcinfo, 2, "damage", 1, PG_INT32_MAX),
							.range = ANYWHERE},
				 .blow = {.part = "TORSO", .hp = -1}};

	if (!necp_world_read(kill.strike.target_id, &target))
		necp_fail(NOT_FOUND, "character_id", "the character is nowhere");
	kill.strike.combat_id = kill.blow.combat_id = target.combat_id;
	kill.strike.life_id = target.life_id;
	kill.blow.actor_id = -npc_id;
	kill.blow.target_id = target.state.id;
	kill.blow.amount = kill.strike.damage;
	kill_character(&kill);
	return necp_cstring_datum(kill.blow.killed ? "KILL" : kill.blow.hp >= 0 ? "HIT" : "NONE");
}

static bool
outcome(void (*body)(void *arg), void *arg)
{
	if (outcomes >= MOST_OUTCOMES)
		return false;
	outcomes++;
	return necp_worker_transaction(body, arg);
}

bool
necp_act_strike(const NecpScene *scene, const NecpAwake *npc, int64 target_id, int32 attack,
				float range, int32 interval_ms)
{
	const NecpEntity *target = read_target(scene, npc, target_id);
	const NecpPhase *phase = necp_boss_phase(npc->mind);
	int32 percent = (phase != NULL ? phase->damage_percent : 100) *
					(npc->mind->mood.enraged ? NECP_ENRAGED_PERCENT : 100) / 100;
	bool crit = necp_random_int(1, 100) <= CRIT_PERCENT;
	NecpEntity after;
	Kill kill;

	if (target == NULL)
		return false;
	kill = (Kill){
		.strike = {.actor_id = npc->self.state.id,
				   .target_id = target_id,
				   .combat_id = npc->self.combat_id,
				   .life_id = target->life_id,
				   .damage =
					   necp_mind_damage(attack, npc->mind->level, percent, crit, target->armor),
				   .range = range * RANGE_TOLERANCE,
				   .interval_ms = interval_ms},
		.blow = {.combat_id = npc->self.combat_id, .actor_id = npc->self.state.id},
	};
	kill.blow.target_id = target_id;
	kill.blow.part = "TORSO";
	kill.blow.amount = kill.strike.damage;
	kill.blow.crit = crit;
	switch (necp_world_hit(&kill.strike, &after))
	{
		case NECP_STRUCK_HIT:
			kill.blow.hp = after.state.hp;
			tell(target_id, &kill.blow);
			necp_combat_log_now(&kill.blow);
			return true;
		case NECP_STRUCK_KILL:
			return outcome(kill_character, &kill);
		default:
			return false;
	}
}

static void
fight(NecpScene *scene, NecpAwake *npc)
{
	const NecpEntity *target;
	NecpMind *mind = npc->mind;
	float distance;

	if (mind->temper == NECP_PASSIVE)
	{
		stand(scene, npc);
		return;
	}
	target = choose_target(scene, npc);
	if (mind->nphases > 0)
		necp_boss_act(scene, npc);
	if (target == NULL)
	{
		stand(scene, npc);
		return;
	}
	distance = necp_world_distance(&npc->self, target);
	if (distance > mind->range)
		go(scene,
		   npc,
		   npc->self.state.x +
			   (target->state.x - npc->self.state.x) * (1 - COMFORT * mind->range / distance),
		   npc->self.state.y +
			   (target->state.y - npc->self.state.y) * (1 - COMFORT * mind->range / distance),
		   npc->self.state.z +
			   (target->state.z - npc->self.state.z) * (1 - COMFORT * mind->range / distance),
		   mind->run_speed);
	else
		face(scene, npc, target);
	if (mind->mood.area_at == 0 && mind->attack > 0 &&
		mind_passed(npc->self.shot_at, scene->now, (int64) mind->interval_ms * 1000))
		(void) necp_act_strike(scene,
							   npc,
							   target->state.id,
							   mind->attack,
							   mind->range,
							   mind->interval_ms);
}

void
necp_act(NecpScene *scene, NecpAwake *npc)
{
	NecpMood *mood = &npc->mind->mood;
	const NecpEntity *seen;

	switch (mood->mind)
	{
		case NECP_MIND_PATROL:
			walk(scene, npc);
			break;
		case NECP_MIND_ALERT:
			seen = necp_sight_character(scene, mood->target_id);
			if (seen != NULL)
				face(scene, npc, seen);
			else
				stand(scene, npc);
			break;
		case NECP_MIND_COMBAT:
			fight(scene, npc);
			break;
		case NECP_MIND_FLEE:
			flee(scene, npc);
			break;
		case NECP_MIND_RETURN:
			go(scene,
			   npc,
			   mood->anchor_x,
			   mood->anchor_y,
			   mood->anchor_z,
			   npc->mind->run_speed * HOMEWARD);
			break;
		case NECP_MIND_DEAD:
			break;
		default:
			stand(scene, npc);
	}
}

/* Beginning and giving up ---------------------------------------------------------------------- */

typedef struct Move
{
	const NecpEntity *npc;
	int64 character_id;
	bool done;
} Move;

/* What a crash may take back: memory, where the fight is, goes with it. */
static void
commit_lightly(void)
{
	(void) set_config_option("synchronous_commit",
							 "off",
							 PGC_USERSET,
							 PGC_S_SESSION,
							 GUC_ACTION_LOCAL,
							 true,
							 0,
							 false);
}

static void
provoke(void *arg)
{
	Move *move = arg;

	commit_lightly();
	move->done = necp_combat_provoke(move->npc, move->character_id);
}

bool
necp_act_provoke(const NecpAwake *npc, int64 character_id)
{
	Move move = {.npc = &npc->self, .character_id = character_id};

	return outcome(provoke, &move) && move.done;
}

static void
finish_withdrawal(bool committed, void *arg)
{
	const Move *move = arg;

	if (committed && move->done)
		necp_world_calm(move->npc->state.id, move->npc->life_id);
}

/* Who hits it after it has found shelter does not. */
static void
withdraw(void *arg)
{
	Move *move = arg;

	commit_lightly();
	move->done = necp_combat_withdraw(move->npc);
	necp_at_xact_end(finish_withdrawal, move);
}

bool
necp_act_withdraw(NecpAwake *npc)
{
	Move move = {.npc = &npc->self};

	if (npc->self.combat_id == 0)
	{
		necp_world_calm(npc->self.state.id, npc->self.life_id);
		return true;
	}
	return outcomes < MOST_OUTCOMES && necp_world_shelter(npc->self.state.id, npc->self.life_id) &&
		   outcome(withdraw, &move) && move.done;
}

/* Telling -------------------------------------------------------------------------------------- */

static void
push_tellings(void *unused)
{
	for (int i = 0; i < ntellings; i++)
		necp_combat_push_blow(tellings[i].character_id, &tellings[i].blow);
}

void
necp_act_tell(void)
{
	if (ntellings > 0)
		(void) necp_worker_transaction(push_tellings, NULL);
	ntellings = outcomes = 0;
}
