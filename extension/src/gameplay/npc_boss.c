/* SPDX-License-Identifier: PostgreSQL
 *
 * Bosses (DOMAIN §8): phases that begin as hit points go down and never go back, area attacks that are
 * announced, the weak point after them, and rage. Phases are content; each that is reached in a fight
 * is a row, so that it is reached once.
 */
#include "postgres.h"

#include "gameplay/npc_ai.h"
#include "world/zone.h"

#include "kernel/clock.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

static NecpPlan insert_phase =
	NECP_PLAN("INSERT INTO game.boss_phases (combat_id, npc_id, phase, former, reached_at)"
			  " VALUES ($1, $2, $3, $3 - 1, $4) ON CONFLICT DO NOTHING",
			  INT8OID, INT8OID, INT4OID, TIMESTAMPTZOID);

const NecpPhase *
necp_boss_phase(const NecpMind *mind)
{
	return mind->nphases == 0 ? NULL
							  : &mind->phases[Min(Max(mind->mood.phase, 1), mind->nphases) - 1];
}

void
necp_boss_begin(NecpMind *mind, TimestampTz now)
{
	mind->mood.phase = 1;
	mind->mood.enraged = false;
	mind->mood.area_at = 0;
	mind->mood.area_next = 0;
	if (mind->nphases > 0)
		mind->mood.area_next = now + (int64) mind->phases[0].area_every_ms * 1000;
}

/* What a boss does that its place is told of. */
typedef struct Message
{
	const NecpAwake *npc;
	const char *type;
	NecpJson json;
	int32 phase; /* that begins; 0: it is another matter */
} Message;

static void
open_message(Message *message, const NecpAwake *npc, const char *type)
{
	*message = (Message){.npc = npc, .type = type};
	necp_json_open(&message->json);
	necp_json_int(&message->json, "entity_id", npc->self.state.id);
	necp_json_int(&message->json, "npc_id", -npc->self.state.id);
	necp_json_int(&message->json, "combat_id", npc->self.combat_id);
}

static void
send_message(void *arg)
{
	Message *message = arg;
	const NecpEntity *self = &message->npc->self;
	char *data = necp_json_close(&message->json);

	if (message->phase != 0)
	{
		if (necp_run(&insert_phase,
					 self->combat_id,
					 -self->state.id,
					 Int32GetDatum(message->phase),
					 TimestampTzGetDatum(necp_now())) == 0)
			return; /* told before the worker started anew */
		necp_event_emit(&(NecpEvent){.type = message->type,
									 .aggregate_type = "NPC",
									 .aggregate_id = -self->state.id,
									 .data = data});
	}
	necp_zone_push(self->place_id, message->type, data);
}

static bool
say(Message *message)
{
	return necp_worker_transaction(send_message, message);
}

static void
change_phase(const NecpScene *scene, NecpAwake *npc)
{
	NecpMood *mood = &npc->mind->mood;
	const NecpEntityState *state = &npc->self.state;
	Message message;

	if (mood->phase >= npc->mind->nphases ||
		(int64) state->hp * 100 > (int64) npc->mind->phases[mood->phase].hp_percent * state->max_hp)
		return;
	open_message(&message, npc, "BOSS_PHASE_CHANGED");
	message.phase = mood->phase + 1;
	necp_json_int(&message.json, "phase", message.phase);
	if (!say(&message))
		return;
	mood->phase++;
	/* what it was about to do belongs to the phase that is over */
	mood->area_at = 0;
	mood->area_next = scene->now + (int64) npc->mind->phases[mood->phase - 1].area_every_ms * 1000;
}

static void
rage(const NecpScene *scene, NecpAwake *npc)
{
	NecpMood *mood = &npc->mind->mood;
	Message message;

	if (mood->enraged || scene->now - mood->fight_since < npc->mind->enrage_us)
		return;
	mood->enraged = true;
	open_message(&message, npc, "BOSS_ENRAGED");
	(void) say(&message);
}

/* Announces an area attack on where its target stands now. */
static void
announce(const NecpScene *scene, NecpAwake *npc, const NecpPhase *phase)
{
	NecpMood *mood = &npc->mind->mood;
	const NecpEntity *target = necp_sight_character(scene, mood->target_id);
	Message message;

	if (target == NULL)
		return;
	open_message(&message, npc, "BOSS_TELEGRAPH");
	necp_json_raw(&message.json,
				  "position",
				  psprintf("[%.2f,%.2f,%.2f]", target->state.x, target->state.y, target->state.z));
	necp_json_float(&message.json, "radius", phase->area_m);
	necp_json_int(&message.json, "in_ms", phase->telegraph_ms);
	/* nobody is struck who was not told */
	if (!say(&message))
		return;
	mood->area_x = target->state.x;
	mood->area_y = target->state.y;
	mood->area_z = target->state.z;
	mood->area_at = scene->now + (int64) phase->telegraph_ms * 1000;
}

static void
open_weak_point(const NecpScene *scene, NecpAwake *npc, const NecpPhase *phase)
{
	Message message;

	if (phase->weak_ms == 0)
		return;
	necp_world_expose(npc->self.state.id,
					  npc->self.life_id,
					  scene->now + (int64) phase->weak_ms * 1000,
					  phase->weak_percent);
	open_message(&message, npc, "BOSS_WEAK_POINT");
	necp_json_int(&message.json, "for_ms", phase->weak_ms);
	necp_json_int(&message.json, "percent", phase->weak_percent);
	(void) say(&message);
}

/* Everybody of the fight who stands there is struck, whatever the boss's own reach. */
static void
erupt(const NecpScene *scene, NecpAwake *npc, const NecpPhase *phase)
{
	NecpMood *mood = &npc->mind->mood;
	NecpEntity spot = {.state = {.x = mood->area_x, .y = mood->area_y, .z = mood->area_z}};

	for (int i = 0; i < scene->ncharacters; i++)
		if (scene->characters[i].combat_id == npc->self.combat_id &&
			necp_world_distance(&spot, &scene->characters[i]) <= phase->area_m)
			(void) necp_act_strike(scene,
								   npc,
								   scene->characters[i].state.id,
								   phase->area_damage,
								   1000,
								   0);
	mood->area_at = 0;
	mood->area_next = scene->now + (int64) phase->area_every_ms * 1000;
	open_weak_point(scene, npc, phase);
}

void
necp_boss_act(const NecpScene *scene, NecpAwake *npc)
{
	NecpMood *mood = &npc->mind->mood;
	const NecpPhase *phase;

	change_phase(scene, npc);
	rage(scene, npc);
	phase = necp_boss_phase(npc->mind);
	if (phase->area_damage == 0)
		return;
	if (mood->area_at != 0 && scene->now >= mood->area_at)
		erupt(scene, npc, phase);
	else if (mood->area_at == 0 && scene->now >= mood->area_next)
		announce(scene, npc, phase);
}
