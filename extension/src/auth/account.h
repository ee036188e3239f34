/* SPDX-License-Identifier: PostgreSQL
 *
 * The end of an account, for the rooms that hold something of it.
 */
#ifndef NECP_AUTH_ACCOUNT_H
#define NECP_AUTH_ACCOUNT_H

#include "postgres.h"

/* Runs before an account is deleted, under its lock; refuses by an error. From init functions. */
typedef void (*NecpAccountHook)(int64 account_id);
extern void necp_account_on_delete(NecpAccountHook check);

/*
 * Runs when an account that was deleted long ago becomes anonymous, under its lock, inside that
 * transaction: the place to forget what is personal. From init functions.
 */
extern void necp_account_on_purge(NecpAccountHook forget);

/*
 * Spends a token that proves the pending address of an account, which becomes its address. False where
 * the token is for something else. TOKEN_USED, VERIFICATION_EXPIRED, EMAIL_TAKEN.
 */
extern bool necp_account_prove_email(const char *token);

#endif
