/* SPDX-License-Identifier: PostgreSQL
 *
 * Chained hash map; doubles when there are more nodes than buckets.
 */
#include <stdlib.h>

#include "buf.h"
#include "map.h"

#define FIRST_SIZE 64

static void
insert(Map *map, MapNode *node)
{
	MapNode **bucket = &map->buckets[node->hash & (map->size - 1)];

	node->next = *bucket;
	*bucket = node;
}

static void
grow(Map *map)
{
	Map bigger = {NULL, map->size == 0 ? FIRST_SIZE : map->size * 2, map->count};

	bigger.buckets = necp_alloc_zero(bigger.size * sizeof(*bigger.buckets));
	for (size_t i = 0; i < map->size; i++)
	{
		for (MapNode *node = map->buckets[i], *next; node != NULL; node = next)
		{
			next = node->next;
			insert(&bigger, node);
		}
	}
	free(map->buckets);
	*map = bigger;
}

void
necp_map_add(Map *map, MapNode *node, uint64_t hash)
{
	if (map->count >= map->size)
		grow(map);
	node->hash = hash;
	insert(map, node);
	map->count++;
}

void
necp_map_remove(Map *map, MapNode *node)
{
	MapNode **link = &map->buckets[node->hash & (map->size - 1)];

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	map->count--;
}

static MapNode *
skip_others(MapNode *node, uint64_t hash)
{
	while (node != NULL && node->hash != hash)
		node = node->next;
	return node;
}

MapNode *
necp_map_first(const Map *map, uint64_t hash)
{
	return map->size == 0 ? NULL : skip_others(map->buckets[hash & (map->size - 1)], hash);
}

MapNode *
necp_map_next(const MapNode *node)
{
	return skip_others(node->next, node->hash);
}

void
necp_map_free(Map *map)
{
	free(map->buckets);
	*map = (Map){0};
}

/* FNV-1a, finished so that the low bits depend on all of it. */
uint64_t
necp_hash_bytes(const char *data, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) data[i]) * UINT64_C(0x100000001b3);
	return necp_hash_int((int64_t) hash);
}
