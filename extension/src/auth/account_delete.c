/* SPDX-License-Identifier: PostgreSQL
 *
 * Deletion of accounts (DOMAIN §3). At first nothing is lost: the account only cannot act, and a login
 * brings it back. When the time for that is over, what is personal is erased; the row stays, because
 * the ledger and the events name its id. Lock order: what throttle.c says, account, session, tokens.
 */
#include "postgres.h"

#include "auth/account.h"
#include "auth/auth.h"
#include "auth/email.h"
#include "auth/session.h"
#include "auth/throttle.h"
#include "auth/token.h"
#include "auth/twofactor.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "utils/builtins.h"

#define MAX_HOOKS 16
#define SECONDS_PER_DAY 86400

/* Arguments of necp_account_delete. */
enum
{
	VERIFIED_HASH,
	CLIENT_IP,
	USER_AGENT,
	CODE
};

static NecpAccountHook checks[MAX_HOOKS];
static NecpAccountHook forgets[MAX_HOOKS];
static int nchecks;
static int nforgets;

static NecpPlan read_account =
	NECP_PLAN("SELECT password_hash, email FROM game.accounts WHERE id = $1", INT8OID);
static NecpPlan mark_deleted =
	NECP_PLAN("UPDATE game.accounts SET status = 'DELETED', deleted_at = $2 WHERE id = $1"
			  " RETURNING to_json(ROW(deleted_at, $3)::necp.account_deletion_view)",
			  INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan void_mailed =
	NECP_PLAN("UPDATE game.account_tokens SET voided_at = $2 WHERE account_id = $1"
			  " AND used_at IS NULL AND voided_at IS NULL",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan drop_change =
	NECP_PLAN("DELETE FROM game.email_changes WHERE account_id = $1", INT8OID);
static NecpPlan overdue =
	NECP_PLAN("SELECT id FROM game.accounts WHERE deleted_at <= $1 AND purged_at IS NULL"
			  " ORDER BY deleted_at LIMIT 20 FOR UPDATE SKIP LOCKED",
			  TIMESTAMPTZOID);
/* Names of the letters and digits of a UUID: nobody else has them, and nobody can guess them. */
static NecpPlan make_anonymous = NECP_PLAN(
	"UPDATE game.accounts a SET purged_at = $2, email = 'deleted-' || n.name || '@account.invalid',"
	" username = substr(n.name, 1, 20), display_name = 'Deleted', password_hash = '!',"
	" email_verified_at = NULL, last_login_at = NULL"
	" FROM (SELECT 'x' || replace(gen_random_uuid()::text, '-', '') AS name) n WHERE a.id = $1",
	INT8OID, TIMESTAMPTZOID);
/* Sessions stay, for a while longer, without what tells of a person; so does why somebody was banned. */
static NecpPlan erase[] = {
	NECP_PLAN("DELETE FROM game.account_settings WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.email_changes WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.email_outbox WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.login_history WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.refresh_tokens WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.account_tokens WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.earlier_passwords WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.backup_codes WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.account_twofactor WHERE account_id = $1", INT8OID),
	NECP_PLAN("DELETE FROM game.account_roles WHERE account_id = $1", INT8OID),
	NECP_PLAN("UPDATE game.player_sessions SET client_ip = NULL, user_agent = NULL"
			  " WHERE account_id = $1",
			  INT8OID),
};

void
necp_account_on_delete(NecpAccountHook check)
{
	if (nchecks == MAX_HOOKS)
		elog(ERROR, "too many hooks of deletion");
	checks[nchecks++] = check;
}

void
necp_account_on_purge(NecpAccountHook forget)
{
	if (nforgets == MAX_HOOKS)
		elog(ERROR, "too many hooks of purging");
	forgets[nforgets++] = forget;
}

static void
emit(const char *type, int64 account_id)
{
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id});
}

