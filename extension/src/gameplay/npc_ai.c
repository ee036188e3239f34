/* SPDX-License-Identifier: PostgreSQL
 *
 * NPCs that act (DOMAIN §8): five times a second the world worker lets those think that a character
 * is near, or that are not at rest. What they decide is in npc_mind.c, what they see in npc_sight.c,
 * what they do in npc_act.c. A place without characters costs a look at its count, and those who
 * were under way there are home at once.
 *
 * Nothing is locked while they think; what comes of it is done under the place's lock, or in a
 * transaction that waits for nobody.
 */
#include "postgres.h"

#include "gameplay/npc_ai.h"

#include "utils/array.h"
#include "utils/memutils.h"

#include "kernel/spi.h"
#include "kernel/workers.h"

#define THINK_MS 200
#define LONGEST_STEP_US 400000 /* after a pause nobody leaps */
#define HOME_M 0.5f

static NecpPlan all_minds = NECP_PLAN0(
	"SELECT i.id, s.zone_id, t.id, array_position('{passive,defensive,aggressive}', t.temperament) - 1,"
	" t.level, t.attack_damage, t.attack_interval_ms, t.attack_range::float8, t.walk_speed::float8,"
	" t.run_speed::float8, t.aggro_m::float8, t.assist_m::float8, t.leash_m::float8, t.enrage_s,"
	" s.x::float8, s.y::float8, s.z::float8, s.yaw::float8, s.waypoints"
	" FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id"
	" JOIN game.npc_templates t ON t.id = s.template_id"
	" JOIN game.zones z ON z.id = s.zone_id AND z.status = 'ONLINE'"
	" WHERE s.enabled ORDER BY s.zone_id, i.id");

static NecpPlan all_phases = NECP_PLAN0(
	"SELECT template_id, phase::int, hp_percent::int, damage_percent, area_damage, area_m::float8,"
	" area_every_ms, telegraph_ms, weak_ms, weak_percent FROM game.npc_phases"
	" ORDER BY template_id, phase");

/* The minds of one place. */
typedef struct Crowd
{
	int64 place_id;
	NecpMind *first, *end;
	int restless; /* not at rest */
} Crowd;

static MemoryContext mind_context;
static NecpMind *minds; /* by place and id */
static int nminds;
static Crowd *crowds;
static int ncrowds;
static TimestampTz thought_at;

/* Loading -------------------------------------------------------------------------------------- */

static NecpPhase *
load_phases(MemoryContext context, int *n)
{
	uint64 rows = necp_run0(&all_phases);
	NecpPhase *phases = MemoryContextAlloc(context, Max(rows, 1) * sizeof(NecpPhase));

	for (uint64 row = 0; row < rows; row++)
		phases[row] = (NecpPhase){.template_id = necp_int8(row, 1),
								  .phase = necp_int4(row, 2),
								  .hp_percent = necp_int4(row, 3),
								  .damage_percent = necp_int4(row, 4),
								  .area_damage = necp_int4(row, 5),
								  .area_m = (float) necp_float8(row, 6),
								  .area_every_ms = necp_int4(row, 7),
								  .telegraph_ms = necp_int4(row, 8),
								  .weak_ms = necp_int4(row, 9),
								  .weak_percent = necp_int4(row, 10)};
	*n = (int) rows;
	return phases;
}

static void
read_points(uint64 row, NecpMind *mind)
{
	bool isnull;
	ArrayType *array = DatumGetArrayTypeP(necp_datum(row, 19, &isnull));
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_HASNULL(array) || n < 3 || mind->walk_speed <= 0)
		return;
	mind->npoints = n / 3;
	mind->points = palloc(n * sizeof(float));
	memcpy(mind->points, ARR_DATA_PTR(array), n * sizeof(float));
}

