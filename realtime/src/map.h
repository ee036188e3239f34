/* SPDX-License-Identifier: PostgreSQL
 *
 * A chained hash map over nodes that live inside the mapped structs; equal keys are allowed.
 */
#ifndef NECP_MAP_H
#define NECP_MAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct MapNode
{
	struct MapNode *next;
	uint64_t hash;
} MapNode;

typedef struct Map
{
	MapNode **buckets;
	size_t size; /* a power of two, 0 before the first entry */
	size_t count;
} Map;

#define MAP_ENTRY(node, type, member) ((type *) (void *) ((char *) (node) -offsetof(type, member)))

void necp_map_add(Map *map, MapNode *node, uint64_t hash);
void necp_map_remove(Map *map, MapNode *node);
/* The first node with this hash, then the one after node; NULL at the end. */
MapNode *necp_map_first(const Map *map, uint64_t hash);
MapNode *necp_map_next(const MapNode *node);
void necp_map_free(Map *map);

uint64_t necp_hash_bytes(const char *data, size_t length);

/* splitmix64's finisher */
static inline uint64_t
necp_hash_int(int64_t value)
{
	uint64_t x = (uint64_t) value + UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

#endif
