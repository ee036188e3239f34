/* SPDX-License-Identifier: PostgreSQL
 *
 * Double entry. Lock order: ledger accounts, ascending id, last of all a command locks.
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/ledger.h"
#include "kernel/spi.h"

#include "utils/builtins.h"

static const char *const holder_names[] = {
	[NECP_MINT] = "MINT",
	[NECP_SINK] = "SINK",
	[NECP_WALLET] = "WALLET",
	[NECP_PREMIUM] = "PREMIUM",
	[NECP_TREASURY] = "TREASURY",
	[NECP_ESCROW] = "ESCROW",
};

static NecpPlan find_account = NECP_PLAN("SELECT id, balance FROM game.ledger_accounts"
										 " WHERE holder = $1 AND owner_id = $2 AND currency = $3",
										 TEXTOID, INT8OID, TEXTOID);
static NecpPlan open_account =
	NECP_PLAN("INSERT INTO game.ledger_accounts (holder, owner_id, currency, balance)"
			  " VALUES ($1, $2, $3, CASE WHEN $1 IN ('MINT', 'SINK') THEN NULL ELSE 0 END)"
			  " ON CONFLICT (holder, owner_id, currency) DO NOTHING RETURNING id",
			  TEXTOID, INT8OID, TEXTOID);
static NecpPlan change_balance = NECP_PLAN(
	"UPDATE game.ledger_accounts SET balance = balance + $2 WHERE id = $1 RETURNING balance",
	INT8OID, INT8OID);
static NecpPlan insert_transfer =
	NECP_PLAN("INSERT INTO game.ledger_transfers (from_id, to_id, amount, from_balance, to_balance,"
			  " cause, cause_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			  INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, TEXTOID, INT8OID, TIMESTAMPTZOID);

static bool
is_computed(NecpPurse purse)
{
	return purse.holder == NECP_MINT || purse.holder == NECP_SINK;
}

static uint64
look_up(NecpPlan *plan, NecpPurse purse, const char *currency)
{
	return necp_run(plan,
					necp_cstring_datum(holder_names[purse.holder]),
					purse.owner_id,
					necp_cstring_datum(currency));
}

/* Opening races another opener once: the loser finds the winner's row. */
static int64
account_id(NecpPurse purse, const char *currency)
{
	if (look_up(&find_account, purse, currency) > 0)
		return necp_int8(0, 1);
	if (look_up(&open_account, purse, currency) > 0)
		return necp_int8(0, 1);
	if (look_up(&find_account, purse, currency) > 0)
		return necp_int8(0, 1);
	elog(ERROR, "could not open a ledger account");
}

int64
necp_ledger_balance(NecpPurse purse, const char *currency)
{
	return look_up(&find_account, purse, currency) > 0 ? necp_int8(0, 2) : 0;
}

static int64
add(int64 id, int64 amount)
{
	if (necp_run(&change_balance, id, amount) != 1)
		elog(ERROR, "ledger account " INT64_FORMAT " is gone", id);
	return necp_int8(0, 1);
}

int64
necp_ledger_transfer(NecpPurse from, NecpPurse to, const char *currency, int64 amount,
					 const char *cause, int64 cause_id)
{
	int64 from_id = account_id(from, currency);
	int64 to_id = account_id(to, currency);
	int64 from_balance = 0;
	int64 to_balance = 0;
	char nulls[] = "        ";

	if (amount <= 0)
		necp_fail(AMOUNT_OUT_OF_RANGE,
				  NULL,
				  "an amount of " INT64_FORMAT " cannot be moved",
				  amount);
	if (from_id == to_id)
		elog(ERROR, "a transfer needs two ledger accounts");
	if (!is_computed(from) && from_id < to_id)
		from_balance = add(from_id, -amount);
	if (!is_computed(to))
		to_balance = add(to_id, amount);
	if (!is_computed(from) && from_id > to_id)
		from_balance = add(from_id, -amount);
	nulls[3] = is_computed(from) ? 'n' : ' ';
	nulls[4] = is_computed(to) ? 'n' : ' ';
	necp_run_nulls(&insert_transfer,
				   nulls,
				   from_id,
				   to_id,
				   amount,
				   from_balance,
				   to_balance,
				   necp_cstring_datum(cause),
				   cause_id,
				   TimestampTzGetDatum(necp_now()));
	return is_computed(from) ? to_balance : from_balance;
}

/* ledger_mint(holder, owner_id, currency, amount, cause) → balance; for operators. */
NECP_FUNCTION(necp_ledger_mint)
{
	static const char *const holders[] = {"WALLET", "PREMIUM", NULL};
	static const char *const currencies[] = {NECP_CREDITS, NECP_PREMIUM_CURRENCY, NULL};
	const char *holder = necp_arg_word(fcinfo, 0, "holder", holders);
	NecpPurse purse = {.holder = strcmp(holder, "WALLET") == 0 ? NECP_WALLET : NECP_PREMIUM,
					   .owner_id = necp_arg_id(fcinfo, 1, "owner_id")};
	const char *currency = necp_arg_word(fcinfo, 2, "currency", currencies);
	int64 amount = necp_arg_money(fcinfo, 3, "amount");
	char *cause = necp_arg_text(fcinfo, 4, "cause", 1, 64);

	PG_RETURN_INT64(necp_ledger_transfer((NecpPurse){NECP_MINT, 0},
										 purse,
										 currency,
										 amount,
										 cause,
										 purse.owner_id));
}