static void
read_mind(uint64 row, NecpMind *mind)
{
	memset(mind, 0, sizeof(*mind));
	mind->npc_id = necp_int8(row, 1);
	mind->place_id = necp_int8(row, 2);
	mind->temper = (NecpTemper) necp_int4(row, 4);
	mind->level = necp_int4(row, 5);
	mind->attack = necp_int4(row, 6);
	mind->interval_ms = necp_int4(row, 7);
	mind->range = (float) necp_float8(row, 8);
	mind->walk_speed = (float) necp_float8(row, 9);
	mind->run_speed = (float) necp_float8(row, 10);
	mind->aggro_m = (float) necp_float8(row, 11);
	mind->assist_m = (float) necp_float8(row, 12);
	mind->leash_m = (float) necp_float8(row, 13);
	mind->enrage_us = necp_int4(row, 14) * USECS_PER_SEC;
	mind->home_x = mind->mood.x = (float) necp_float8(row, 15);
	mind->home_y = mind->mood.y = (float) necp_float8(row, 16);
	mind->home_z = mind->mood.z = (float) necp_float8(row, 17);
	mind->home_yaw = (float) necp_float8(row, 18);
	read_points(row, mind);
}

static int
by_place(const void *a, const void *b)
{
	const NecpMind *one = a;
	const NecpMind *other = b;

	if (one->place_id != other->place_id)
		return one->place_id < other->place_id ? -1 : 1;
	return one->npc_id < other->npc_id ? -1 : one->npc_id > other->npc_id;
}

/* What it was about before content was loaded, or, after a start of the worker, what memory says. */
static void
recall(NecpMind *mind, const NecpMind *former, int nformer)
{
	const NecpMind *same = bsearch(mind, former, nformer, sizeof(NecpMind), by_place);
	NecpEntity self;

	if (same != NULL)
	{
		mind->mood = same->mood;
		return;
	}
	if (!necp_world_read(-mind->npc_id, &self))
		return;
	mind->mood.life_id = self.life_id;
	mind->mood.mind = self.mind;
	mind->mood.x = self.state.x;
	mind->mood.y = self.state.y;
	mind->mood.z = self.state.z;
	mind->mood.anchor_x = mind->home_x;
	mind->mood.anchor_y = mind->home_y;
	mind->mood.anchor_z = mind->home_z;
}

static void
find_phases(NecpMind *mind, int64 template_id, const NecpPhase *phases, int n)
{
	for (int i = 0; i < n; i++)
		if (phases[i].template_id == template_id)
		{
			if (mind->nphases++ == 0)
				mind->phases = &phases[i];
		}
}

static void
gather_crowds(void)
{
	ncrowds = 0;
	crowds = palloc(Max(nminds, 1) * sizeof(Crowd));
	for (int i = 0; i < nminds; i++)
	{
		if (ncrowds == 0 || crowds[ncrowds - 1].place_id != minds[i].place_id)
			crowds[ncrowds++] = (Crowd){.place_id = minds[i].place_id, .first = &minds[i]};
		crowds[ncrowds - 1].end = &minds[i] + 1;
		/* whoever may be under way is looked at once */
		crowds[ncrowds - 1].restless += minds[i].mood.mind > NECP_MIND_PATROL;
	}
}

static void
load_minds(void *unused)
{
	MemoryContext former_context = mind_context;
	NecpMind *former = minds;
	int nformer = nminds;
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "necp minds", ALLOCSET_DEFAULT_SIZES);
	int nphases;
	NecpPhase *phases = load_phases(context, &nphases);
	uint64 rows = necp_run0(&all_minds);
	/* SPI leaves a memory context of its own behind, so this one is chosen after it */
	MemoryContext outer = MemoryContextSwitchTo(context);
	NecpMind *loaded = palloc(Max(rows, 1) * sizeof(NecpMind));

	for (uint64 row = 0; row < rows; row++)
	{
		read_mind(row, &loaded[row]);
		find_phases(&loaded[row], necp_int8(row, 3), phases, nphases);
		recall(&loaded[row], former, nformer);
	}
	minds = loaded;
	nminds = (int) rows;
	gather_crowds();
	MemoryContextSwitchTo(outer);
	mind_context = context;
	if (former_context != NULL)
		MemoryContextDelete(former_context);
}

/* Thinking ------------------------------------------------------------------------------------- */

/* A new life begins at home and knows nothing of the last one. */
static void
begin_life(NecpMind *mind, const NecpEntity *self)
{
	mind->mood = (NecpMood){.life_id = self->life_id,
							.mind = self->mind,
							.anchor_x = mind->home_x,
							.anchor_y = mind->home_y,
							.anchor_z = mind->home_z};
}

