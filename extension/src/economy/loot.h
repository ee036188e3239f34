/* SPDX-License-Identifier: PostgreSQL
 *
 * Loot, for the rooms that react to it.
 */
#ifndef NECP_ECONOMY_LOOT_H
#define NECP_ECONOMY_LOOT_H

#include "postgres.h"

/* Detail of ITEM_PICKED_UP. */
typedef struct NecpPickedUp
{
	int64 character_id;
	int64 item_id;
	int32 template_id;
	int32 quantity;
	const char *code;
	const char *name;
	const char *type;   /* WEAPON, … */
	const char *rarity; /* COMMON, … */
} NecpPickedUp;

struct NecpEntity;
/*
 * Lays an empty free-for-all drop with so many slots at somebody's feet, for what it puts in there in
 * the same transaction; returns its id, and that of its container.
 */
extern int64 necp_loot_lay(const struct NecpEntity *where, int32 slots, int64 *container_id);

/*
 * May a bound item still go to that character: a boss left it among both, not long ago, and it was
 * never worn? For the rooms in which items change hands.
 */
extern bool necp_loot_may_pass(int64 item_id, int64 character_id);

#endif
