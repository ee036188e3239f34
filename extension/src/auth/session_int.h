/* SPDX-License-Identifier: PostgreSQL
 *
 * What the files of the session room share.
 */
#ifndef NECP_AUTH_SESSION_INT_H
#define NECP_AUTH_SESSION_INT_H

#include "auth/session.h"
#include "kernel/presence.h"

/* Locks a live session's row and fills live from it and from memory; false where it is closed. */
extern bool necp_session_take(const pg_uuid_t *id, NecpPresence *live);

/*
 * Brings a session that was taken to a state short of its end, on the node in live: row, memory,
 * hooks, event, push. lost: when it was disconnected, for that state only.
 */
extern void necp_session_change(NecpPresence *live, NecpSessionStatus to, TimestampTz lost);
/* From CREATED or DISCONNECTED to ACTIVE; other states stay, only an action ends them. */
extern void necp_session_show(NecpPresence *live);

/* A line of the session's history. */
extern void necp_session_note(const pg_uuid_t *id, const char *kind, const char *reason);

/* What becomes of a session by the clock (DOMAIN §4). */
typedef struct NecpVerdict
{
	NecpSessionStatus status;
	const char *reason;  /* of EXPIRED and CLOSED */
	TimestampTz lost;    /* of DISCONNECTED: since when */
	TimestampTz ends_at; /* if nothing happens */
} NecpVerdict;
extern NecpVerdict necp_session_judge(const NecpPresence *live, TimestampTz now);

/* {status, reason, expires_at} on /topic/player/{account_id}/session */
extern void necp_session_push(const NecpPresence *live, const char *status, const char *reason,
							  TimestampTz expires_at);

extern const char *necp_session_status_name(NecpSessionStatus status);
extern NecpSessionStatus necp_session_status(const char *name);

/* Raises the entry's last action to what the watchers saw; returns it. */
extern TimestampTz necp_session_last_action(const NecpPresence *live);

/* Closes a session, if it is live, and revokes its family; under its account's lock. */
extern void necp_session_revoke(const pg_uuid_t *id, const char *reason);

extern void necp_session_work_init(void);

#endif