/* Those who think now, as they are in memory. */
static void
wake(NecpScene *scene, const Crowd *crowd)
{
	int room = (int) (crowd->end - crowd->first);
	NecpMind **awake = palloc(room * sizeof(NecpMind *));
	int64 *ids = palloc(room * sizeof(int64));
	NecpEntity *selves;
	int n = 0;

	for (NecpMind *mind = crowd->first; mind < crowd->end; mind++)
		if (mind->mood.mind > NECP_MIND_PATROL ||
			necp_sight_near(scene, mind->mood.x, mind->mood.y))
		{
			ids[n] = -mind->npc_id;
			awake[n++] = mind;
		}
	selves = palloc(Max(n, 1) * sizeof(NecpEntity));
	necp_world_look(scene->place_id, ids, n, selves);
	scene->awake = palloc(Max(n, 1) * sizeof(NecpAwake));
	scene->motions = palloc(Max(n, 1) * sizeof(NecpMotion));
	for (int i = 0; i < n; i++)
	{
		if (selves[i].state.id == 0)
			continue;
		if (awake[i]->mood.life_id != selves[i].life_id)
			begin_life(awake[i], &selves[i]);
		awake[i]->mood.x = selves[i].state.x;
		awake[i]->mood.y = selves[i].state.y;
		awake[i]->mood.z = selves[i].state.z;
		scene->awake[scene->nawake++] = (NecpAwake){awake[i], selves[i], -1};
	}
}

static float
distance_to(const NecpEntity *self, float x, float y, float z)
{
	NecpEntity there = {.state = {.x = x, .y = y, .z = z}};

	return necp_world_distance(self, &there);
}

static void
sense(const NecpScene *scene, const NecpAwake *npc, NecpSenses *senses)
{
	const NecpMind *mind = npc->mind;
	const NecpMood *mood = &mind->mood;
	bool fights = npc->self.combat_id != 0;
	const NecpFight *fight = fights ? necp_sight_fight(scene, npc->self.combat_id) : NULL;
	float away = distance_to(&npc->self, mood->anchor_x, mood->anchor_y, mood->anchor_z);

	*senses = (NecpSenses){.temper = mind->temper,
						   .dead = npc->self.state.activity == NECP_ACTIVITY_DEAD,
						   .fights = fights,
						   .patrols = mind->npoints > 0,
						   .since_us = scene->now - mood->since};
	senses->too_far = fights && mood->combat_id == npc->self.combat_id && away > mind->leash_m;
	senses->home = away <= HOME_M;
	if (fights)
		senses->afraid = necp_mind_morale(mood->fallen + fight->fallen,
										  fight->characters > fight->npcs,
										  fight->boss) < NECP_MORALE_FLEES;
}

/* Whom it would attack: for its own reasons, or to help. */
static int64
find_prey(const NecpScene *scene, const NecpAwake *npc, NecpSenses *senses)
{
	const NecpEntity *seen = NULL;
	const NecpAwake *ally;

	if (npc->mind->temper == NECP_PASSIVE || senses->fights || senses->dead ||
		npc->mind->mood.mind > NECP_MIND_ALERT)
		return 0;
	ally = necp_sight_ally(scene, &npc->self, npc->mind->assist_m);
	if (ally != NULL)
	{
		senses->called = true;
		return ally->mind->mood.target_id;
	}
	if (npc->mind->temper == NECP_AGGRESSIVE)
		seen = necp_sight_nearest(scene, &npc->self, npc->mind->aggro_m, 0);
	senses->sees = seen != NULL;
	return seen != NULL ? seen->state.id : 0;
}

static void
begin_fight(NecpScene *scene, NecpAwake *npc)
{
	NecpMood *mood = &npc->mind->mood;

	mood->combat_id = npc->self.combat_id;
	mood->fight_since = scene->now;
	mood->target_id = 0;
	mood->fallen = 0;
	mood->anchor_x = npc->self.state.x;
	mood->anchor_y = npc->self.state.y;
	mood->anchor_z = npc->self.state.z;
	necp_boss_begin(npc->mind, scene->now);
}

