/* SPDX-License-Identifier: PostgreSQL
 *
 * Registration, login and tokens (DOMAIN §1, §2). Passwords never come here: the edge hashes and
 * verifies them. Lock order: account, session, refresh tokens of the family.
 */
#include "postgres.h"

#include "auth/session.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/random.h"
#include "kernel/spi.h"

#include "utils/builtins.h"

#define ROLES_OF                                                                                   \
	"(SELECT coalesce(array_agg(r.role ORDER BY r.role), '{}') FROM game.account_roles r"          \
	" WHERE r.account_id = a.id AND (r.expires_at IS NULL OR r.expires_at > $2))"

static NecpPlan insert_account =
	NECP_PLAN("INSERT INTO game.accounts (email, username, display_name, password_hash, created_at)"
			  " VALUES ($1, $2, $3, $4, $5) RETURNING id",
			  TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan grant_player = NECP_PLAN(
	"INSERT INTO game.account_roles (account_id, role, granted_at) VALUES ($1, 'PLAYER', $2)",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan insert_token = NECP_PLAN(
	"INSERT INTO game.account_tokens (digest, account_id, purpose, created_at, expires_at)"
	" VALUES ($1, $2, $3, $4, $5)",
	BYTEAOID, INT8OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan insert_email = NECP_PLAN(
	"INSERT INTO game.email_outbox (account_id, recipient, template, data, created_at, next_attempt_at)"
	" VALUES ($1, $2, $3, jsonb_build_object('token', $4::text), $5, $5)",
	INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan view_account =
	NECP_PLAN("SELECT to_json(ROW(a.id, a.email, a.username, a.display_name, a.status,"
			  " a.email_verified_at IS NOT NULL, " ROLES_OF ", a.created_at)::necp.account_view)"
			  " FROM game.accounts a WHERE a.id = $1",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan find_hash =
	NECP_PLAN("SELECT password_hash FROM game.accounts WHERE lower(email) = lower($1)"
			  " AND status <> 'DELETED'",
			  TEXTOID);
static NecpPlan lock_account =
	NECP_PLAN("SELECT id, password_hash, status FROM game.accounts WHERE lower(email) = lower($1)"
			  " AND status <> 'DELETED' FOR NO KEY UPDATE",
			  TEXTOID);
static NecpPlan note_attempt =
	NECP_PLAN("INSERT INTO game.login_history (account_id, outcome, client_ip, user_agent, at)"
			  " VALUES ($1, $2, $3, $4, $5)",
			  INT8OID, TEXTOID, INETOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan note_login =
	NECP_PLAN("UPDATE game.accounts SET last_login_at = $2 WHERE id = $1", INT8OID, TIMESTAMPTZOID);
static NecpPlan new_family = NECP_PLAN0("SELECT gen_random_uuid()");
static NecpPlan insert_refresh =
	NECP_PLAN("INSERT INTO game.refresh_tokens (digest, account_id, family, created_at, expires_at)"
			  " VALUES ($1, $2, $3, $4, $5)",
			  BYTEAOID, INT8OID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan read_grants =
	NECP_PLAN("SELECT to_json(" ROLES_OF "), (SELECT coalesce(json_agg(DISTINCT p.name), '[]')"
			  " FROM game.account_roles r JOIN game.role_permissions rp USING (role)"
			  " JOIN game.permissions p USING (permission_id)"
			  " WHERE r.account_id = a.id AND (r.expires_at IS NULL OR r.expires_at > $2))"
			  " FROM game.accounts a WHERE a.id = $1",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan lock_refresh =
	NECP_PLAN("SELECT t.account_id, t.family, t.expires_at, t.spent_at IS NOT NULL,"
			  " t.revoked_at IS NOT NULL, a.status FROM game.refresh_tokens t"
			  " JOIN game.accounts a ON a.id = t.account_id WHERE t.digest = $1"
			  " FOR NO KEY UPDATE OF a, t",
			  BYTEAOID);
static NecpPlan spend_refresh =
	NECP_PLAN("UPDATE game.refresh_tokens SET spent_at = $2 WHERE digest = $1", BYTEAOID,
			  TIMESTAMPTZOID);
static NecpPlan revoke_family = NECP_PLAN(
	"UPDATE game.refresh_tokens SET revoked_at = $2 WHERE family = $1 AND revoked_at IS NULL",
	UUIDOID, TIMESTAMPTZOID);
static NecpPlan session_of_family = NECP_PLAN(
	"SELECT id FROM game.player_sessions WHERE account_id = $1 AND family = $2 AND closed_at IS NULL",
	INT8OID, UUIDOID);
static NecpPlan lock_own_account =
	NECP_PLAN("SELECT FROM game.accounts WHERE id = $1 FOR NO KEY UPDATE", INT8OID);
static NecpPlan family_of_session =
	NECP_PLAN("SELECT family FROM game.player_sessions WHERE id = $1", UUIDOID);
static NecpPlan lock_token = NECP_PLAN(
	"SELECT t.account_id, t.used_at IS NOT NULL, t.voided_at IS NOT NULL, t.expires_at"
	" FROM game.account_tokens t WHERE t.digest = $1 AND t.purpose = $2 FOR NO KEY UPDATE",
	BYTEAOID, TEXTOID);
static NecpPlan use_token =
	NECP_PLAN("UPDATE game.account_tokens SET used_at = $2 WHERE digest = $1", BYTEAOID,
			  TIMESTAMPTZOID);
static NecpPlan verify_account = NECP_PLAN(
	"UPDATE game.accounts SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL",
	INT8OID, TIMESTAMPTZOID);

/* Registration --------------------------------------------------------------------------------- */

/* One @ with something on both sides and no blanks: more than that only a sent mail can prove. */
static char *
email_arg(FunctionCallInfo fcinfo, int n)
{
	char *email = necp_arg_text(fcinfo, n, "email", 3, 255);
	char *at = strchr(email, '@');

	if (at == NULL || at == email || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
		strpbrk(email, " \t\r\n\f\v") != NULL)
		necp_fail(VALIDATION, "email", "this is not an e-mail address");
	return email;
}

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
	char *token = necp_random_token();
	TimestampTz now = necp_now();
	TimestampTz end = now + necp_config_int("auth.verify_s") * USECS_PER_SEC;

	necp_run(&insert_token,
			 PointerGetDatum(necp_digest(token)),
			 account_id,
			 necp_cstring_datum("VERIFY_EMAIL"),
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(end));
	necp_run(&insert_email,
			 account_id,
			 necp_cstring_datum(email),
			 necp_cstring_datum("VERIFY_EMAIL"),
			 necp_cstring_datum(token),
			 TimestampTzGetDatum(now));
}

static Datum
account_view(int64 account_id)
{
	return necp_answer(&view_account, "account", account_id, TimestampTzGetDatum(necp_now()));
}

/* EMAIL_TAKEN and USERNAME_TAKEN are the unique indexes' own refusals. */
NECP_FUNCTION(necp_auth_register)
{
	char *email = email_arg(fcinfo, 0);
	char *username = username_arg(fcinfo, 1);
	char *hash = necp_arg_text(fcinfo, 2, "password", 1, 200);
	char *display_name =
		PG_ARGISNULL(4) ? username : necp_arg_text(fcinfo, 4, "display_name", 1, 100);
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

/* TOKEN_USED, VERIFICATION_EXPIRED; an unknown token reads like an expired one. */
NECP_FUNCTION(necp_auth_verify_email)
{
	char *token = necp_arg_text(fcinfo, 0, "token", 1, 100);
	Datum digest = PointerGetDatum(necp_digest(token));
	Datum now = TimestampTzGetDatum(necp_now());
	int64 account_id;

	if (necp_run(&lock_token, digest, necp_cstring_datum("VERIFY_EMAIL")) == 0)
		necp_fail(VERIFICATION_EXPIRED, "token", "the token is not valid (any more)");
	if (necp_bool(0, 2))
		necp_fail(TOKEN_USED, "token", "the token was used before");
	if (necp_bool(0, 3) || necp_timestamp(0, 4) <= DatumGetTimestampTz(now))
		necp_fail(VERIFICATION_EXPIRED, "token", "the token is not valid (any more)");
	account_id = necp_int8(0, 1);
	necp_run(&use_token, digest, now);
	if (necp_run(&verify_account, account_id, now) > 0)
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

	if (necp_run(&find_hash, necp_cstring_datum(email)) == 0)
		PG_RETURN_NULL();
	return necp_cstring_datum(necp_text(0, 1));
}

/* A refresh token of a family for the account, stored as its digest. */
static char *
issue_refresh(int64 account_id, const pg_uuid_t *family)
{
	char *token = necp_random_token();
	TimestampTz now = necp_now();
	TimestampTz end = now + necp_config_int("auth.refresh_s") * USECS_PER_SEC;

	necp_run(&insert_refresh,
			 PointerGetDatum(necp_digest(token)),
			 account_id,
			 UUIDPGetDatum(family),
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(end));
	return token;
}

static Datum
token_view(int64 account_id, const pg_uuid_t *session, const pg_uuid_t *family)
{
	NecpJson view;

	necp_run(&read_grants, account_id, TimestampTzGetDatum(necp_now()));
	necp_json_open(&view);
	necp_json_int(&view, "account_id", account_id);
	necp_json_text(&view,
				   "session_id",
				   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(session))));
	necp_json_raw(&view, "roles", necp_text(0, 1));
	necp_json_raw(&view, "permissions", necp_text(0, 2));
	necp_json_text(&view, "refresh_token", issue_refresh(account_id, family));
	necp_json_int(&view, "refresh_expires_in", necp_config_int("auth.refresh_s"));
	return necp_cstring_datum(necp_json_close(&view));
}

static void
note(int64 account_id, const char *outcome, FunctionCallInfo fcinfo, int ip, int agent)
{
	char nulls[] = "     ";

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

static Datum
refuse_login(void)
{
	return necp_cstring_datum(
		necp_json_problem("INVALID_CREDENTIALS", "e-mail address or password is wrong"));
}

static pg_uuid_t
open_session(int64 account_id, const pg_uuid_t *family, FunctionCallInfo fcinfo, int ip, int agent)
{
	char nulls[3] = "  ";

	nulls[0] = PG_ARGISNULL(ip) ? 'n' : ' ';
	nulls[1] = PG_ARGISNULL(agent) ? 'n' : ' ';
	return necp_session_open(account_id,
							 family,
							 fcinfo->args[ip].value,
							 fcinfo->args[agent].value,
							 nulls);
}

/*
 * The hash that the edge verified is compared with the stored one under the account's lock, so that
 * a password changed in between fails. A refusal commits its note in login_history.
 */
NECP_FUNCTION(necp_auth_login)
{
	char *email = necp_arg_text(fcinfo, 0, "email", 1, 255);
	pg_uuid_t family;
	pg_uuid_t session;
	int64 account_id;

	if (necp_run(&lock_account, necp_cstring_datum(email)) == 0)
		return refuse_login();
	account_id = necp_int8(0, 1);
	if (PG_ARGISNULL(1) || strcmp(text_to_cstring(PG_GETARG_TEXT_PP(1)), necp_text(0, 2)) != 0)
	{
		note(account_id, "WRONG_PASSWORD", fcinfo, 2, 3);
		return refuse_login();
	}
	if (strcmp(necp_text(0, 3), "ACTIVE") != 0)
	{
		note(account_id, "NOT_ACTIVE", fcinfo, 2, 3);
		return refuse_login();
	}
	necp_run0(&new_family);
	family = necp_uuid(0, 1);
	session = open_session(account_id, &family, fcinfo, 2, 3);
	note(account_id, "SUCCESS", fcinfo, 2, 3);
	necp_run(&note_login, account_id, TimestampTzGetDatum(necp_now()));
	necp_event_emit(&(NecpEvent){.type = "LOGIN_SUCCESS",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id});
	return token_view(account_id, &session, &family);
}

/* Refresh and logout ----------------------------------------------------------------------------- */

static Datum
refuse_reuse(const pg_uuid_t *family)
{
	necp_run(&revoke_family, UUIDPGetDatum(family), TimestampTzGetDatum(necp_now()));
	return necp_cstring_datum(
		necp_json_problem("REFRESH_REUSED", "this refresh token was spent before: log in again"));
}

/*
 * Spends a refresh token. One that was spent before may be stolen: its whole family is revoked, and
 * that commits, so the refusal is returned, not raised.
 */
NECP_FUNCTION(necp_auth_refresh)
{
	char *token = necp_arg_text(fcinfo, 0, "refresh_token", 1, 100);
	Datum digest = PointerGetDatum(necp_digest(token));
	Datum now = TimestampTzGetDatum(necp_now());
	pg_uuid_t family;
	pg_uuid_t session;
	int64 account_id;

	if (necp_run(&lock_refresh, digest) == 0)
		necp_fail(UNAUTHENTICATED, "refresh_token", "the refresh token is not valid");
	account_id = necp_int8(0, 1);
	family = necp_uuid(0, 2);
	if (necp_bool(0, 4))
		return refuse_reuse(&family);
	if (necp_bool(0, 5) || necp_timestamp(0, 3) <= DatumGetTimestampTz(now) ||
		strcmp(necp_text(0, 6), "ACTIVE") != 0)
		necp_fail(UNAUTHENTICATED, "refresh_token", "the refresh token is not valid");
	necp_run(&spend_refresh, digest, now);
	if (necp_run(&session_of_family, account_id, UUIDPGetDatum(&family)) > 0)
		session = necp_uuid(0, 1);
	else
		session = open_session(account_id, &family, fcinfo, 1, 2);
	return token_view(account_id, &session, &family);
}

/* Under the account's lock no refresh can slip a new token in behind the revocation. */
NECP_FUNCTION(necp_auth_logout)
{
	const NecpSession *session = necp_session();
	pg_uuid_t family;

	necp_run(&lock_own_account, session->account_id);
	necp_run(&family_of_session, UUIDPGetDatum(&session->id));
	family = necp_uuid(0, 1);
	necp_session_close(&session->id, "LOGOUT");
	necp_run(&revoke_family, UUIDPGetDatum(&family), TimestampTzGetDatum(necp_now()));
	necp_event_emit(&(NecpEvent){.type = "LOGOUT",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = session->account_id});
	return necp_cstring_datum("{\"done\":true}");
}

NECP_FUNCTION(necp_auth_me)
{
	return account_view(necp_account());
}
