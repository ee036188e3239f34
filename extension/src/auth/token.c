/* SPDX-License-Identifier: PostgreSQL
 *
 * Refresh tokens and mailed tokens (DOMAIN §1, §2). At most one refresh token of a family and one
 * mailed token of an account and purpose is live: unique indexes. Lock order: account, session, then
 * the tokens, which only change under their account's lock.
 */
#include "postgres.h"

#include "auth/auth.h"
#include "auth/role.h"
#include "auth/session.h"
#include "auth/token.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/json.h"
#include "kernel/random.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "utils/builtins.h"

static NecpPlan new_family = NECP_PLAN0("SELECT gen_random_uuid()");
static NecpPlan read_grants =
	NECP_PLAN("SELECT to_json(" NECP_ROLES_OF "), (SELECT coalesce(json_agg(DISTINCT p.name), '[]')"
			  " FROM game.account_roles r JOIN game.role_permissions rp USING (role)"
			  " JOIN game.permissions p USING (permission_id)"
			  " WHERE r.account_id = a.id AND (r.expires_at IS NULL OR r.expires_at > $2))"
			  " FROM game.accounts a WHERE a.id = $1",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan insert_refresh =
	NECP_PLAN("INSERT INTO game.refresh_tokens (digest, account_id, family, created_at, expires_at)"
			  " VALUES ($1, $2, $3, $4, $5)",
			  BYTEAOID, INT8OID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan account_of_refresh =
	NECP_PLAN("SELECT account_id FROM game.refresh_tokens WHERE digest = $1", BYTEAOID);
static NecpPlan read_refresh =
	NECP_PLAN("SELECT t.family, t.expires_at, t.spent_at IS NOT NULL, t.revoked_at IS NOT NULL,"
			  " a.status FROM game.refresh_tokens t JOIN game.accounts a ON a.id = t.account_id"
			  " WHERE t.digest = $1",
			  BYTEAOID);
static NecpPlan spend_refresh =
	NECP_PLAN("UPDATE game.refresh_tokens SET spent_at = $2 WHERE digest = $1", BYTEAOID,
			  TIMESTAMPTZOID);
static NecpPlan revoke_family = NECP_PLAN(
	"UPDATE game.refresh_tokens SET revoked_at = $2 WHERE family = $1 AND revoked_at IS NULL",
	UUIDOID, TIMESTAMPTZOID);
static NecpPlan revoke_account = NECP_PLAN(
	"UPDATE game.refresh_tokens SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan session_of_family = NECP_PLAN(
	"SELECT id FROM game.player_sessions WHERE account_id = $1 AND family = $2 AND closed_at IS NULL",
	INT8OID, UUIDOID);
static NecpPlan void_token =
	NECP_PLAN("UPDATE game.account_tokens SET voided_at = $3 WHERE account_id = $1 AND purpose = $2"
			  " AND used_at IS NULL AND voided_at IS NULL",
			  INT8OID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan insert_token = NECP_PLAN(
	"INSERT INTO game.account_tokens (digest, account_id, purpose, created_at, expires_at)"
	" VALUES ($1, $2, $3, $4, $5)",
	BYTEAOID, INT8OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan account_of_token =
	NECP_PLAN("SELECT account_id FROM game.account_tokens WHERE digest = $1 AND purpose = $2",
			  BYTEAOID, TEXTOID);
static NecpPlan read_token =
	NECP_PLAN("SELECT used_at IS NOT NULL, voided_at IS NOT NULL, expires_at"
			  " FROM game.account_tokens WHERE digest = $1",
			  BYTEAOID);
static NecpPlan use_token =
	NECP_PLAN("UPDATE game.account_tokens SET used_at = $2 WHERE digest = $1", BYTEAOID,
			  TIMESTAMPTZOID);
static NecpPlan forget_refresh =
	NECP_PLAN("DELETE FROM game.refresh_tokens WHERE digest IN"
			  " (SELECT digest FROM game.refresh_tokens WHERE expires_at <= $1 LIMIT 1000)",
			  TIMESTAMPTZOID);
static NecpPlan forget_mailed =
	NECP_PLAN("DELETE FROM game.account_tokens WHERE digest IN"
			  " (SELECT digest FROM game.account_tokens WHERE expires_at <= $1 LIMIT 1000)",
			  TIMESTAMPTZOID);

/* Refresh tokens -------------------------------------------------------------------------------- */

pg_uuid_t
necp_token_family(void)
{
	necp_run0(&new_family);
	return necp_uuid(0, 1);
}

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

void
necp_token_describe(NecpJson *view, int64 account_id, const pg_uuid_t *session)
{
	necp_run(&read_grants, account_id, TimestampTzGetDatum(necp_now()));
	necp_json_open(view);
	necp_json_int(view, "account_id", account_id);
	necp_json_text(view,
				   "session_id",
				   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(session))));
	necp_json_raw(view, "roles", necp_text(0, 1));
	necp_json_raw(view, "permissions", necp_text(0, 2));
}

Datum
necp_token_grant(int64 account_id, const pg_uuid_t *session, const pg_uuid_t *family)
{
	NecpJson view;

	necp_token_describe(&view, account_id, session);
	necp_json_text(&view, "refresh_token", issue_refresh(account_id, family));
	necp_json_int(&view, "refresh_expires_in", necp_config_int("auth.refresh_s"));
	necp_json_text(&view, "reconnect_token", necp_session_reconnect_token(session));
	return necp_cstring_datum(necp_json_close(&view));
}

void
necp_tokens_revoke_family(const pg_uuid_t *family)
{
	necp_run(&revoke_family, UUIDPGetDatum(family), TimestampTzGetDatum(necp_now()));
}

/* Under the account's lock no refresh can slip a new token in behind the revocation. */
void
necp_tokens_revoke_account(int64 account_id)
{
	necp_account_lock(account_id);
	necp_run(&revoke_account, account_id, TimestampTzGetDatum(necp_now()));
}

static void
pg_attribute_noreturn() fail_refresh(void)
{
	necp_fail(UNAUTHENTICATED, "refresh_token", "the refresh token is not valid");
}

/* Whoever came second may be the thief or the owner: both have to log in again. */
static Datum
refuse_reuse(int64 account_id, const pg_uuid_t *family)
{
	necp_tokens_revoke_family(family);
	if (necp_run(&session_of_family, account_id, UUIDPGetDatum(family)) > 0)
	{
		pg_uuid_t session = necp_uuid(0, 1);

		necp_session_close(&session, "REFRESH_REUSED");
	}
	return necp_cstring_datum(
		necp_json_problem("REFRESH_REUSED", "this refresh token was spent before: log in again"));
}

static pg_uuid_t
session_for(int64 account_id, const pg_uuid_t *family, FunctionCallInfo fcinfo)
{
	char nulls[3] = "  ";
	pg_uuid_t session;

	nulls[0] = PG_ARGISNULL(1) ? 'n' : ' ';
	nulls[1] = PG_ARGISNULL(2) ? 'n' : ' ';
	if (necp_run(&session_of_family, account_id, UUIDPGetDatum(family)) > 0)
	{
		session = necp_uuid(0, 1);
		if (necp_session_settle(&session))
		{
			necp_session_client(&session, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), nulls);
			return session;
		}
	}
	return necp_session_open(account_id, family, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), nulls);
}

