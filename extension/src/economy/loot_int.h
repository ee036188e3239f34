/* SPDX-License-Identifier: PostgreSQL
 *
 * Drops, for the files that lay them, empty them and roll for what is in them.
 */
#ifndef NECP_ECONOMY_LOOT_INT_H
#define NECP_ECONOMY_LOOT_INT_H

#include "postgres.h"

#include "economy/inventory.h"
#include "economy/loot_table.h"
#include "gameplay/npc.h"

#include "utils/timestamp.h"

typedef struct NecpDrop
{
	int64 id;
	int64 container_id;
	int64 place_id;
	int64 credits;
	float x, y, z;
	bool of_nobody; /* free for all: it has no set of eligible */
	bool boss;
	int64 party_id;  /* 0: none */
	int64 master_id; /* 0: none */
	TimestampTz assign_until;
	TimestampTz expires_at;
	const char *status;
} NecpDrop;

/* Locks a drop; false where there is none. The drop is the first thing that a command locks. */
extern bool necp_drop_lock(int64 drop_id, NecpDrop *drop);
extern bool necp_drop_is_eligible(int64 drop_id, int64 character_id);
/* LOOTED where nothing is left of it. */
extern void necp_drop_close(const NecpDrop *drop);
/*
 * Somebody has come to an item of a drop, whole or in part: history, ITEM_PICKED_UP, and the time
 * in which a boss's bound item may be passed on.
 */
extern void necp_drop_taken(const NecpDrop *drop, int64 character_id, const NecpItem *item,
							const NecpTemplate *template, int32 quantity, const char *method);
/* A claim on an item: OWNED by somebody, ROLL or MASTER (then owner_id is 0). */
extern void necp_drop_claim(int64 drop_id, int64 item_id, const char *claim, int64 owner_id);
extern void necp_drop_unclaim(int64 item_id);

/* What falls: stacks, some of which are one character's alone. */
typedef struct NecpPile
{
	NecpLootStack stack;
	int64 owner_id; /* 0: whoever is eligible */
} NecpPile;

typedef struct NecpFall
{
	const char *source; /* NPC, CONTAINER */
	int64 source_id;
	int64 source_life;
	int64 place_id;
	float x, y, z;
	bool boss;
	int64 boss_id; /* template, for the lockout; 0: none */
	NecpEarners earners;
	int64 finder_id; /* whose luck counts */
	const char *table;
	const char *own_table; /* rolled for each of them, or NULL */
} NecpFall;

/* Rolls the tables and lays the drop; returns its id, 0 where nothing falls. */
extern int64 necp_drop_fall(NecpFall *fall);

/* Starts the dice for an item of a drop that is locked or new. */
extern void necp_loot_roll_start(int64 drop_id, int64 party_id, int64 item_id,
								 const NecpTemplate *template, int32 quantity);
/* For the room's own files. */
extern void necp_drop_init(void);
extern void necp_loot_history_init(void);

/* From 0, COMMON, to 5, UNIQUE. */
extern int necp_rarity_rank(const char *rarity);

#endif
