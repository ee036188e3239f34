/* SPDX-License-Identifier: PostgreSQL
 *
 * Roles, bans and the audit log (DOMAIN §1, §29). Whoever acts stands above whom it is done to, and
 * never acts on oneself; both accounts are locked and judged by the tables, so that a power lost in
 * the meantime is not used. Without an identity an operator of the database acts, who is a member of
 * necp_admin and outranks everybody.
 *
 * Lock order: both accounts by ascending id, session, refresh tokens.
 */
#include "postgres.h"

#include "auth/role.h"
#include "auth/session.h"
#include "auth/token.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/push.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/text.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"

#define REASON_MIN 5
#define REASON_MAX 500
#define ANY_BAN (-1)

/* Who acts: account 0 is an operator. */
typedef struct Actor
{
	int64 account_id;
	int32 rank;
	int64 max_ban_s; /* longest ban it may give or lift, or ANY_BAN */
} Actor;

static NecpPlan lock_accounts = NECP_PLAN(
	"SELECT id, status FROM game.accounts WHERE id IN ($1, $2) ORDER BY id FOR NO KEY UPDATE",
	INT8OID, INT8OID);
static NecpPlan read_powers = NECP_PLAN(
	"SELECT coalesce(max(r.rank), 0), coalesce(bool_or(h.held), false),"
	" CASE WHEN bool_or(h.held AND r.max_ban_s IS NULL) THEN -1"
	"  ELSE coalesce(max(r.max_ban_s) FILTER (WHERE h.held), 0) END"
	" FROM game.account_roles g JOIN game.roles r USING (role) CROSS JOIN LATERAL (SELECT EXISTS ("
	"  SELECT FROM game.role_permissions rp JOIN game.permissions p USING (permission_id)"
	"  WHERE rp.role = g.role AND p.name = $3) AS held) h"
	" WHERE g.account_id = $1 AND (g.expires_at IS NULL OR g.expires_at > $2)",
	INT8OID, TIMESTAMPTZOID, TEXTOID);
