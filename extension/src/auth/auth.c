/* SPDX-License-Identifier: PostgreSQL
 *
 * Registration, login and logout (DOMAIN §1, §2). Passwords never come here: the edge hashes and
 * verifies them. Lock order: what throttle.c says, account, session, refresh tokens of the family.
 */
#include "postgres.h"

#include "auth/account.h"
#include "auth/auth.h"
#include "auth/email.h"
#include "auth/role.h"
#include "auth/session.h"
#include "auth/throttle.h"
#include "auth/token.h"
#include "auth/twofactor.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/random.h"
#include "kernel/spi.h"
#include "kernel/text.h"

#include "utils/builtins.h"

static NecpPlan insert_account =
	NECP_PLAN("INSERT INTO game.accounts (email, username, display_name, password_hash, created_at)"
			  " VALUES ($1, $2, $3, $4, $5) RETURNING id",
			  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan grant_player = NECP_PLAN(
	"INSERT INTO game.account_roles (account_id, role, granted_at) VALUES ($1, 'PLAYER', $2)",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan view_account =
	NECP_PLAN("SELECT to_json(ROW(a.id, a.email, a.username, a.display_name, a.status,"
			  " a.email_verified_at IS NOT NULL, " NECP_ROLES_OF
			  ", a.created_at)::necp.account_view)"
			  " FROM game.accounts a WHERE a.id = $1",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan find_hash =
	NECP_PLAN("SELECT a.password_hash FROM game.accounts a WHERE lower(a.email) = lower($1)"
			  " AND " NECP_ACCOUNT_RETURNS,
			  TEXTOID, TIMESTAMPTZOID);
static NecpPlan lock_account =
	NECP_PLAN("SELECT a.id, a.password_hash, a.status, a.email FROM game.accounts a"
			  " WHERE lower(a.email) = lower($1) AND " NECP_ACCOUNT_RETURNS " FOR NO KEY UPDATE",
			  TEXTOID, TIMESTAMPTZOID);
static NecpPlan note_attempt =
	NECP_PLAN("INSERT INTO game.login_history (account_id, outcome, client_ip, user_agent, at)"
			  " VALUES ($1, $2, $3, $4, $5)",
			  INT8OID, TEXTOID, INETOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan undelete =
	NECP_PLAN("UPDATE game.accounts SET status = 'ACTIVE', deleted_at = NULL WHERE id = $1"
			  " AND status = 'DELETED'",
			  INT8OID);
static NecpPlan note_login =
	NECP_PLAN("UPDATE game.accounts SET last_login_at = $2 WHERE id = $1", INT8OID, TIMESTAMPTZOID);
static NecpPlan lock_own_account =
	NECP_PLAN("SELECT FROM game.accounts WHERE id = $1 FOR NO KEY UPDATE", INT8OID);
static NecpPlan family_of_session =
	NECP_PLAN("SELECT family FROM game.player_sessions WHERE id = $1", UUIDOID);
static NecpPlan verify_account = NECP_PLAN(
	"UPDATE game.accounts SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL",
	INT8OID, TIMESTAMPTZOID);

void
necp_account_lock(int64 account_id)
{
	if (necp_run(&lock_own_account, account_id) == 0)
		necp_fail(NOT_FOUND, NULL, "account " INT64_FORMAT " is not there", account_id);
}

TimestampTz
necp_account_deadline(void)
{
	return necp_now() - necp_config_int("auth.deleted_s") * USECS_PER_SEC;
}

/* Registration --------------------------------------------------------------------------------- */

static char *
username_arg(FunctionCallInfo fcinfo, int n)
{
	char *name = necp_arg_text(fcinfo, n, "username", 3, 20);

	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") !=
		strlen(name))
		necp_fail(VALIDATION, "username", "a user name has letters and digits only");
	return name;
}

static void
send_verification(int64 account_id, const char *email)
{
	char *token = necp_token_issue(account_id, "VERIFY_EMAIL", necp_config_int("auth.verify_s"));
	NecpJson data;

	necp_json_open(&data);
	necp_json_text(&data, "token", token);
	necp_email_send(account_id, email, "VERIFY_EMAIL", necp_json_close(&data));
}

static Datum
account_view(int64 account_id)
{
	return necp_answer(&view_account, "account", account_id, TimestampTzGetDatum(necp_now()));
}

/* EMAIL_TAKEN and USERNAME_TAKEN are the unique indexes' own refusals. */
NECP_FUNCTION(necp_auth_register)
{
	char *email = necp_email_arg(fcinfo, 0, "email");
	char *username = username_arg(fcinfo, 1);
	char *hash = necp_arg_text(fcinfo, 2, "password", 1, 200);
	char *display_name =
		PG_ARGISNULL(4) ? username : necp_arg_line(fcinfo, 4, "display_name", 1, 100);
	TimestampTz now = necp_now();
	int64 account_id;

	necp_run(&insert_account,
			 necp_cstring_datum(email),
			 necp_cstring_datum(username),
			 necp_cstring_datum(display_name),
			 necp_cstring_datum(hash),
			 TimestampTzGetDatum(now));
	account_id = necp_int8(0, 1);
	necp_run(&grant_player, account_id, TimestampTzGetDatum(now));
	send_verification(account_id, email);
	necp_event_emit(&(NecpEvent){.type = "ACCOUNT_CREATED",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id});
	return account_view(account_id);
}

/* TOKEN_USED, VERIFICATION_EXPIRED. */
NECP_FUNCTION(necp_auth_verify_email)
{
	char *token = necp_arg_text(fcinfo, 0, "token", 1, 100);
	int64 account_id;

	if (necp_account_prove_email(token))
		return necp_cstring_datum("{\"done\":true}");
	account_id = necp_token_use(token, "VERIFY_EMAIL");
	if (necp_run(&verify_account, account_id, TimestampTzGetDatum(necp_now())) > 0)
		necp_event_emit(&(NecpEvent){.type = "EMAIL_VERIFIED",
									 .aggregate_type = "ACCOUNT",
									 .aggregate_id = account_id,
									 .account_id = account_id});
	return necp_cstring_datum("{\"done\":true}");
}

/* Login ---------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_auth_login_lookup)
{
	char *email = necp_arg_text(fcinfo, 0, "email", 1, 255);

	if (necp_run(&find_hash,
				 necp_cstring_datum(email),
				 TimestampTzGetDatum(necp_account_deadline())) == 0)
		PG_RETURN_NULL();
	return necp_cstring_datum(necp_text(0, 1));
}

void
necp_login_note(int64 account_id, const char *outcome, FunctionCallInfo fcinfo, int ip, int agent)
{
	char nulls[] = "     ";

	nulls[0] = account_id != 0 ? ' ' : 'n';
	nulls[2] = PG_ARGISNULL(ip) ? 'n' : ' ';
	nulls[3] = PG_ARGISNULL(agent) ? 'n' : ' ';
	necp_run_nulls(&note_attempt,
				   nulls,
				   account_id,
				   necp_cstring_datum(outcome),
				   fcinfo->args[ip].value,
				   fcinfo->args[agent].value,
				   TimestampTzGetDatum(necp_now()));
}

/* An attempt to log in, by the arguments of necp_auth_login. */
enum
{
	EMAIL,
	VERIFIED_HASH,
	CLIENT_IP,
	USER_AGENT,
	CODE
};

typedef struct Attempt
{
	FunctionCallInfo args;
	NecpThrottle throttle;
	int64 account_id; /* 0: nobody has this address */
	char *email;      /* of the account */
} Attempt;

/*
 * Finds and locks the account, and says whether the edge verified the password against the hash that
 * is stored now: one that was changed in between fails.
 */
static bool
prove_password(Attempt *attempt, const char *email)
{
	FunctionCallInfo fcinfo = attempt->args;

	if (necp_run(&lock_account,
				 necp_cstring_datum(email),
				 TimestampTzGetDatum(necp_account_deadline())) == 0)
		return false;
	attempt->account_id = necp_int8(0, 1);
	attempt->email = necp_text(0, 4);
	return !PG_ARGISNULL(VERIFIED_HASH) &&
		   strcmp(text_to_cstring(PG_GETARG_TEXT_PP(VERIFIED_HASH)), necp_text(0, 2)) == 0;
}

/* A refusal and what is noted of it. */
typedef struct Refusal
{
	const char *outcome; /* in the history, and why LOGIN_FAILED says */
	const char *code;
	const char *field; /* or NULL */
	const char *detail;
} Refusal;

static Datum
refuse(const Attempt *attempt, const Refusal *refusal)
{
	NecpJson data;

	necp_login_note(attempt->account_id, refusal->outcome, attempt->args, CLIENT_IP, USER_AGENT);
	necp_json_open(&data);
	necp_json_text(&data, "reason", refusal->outcome);
	necp_event_emit(&(NecpEvent){.type = "LOGIN_FAILED",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = attempt->account_id,
								 .account_id = attempt->account_id,
								 .data = necp_json_close(&data)});
	return necp_cstring_datum(
		necp_json_problem_field(refusal->code, refusal->field, refusal->detail));
}

/* The same statements for a wrong password and for an address that is nobody's. */
static Datum
refuse_counted(const Attempt *attempt, const Refusal *refusal)
{
	if (necp_throttle_fail(&attempt->throttle) && attempt->account_id != 0)
		necp_email_send(attempt->account_id, attempt->email, "LOGIN_ALERT", NULL);
	return refuse(attempt, refusal);
}

static Datum
admit(const Attempt *attempt)
{
	FunctionCallInfo fcinfo = attempt->args;
	int64 account_id = attempt->account_id;
	pg_uuid_t family = necp_token_family();
	char nulls[3] = "  ";
	pg_uuid_t session;

	if (necp_run(&undelete, account_id) > 0)
		necp_event_emit(&(NecpEvent){.type = "ACCOUNT_RESTORED",
									 .aggregate_type = "ACCOUNT",
									 .aggregate_id = account_id,
									 .account_id = account_id});
	nulls[0] = PG_ARGISNULL(CLIENT_IP) ? 'n' : ' ';
	nulls[1] = PG_ARGISNULL(USER_AGENT) ? 'n' : ' ';
	session = necp_session_open(account_id,
								&family,
								PG_GETARG_DATUM(CLIENT_IP),
								PG_GETARG_DATUM(USER_AGENT),
								nulls);
	necp_throttle_clear(attempt->email);
	necp_login_note(account_id, "SUCCESS", fcinfo, CLIENT_IP, USER_AGENT);
	necp_run(&note_login, account_id, TimestampTzGetDatum(necp_now()));
	necp_event_emit(&(NecpEvent){.type = "LOGIN_SUCCESS",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id});
	return necp_token_grant(account_id, &session, &family);
}

/*
 * Only who has the right password learns of a ban and of a second factor. A refusal that was counted
 * or noted has to commit, so it is returned, not raised.
 */
NECP_FUNCTION(necp_auth_login)
{
	Attempt attempt = {.args = fcinfo};
	char *email = necp_arg_text(fcinfo, EMAIL, "email", 1, 255);
	char *code = PG_ARGISNULL(CODE) ? NULL : necp_arg_text(fcinfo, CODE, "code", 1, 40);
	char *barred;

	attempt.throttle =
		necp_throttle_enter(email, PG_ARGISNULL(CLIENT_IP) ? 0 : PG_GETARG_DATUM(CLIENT_IP));
	if (!prove_password(&attempt, email))
		return refuse_counted(&attempt,
							  &(Refusal){.outcome = attempt.account_id != 0 ? "WRONG_PASSWORD"
																			: "UNKNOWN_EMAIL",
										 .code = "INVALID_CREDENTIALS",
										 .detail = "e-mail address or password is wrong"});
	barred = necp_account_barred(attempt.account_id);
	if (barred != NULL)
		return refuse(&attempt,
					  &(Refusal){.outcome = "BARRED", .code = "ACCOUNT_BANNED", .detail = barred});
	switch (necp_twofactor_check(attempt.account_id, code))
	{
		case NECP_2FA_MISSING:
			necp_fail(TWO_FACTOR_REQUIRED, "code", "a code of the second factor is wanted");
			break;
		case NECP_2FA_WRONG:
			return refuse_counted(&attempt,
								  &(Refusal){.outcome = "WRONG_CODE",
											 .code = "INVALID_2FA_CODE",
											 .field = "code",
											 .detail = "the code of the second factor is wrong"});
		default:
			break;
	}
	return admit(&attempt);
}

/* Logout ----------------------------------------------------------------------------------------- */

/* Under the account's lock no refresh can slip a new token in behind the revocation. */
NECP_FUNCTION(necp_auth_logout)
{
	const NecpSession *session = necp_session();
	pg_uuid_t family;

	necp_account_lock(session->account_id);
	necp_run(&family_of_session, UUIDPGetDatum(&session->id));
	family = necp_uuid(0, 1);
	necp_session_close(&session->id, "LOGOUT");
	necp_tokens_revoke_family(&family);
	necp_event_emit(&(NecpEvent){.type = "LOGOUT",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = session->account_id});
	return necp_cstring_datum("{\"done\":true}");
}

NECP_FUNCTION(necp_auth_me)
{
	return account_view(necp_account());
}
