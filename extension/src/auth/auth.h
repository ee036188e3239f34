/* SPDX-License-Identifier: PostgreSQL
 *
 * The account as the first lock of whatever concerns it.
 */
#ifndef NECP_AUTH_AUTH_H
#define NECP_AUTH_AUTH_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

/* Roles that account a holds at $2, as an array. */
#define NECP_ROLES_OF                                                                              \
	"(SELECT coalesce(array_agg(r.role ORDER BY r.role), '{}') FROM game.account_roles r"          \
	" WHERE r.account_id = a.id AND (r.expires_at IS NULL OR r.expires_at > $2))"

/* Account a can be logged in to: it is not deleted, or not longer than since $2. */
#define NECP_ACCOUNT_RETURNS "(a.status <> 'DELETED' OR a.deleted_at > $2)"
/* What was deleted before this stays deleted. */
extern TimestampTz necp_account_deadline(void);

/* Locks the account's row; NOT_FOUND where there is none. What it says is read after this. */
extern void necp_account_lock(int64 account_id);

/*
 * Notes an attempt to prove the account's password (account_id 0: nobody's address); ip and agent say
 * which arguments of the function hold client_ip and user_agent.
 */
extern void necp_login_note(int64 account_id, const char *outcome, FunctionCallInfo fcinfo, int ip,
							int agent);

#endif
