/* SPDX-License-Identifier: PostgreSQL
 *
 * What an account sees and changes of itself (DOMAIN §3). The address is replaced only by one that is
 * proven: until then the change is pending, and the address before it, which can still reset the
 * password, is told. Lock order: account, mailed tokens.
 */
#include "postgres.h"

#include "auth/account.h"
#include "auth/auth.h"
#include "auth/email.h"
#include "auth/token.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/random.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/text.h"

#include "utils/builtins.h"

#define CHANGE_EMAIL "CHANGE_EMAIL" /* purpose of the token */

static NecpPlan list_logins = NECP_PLAN(
	"SELECT to_json(ROW(h.id, h.outcome, h.client_ip, h.user_agent, h.at)::necp.login_view), h.id"
	" FROM game.login_history h WHERE h.account_id = $1 AND h.id < $2 ORDER BY h.id DESC LIMIT $3",
	INT8OID, INT8OID, INT4OID);
static NecpPlan view_profile = NECP_PLAN(
	"SELECT to_json(ROW(a.id, a.email, e.new_email, a.email_verified_at IS NOT NULL, a.username,"
	" a.display_name, a.created_at, a.last_login_at)::necp.account_profile_view)"
	" FROM game.accounts a LEFT JOIN game.email_changes e ON e.account_id = a.id WHERE a.id = $1",
	INT8OID);
static NecpPlan read_account =
	NECP_PLAN("SELECT a.password_hash, a.email, lower(a.email) = lower($2) FROM game.accounts a"
			  " WHERE a.id = $1",
			  INT8OID, TEXTOID);
static NecpPlan read_hash =
	NECP_PLAN("SELECT password_hash FROM game.accounts WHERE id = $1", INT8OID);
static NecpPlan set_name =
	NECP_PLAN("UPDATE game.accounts SET display_name = $2 WHERE id = $1", INT8OID, TEXTOID);
static NecpPlan find_email =
	NECP_PLAN("SELECT FROM game.accounts WHERE lower(email) = lower($1)", TEXTOID);
static NecpPlan put_change = NECP_PLAN(
	"INSERT INTO game.email_changes (account_id, new_email, requested_at) VALUES ($1, $2, $3)"
	" ON CONFLICT (account_id) DO UPDATE SET new_email = $2, requested_at = $3",
	INT8OID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan drop_change =
	NECP_PLAN("DELETE FROM game.email_changes WHERE account_id = $1 RETURNING new_email", INT8OID);
static NecpPlan is_change =
	NECP_PLAN("SELECT FROM game.account_tokens WHERE digest = $1 AND purpose = '" CHANGE_EMAIL "'",
			  BYTEAOID);
static NecpPlan set_email =
	NECP_PLAN("UPDATE game.accounts SET email = $2, email_verified_at = $3 WHERE id = $1", INT8OID,
			  TEXTOID, TIMESTAMPTZOID);

NECP_FUNCTION(necp_account_login_history)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 before = PG_ARGISNULL(1) ? NECP_MAX_ID : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_logins, limit, necp_account(), before, limit + 1);
}

NECP_FUNCTION(necp_account_get)
{
	return necp_answer(&view_profile, "account", necp_account());
}

/* The address ---------------------------------------------------------------------------------- */

static void
withdraw_change(int64 account_id)
{
	if (necp_run(&drop_change, account_id) > 0)
		necp_token_void(account_id, CHANGE_EMAIL);
}

static void
request_change(int64 account_id, const char *email, const char *new_email)
{
	char *token;
	NecpJson for_new;
	NecpJson for_old;

	if (necp_run(&find_email, necp_cstring_datum(new_email)) > 0)
		necp_fail(EMAIL_TAKEN, "email", "this address belongs to an account");
	necp_run(&put_change,
			 account_id,
			 necp_cstring_datum(new_email),
			 TimestampTzGetDatum(necp_now()));
	token = necp_token_issue(account_id, CHANGE_EMAIL, necp_config_int("auth.verify_s"));
	necp_json_open(&for_new);
	necp_json_text(&for_new, "token", token);
	necp_email_send(account_id, new_email, "VERIFY_EMAIL", necp_json_close(&for_new));
	necp_json_open(&for_old);
	necp_json_text(&for_old, "new_email", new_email);
	necp_email_send(account_id, email, "EMAIL_CHANGED", necp_json_close(&for_old));
}

/* Tokens that were mailed to the address before it are worth nothing any more. */
bool
necp_account_prove_email(const char *token)
{
	int64 account_id;
	char *new_email;

	if (necp_run(&is_change, PointerGetDatum(necp_digest(token))) == 0)
		return false;
	account_id = necp_token_use(token, CHANGE_EMAIL);
	if (necp_run(&drop_change, account_id) == 0)
		necp_fail(VERIFICATION_EXPIRED, "token", "the token is not valid (any more)");
	new_email = necp_text(0, 1);
	necp_run(&set_email,
			 account_id,
			 necp_cstring_datum(new_email),
			 TimestampTzGetDatum(necp_now()));
	necp_token_void(account_id, "VERIFY_EMAIL");
	necp_token_void(account_id, "RESET_PASSWORD");
	necp_event_emit(&(NecpEvent){.type = "EMAIL_VERIFIED",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id});
	return true;
}

/* Who is told of a change that was not wanted sets a new password: that withdraws it. */
static void
on_password_changed(const NecpEvent *event)
{
	withdraw_change(event->aggregate_id);
}

/* Changes -------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_account_update_lookup)
{
	return necp_answer(&read_hash, "account", necp_account());
}

/*
 * A wrong password is noted where the owner sees it, which commits: so it is asked for before
 * anything changes, and the refusal is returned.
 */
NECP_FUNCTION(necp_account_update)
{
	int64 account_id = necp_account();
	char *name = PG_ARGISNULL(3) ? NULL : necp_arg_line(fcinfo, 3, "display_name", 1, 100);
	char *new_email = PG_ARGISNULL(4) ? NULL : necp_email_arg(fcinfo, 4, "email");
	char *email;
	bool current;

	necp_account_lock(account_id);
	necp_run(&read_account, account_id, necp_cstring_datum(new_email != NULL ? new_email : ""));
	email = necp_text(0, 2);
	current = necp_bool(0, 3);
	if (new_email != NULL && !current &&
		(PG_ARGISNULL(0) || strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), necp_text(0, 1)) != 0))
	{
		necp_login_note(account_id, "WRONG_PASSWORD", fcinfo, 1, 2);
		return necp_cstring_datum(
			necp_json_problem_field("INVALID_CREDENTIALS",
									"password",
									"a new address wants the right password"));
	}
	if (new_email != NULL && current)
		withdraw_change(account_id);
	else if (new_email != NULL)
		request_change(account_id, email, new_email);
	if (name != NULL)
		necp_run(&set_name, account_id, necp_cstring_datum(name));
	return necp_answer(&view_profile, "account", account_id);
}

NECP_ROOM_INIT(account)
{
	extern void necp_account_delete_init(void);

	necp_event_subscribe("PASSWORD_CHANGED", on_password_changed);
	necp_account_delete_init();
}
