/* SPDX-License-Identifier: PostgreSQL
 *
 * Mirror and interest management. Slots are stable while an entity is present, so a view is an
 * array over slots; a slot given to another entity is noticed by the id kept in View.known.
 *
 * Cost of a look: the entities of nine cells plus what the client knows.
 */
#include <math.h>
#include <stdlib.h>

#include "zone.h"

#define FIRST_CAPACITY 64u

static uint32_t
get_u32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t
get_u64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static float
get_f32(const uint8_t *p)
{
	float value;

	memcpy(&value, p, sizeof(value));
	return isfinite(value) ? value : 0.0f;
}

/* Cells go by floor, so that -1 m and 1 m are not neighbours in one cell. */
static int32_t
cell_of(float metres)
{
	float cell = floorf(metres / ZONE_CELL);

	if (cell > 1e9f)
		return 1000000000;
	return cell < -1e9f ? -1000000000 : (int32_t) cell;
}

void
necp_place_init(Place *place, int64_t id)
{
	*place = (Place){.id = id};
}

void
necp_place_free(Place *place)
{
	free(place->entities);
	free(place->bodies);
	free(place->free_list);
	free(place->index);
	free(place->spots);
	free(place->grid);
	necp_place_init(place, place->id);
}

static uint32_t
find_slot(const Place *place, int64_t id)
{
	uint32_t mask = place->index_size - 1;

	if (place->index_size == 0)
		return 0;
	for (uint32_t i = (uint32_t) necp_hash_int(id) & mask;; i = (i + 1) & mask)
	{
		uint32_t entry = place->index[i];

		if (entry == 0 || place->entities[entry - 1].id == id)
			return entry;
	}
}

const Entity *
necp_place_find(const Place *place, int64_t id)
{
	uint32_t entry = find_slot(place, id);

	return entry == 0 ? NULL : &place->entities[entry - 1];
}

static void
index_slot(Place *place, uint32_t slot)
{
	uint32_t mask = place->index_size - 1;
	uint32_t i = (uint32_t) necp_hash_int(place->entities[slot].id) & mask;

	while (place->index[i] != 0)
		i = (i + 1) & mask;
	place->index[i] = slot + 1;
}

/* Rebuilt after removals and growth: both are rare beside moves. */
static void
rebuild_index(Place *place)
{
	memset(place->index, 0, place->index_size * sizeof(*place->index));
	for (uint32_t slot = 0; slot < place->slots; slot++)
	{
		if (place->entities[slot].id != 0)
			index_slot(place, slot);
	}
}

static void
grow_place(Place *place)
{
	place->capacity = place->capacity == 0 ? FIRST_CAPACITY : place->capacity * 2;
	place->entities = necp_realloc(place->entities, place->capacity * sizeof(*place->entities));
	place->bodies = necp_realloc(place->bodies, place->capacity * sizeof(*place->bodies));
	place->spots = necp_realloc(place->spots, place->capacity * sizeof(*place->spots));
	place->free_list = necp_realloc(place->free_list, place->capacity * sizeof(*place->free_list));
	place->index_size = place->capacity * 4;
	place->index = necp_realloc(place->index, place->index_size * sizeof(*place->index));
	place->buckets = place->capacity;
	place->grid = necp_realloc(place->grid, (place->buckets + 1) * sizeof(*place->grid));
	rebuild_index(place);
}

static Entity *
add_entity(Place *place, int64_t id)
{
	uint32_t slot;

	if (place->free_slots > 0)
		slot = place->free_list[--place->free_slots];
	else
	{
		if (place->slots == place->capacity)
			grow_place(place);
		slot = place->slots++;
	}
	place->entities[slot] = (Entity){.id = id};
	place->bodies[slot].json_of = 0;
	place->present++;
	index_slot(place, slot);
	return &place->entities[slot];
}

/* The index is stale until it is rebuilt. */
static void
remove_slot(Place *place, uint32_t slot)
{
	place->entities[slot].id = 0;
	place->free_list[place->free_slots++] = slot;
	place->present--;
}

static void
encode_binary(const Entity *entity, EntityBody *body)
{
	uint16_t permille = 0;

	if (body->max_hp > 0 && body->hp > 0)
		permille =
			(uint16_t) (body->hp >= body->max_hp ? 1000
												 : 1 + (int64_t) body->hp * 999 / body->max_hp);
	memcpy(body->binary, &entity->id, 8);
	memcpy(body->binary + 8, body->record + 12, 24);
	memcpy(body->binary + 32, &permille, 2);
	body->binary[34] = entity->activity;
	body->binary[35] = body->flags;
}

static void
read_record(Entity *entity, EntityBody *body, const uint8_t *record)
{
	memcpy(body->record, record, ZONE_RECORD);
	entity->seq = get_u32(record + 8);
	entity->x = get_f32(record + 12);
	entity->y = get_f32(record + 16);
	body->z = get_f32(record + 20);
	body->yaw = get_f32(record + 24);
	body->vx = get_f32(record + 28);
	body->vy = get_f32(record + 32);
	body->hp = (int32_t) get_u32(record + 36);
	body->max_hp = (int32_t) get_u32(record + 40);
	entity->activity = record[45];
	body->flags = record[46];
	entity->cell_x = cell_of(entity->x);
	entity->cell_y = cell_of(entity->y);
	encode_binary(entity, body);
}

