/* SPDX-License-Identifier: PostgreSQL
 *
 * Live sessions in shared memory, for identity.c and for the room that rules their life. Other rooms
 * ask that room (auth/session.h).
 */
#ifndef NECP_KERNEL_PRESENCE_H
#define NECP_KERNEL_PRESENCE_H

#include "kernel/identity.h"

typedef enum NecpSessionStatus
{
	NECP_SESSION_CREATED,
	NECP_SESSION_ACTIVE,
	NECP_SESSION_IDLE,
	NECP_SESSION_AFK,
	NECP_SESSION_DISCONNECTED,
	NECP_SESSION_EXPIRED, /* on its way from there to the last one; in no row and not in memory */
	NECP_SESSION_CLOSED,  /* not in memory */
} NecpSessionStatus;

typedef struct NecpPresence
{
	NecpSession session;
	NecpSessionStatus status;
	TimestampTz since; /* in memory */
	TimestampTz last_action;
	TimestampTz last_seen;       /* a heart-beat, an action, or a plain read */
	TimestampTz disconnected_at; /* 0: is connected, or never was */
	TimestampTz warned_at;       /* last action before the last warning */
	char node[NAMEDATALEN];      /* realtime process, or empty */
} NecpPresence;

typedef enum NecpFound
{
	NECP_FOUND,
	NECP_NOT_CACHED, /* ask the table */
	NECP_OVER,       /* its time has run out */
} NecpFound;

/* Finds who acts, and notes that it does: by an action, or by what only shows that it is there. */
extern NecpFound necp_presence_find(const pg_uuid_t *id, bool action, NecpSession *session);
/* To be read before the table is. */
extern uint64 necp_presence_generation(const pg_uuid_t *id);
/*
 * Puts what was read into memory, unless something was invalidated since: who is not there comes as
 * given, with all times now; refresh: the session of who is there is replaced.
 */
extern void necp_presence_store(const NecpPresence *self, bool refresh, uint64 generation);

/* At commit: a session comes into memory, or one that is there gets this status, character, place. */
extern void necp_presence_open(const NecpPresence *self);
extern void necp_presence_set(const NecpPresence *self);

/* At once. */
extern void necp_session_seen(const pg_uuid_t *id);
extern void necp_session_acted(const pg_uuid_t *id, TimestampTz at);
extern void necp_presence_warned(const pg_uuid_t *id, TimestampTz at);
extern void necp_presence_forget(const pg_uuid_t *id);
extern void necp_presence_node(NecpPresence *self, const char *node);

/* What a session may last without this; enter() refuses one that lasted longer. */
typedef enum NecpPresenceLimit
{
	NECP_LIMIT_IDLE,   /* no action */
	NECP_LIMIT_SILENT, /* no sign of life */
	NECP_LIMIT_LOST,   /* disconnected */
	NECP_PRESENCE_LIMITS
} NecpPresenceLimit;
extern void necp_presence_limit(NecpPresenceLimit limit, int64 us);

extern bool necp_presence_read(const pg_uuid_t *id, NecpPresence *out);
/* Copies all, at most necp_max_sessions; returns how many. */
extern int necp_presence_copy(NecpPresence *out);

#endif
