/* SPDX-License-Identifier: PostgreSQL
 *
 * Mirror of the places (zones, instances) that have clients here, and interest management: what of
 * a place a client is told (DOMAIN §13). No input or output in this module.
 */
#ifndef NECP_ZONE_H
#define NECP_ZONE_H

#include "buf.h"
#include "map.h"

#define ZONE_CELL 100.0f
#define ZONE_SIGHT_ENTITIES 50
#define ZONE_RECORD 48 /* an entity in an answer of world_exchange */
#define ZONE_INPUT 28  /* an input in a request */
#define ZONE_BINARY 36 /* an entity in a binary position frame */
#define ZONE_JSON 224  /* at most, of an entity in a JSON position frame */

typedef enum Activity
{
	ACTIVITY_IDLE,
	ACTIVITY_MOVING,
	ACTIVITY_COMBAT,
	ACTIVITY_AFK,
	ACTIVITY_DEAD
} Activity;

/* What every look reads of an entity; the rest is apart, so that this stays in the cache. */
typedef struct Entity
{
	int64_t id;       /* 0: the slot is free */
	uint32_t changed; /* the place's revision that brought its last change */
	uint32_t touched; /* the last revision that named it, for full answers */
	int32_t cell_x, cell_y;
	float x, y;
	uint32_t seq;
	uint8_t activity;
} Entity;

/* What frames are made of. */
typedef struct EntityBody
{
	float z, yaw, vx, vy;
	int32_t hp, max_hp;
	uint8_t flags;
	uint32_t json_of; /* the revision json was made of, 0: none */
	uint32_t json_length;
	uint8_t record[ZONE_RECORD];
	uint8_t binary[ZONE_BINARY];
	char json[ZONE_JSON];
} EntityBody;

/* An entity in the order of the cells, for looks. */
typedef struct Spot
{
	int32_t cell_x, cell_y;
	float x, y;
	uint32_t changed;
	uint32_t slot;
	bool fights;
} Spot;

typedef struct Place
{
	MapNode node; /* for the owner of the place */
	int64_t id;
	uint64_t since; /* stamp of the last answer */
	uint32_t tick;
	uint32_t revision; /* rises with every answer, from 1 */
	uint32_t slots;    /* in use, holes included */
	uint32_t capacity;
	uint32_t free_slots;
	uint32_t present;
	Entity *entities;
	EntityBody *bodies; /* by slot too */
	uint32_t *free_list;
	uint32_t *index; /* id to slot + 1, open addressing */
	uint32_t index_size;
	Spot *spots;    /* those present, by bucket */
	uint32_t *grid; /* bucket to its first spot; one more entry than buckets */
	uint32_t buckets;
} Place;

typedef struct Known
{
	int64_t id;
	uint32_t slot;
} Known;

/* What one client was told of its place. */
typedef struct View
{
	uint32_t *seen; /* by slot: the revision it was sent, 0: unknown */
	uint32_t capacity;
	Known *known;
	uint32_t count;
	uint32_t known_capacity;
} View;

/* One frame's worth, oneself first; gone_ids is the caller's to free. */
typedef struct Sight
{
	uint32_t entities;
	uint32_t gone;
	uint32_t slots[ZONE_SIGHT_ENTITIES];
	int64_t *gone_ids;
	uint32_t gone_capacity;
} Sight;

static inline uint32_t
necp_place_bucket(const Place *place, int32_t cell_x, int32_t cell_y)
{
	uint32_t hash = (uint32_t) cell_x * 73856093u ^ (uint32_t) cell_y * 19349663u;

	return (hash ^ (hash >> 15)) & (place->buckets - 1);
}

void necp_place_init(Place *place, int64_t id);
void necp_place_free(Place *place);
/* Forgets its entities; the next exchange asks for all. */
void necp_place_clear(Place *place);
const Entity *necp_place_find(const Place *place, int64_t id);

/* The place's part of an answer; records are not aligned. Removed comes as i64s. */
typedef struct PlaceAnswer
{
	int64_t place_id;
	uint64_t stamp;
	uint32_t tick;
	bool full;
	bool gone;
	uint32_t changed;
	uint32_t removed;
	const uint8_t *records;
	const uint8_t *removed_ids;
} PlaceAnswer;

/* Reads the head of an answer: the number of places, and *data behind it. */
bool necp_answer_head(const uint8_t **data, const uint8_t *end, uint32_t *places);
bool necp_answer_place(const uint8_t **data, const uint8_t *end, PlaceAnswer *answer);
void necp_place_apply(Place *place, const PlaceAnswer *answer);

void necp_view_free(View *view);
/* Forgets everything without a word: the client changes place or subscribes anew. */
void necp_view_reset(View *view);
/*
 * Chooses what the client that plays own is told now and takes it as told. Entities of its own and
 * the eight cells around that changed since, the most important first; what left sight is gone.
 */
void necp_view_look(View *view, const Place *place, int64_t own, Sight *sight);

#endif