/* An unchanged record in a full answer is not news: after a reconnect nothing is sent twice. */
static void
apply_record(Place *place, const uint8_t *record)
{
	int64_t id = (int64_t) get_u64(record);
	uint32_t entry = find_slot(place, id);
	Entity *entity;
	EntityBody *body;

	if (id == 0)
		return;
	entity = entry != 0 ? &place->entities[entry - 1] : add_entity(place, id);
	body = &place->bodies[entity - place->entities];
	entity->touched = place->revision;
	if (entity->changed != 0 && memcmp(body->record, record, ZONE_RECORD) == 0)
		return;
	read_record(entity, body, record);
	entity->changed = place->revision;
}

/* A counting sort of those present by bucket; grid[bucket] ends up as the bucket's first spot. */
static void
rebuild_grid(Place *place)
{
	uint32_t sum = 0;

	if (place->buckets == 0)
		return;
	memset(place->grid, 0, (place->buckets + 1) * sizeof(*place->grid));
	for (uint32_t slot = 0; slot < place->slots; slot++)
	{
		const Entity *entity = &place->entities[slot];

		if (entity->id != 0)
			place->grid[necp_place_bucket(place, entity->cell_x, entity->cell_y)]++;
	}
	for (uint32_t bucket = 0; bucket <= place->buckets; bucket++)
	{
		sum += place->grid[bucket];
		place->grid[bucket] = sum;
	}
	for (uint32_t slot = 0; slot < place->slots; slot++)
	{
		const Entity *e = &place->entities[slot];

		if (e->id != 0)
			place->spots[--place->grid[necp_place_bucket(place, e->cell_x, e->cell_y)]] =
				(Spot){e->cell_x,
					   e->cell_y,
					   e->x,
					   e->y,
					   e->changed,
					   slot,
					   e->activity == ACTIVITY_COMBAT};
	}
}

void
necp_place_clear(Place *place)
{
	place->since = 0;
	for (uint32_t slot = 0; slot < place->slots; slot++)
	{
		if (place->entities[slot].id != 0)
			remove_slot(place, slot);
	}
	if (place->index_size > 0)
		rebuild_index(place);
	rebuild_grid(place);
}

static void
remove_named(Place *place, const PlaceAnswer *answer)
{
	for (uint32_t i = 0; i < answer->removed; i++)
	{
		uint32_t entry = find_slot(place, (int64_t) get_u64(answer->removed_ids + (size_t) i * 8));

		/* the index still names what an earlier line of this answer removed */
		if (entry != 0 && place->entities[entry - 1].id != 0)
		{
			remove_slot(place, entry - 1);
			rebuild_index(place);
		}
	}
}

static void
remove_untouched(Place *place)
{
	for (uint32_t slot = 0; slot < place->slots; slot++)
	{
		if (place->entities[slot].id != 0 && place->entities[slot].touched != place->revision)
			remove_slot(place, slot);
	}
	if (place->index_size > 0)
		rebuild_index(place);
}

void
necp_place_apply(Place *place, const PlaceAnswer *answer)
{
	if (answer->gone)
	{
		necp_place_clear(place);
		return;
	}
	place->revision++;
	place->since = answer->stamp;
	place->tick = answer->tick;
	remove_named(place, answer);
	for (uint32_t i = 0; i < answer->changed; i++)
		apply_record(place, answer->records + (size_t) i * ZONE_RECORD);
	if (answer->full)
		remove_untouched(place);
	rebuild_grid(place);
}

bool
necp_answer_head(const uint8_t **data, const uint8_t *end, uint32_t *places)
{
	uint16_t count;

	if (end - *data < 8 || get_u32(*data) != 1)
		return false;
	memcpy(&count, *data + 4, sizeof(count));
	*places = count;
	*data += 8;
	return true;
}

bool
necp_answer_place(const uint8_t **data, const uint8_t *end, PlaceAnswer *answer)
{
	const uint8_t *p = *data;
	uint64_t size;

	if (end - p < 32)
		return false;
	answer->place_id = (int64_t) get_u64(p);
	answer->stamp = get_u64(p + 8);
	answer->tick = get_u32(p + 16);
	answer->full = p[20] != 0;
	answer->gone = p[21] != 0;
	answer->changed = get_u32(p + 24);
	answer->removed = get_u32(p + 28);
	answer->records = p + 32;
	size = 32 + (uint64_t) answer->changed * ZONE_RECORD + (uint64_t) answer->removed * 8;
	if (size > (uint64_t) (end - p))
		return false;
	answer->removed_ids = answer->records + (size_t) answer->changed * ZONE_RECORD;
	*data = p + size;
	return true;
}