/* It becomes what it decided to be, as far as others let it. */
static void
become(NecpScene *scene, NecpAwake *npc, uint8 next, int64 prey_id)
{
	NecpMood *mood = &npc->mind->mood;
	bool fights = npc->self.combat_id != 0;

	if (next == NECP_MIND_COMBAT && !fights)
	{
		/* it fights from the moment when memory says so */
		mood->target_id = prey_id;
		(void) necp_act_provoke(npc, prey_id);
		next = NECP_MIND_ALERT;
	}
	if (next == NECP_MIND_RETURN && (fights || mood->mind != NECP_MIND_RETURN) &&
		!necp_act_withdraw(npc))
		next = mood->mind;
	if (next == NECP_MIND_COMBAT && mood->combat_id != npc->self.combat_id)
		begin_fight(scene, npc);
	if (next < NECP_MIND_COMBAT || next == NECP_MIND_DEAD || next == NECP_MIND_RETURN)
		mood->combat_id = 0;
	if (next == mood->mind)
		return;
	if (next == NECP_MIND_ALERT)
		mood->target_id = prey_id;
	mood->mind = next;
	mood->since = scene->now;
}

static void
think(NecpScene *scene, NecpAwake *npc)
{
	NecpMood *mood = &npc->mind->mood;
	NecpSenses senses;
	int64 prey_id;

	mood->since = Min(mood->since, scene->now); /* the clock may have been set back */
	sense(scene, npc, &senses);
	if (senses.fights)
		mood->fallen += necp_sight_fight(scene, npc->self.combat_id)->fallen;
	prey_id = find_prey(scene, npc, &senses);
	become(scene, npc, necp_mind_next(mood->mind, &senses), prey_id);
	necp_act(scene, npc);
}

/* Nobody is there to see it: who is under way is home. */
static void
send_home(Crowd *crowd)
{
	crowd->restless = 0;
	for (NecpMind *mind = crowd->first; mind < crowd->end; mind++)
	{
		NecpMotion motion = {-mind->npc_id,
							 mind->home_x,
							 mind->home_y,
							 mind->home_z,
							 mind->home_yaw,
							 0,
							 0,
							 NECP_MIND_IDLE};
		NecpEntity self;

		if (mind->mood.mind <= NECP_MIND_PATROL || !necp_world_read(-mind->npc_id, &self) ||
			self.state.activity == NECP_ACTIVITY_DEAD)
			continue;
		if (self.combat_id != 0)
		{
			crowd->restless++; /* its fight is about to end */
			continue;
		}
		if (mind->temper != NECP_PASSIVE)
		{
			necp_world_calm(self.state.id, self.life_id);
			necp_world_steer(crowd->place_id, &motion, 1);
		}
		begin_life(mind, &self);
		mind->mood.mind = NECP_MIND_IDLE;
		mind->mood.x = mind->home_x;
		mind->mood.y = mind->home_y;
		mind->mood.z = mind->home_z;
	}
}

static void
think_place(Crowd *crowd, TimestampTz now, float seconds)
{
	NecpScene scene = {.now = now, .seconds = seconds};
	NecpPlace place;

	if (!necp_world_place(crowd->place_id, &place))
		return;
	if (place.players == 0)
	{
		if (crowd->restless > 0)
			send_home(crowd);
		return;
	}
	necp_sight_open(&scene, &place);
	wake(&scene, crowd);
	necp_sight_fighters(&scene);
	for (int i = 0; i < scene.nawake; i++)
		think(&scene, &scene.awake[i]);
	if (scene.nmotions > 0)
		necp_world_steer(scene.place_id, scene.motions, scene.nmotions);
	crowd->restless = 0;
	for (int i = 0; i < scene.nawake; i++)
		crowd->restless += scene.awake[i].mind->mood.mind > NECP_MIND_PATROL;
}

static void
think_all(TimestampTz now)
{
	int64 elapsed = Min(Max(now - thought_at, 0), LONGEST_STEP_US);

	thought_at = now;
	for (int i = 0; i < ncrowds; i++)
		think_place(&crowds[i], now, (float) elapsed / (float) USECS_PER_SEC);
	necp_act_tell();
}

static const NecpWorldJob thinking = {
	.name = "npc_ai",
	.period_ms = THINK_MS,
	.load = load_minds,
	.step = think_all,
	.shed = true,
};

void
necp_npc_ai_init(void)
{
	necp_world_job(&thinking);
}
