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

#endif
