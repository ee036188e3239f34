/* SPDX-License-Identifier: PostgreSQL
 *
 * Tokens that an account gets: refresh tokens, in families of one login each, and single-use tokens
 * that are mailed. Only digests are stored.
 */
#ifndef NECP_AUTH_TOKEN_H
#define NECP_AUTH_TOKEN_H

#include "postgres.h"

#include "kernel/json.h"

#include "utils/uuid.h"

/* What a login begins: the family of its refresh tokens. */
extern pg_uuid_t necp_token_family(void);
/* Opens the answer of a route that issues tokens: account, session, roles, permissions. */
extern void necp_token_describe(NecpJson *view, int64 account_id, const pg_uuid_t *session);
/* That answer whole, with a new refresh token of the family and a token to reconnect by. */
extern Datum necp_token_grant(int64 account_id, const pg_uuid_t *session, const pg_uuid_t *family);
/* No token of the family can be spent any more. The caller holds the account's lock. */
extern void necp_tokens_revoke_family(const pg_uuid_t *family);
/* The same for all families of the account; takes the account's lock. */
extern void necp_tokens_revoke_account(int64 account_id);

/* Makes a token to be mailed that lives life_s seconds; voids the one before it of that purpose. */
extern char *necp_token_issue(int64 account_id, const char *purpose, int64 life_s);
/* Voids the live token of a purpose, if there is one. The caller holds the account's lock. */
extern void necp_token_void(int64 account_id, const char *purpose);
/* Spends a mailed token, locks its account and returns it. TOKEN_USED, VERIFICATION_EXPIRED. */
extern int64 necp_token_use(const char *token, const char *purpose);

#endif
