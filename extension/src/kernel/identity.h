/* SPDX-License-Identifier: PostgreSQL
 *
 * Who acts. necp.enter() finds the session in shared memory (or, through the loader that the session
 * room registers, in its table) and sets the identity of the transaction.
 */
#ifndef NECP_KERNEL_IDENTITY_H
#define NECP_KERNEL_IDENTITY_H

#include "postgres.h"

#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef struct NecpSession
{
	pg_uuid_t id;
	int64 account_id;
	int64 character_id;            /* 0: none selected */
	int64 place_id;                /* 0: nowhere */
	int64 binding;                 /* rises with every change of character or place */
	uint64 permissions;            /* bit n: permission_id n */
	TimestampTz permissions_until; /* when a role expires they are read again */
	TimestampTz expires_at;
} NecpSession;

/* The account that acts; UNAUTHENTICATED without one. */
extern int64 necp_account(void);
/* The selected character; NO_ACTIVE_CHARACTER without one. */
extern int64 necp_character(void);
/* The session that acts. */
extern const NecpSession *necp_session(void);
/* Identity of the transaction or NULL: commands of workers and of SQL users have none. */
extern const NecpSession *necp_session_or_null(void);
/* Trace id of the request; zeroes where there is none. */
extern const pg_uuid_t *necp_trace(void);

/* Sets the identity to a session, outside routes: calls of the realtime server. UNAUTHENTICATED. */
extern void necp_enter_session(const pg_uuid_t *id);

/* Reads a live session by id; false where there is none. Runs inside SPI. */
struct NecpPresence;
typedef bool (*NecpSessionLoader)(const pg_uuid_t *id, struct NecpPresence *presence);
extern void necp_session_register_loader(NecpSessionLoader loader);

/* The cached session is read anew after this transaction commits: call it with every change. */
extern void necp_session_changed(const pg_uuid_t *id);
/* The session is gone from memory when this transaction commits. */
extern void necp_session_ended(const pg_uuid_t *id);

#endif