/*
 * Spends a refresh token. One that was spent before may be stolen: its whole family is revoked and
 * its session closed, and that commits, so the refusal is returned, not raised.
 */
NECP_FUNCTION(necp_auth_refresh)
{
	char *token = necp_arg_text(fcinfo, 0, "refresh_token", 1, 100);
	Datum digest = PointerGetDatum(necp_digest(token));
	pg_uuid_t family;
	pg_uuid_t session;
	int64 account_id;
	TimestampTz now;
	char *barred;

	if (necp_run(&account_of_refresh, digest) == 0)
		fail_refresh();
	account_id = necp_int8(0, 1);
	necp_account_lock(account_id);
	if (necp_run(&read_refresh, digest) == 0)
		fail_refresh();
	family = necp_uuid(0, 1);
	now = necp_now();
	if (necp_bool(0, 3))
		return refuse_reuse(account_id, &family);
	if (necp_bool(0, 4) || necp_timestamp(0, 2) <= now || strcmp(necp_text(0, 5), "DELETED") == 0)
		fail_refresh();
	barred = necp_account_barred(account_id);
	if (barred != NULL)
		necp_fail(ACCOUNT_BANNED, NULL, "%s", barred);
	necp_run(&spend_refresh, digest, TimestampTzGetDatum(now));
	session = session_for(account_id, &family, fcinfo);
	return necp_token_grant(account_id, &session, &family);
}

/* Mailed tokens --------------------------------------------------------------------------------- */

void
necp_token_void(int64 account_id, const char *purpose)
{
	necp_run(&void_token, account_id, necp_cstring_datum(purpose), TimestampTzGetDatum(necp_now()));
}

char *
necp_token_issue(int64 account_id, const char *purpose, int64 life_s)
{
	char *token = necp_random_token();
	TimestampTz now;

	necp_account_lock(account_id);
	necp_token_void(account_id, purpose);
	now = necp_now();
	necp_run(&insert_token,
			 PointerGetDatum(necp_digest(token)),
			 account_id,
			 necp_cstring_datum(purpose),
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(now + life_s * USECS_PER_SEC));
	return token;
}

/* An unknown token reads like an expired one. */
int64
necp_token_use(const char *token, const char *purpose)
{
	Datum digest = PointerGetDatum(necp_digest(token));
	int64 account_id;
	TimestampTz now;

	if (necp_run(&account_of_token, digest, necp_cstring_datum(purpose)) == 0)
		necp_fail(VERIFICATION_EXPIRED, "token", "the token is not valid (any more)");
	account_id = necp_int8(0, 1);
	necp_account_lock(account_id);
	now = necp_now();
	if (necp_run(&read_token, digest) == 0)
		necp_fail(VERIFICATION_EXPIRED, "token", "the token is not valid (any more)");
	if (necp_bool(0, 1))
		necp_fail(TOKEN_USED, "token", "the token was used before");
	if (necp_bool(0, 2) || necp_timestamp(0, 3) <= now)
		necp_fail(VERIFICATION_EXPIRED, "token", "the token is not valid (any more)");
	necp_run(&use_token, digest, TimestampTzGetDatum(now));
	return account_id;
}

/* ------------------------------------------------------------------------------------------------ */

/* An expired token is refused like one that never was, so its row says nothing any more. */
static void
forget_expired(void *arg)
{
	Datum now = TimestampTzGetDatum(necp_now());

	necp_run(&forget_refresh, now);
	necp_run(&forget_mailed, now);
}

NECP_ROOM_INIT(token)
{
	necp_schedule("token_forget", 60, forget_expired);
}
