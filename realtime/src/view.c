/* SPDX-License-Identifier: PostgreSQL
 *
 * Interest management: what one client is told of its place (DOMAIN §13).
 */
#include <math.h>
#include <stdlib.h>

#include "zone.h"

/* The chosen ones so far; once there are too many, a heap with the least important on top. */
typedef struct Choice
{
	uint32_t count;
	bool is_heap;
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
priority_of(const Spot *spot, const Entity *own, uint32_t own_slot)
{
	float dx = spot->x - own->x;
	float dy = spot->y - own->y;

	if (spot->slot == own_slot)
		return INFINITY;
	return spot->fights ? 0.0f : -(dx * dx + dy * dy);
}

static void
sift_down(Choice *choice, uint32_t i)
{
	float priority = choice->priority[i];
	uint32_t slot = choice->slot[i];

	for (;;)
	{
		uint32_t child = 2 * i + 1;

		if (child >= choice->count)
			break;
		if (child + 1 < choice->count && choice->priority[child + 1] < choice->priority[child])
			child++;
		if (priority <= choice->priority[child])
			break;
		choice->priority[i] = choice->priority[child];
		choice->slot[i] = choice->slot[child];
		i = child;
	}
	choice->priority[i] = priority;
	choice->slot[i] = slot;
}

static void
replace_least(Choice *choice, float priority, uint32_t slot)
{
	if (!choice->is_heap)
	{
		for (uint32_t i = choice->count / 2; i-- > 0;)
			sift_down(choice, i);
		choice->is_heap = true;
	}
	if (priority <= choice->priority[0])
		return;
	choice->priority[0] = priority;
	choice->slot[0] = slot;
	sift_down(choice, 0);
}

static void
offer(Choice *choice, float priority, uint32_t slot)
{
	if (choice->count == ZONE_SIGHT_ENTITIES)
	{
		replace_least(choice, priority, slot);
		return;
	}
	choice->priority[choice->count] = priority;
	choice->slot[choice->count++] = slot;
}

static void
offer_cell(Choice *choice, const View *view, const Place *place, const Entity *own, int32_t cell_x,
		   int32_t cell_y)
{
	uint32_t bucket = necp_place_bucket(place, cell_x, cell_y);
	uint32_t own_slot = (uint32_t) (own - place->entities);

	/* a bucket may hold other cells too */
	for (uint32_t i = place->grid[bucket]; i < place->grid[bucket + 1]; i++)
	{
		const Spot *spot = &place->spots[i];

		if (spot->changed > view->seen[spot->slot] && spot->cell_x == cell_x &&
			spot->cell_y == cell_y)
			offer(choice, priority_of(spot, own, own_slot), spot->slot);
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

static void
take_choice(const Choice *choice, View *view, const Place *place, const Entity *own, Sight *sight)
{
	sight->entities = choice->count;
	for (uint32_t i = 0; i < choice->count; i++)
	{
		uint32_t slot = choice->slot[i];

		if (view->seen[slot] == 0)
			remember(view, place->entities[slot].id, slot);
		view->seen[slot] = place->revision;
		sight->slots[i] = slot;
		if (&place->entities[slot] == own)
		{
			sight->slots[i] = sight->slots[0];
			sight->slots[0] = slot;
		}
	}
}

void
necp_view_look(View *view, const Place *place, int64_t own_id, Sight *sight)
{
	const Entity *own = necp_place_find(place, own_id);
	Choice choice;

	choice.count = 0;
	choice.is_heap = false;
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
	take_choice(&choice, view, place, own, sight);
}
