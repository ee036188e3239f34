/* SPDX-License-Identifier: PostgreSQL
 *
 * Parties, for the rooms that build on them (DOMAIN §17). Lock order: session, character,
 * party (several: ascending id), then what belongs to a match, a roll or a quest of the party.
 */
#ifndef NECP_SOCIAL_PARTY_H
#define NECP_SOCIAL_PARTY_H

#include "postgres.h"

#include "utils/timestamp.h"

#define NECP_PARTY_MOST 25 /* one push tells them all */

typedef enum NecpPartyPresence
{
	NECP_PARTY_ONLINE,
	NECP_PARTY_AFK,
	NECP_PARTY_OFFLINE, /* not played, or its connection is lost */
} NecpPartyPresence;

typedef struct NecpPartyMember
{
	int64 character_id;
	const char *role; /* TANK, HEALER, DPS, SUPPORT */
	bool assistant;
	NecpPartyPresence presence;
	TimestampTz joined_at; /* the longest present has the lowest; of equals, the lower id */
	TimestampTz leaves_at; /* when it is out unless it comes back; 0: it is there */
	int64 place_id;        /* 0: nowhere */
	int ready;             /* last ready check: 1 yes, 0 no, -1 no answer */
	int16 seat;
} NecpPartyMember;

typedef struct NecpParty
{
	int64 id;
	int64 leader_id;
	int32 capacity;
	bool raid;
	const char *loot_mode;      /* FREE_FOR_ALL, PERSONAL, NEED_GREED, MASTER_LOOTER */
	const char *loot_threshold; /* a rarity: below it nobody rolls */
	int64 master_looter_id;     /* 0: the leader */
	const char *frozen;         /* why nobody comes or goes, or NULL */
	bool ready_open;            /* a ready check runs */
	TimestampTz ready_until;    /* end of the last one; 0: there was none */
	TimestampTz created_at;
	int64 version;
	bool disbanded; /* since it was read, by what runs now */
	int nmembers;
	NecpPartyMember members[NECP_PARTY_MOST]; /* ascending character id */
} NecpParty;

/* The party of a character, 0: none. A member whose time to come back has run out is in none. */
extern int64 necp_party_of(int64 character_id);
extern bool necp_party_has(int64 party_id, int64 character_id);
/* Reads an active party; false where there is none. lock: FOR NO KEY UPDATE, first. */
extern bool necp_party_read(int64 party_id, bool lock, NecpParty *party);
extern NecpPartyMember *necp_party_member(NecpParty *party, int64 character_id);
/* Has everybody said to be ready, in the last ready check and since? */
extern bool necp_party_is_ready(const NecpParty *party);
/* "/topic/party/7/loot" for 7 and "loot": members may listen to it, and stop when they leave. */
extern char *necp_party_topic(int64 party_id, const char *name);

/*
 * While it is frozen nobody joins, leaves, is kicked or left behind, and it is not disbanded: FROZEN.
 * Fails as FROZEN where it is frozen already, as NOT_FOUND where it is not there; locks the party.
 * Unfreezing one that is not frozen, or gone, does nothing.
 */
extern void necp_party_freeze(int64 party_id, const char *reason);
extern void necp_party_unfreeze(int64 party_id);

/* Detail of PLAYER_JOINED_PARTY and PLAYER_LEFT_PARTY: those who follow subscribe to these. */
typedef struct NecpPartyChange
{
	int64 party_id;
	int64 character_id;
	bool joined;
	const char *reason; /* CREATED, ACCEPTED; LEFT, KICKED, AWAY, DELETED, DISBANDED */
} NecpPartyChange;

/*
 * Rooms that refuse what a player wants, by raising, from init functions: coming, leaving, kicking,
 * disbanding (asked for each member). The party is locked. What the clock does is not asked about.
 */
extern void necp_party_on_request(void (*check)(const NecpPartyChange *change));

#endif
