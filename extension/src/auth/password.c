/* SPDX-License-Identifier: PostgreSQL
 *
 * New passwords (DOMAIN §1): with the current one, or with a mailed token. The edge hashed the new one
 * and compared it with the hashes that the look-up gave. Lock order: account, session, tokens.
 */
#include "postgres.h"

#include "auth/auth.h"
#include "auth/email.h"
#include "auth/session.h"
#include "auth/throttle.h"
#include "auth/token.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/random.h"
#include "kernel/spi.h"

#include "utils/builtins.h"

/* As many as the edge compares with. */
#define MAX_HISTORY 4

#define HASHES_OF                                                                                  \
	"concat_ws(E'\\n', a.password_hash, (SELECT string_agg(e.password_hash, E'\\n')"               \
	" FROM (SELECT password_hash FROM game.earlier_passwords WHERE account_id = a.id"              \
	" ORDER BY id DESC LIMIT $2) e))"

static NecpPlan hashes_of_account =
	NECP_PLAN("SELECT " HASHES_OF " FROM game.accounts a WHERE a.id = $1", INT8OID, INT4OID);
static NecpPlan hashes_of_token =
	NECP_PLAN("SELECT " HASHES_OF " FROM game.account_tokens t JOIN game.accounts a"
			  " ON a.id = t.account_id WHERE t.digest = $1 AND t.purpose = 'RESET_PASSWORD'"
			  " AND t.used_at IS NULL AND t.voided_at IS NULL AND t.expires_at > $3",
			  BYTEAOID, INT4OID, TIMESTAMPTZOID);
static NecpPlan read_account =
	NECP_PLAN("SELECT password_hash, email FROM game.accounts WHERE id = $1", INT8OID);
static NecpPlan keep_earlier =
	NECP_PLAN("INSERT INTO game.earlier_passwords (account_id, password_hash, replaced_at)"
			  " SELECT id, password_hash, $2 FROM game.accounts WHERE id = $1",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan forget_earliest =
	NECP_PLAN("DELETE FROM game.earlier_passwords WHERE account_id = $1 AND id NOT IN"
			  " (SELECT id FROM game.earlier_passwords WHERE account_id = $1"
			  "  ORDER BY id DESC LIMIT $2)",
			  INT8OID, INT4OID);
static NecpPlan set_password =
	NECP_PLAN("UPDATE game.accounts SET password_hash = $2 WHERE id = $1", INT8OID, TEXTOID);

/* How many passwords before the current one count. */
static int32
earlier(void)
{
	return (int32) Max(Min(necp_config_int("auth.password_history"), MAX_HISTORY) - 1, 0);
}

static void
refuse_reused(FunctionCallInfo fcinfo, int n)
{
	necp_arg_required(fcinfo, n, "new_password");
	if (PG_GETARG_BOOL(n))
		necp_fail(WEAK_PASSWORD, "new_password", "must be none of your last passwords");
}

/* Whoever knew the old password is out: sessions, refresh tokens and mailed tokens end with it. */
static void
replace_password(int64 account_id, const char *hash, const char *cause)
{
	char *email;
	NecpJson data;

	necp_run(&keep_earlier, account_id, TimestampTzGetDatum(necp_now()));
	necp_run(&forget_earliest, account_id, earlier());
	necp_run(&set_password, account_id, necp_cstring_datum(hash));
	necp_run(&read_account, account_id);
	email = necp_text(0, 2);
	necp_session_close_account(account_id, "PASSWORD_CHANGED");
	necp_tokens_revoke_account(account_id);
	necp_token_void(account_id, "RESET_PASSWORD");
	necp_json_open(&data);
	necp_json_text(&data, "cause", cause);
	necp_event_emit(&(NecpEvent){.type = "PASSWORD_CHANGED",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id,
								 .data = necp_json_close(&data)});
	necp_email_send(account_id, email, "PASSWORD_CHANGED", NULL);
}

NECP_FUNCTION(necp_auth_change_password_lookup)
{
	if (necp_run(&hashes_of_account, necp_account(), earlier()) == 0)
		PG_RETURN_NULL();
	return necp_cstring_datum(necp_text(0, 1));
}

/*
 * The hash that the edge verified is compared with the stored one under the account's lock. A wrong
 * one is noted where the owner sees it, which commits, so the refusal is returned.
 */
NECP_FUNCTION(necp_auth_change_password)
{
	int64 account_id = necp_account();

	necp_account_lock(account_id);
	necp_run(&read_account, account_id);
	if (PG_ARGISNULL(0) || strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), necp_text(0, 1)) != 0)
	{
		necp_login_note(account_id, "WRONG_PASSWORD", fcinfo, 3, 4);
		return necp_cstring_datum(necp_json_problem_field("INVALID_CREDENTIALS",
														  "current_password",
														  "the current password is wrong"));
	}
	refuse_reused(fcinfo, 2);
	replace_password(account_id, necp_arg_text(fcinfo, 1, "new_password", 1, 200), "CHANGE");
	return necp_cstring_datum("{\"done\":true}");
}

NECP_FUNCTION(necp_auth_reset_password_lookup)
{
	char *token = necp_arg_text(fcinfo, 0, "token", 1, 100);

	if (necp_run(&hashes_of_token,
				 PointerGetDatum(necp_digest(token)),
				 earlier(),
				 TimestampTzGetDatum(necp_now())) == 0)
		PG_RETURN_NULL();
	return necp_cstring_datum(necp_text(0, 1));
}

/* A reused password is refused with the token unspent: its owner chooses another. */
NECP_FUNCTION(necp_auth_reset_password)
{
	char *token = necp_arg_text(fcinfo, 0, "token", 1, 100);
	char *hash = necp_arg_text(fcinfo, 1, "new_password", 1, 200);
	int64 account_id = necp_token_use(token, "RESET_PASSWORD");

	refuse_reused(fcinfo, 2);
	necp_run(&read_account, account_id);
	necp_throttle_clear(necp_text(0, 2));
	replace_password(account_id, hash, "RESET");
	return necp_cstring_datum("{\"done\":true}");
}
