/* SPDX-License-Identifier: PostgreSQL
 *
 * What NPCs of a place see in a tick: characters and fighters, found by cells of 100 m, so that one
 * that looks around looks at its own neighbourhood and not at the whole zone.
 */
#include "postgres.h"

#include "gameplay/npc_ai.h"

#include <math.h>

#include "port/pg_bitutils.h"

#define CELL_M 100.0f
#define MOST_CELLS 256 /* along a side; cells of huge places are larger */
#define NOBODY (-1)

static int
cell_along(float at, float min, float max, int n)
{
	int cell = (int) ((at - min) / (max - min) * (float) n);

	return Min(Max(cell, 0), n - 1);
}

static int
column_of(const NecpScene *scene, float x)
{
	return cell_along(x, scene->bounds.min_x, scene->bounds.max_x, scene->columns);
}

static int
row_of(const NecpScene *scene, float y)
{
	return cell_along(y, scene->bounds.min_y, scene->bounds.max_y, scene->rows);
}

static int
cell_of(const NecpScene *scene, float x, float y)
{
	return row_of(scene, y) * scene->columns + column_of(scene, x);
}

static int
cells_along(float min, float max)
{
	return Min(Max((int) ceilf((max - min) / CELL_M), 1), MOST_CELLS);
}

static int *
empty_chains(int n)
{
	int *chains = palloc(n * sizeof(int));

	memset(chains, 0xff, n * sizeof(int)); /* NOBODY */
	return chains;
}

static int
by_id(const void *a, const void *b)
{
	int64 one = ((const NecpEntity *) a)->state.id;
	int64 other = ((const NecpEntity *) b)->state.id;

	return one < other ? -1 : one > other;
}

void
necp_sight_open(NecpScene *scene, const NecpPlace *place)
{
	int cells;

	scene->place_id = place->id;
	scene->bounds = place->bounds;
	scene->columns = cells_along(place->bounds.min_x, place->bounds.max_x);
	scene->rows = cells_along(place->bounds.min_y, place->bounds.max_y);
	cells = scene->columns * scene->rows;
	scene->ncharacters = necp_world_list(place->id, NECP_ENTITY_CHARACTER, &scene->characters);
	qsort(scene->characters, scene->ncharacters, sizeof(NecpEntity), by_id);
	scene->first_character = empty_chains(cells);
	scene->first_fighter = empty_chains(cells);
	scene->next_character = palloc(Max(scene->ncharacters, 1) * sizeof(int));
	for (int i = 0; i < scene->ncharacters; i++)
	{
		const NecpEntityState *state = &scene->characters[i].state;
		int *first = &scene->first_character[cell_of(scene, state->x, state->y)];

		scene->next_character[i] = *first;
		*first = i;
	}
}

bool
necp_sight_near(const NecpScene *scene, float x, float y)
{
	int column = column_of(scene, x);
	int row = row_of(scene, y);

	for (int r = Max(row - 1, 0); r <= Min(row + 1, scene->rows - 1); r++)
		for (int c = Max(column - 1, 0); c <= Min(column + 1, scene->columns - 1); c++)
			if (scene->first_character[r * scene->columns + c] != NOBODY)
				return true;
	return false;
}

NecpFight *
necp_sight_fight(const NecpScene *scene, int64 combat_id)
{
	uint32 i = (uint32) ((uint64) combat_id * UINT64CONST(0x9E3779B97F4A7C15) >> 32);

	while (scene->fights[i & scene->fight_mask].combat_id != 0 &&
		   scene->fights[i & scene->fight_mask].combat_id != combat_id)
		i++;
	scene->fights[i & scene->fight_mask].combat_id = combat_id;
	return &scene->fights[i & scene->fight_mask];
}

/* Who fights with whom; twice as much room as there can be fights. */
void
necp_sight_fighters(NecpScene *scene)
{
	uint32 room = pg_nextpower2_32((uint32) (scene->nawake + scene->ncharacters + 1) * 2);

	scene->fights = palloc0(room * sizeof(NecpFight));
	scene->fight_mask = room - 1;
	for (int i = 0; i < scene->ncharacters; i++)
		if (scene->characters[i].combat_id != 0)
			necp_sight_fight(scene, scene->characters[i].combat_id)->characters++;
	for (int i = 0; i < scene->nawake; i++)
	{
		NecpAwake *npc = &scene->awake[i];
		bool dead = npc->self.state.activity == NECP_ACTIVITY_DEAD;
		NecpFight *fight;
		int *first;

		if (dead && npc->mind->mood.mind != NECP_MIND_DEAD && npc->mind->mood.combat_id != 0)
			necp_sight_fight(scene, npc->mind->mood.combat_id)->fallen++;
		if (dead || npc->self.combat_id == 0)
			continue;
		fight = necp_sight_fight(scene, npc->self.combat_id);
		fight->npcs++;
		fight->boss |= npc->self.tier >= NECP_BOSS_TIER;
		first = &scene->first_fighter[cell_of(scene, npc->self.state.x, npc->self.state.y)];
		npc->next = *first;
		*first = i;
	}
}

NecpEntity *
necp_sight_character(const NecpScene *scene, int64 character_id)
{
	NecpEntity key = {.state = {.id = character_id}};

	return bsearch(&key, scene->characters, scene->ncharacters, sizeof(NecpEntity), by_id);
}

static bool
is_prey(const NecpEntity *character, int64 combat_id)
{
	return character->state.activity != NECP_ACTIVITY_DEAD && character->state.hp > 0 &&
		   (combat_id == 0 || character->combat_id == combat_id);
}

const NecpEntity *
necp_sight_nearest(const NecpScene *scene, const NecpEntity *from, float most, int64 combat_id)
{
	const NecpEntity *nearest = NULL;
	float x = from->state.x;
	float y = from->state.y;

	for (int r = row_of(scene, y - most); r <= row_of(scene, y + most); r++)
		for (int c = column_of(scene, x - most); c <= column_of(scene, x + most); c++)
			for (int i = scene->first_character[r * scene->columns + c]; i != NOBODY;
				 i = scene->next_character[i])
			{
				float distance = necp_world_distance(from, &scene->characters[i]);

				if (distance > most || !is_prey(&scene->characters[i], combat_id))
					continue;
				nearest = &scene->characters[i];
				most = distance;
			}
	return nearest;
}

const NecpAwake *
necp_sight_ally(const NecpScene *scene, const NecpEntity *from, float most)
{
	float x = from->state.x;
	float y = from->state.y;

	for (int r = row_of(scene, y - most); r <= row_of(scene, y + most); r++)
		for (int c = column_of(scene, x - most); c <= column_of(scene, x + most); c++)
			for (int i = scene->first_fighter[r * scene->columns + c]; i != NOBODY;
				 i = scene->awake[i].next)
				if (scene->awake[i].mind->mood.target_id != 0 &&
					necp_world_distance(from, &scene->awake[i].self) <= most)
					return &scene->awake[i];
	return NULL;
}
