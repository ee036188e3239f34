/* SPDX-License-Identifier: PostgreSQL
 *
 * Who may do what to whom, for the rooms that ask, and the log of what people with power did.
 */
#ifndef NECP_AUTH_ROLE_H
#define NECP_AUTH_ROLE_H

#include "postgres.h"

/*
 * Call it under the account's lock. Lifts a ban whose time is over. NULL if no ban keeps the account
 * from acting, else why it may not: the detail of ACCOUNT_BANNED. A deleted account is not barred.
 */
extern char *necp_account_barred(int64 account_id);

/*
 * Writes into the audit log, in this transaction, who does what to whom. reason: 5 to 500 characters,
 * else VALIDATION; data_json: an object, NULL for none.
 */
extern void necp_audit(const char *action, const char *target_type, int64 target_id,
					   const char *reason, const char *data_json);

/* The acting account holds the permission; false where nobody acts. */
extern bool necp_permitted(const char *permission);

#endif
