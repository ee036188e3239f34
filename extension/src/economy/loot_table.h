/* SPDX-License-Identifier: PostgreSQL
 *
 * What a kill or a container leaves, by a loot table (DOMAIN §7).
 */
#ifndef NECP_ECONOMY_LOOT_TABLE_H
#define NECP_ECONOMY_LOOT_TABLE_H

#include "postgres.h"

#define NECP_LOOT_STACKS 20
#define NECP_PLAIN_LUCK 10.0 /* LUCK without perks and gear */

/* For whom and where. */
typedef struct NecpLootContext
{
	int64 character_id; /* 0: nobody; then no pity, and conditions about a character do not hold */
	int64 place_id;
	double luck; /* LUCK */
} NecpLootContext;

typedef struct NecpLootStack
{
	int32 template_id;
	int32 quantity;   /* no more than a stack holds */
	const char *born; /* how it is bound: NONE, CHARACTER or ACCOUNT */
} NecpLootStack;

typedef struct NecpLoot
{
	int64 credits;
	int nstacks;
	NecpLootStack stacks[NECP_LOOT_STACKS];
} NecpLoot;

/*
 * Rolls a table for an eligible kill and counts its pity; false where there is no such table. Reads no
 * table but loot_pity, unless an entry asks about the character or a LEGENDARY comes. Locks the
 * character's row of loot_pity, after the death and before the drop. Inside SPI.
 */
extern bool necp_loot_roll(const char *code, const NecpLootContext *context, NecpLoot *loot);

#endif
