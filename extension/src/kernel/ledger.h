/* SPDX-License-Identifier: PostgreSQL
 *
 * Double entry: a transfer is one row with both sides, so the sum is zero by structure (DOMAIN §0,
 * G3). MINT and SINK have no balance, hence no hot row.
 */
#ifndef NECP_KERNEL_LEDGER_H
#define NECP_KERNEL_LEDGER_H

#include "postgres.h"

typedef enum NecpHolder
{
	NECP_MINT,
	NECP_SINK,
	NECP_WALLET,  /* a character's credits */
	NECP_PREMIUM, /* an account's premium */
	NECP_TREASURY,
	NECP_ESCROW,
} NecpHolder;

typedef struct NecpPurse
{
	NecpHolder holder;
	int64 owner_id; /* 0 for MINT and SINK */
} NecpPurse;

#define NECP_WALLET_CAP INT64CONST(1000000000000) /* ledger_accounts_balance_cap */
#define NECP_CREDITS "credits"
#define NECP_PREMIUM_CURRENCY "premium"

/*
 * Moves amount > 0 from one purse to the other and returns the payer's (or, from MINT, the
 * receiver's) balance after it. Locks both in ascending id. INSUFFICIENT_FUNDS, WALLET_FULL.
 */
extern int64 necp_ledger_transfer(NecpPurse from, NecpPurse to, const char *currency, int64 amount,
								  const char *cause, int64 cause_id);
/* Balance without a lock; 0 where there is no purse yet. */
extern int64 necp_ledger_balance(NecpPurse purse, const char *currency);

#endif