static NecpPlan read_rank = NECP_PLAN(
	"SELECT coalesce(max(r.rank), 0) FROM game.account_roles g JOIN game.roles r USING (role)"
	" WHERE g.account_id = $1 AND (g.expires_at IS NULL OR g.expires_at > $2)",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan find_permission =
	NECP_PLAN("SELECT permission_id FROM game.permissions WHERE name = $1", TEXTOID);
static NecpPlan rank_of_role = NECP_PLAN("SELECT rank FROM game.roles WHERE role = $1", TEXTOID);
static NecpPlan grant_role = NECP_PLAN(
	"INSERT INTO game.account_roles (account_id, role, granted_by, granted_at, expires_at)"
	" VALUES ($1, $2, nullif($3, 0), $4, $5) ON CONFLICT (account_id, role) DO UPDATE"
	" SET granted_by = excluded.granted_by, granted_at = excluded.granted_at,"
	" expires_at = excluded.expires_at",
	INT8OID, TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan revoke_role =
	NECP_PLAN("DELETE FROM game.account_roles WHERE account_id = $1 AND role = $2"
			  " AND (expires_at IS NULL OR expires_at > $3)",
			  INT8OID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan live_session =
	NECP_PLAN("SELECT id FROM game.player_sessions WHERE account_id = $1 AND closed_at IS NULL",
			  INT8OID);
static NecpPlan read_ban =
	NECP_PLAN("SELECT a.status, b.id IS NOT NULL, coalesce(b.expires_at, 'infinity'), b.banned_at"
			  " FROM game.accounts a LEFT JOIN game.account_bans b"
			  " ON b.account_id = a.id AND b.lifted_at IS NULL WHERE a.id = $1",
			  INT8OID);
static NecpPlan insert_ban =
	NECP_PLAN("INSERT INTO game.account_bans (account_id, reason, banned_by, banned_at, expires_at)"
			  " VALUES ($1, $2, nullif($3, 0), $4, $5)",
			  INT8OID, TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan lift_ban = NECP_PLAN(
	"UPDATE game.account_bans SET lifted_at = $2, lift_cause = $3, lifted_by = nullif($4, 0)"
	" WHERE account_id = $1 AND lifted_at IS NULL",
	INT8OID, TIMESTAMPTZOID, TEXTOID, INT8OID);
/* A deleted account stays deleted: what barred it is the row in account_bans. */
static NecpPlan set_status = NECP_PLAN(
	"UPDATE game.accounts SET status = $2 WHERE id = $1 AND status NOT IN ($2, 'DELETED')", INT8OID,
	TEXTOID);
static NecpPlan insert_audit = NECP_PLAN(
	"INSERT INTO game.admin_audit_log (acted_at, account_id, database_user, action, target_type,"
	" target_id, reason, data, trace_id) VALUES ($1, nullif($2, 0), $3, $4, $5, $6, $7, $8::jsonb,"
	" nullif($9, '00000000-0000-0000-0000-000000000000'))",
	TIMESTAMPTZOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, UUIDOID);
static NecpPlan view_standing = NECP_PLAN(
	"SELECT to_json(ROW(a.id, a.status, b.banned_at, b.expires_at, (SELECT coalesce(array_agg(g.role"
	" ORDER BY g.role), '{}') FROM game.account_roles g WHERE g.account_id = a.id"
	" AND (g.expires_at IS NULL OR g.expires_at > $2)))::necp.standing_view)"
	" FROM game.accounts a LEFT JOIN game.account_bans b"
	" ON b.account_id = a.id AND b.lifted_at IS NULL WHERE a.id = $1",
	INT8OID, TIMESTAMPTZOID);

/* Who acts, and whether it may ------------------------------------------------------------------ */

bool
necp_permitted(const char *permission)
{
	const NecpSession *session = necp_session_or_null();

	if (session == NULL)
		return false;
	if (necp_run(&find_permission, necp_cstring_datum(permission)) == 0)
		elog(ERROR, "there is no permission \"%s\"", permission);
	return (session->permissions & (UINT64CONST(1) << necp_int4(0, 1))) != 0;
}

static void
require_operator(void)
{
	if (!has_privs_of_role(GetSessionUserId(), get_role_oid("necp_admin", false)))
		necp_fail(FORBIDDEN, NULL, "this needs an account that may, or a member of necp_admin");
}

/* Finds the row of an id among the locked accounts; false if there is none. */
static bool
find_locked(uint64 rows, int64 account_id, uint64 *row)
{
	for (*row = 0; *row < rows; (*row)++)
		if (necp_int8(*row, 1) == account_id)
			return true;
	return false;
}

static void
read_actor(Actor *actor, const char *permission)
{
	necp_run(&read_powers,
			 actor->account_id,
			 TimestampTzGetDatum(necp_now()),
			 necp_cstring_datum(permission));
	if (!necp_bool(0, 2))
		necp_fail(FORBIDDEN, NULL, "this needs the permission %s", permission);
	actor->rank = necp_int4(0, 1);
	actor->max_ban_s = necp_int4(0, 3);
}

/* Locks both accounts; FORBIDDEN unless the acting one may do this to the other. */
static Actor
authorise(int64 target_id, const char *permission)
{
	const NecpSession *session = necp_session_or_null();
	Actor actor = {.rank = PG_INT32_MAX, .max_ban_s = ANY_BAN};
	bool found;
	uint64 rows;
	uint64 row;

	if (session == NULL)
		require_operator();
	else
		actor.account_id = session->account_id;
	rows = necp_run(&lock_accounts, target_id, actor.account_id);
	found = find_locked(rows, target_id, &row);
	if (session != NULL)
	{
		if (!find_locked(rows, actor.account_id, &row) || strcmp(necp_text(row, 2), "ACTIVE") != 0)
			necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
		read_actor(&actor, permission);
	}
	if (!found)
		necp_fail(NOT_FOUND, "account_id", "there is no such account");
	if (actor.account_id == target_id)
		necp_fail(FORBIDDEN, "account_id", "nobody does this to oneself");
	necp_run(&read_rank, target_id, TimestampTzGetDatum(necp_now()));
	if (necp_int4(0, 1) >= actor.rank)
		necp_fail(FORBIDDEN, "account_id", "the account's rank is not below your own");
	return actor;
}

/* The audit log --------------------------------------------------------------------------------- */

void
necp_audit(const char *action, const char *target_type, int64 target_id, const char *reason,
		   const char *data_json)
{
	const NecpSession *session = necp_session_or_null();
	int length = reason == NULL ? 0 : pg_mbstrlen(reason);

	if (length < REASON_MIN || length > REASON_MAX)
		necp_fail(VALIDATION,
				  "reason",
				  "reason must have %d to %d characters",
				  REASON_MIN,
				  REASON_MAX);
	necp_run(&insert_audit,
			 TimestampTzGetDatum(necp_now()),
			 session == NULL ? 0 : session->account_id,
			 necp_cstring_datum(GetUserNameFromId(GetSessionUserId(), false)),
			 necp_cstring_datum(action),
			 necp_cstring_datum(target_type),
			 target_id,
			 necp_cstring_datum(reason),
			 necp_cstring_datum(data_json == NULL ? "{}" : data_json),
			 UUIDPGetDatum(necp_trace()));
}

static void
emit(const char *type, int64 account_id, const char *data)
{
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id,
								 .data = data});
}

static char *
reason_arg(FunctionCallInfo fcinfo, int n)
{
	return necp_arg_line(fcinfo, n, "reason", REASON_MIN, REASON_MAX);
}

/* A time to come, or NULL: returns whether there is one. */
static bool
future_arg(FunctionCallInfo fcinfo, int n, const char *field, TimestampTz *at)
{
	if (PG_ARGISNULL(n))
		return false;
	*at = PG_GETARG_TIMESTAMPTZ(n);
	if (*at <= necp_now() || TIMESTAMP_NOT_FINITE(*at))
		necp_fail(VALIDATION, field, "%s must be a time to come", field);
	return true;
}

static char *
iso_time(TimestampTz at)
{
	char *text = palloc(MAXDATELEN + 1);

	return JsonEncodeDateTime(text, TimestampTzGetDatum(at), TIMESTAMPTZOID, NULL);
}

static void
add_time(NecpJson *json, const char *name, bool is_set, TimestampTz at)
{
	if (is_set)
		necp_json_text(json, name, iso_time(at));
	else
		necp_json_raw(json, name, "null");
}

static Datum
standing(int64 account_id)
{
	return necp_answer(&view_standing, "account", account_id, TimestampTzGetDatum(necp_now()));
}

/* Roles ----------------------------------------------------------------------------------------- */

/* The session goes on, with other powers; its connection comes back and asks for its topics anew. */
static void
refresh_session(int64 account_id)
{
	pg_uuid_t id;

	if (necp_run(&live_session, account_id) == 0)
		return;
	id = necp_uuid(0, 1);
	necp_session_changed(&id);
	necp_push_close(&id, "ROLE_CHANGED");
}

static void
role_changed(const char *action, int64 account_id, const char *reason, NecpJson *data)
{
	char *json = necp_json_close(data);

	refresh_session(account_id);
	emit("ROLE_CHANGED", account_id, json);
	necp_audit(action, "ACCOUNT", account_id, reason, json);
}

/* Nobody gives or takes a role at or above the own rank. */
static void
require_below(const Actor *actor, const char *role)
{
	if (necp_run(&rank_of_role, necp_cstring_datum(role)) == 0)
		necp_fail(VALIDATION, "role", "there is no such role");
	if (necp_int4(0, 1) >= actor->rank)
		necp_fail(FORBIDDEN, "role", "the role's rank is not below your own");
}

NECP_FUNCTION(necp_role_grant)
{
	int64 account_id = necp_arg_id(fcinfo, 0, "account_id");
	char *role = necp_arg_text(fcinfo, 1, "role", 1, 64);
	TimestampTz end = 0;
	bool ends = future_arg(fcinfo, 2, "expires_at", &end);
	char *reason = reason_arg(fcinfo, 3);
	Actor actor = authorise(account_id, "*");
	NecpJson data;

	require_below(&actor, role);
	necp_run_nulls(&grant_role,
				   ends ? "     " : "    n",
				   account_id,
				   necp_cstring_datum(role),
				   actor.account_id,
				   TimestampTzGetDatum(necp_now()),
				   TimestampTzGetDatum(end));
	necp_json_open(&data);
	necp_json_text(&data, "role", role);
	necp_json_bool(&data, "granted", true);
	add_time(&data, "expires_at", ends, end);
	role_changed("ROLE_GRANT", account_id, reason, &data);
	return standing(account_id);
}

NECP_FUNCTION(necp_role_revoke)
{
	int64 account_id = necp_arg_id(fcinfo, 0, "account_id");
	char *role = necp_arg_text(fcinfo, 1, "role", 1, 64);
	char *reason = reason_arg(fcinfo, 2);
	Actor actor = authorise(account_id, "*");
	NecpJson data;

	require_below(&actor, role);
	if (necp_run(&revoke_role,
				 account_id,
				 necp_cstring_datum(role),
				 TimestampTzGetDatum(necp_now())) == 0)
		necp_fail(NOT_FOUND, "role", "the account does not hold this role");
	necp_json_open(&data);
	necp_json_text(&data, "role", role);
	necp_json_bool(&data, "granted", false);
	role_changed("ROLE_REVOKE", account_id, reason, &data);
	return standing(account_id);
}

/* Bans ------------------------------------------------------------------------------------------ */

/* What stands in the way of an account; end is infinity for a ban for good, and without one. */
typedef struct Ban
{
	bool there;
	bool closed; /* the account's status says so, with or without a ban */
	TimestampTz start;
	TimestampTz end;
} Ban;

static Ban
find_ban(int64 account_id)
{
	Ban ban = {0};

	if (necp_run(&read_ban, account_id) == 0)
		return ban;
	ban.closed =
		strcmp(necp_text(0, 1), "BANNED") == 0 || strcmp(necp_text(0, 1), "SUSPENDED") == 0;
	ban.there = necp_bool(0, 2);
	ban.end = necp_timestamp(0, 3);
	ban.start = necp_timestamp(0, 4);
	return ban;
}

static void
lift(int64 account_id, const char *cause, int64 by)
{
	necp_run(&lift_ban, account_id, TimestampTzGetDatum(necp_now()), necp_cstring_datum(cause), by);
}

/* Lifts the ban, lets the account act again and says so. */
static void
reinstate(int64 account_id, const char *cause, int64 by)
{
	NecpJson data;

	lift(account_id, cause, by);
	necp_run(&set_status, account_id, necp_cstring_datum("ACTIVE"));
	necp_json_open(&data);
	necp_json_text(&data, "cause", cause);
	emit("PLAYER_UNBANNED", account_id, necp_json_close(&data));
}

char *
necp_account_barred(int64 account_id)
{
	Ban ban = find_ban(account_id);

	if (ban.there && ban.end <= necp_now())
	{
		reinstate(account_id, "EXPIRED", 0);
		return NULL;
	}
	if (ban.there && !TIMESTAMP_IS_NOEND(ban.end))
		return psprintf("the account is banned until %s", iso_time(ban.end));
	if (ban.there)
		return pstrdup("the account is banned");
	return ban.closed ? pstrdup("the account is suspended") : NULL;
}

/* Who may give short bans only may not undo a longer one either, by lifting or by replacing it. */
static void
require_liftable(const Actor *actor, const Ban *ban)
{
	if (actor->max_ban_s == ANY_BAN || (!ban->there && !ban->closed))
		return;
	if (!ban->there || TIMESTAMP_IS_NOEND(ban->end) ||
		ban->end - ban->start > actor->max_ban_s * USECS_PER_SEC)
		necp_fail(FORBIDDEN, "account_id", "this ban is longer than you may lift");
}

static void
require_length(const Actor *actor, bool ends, TimestampTz end)
{
	if (actor->max_ban_s == ANY_BAN)
		return;
	if (!ends || end - necp_now() > actor->max_ban_s * USECS_PER_SEC)
		necp_fail(FORBIDDEN,
				  "until",
				  "your bans last at most " INT64_FORMAT " days",
				  actor->max_ban_s / SECS_PER_DAY);
}

/* A ban for a time makes the account SUSPENDED, one for good BANNED. */
NECP_FUNCTION(necp_account_ban)
{
	int64 account_id = necp_arg_id(fcinfo, 0, "account_id");
	TimestampTz end = 0;
	bool ends = future_arg(fcinfo, 1, "until", &end);
	char *reason = reason_arg(fcinfo, 2);
	Actor actor = authorise(account_id, "player.ban");
	Ban before = find_ban(account_id);
	bool over = before.there && before.end <= necp_now();
	NecpJson data;
	char *json;

	require_length(&actor, ends, end);
	if (!over)
		require_liftable(&actor, &before);
	lift(account_id, over ? "EXPIRED" : "REPLACED", over ? 0 : actor.account_id);
	necp_run_nulls(&insert_ban,
				   ends ? "     " : "    n",
				   account_id,
				   necp_cstring_datum(reason),
				   actor.account_id,
				   TimestampTzGetDatum(necp_now()),
				   TimestampTzGetDatum(end));
	necp_run(&set_status, account_id, necp_cstring_datum(ends ? "SUSPENDED" : "BANNED"));
	necp_session_close_account(account_id, "BANNED");
	necp_tokens_revoke_account(account_id);
	necp_json_open(&data);
	add_time(&data, "until", ends, end);
	json = necp_json_close(&data);
	emit("PLAYER_BANNED", account_id, json);
	necp_audit("PLAYER_BAN", "ACCOUNT", account_id, reason, json);
	return standing(account_id);
}

NECP_FUNCTION(necp_account_unban)
{
	int64 account_id = necp_arg_id(fcinfo, 0, "account_id");
	char *reason = reason_arg(fcinfo, 1);
	Actor actor = authorise(account_id, "player.unban");
	Ban ban = find_ban(account_id);

	if (!ban.there && !ban.closed)
		necp_fail(NOT_FOUND, "account_id", "the account is not banned");
	require_liftable(&actor, &ban);
	reinstate(account_id, "UNBANNED", actor.account_id);
	necp_audit("PLAYER_UNBAN", "ACCOUNT", account_id, reason, NULL);
	return standing(account_id);
}

NECP_ROOM_INIT(role)
{
	/* nothing runs by itself: a ban that is over is lifted by the login that finds it */
}
