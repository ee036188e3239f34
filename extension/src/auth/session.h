/* SPDX-License-Identifier: PostgreSQL
 *
 * Sessions, for the rooms that join their life.
 */
#ifndef NECP_AUTH_SESSION_H
#define NECP_AUTH_SESSION_H

#include "kernel/identity.h"

/* Locks a live session's row; UNAUTHENTICATED where it has ended. */
extern void necp_session_lock(const pg_uuid_t *session);

/* The session plays a character (0: none) in a place (0: nowhere); realtime learns it at commit. */
extern void necp_session_play(const pg_uuid_t *session, int64 character_id, int64 place_id);

/* Runs in the transaction that closes a session, before the row is closed; from init functions. */
typedef void (*NecpSessionHook)(const NecpSession *session);
extern void necp_session_on_close(NecpSessionHook hook);

/* When a session last acted by other means than commands, 0: never; from init functions. */
typedef TimestampTz (*NecpSessionWatch)(const NecpSession *session);
extern void necp_session_on_watch(NecpSessionWatch watch);

/* Closes a live session: hooks, row, event, connections. Does nothing where it is closed. */
extern void necp_session_close(const pg_uuid_t *session, const char *reason);

/* Closes a session whose time has run out; true if it lives on. */
extern bool necp_session_settle(const pg_uuid_t *session);

/* Closes the session that the account has open, if any. */
extern void necp_session_close_account(int64 account_id, const char *reason);

/*
 * Runs in the transaction that changes the state of a session: CREATED, ACTIVE, IDLE, AFK,
 * DISCONNECTED, EXPIRED (on the way from a state that lasted too long to CLOSED), CLOSED; from init
 * functions.
 */
typedef void (*NecpSessionStateHook)(const NecpSession *session, const char *from, const char *to);
extern void necp_session_on_state(NecpSessionStateHook hook);

/*
 * A new token that takes the session up after its connection was lost, once. The one given out
 * before it works until then: what carried the new one may have been lost with the connection.
 */
extern char *necp_session_reconnect_token(const pg_uuid_t *session);

/* Closes what the account has open as CONCURRENT_LOGIN and opens a session; returns its id. */
extern pg_uuid_t necp_session_open(int64 account_id, const pg_uuid_t *family, Datum client_ip,
								   Datum user_agent, const char *nulls);

/* What is known of a session's client at this moment; a change goes into the session's history. */
extern void necp_session_client(const pg_uuid_t *session, Datum client_ip, Datum user_agent,
								const char *nulls);

/* Is nobody at a character: not played, AFK, or disconnected for at least so many seconds? */
extern bool necp_session_is_away(int64 character_id, int64 seconds);

/* The live session that plays a character; false if none does. */
extern bool necp_session_of_character(int64 character_id, pg_uuid_t *session);

#endif
