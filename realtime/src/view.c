/* SPDX-License-Identifier: PostgreSQL
 *
 * Interest management: what one client is told of its place (DOMAIN §13).
 */
#include <math.h>
#include <stdlib.h>

#include "zone.h"

/* The chosen ones so far, a heap with the least important on top. */
typedef struct Choice
{
	uint32_t count;
	float priority[ZONE_SIGHT_ENTITIES];
	uint32_t slot[ZONE_SIGHT_ENTITIES];
} Choice;

void
necp_view_free(View *view)
{
	free(view->seen);
	free(view->known);
	*view = (View){0};
}

void
necp_view_reset(View *view)
{
	if (view->capacity > 0)
		memset(view->seen, 0, view->capacity * sizeof(*view->seen));
	view->count = 0;
}

static void
fit_view(View *view, const Place *place)
{
	if (view->capacity >= place->capacity)
		return;
	view->seen = necp_realloc(view->seen, place->capacity * sizeof(*view->seen));
	memset(view->seen + view->capacity,
		   0,
		   (place->capacity - view->capacity) * sizeof(*view->seen));
	view->capacity = place->capacity;
}

static bool
is_near(const Entity *entity, int32_t cell_x, int32_t cell_y)
{
	return entity->cell_x - cell_x <= 1 && cell_x - entity->cell_x <= 1 &&
		   entity->cell_y - cell_y <= 1 && cell_y - entity->cell_y <= 1;
}

/*
 * In the order of DOMAIN §13: combat 100, else 100 - distance; as the negative square of the
 * distance, which orders alike. Party members (50, so as if 50 m away) join here once membership
 * is known to this server.
 */
static float
priority_of(const Entity *entity, const Entity *own)
{
	float dx = entity->x - own->x;
	float dy = entity->y - own->y;

	if (entity == own)
		return INFINITY;
	return entity->activity == ACTIVITY_COMBAT ? 0.0f : -(dx * dx + dy * dy);
}

static void
sift_down(Choice *choice)
{
	uint32_t i = 0;

	for (;;)
	{
		uint32_t least = i;
		float priority;
		uint32_t slot;

		for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < choice->count; child++)
		{
			if (choice->priority[child] < choice->priority[least])
				least = child;
		}
		if (least == i)
			return;
		priority = choice->priority[i];
		slot = choice->slot[i];
		choice->priority[i] = choice->priority[least];
		choice->slot[i] = choice->slot[least];
		choice->priority[least] = priority;
		choice->slot[least] = slot;
		i = least;
	}
}

static void
sift_up(Choice *choice, float priority, uint32_t slot)
{
	uint32_t i = choice->count++;

	while (i > 0 && choice->priority[(i - 1) / 2] > priority)
	{
		choice->priority[i] = choice->priority[(i - 1) / 2];
		choice->slot[i] = choice->slot[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	choice->priority[i] = priority;
	choice->slot[i] = slot;
}

static void
offer(Choice *choice, float priority, uint32_t slot)
{
	if (choice->count < ZONE_SIGHT_ENTITIES)
		sift_up(choice, priority, slot);
	else if (priority > choice->priority[0])
	{
		choice->priority[0] = priority;
		choice->slot[0] = slot;
		sift_down(choice);
	}
}

static void
offer_cell(Choice *choice, const View *view, const Place *place, const Entity *own, int32_t cell_x,
		   int32_t cell_y)
{
	uint32_t entry = place->grid[necp_place_bucket(place, cell_x, cell_y)];

	while (entry != 0)
	{
		const Entity *entity = &place->entities[entry - 1];

		if (entity->changed > view->seen[entry - 1] && entity->cell_x == cell_x &&
			entity->cell_y == cell_y)
			offer(choice, priority_of(entity, own), entry - 1);
		entry = entity->cell_next;
	}
}

static void
add_gone(Sight *sight, int64_t id)
{
	if (sight->gone == sight->gone_capacity)
	{
		sight->gone_capacity = sight->gone_capacity == 0 ? 64 : sight->gone_capacity * 2;
		sight->gone_ids =
			necp_realloc(sight->gone_ids, sight->gone_capacity * sizeof(*sight->gone_ids));
	}
	sight->gone_ids[sight->gone++] = id;
}

/* Drops what is out of sight from what the client knows. own NULL: it is nowhere, all goes. */
static void
drop_gone(View *view, const Place *place, const Entity *own, Sight *sight)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < view->count; i++)
	{
		Known known = view->known[i];
		const Entity *entity = &place->entities[known.slot];
		const Entity *moved;

		if (entity->id == known.id && own != NULL && is_near(entity, own->cell_x, own->cell_y))
		{
			view->known[kept++] = known;
			continue;
		}
		view->seen[known.slot] = 0;
		/* gone and back in another slot: it comes as a new one, in this frame or a later one */
		moved = entity->id == known.id ? NULL : necp_place_find(place, known.id);
		if (moved == NULL || own == NULL || !is_near(moved, own->cell_x, own->cell_y))
			add_gone(sight, known.id);
	}
	view->count = kept;
}

static void
remember(View *view, int64_t id, uint32_t slot)
{
	if (view->count == view->known_capacity)
	{
		view->known_capacity = view->known_capacity == 0 ? 64 : view->known_capacity * 2;
		view->known = necp_realloc(view->known, view->known_capacity * sizeof(*view->known));
	}
	view->known[view->count++] = (Known){id, slot};
}

/* Empties the heap from its least important end, so that the slots come out in order. */
static void
take_choice(Choice *choice, View *view, const Place *place, Sight *sight)
{
	sight->entities = choice->count;
	while (choice->count > 0)
	{
		uint32_t slot = choice->slot[0];

		if (view->seen[slot] == 0)
			remember(view, place->entities[slot].id, slot);
		view->seen[slot] = place->revision;
		sight->slots[--choice->count] = slot;
		choice->priority[0] = choice->priority[choice->count];
		choice->slot[0] = choice->slot[choice->count];
		sift_down(choice);
	}
}

void
necp_view_look(View *view, const Place *place, int64_t own_id, Sight *sight)
{
	const Entity *own = necp_place_find(place, own_id);
	Choice choice = {0};

	sight->entities = 0;
	sight->gone = 0;
	fit_view(view, place);
	drop_gone(view, place, own, sight);
	if (own == NULL)
		return;
	for (int32_t y = own->cell_y - 1; y <= own->cell_y + 1; y++)
	{
		for (int32_t x = own->cell_x - 1; x <= own->cell_x + 1; x++)
			offer_cell(&choice, view, place, own, x, y);
	}
	take_choice(&choice, view, place, sight);
}
