/* SPDX-License-Identifier: PostgreSQL
 *
 * The second factor, for whoever asks for one: login, deletion of an account.
 */
#ifndef NECP_AUTH_TWOFACTOR_H
#define NECP_AUTH_TWOFACTOR_H

#include "postgres.h"

typedef enum NecpTwoFactor
{
	NECP_2FA_OFF,     /* the account has none */
	NECP_2FA_MISSING, /* it has one, and no code was given: TWO_FACTOR_REQUIRED */
	NECP_2FA_WRONG,   /* INVALID_2FA_CODE */
	NECP_2FA_PASSED
} NecpTwoFactor;

/*
 * Call it under the account's lock. Takes a code of the authenticator or a backup code, or NULL, and
 * spends what it accepts: ask for the password first.
 */
extern NecpTwoFactor necp_twofactor_check(int64 account_id, const char *code);

#endif