/* Deletion ------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_account_delete_lookup)
{
	return necp_answer(&read_account, "account", necp_account());
}

/* A refusal that counts has to commit, so it is returned, not raised. */
static Datum
refuse(int64 account_id, const char *email, const NecpThrottle *throttle, FunctionCallInfo fcinfo,
	   const char *outcome, const char *code)
{
	if (necp_throttle_fail(throttle))
		necp_email_send(account_id, email, "LOGIN_ALERT", NULL);
	necp_login_note(account_id, outcome, fcinfo, CLIENT_IP, USER_AGENT);
	if (strcmp(code, "INVALID_2FA_CODE") == 0)
		return necp_cstring_datum(
			necp_json_problem_field(code, "code", "the code of the second factor is wrong"));
	return necp_cstring_datum(necp_json_problem_field(code, "password", "the password is wrong"));
}

static Datum
delete_account(int64 account_id, const char *email)
{
	TimestampTz now = necp_now();
	int64 grace = necp_config_int("auth.deleted_s");
	NecpJson data;
	char *view;

	for (int i = 0; i < nchecks; i++)
		checks[i](account_id);
	necp_session_close_account(account_id, "ACCOUNT_DELETED");
	necp_tokens_revoke_account(account_id);
	necp_run(&void_mailed, account_id, TimestampTzGetDatum(now));
	necp_run(&drop_change, account_id);
	necp_run(&mark_deleted,
			 account_id,
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(now + grace * USECS_PER_SEC));
	view = necp_text(0, 1);
	emit("ACCOUNT_DELETED", account_id);
	necp_json_open(&data);
	necp_json_int(&data, "days", grace / SECONDS_PER_DAY);
	necp_email_send(account_id, email, "ACCOUNT_DELETED", necp_json_close(&data));
	return necp_cstring_datum(view);
}

/* Guesses are counted as those of a login are: who holds a session need not be the owner. */
NECP_FUNCTION(necp_account_delete)
{
	int64 account_id = necp_account();
	char *code = PG_ARGISNULL(CODE) ? NULL : necp_arg_text(fcinfo, CODE, "code", 1, 40);
	NecpThrottle throttle;
	char *email;

	necp_run(&read_account, account_id);
	email = necp_text(0, 2);
	throttle = necp_throttle_enter(email, PG_ARGISNULL(CLIENT_IP) ? 0 : PG_GETARG_DATUM(CLIENT_IP));
	necp_account_lock(account_id);
	necp_run(&read_account, account_id);
	if (PG_ARGISNULL(VERIFIED_HASH) ||
		strcmp(text_to_cstring(PG_GETARG_TEXT_PP(VERIFIED_HASH)), necp_text(0, 1)) != 0)
		return refuse(account_id,
					  email,
					  &throttle,
					  fcinfo,
					  "WRONG_PASSWORD",
					  "INVALID_CREDENTIALS");
	switch (necp_twofactor_check(account_id, code))
	{
		case NECP_2FA_MISSING:
			necp_fail(TWO_FACTOR_REQUIRED, "code", "a code of the second factor is wanted");
			break;
		case NECP_2FA_WRONG:
			return refuse(account_id, email, &throttle, fcinfo, "WRONG_CODE", "INVALID_2FA_CODE");
		default:
			break;
	}
	return delete_account(account_id, email);
}

/* The end -------------------------------------------------------------------------------------- */

static void
purge(int64 account_id)
{
	for (int i = 0; i < nforgets; i++)
		forgets[i](account_id);
	for (size_t i = 0; i < lengthof(erase); i++)
		necp_run(&erase[i], account_id);
	necp_run(&make_anonymous, account_id, TimestampTzGetDatum(necp_now()));
	emit("ACCOUNT_PURGED", account_id);
}

static void
purge_overdue(void *arg)
{
	int64 delay = necp_config_int("account.purge_delay_s");
	TimestampTz before = necp_account_deadline() - delay * USECS_PER_SEC;
	NecpRows accounts = necp_fetch(&overdue, TimestampTzGetDatum(before));

	for (uint64 row = 0; row < accounts.count; row++)
		purge(necp_row_int8(&accounts, row, 1));
}

extern void necp_account_delete_init(void);
void
necp_account_delete_init(void)
{
	necp_schedule("account_purge", 60, purge_overdue);
}
