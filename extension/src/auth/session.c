/* SPDX-License-Identifier: PostgreSQL
 *
 * Sessions (DOMAIN §4): one live session per account. Closing is one idempotent routine that other
 * rooms join by registration. Lock order: the session's row first, then what its hooks lock.
 */
#include "postgres.h"

#include "auth/session_int.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/push.h"
#include "kernel/room.h"
#include "kernel/spi.h"

#include "utils/builtins.h"
#include "utils/uuid.h"

#define MAX_HOOKS 16

static NecpSessionHook hooks[MAX_HOOKS];
static int nhooks;
static NecpSessionStateHook state_hooks[MAX_HOOKS];
static int nstate_hooks;

static NecpPlan load_session = NECP_PLAN(
	"SELECT s.account_id, s.character_id, s.place_id, s.binding, s.expires_at,"
	" (SELECT coalesce(bit_or(1::bigint << p.permission_id), 0)"
	"  FROM game.account_roles r JOIN game.role_permissions p USING (role)"
	"  WHERE r.account_id = s.account_id AND (r.expires_at IS NULL OR r.expires_at > $2)),"
	" (SELECT coalesce(min(r.expires_at), 'infinity') FROM game.account_roles r"
	"  WHERE r.account_id = s.account_id AND r.expires_at > $2), s.status, s.disconnected_at, s.node"
	" FROM game.player_sessions s JOIN game.accounts a ON a.id = s.account_id"
	" WHERE s.id = $1 AND s.closed_at IS NULL AND a.status = 'ACTIVE'",
	UUIDOID, TIMESTAMPTZOID);
static NecpPlan play = NECP_PLAN(
	"UPDATE game.player_sessions SET character_id = nullif($2, 0), place_id = nullif($3, 0),"
	" binding = binding + 1 WHERE id = $1 AND closed_at IS NULL RETURNING binding",
	UUIDOID, INT8OID, INT8OID);
static NecpPlan lock_live =
	NECP_PLAN("SELECT account_id, character_id, place_id, status, disconnected_at, node, expires_at"
			  " FROM game.player_sessions WHERE id = $1 AND closed_at IS NULL FOR NO KEY UPDATE",
			  UUIDOID);
static NecpPlan set_status =
	NECP_PLAN("UPDATE game.player_sessions SET status = $2, disconnected_at = $3,"
			  " node = nullif($4, '') WHERE id = $1",
			  UUIDOID, TEXTOID, TIMESTAMPTZOID, TEXTOID);
static NecpPlan close_row = NECP_PLAN(
	"UPDATE game.player_sessions SET status = 'CLOSED', closed_at = $2, close_reason = $3,"
	" character_id = NULL, place_id = NULL, ticket_digest = NULL, node = NULL WHERE id = $1",
	UUIDOID, TIMESTAMPTZOID, TEXTOID);
static NecpPlan live_of_account =
	NECP_PLAN("SELECT id FROM game.player_sessions WHERE account_id = $1 AND closed_at IS NULL",
			  INT8OID);
static NecpPlan insert_session = NECP_PLAN(
	"INSERT INTO game.player_sessions (id, account_id, family, status, client_ip, user_agent,"
	" created_at, expires_at) VALUES (gen_random_uuid(), $1, $2, 'CREATED', $3, $4, $5, $6)"
	" RETURNING id",
	INT8OID, UUIDOID, INETOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan of_character =
	NECP_PLAN("SELECT id FROM game.player_sessions WHERE character_id = $1 AND closed_at IS NULL",
			  INT8OID);
static NecpPlan insert_note = NECP_PLAN(
	"INSERT INTO game.session_audit (session_id, kind, reason, client_ip, user_agent, at)"
	" SELECT id, $2, $3, client_ip, user_agent, $4 FROM game.player_sessions WHERE id = $1",
	UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan set_client =
	NECP_PLAN("UPDATE game.player_sessions SET client_ip = coalesce($2, client_ip),"
			  " user_agent = coalesce($3, user_agent) WHERE id = $1 AND closed_at IS NULL"
			  " AND (coalesce($2, client_ip) IS DISTINCT FROM client_ip"
			  "  OR coalesce($3, user_agent) IS DISTINCT FROM user_agent)",
			  UUIDOID, INETOID, TEXTOID);

static const char *const status_names[] =
	{"CREATED", "ACTIVE", "IDLE", "AFK", "DISCONNECTED", "EXPIRED", "CLOSED"};

const char *
necp_session_status_name(NecpSessionStatus status)
{
	return status_names[status];
}

NecpSessionStatus
necp_session_status(const char *name)
{
	for (size_t i = 0; i < lengthof(status_names); i++)
		if (strcmp(status_names[i], name) == 0)
			return (NecpSessionStatus) i;
	elog(ERROR, "a session has the unknown status \"%s\"", name);
}

/* status, disconnected_at, node from that column on */
static void
read_state(int column, NecpPresence *live)
{
	live->status = necp_session_status(necp_text(0, column));
	live->disconnected_at = necp_isnull(0, column + 1) ? 0 : necp_timestamp(0, column + 1);
	if (!necp_isnull(0, column + 2))
		necp_presence_node(live, necp_text(0, column + 2));
}

static bool
load(const pg_uuid_t *id, NecpPresence *presence)
{
	NecpSession *session = &presence->session;

	if (necp_run(&load_session, UUIDPGetDatum(id), TimestampTzGetDatum(necp_now())) == 0)
		return false;
	memset(presence, 0, sizeof(*presence));
	session->id = *id;
	session->account_id = necp_int8(0, 1);
	session->character_id = necp_int8(0, 2);
	session->place_id = necp_int8(0, 3);
	session->binding = necp_int8(0, 4);
	session->expires_at = necp_timestamp(0, 5);
	session->permissions = (uint64) necp_int8(0, 6);
	session->permissions_until = necp_timestamp(0, 7);
	read_state(8, presence);
	return true;
}

/* Memory knows when it last acted, and starts the time to come back anew after a crash. */
bool
necp_session_take(const pg_uuid_t *id, NecpPresence *live)
{
	NecpPresence memory;
	TimestampTz now = necp_now();

	if (necp_run(&lock_live, UUIDPGetDatum(id)) == 0)
		return false;
	memset(live, 0, sizeof(*live));
	live->session.id = *id;
	live->session.account_id = necp_int8(0, 1);
	live->session.character_id = necp_int8(0, 2);
	live->session.place_id = necp_int8(0, 3);
	live->session.expires_at = necp_timestamp(0, 7);
	read_state(4, live);
	live->since = live->last_action = live->last_seen = now;
	if (!necp_presence_read(id, &memory))
	{
		/* no room in memory: the row is all there is */
		if (live->status == NECP_SESSION_DISCONNECTED)
			live->last_action = live->last_seen = live->disconnected_at;
		return true;
	}
	live->since = memory.since;
	live->last_action = memory.last_action;
	live->last_seen = memory.last_seen;
	live->warned_at = memory.warned_at;
	if (live->status == NECP_SESSION_DISCONNECTED)
		live->disconnected_at = Max(live->disconnected_at, memory.disconnected_at);
	return true;
}

void
necp_session_lock(const pg_uuid_t *session)
{
	if (necp_run(&lock_live, UUIDPGetDatum(session)) == 0)
		necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
}

/* States ------------------------------------------------------------------------------------- */

void
necp_session_on_close(NecpSessionHook hook)
{
	if (nhooks == MAX_HOOKS)
		elog(ERROR, "too many session hooks");
	hooks[nhooks++] = hook;
}

void
necp_session_on_state(NecpSessionStateHook hook)
{
	if (nstate_hooks == MAX_HOOKS)
		elog(ERROR, "too many session state hooks");
	state_hooks[nstate_hooks++] = hook;
}

static void
tell_state(const NecpSession *session, NecpSessionStatus from, NecpSessionStatus to)
{
	for (int i = 0; i < nstate_hooks; i++)
		state_hooks[i](session, status_names[from], status_names[to]);
}

void
necp_session_note(const pg_uuid_t *id, const char *kind, const char *reason)
{
	necp_run_nulls(&insert_note,
				   reason == NULL ? "  n " : "    ",
				   UUIDPGetDatum(id),
				   necp_cstring_datum(kind),
				   reason == NULL ? (Datum) 0 : necp_cstring_datum(reason),
				   TimestampTzGetDatum(necp_now()));
}

void
necp_session_push(const NecpPresence *live, const char *status, const char *reason,
				  TimestampTz expires_at)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_text(&data, "status", status);
	necp_json_text(&data, "reason", reason);
	necp_json_time(&data, "expires_at", expires_at);
	necp_push(psprintf("/topic/player/" INT64_FORMAT "/session", live->session.account_id),
			  "SESSION",
			  0,
			  necp_json_close(&data));
}

static void
emit(const char *type, const NecpSession *session, const char *reason)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_text(&data,
				   "session_id",
				   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&session->id))));
	if (reason != NULL)
		necp_json_text(&data, "reason", reason);
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = session->account_id,
								 .account_id = session->account_id,
								 .character_id = session->character_id,
								 .data = necp_json_close(&data)});
}

/* Coming back is an action: memory does the same when this commits. */
static void
come_back(NecpPresence *live)
{
	live->last_action = live->last_seen = necp_now();
	necp_session_note(&live->session.id, "RECONNECTED", NULL);
	emit("PLAYER_RECONNECTED", &live->session, NULL);
}

void
necp_session_change(NecpPresence *live, NecpSessionStatus to, TimestampTz lost)
{
	NecpSessionStatus from = live->status;

	live->status = to;
	live->disconnected_at = to == NECP_SESSION_DISCONNECTED ? lost : 0;
	if (to == NECP_SESSION_DISCONNECTED)
		memset(live->node, 0, sizeof(live->node));
	necp_run_nulls(&set_status,
				   live->disconnected_at == 0 ? "  n " : "    ",
				   UUIDPGetDatum(&live->session.id),
				   necp_cstring_datum(status_names[to]),
				   TimestampTzGetDatum(live->disconnected_at),
				   necp_cstring_datum(live->node));
	necp_presence_set(live);
	if (from == to)
		return;
	if (from == NECP_SESSION_DISCONNECTED)
		come_back(live);
	if (to == NECP_SESSION_AFK)
		emit("PLAYER_AFK", &live->session, NULL);
	tell_state(&live->session, from, to);
	necp_session_push(live, status_names[to], NULL, necp_session_judge(live, necp_now()).ends_at);
}

void
necp_session_show(NecpPresence *live)
{
	bool fresh = live->status == NECP_SESSION_CREATED || live->status == NECP_SESSION_DISCONNECTED;

	necp_session_change(live, fresh ? NECP_SESSION_ACTIVE : live->status, 0);
}

void
necp_session_play(const pg_uuid_t *session, int64 character_id, int64 place_id)
{
	NecpPresence live;

	if (!necp_session_take(session, &live))
		necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
	necp_run(&play, UUIDPGetDatum(session), character_id, place_id);
	necp_push_binding(session, necp_int8(0, 1), character_id, place_id);
	necp_session_changed(session);
	live.session.character_id = character_id;
	live.session.place_id = place_id;
	if (live.status == NECP_SESSION_ACTIVE)
		necp_presence_set(&live);
	else
		necp_session_change(&live, NECP_SESSION_ACTIVE, 0);
}

/* Beginning and end -------------------------------------------------------------------------- */

static bool
lasted_too_long(const char *reason)
{
	return strcmp(reason, "EXPIRED") == 0 || strcmp(reason, "DISCONNECTED") == 0;
}

void
necp_session_close(const pg_uuid_t *id, const char *reason)
{
	NecpPresence live;
	TimestampTz now = necp_now();

	if (!necp_session_take(id, &live))
		return;
	if (lasted_too_long(reason))
	{
		tell_state(&live.session, live.status, NECP_SESSION_EXPIRED);
		live.status = NECP_SESSION_EXPIRED;
	}
	for (int i = 0; i < nhooks; i++)
		hooks[i](&live.session);
	necp_run(&close_row, UUIDPGetDatum(id), TimestampTzGetDatum(now), necp_cstring_datum(reason));
	tell_state(&live.session, live.status, NECP_SESSION_CLOSED);
	necp_session_note(id, "CLOSED", reason);
	emit("SESSION_CLOSED", &live.session, reason);
	necp_session_push(&live, "CLOSED", reason, now);
	necp_push_close(id, reason);
	necp_session_ended(id);
}

void
necp_session_close_account(int64 account_id, const char *reason)
{
	pg_uuid_t id;

	if (necp_run(&live_of_account, account_id) == 0)
		return;
	id = necp_uuid(0, 1);
	necp_session_close(&id, reason);
}

pg_uuid_t
necp_session_open(int64 account_id, const pg_uuid_t *family, Datum client_ip, Datum user_agent,
				  const char *nulls)
{
	TimestampTz now = necp_now();
	TimestampTz end = now + necp_config_int("session.life_s") * USECS_PER_SEC;
	NecpPresence fresh = {.session = {.account_id = account_id, .expires_at = end}};
	char all_nulls[] = "      ";

	necp_session_close_account(account_id, "CONCURRENT_LOGIN");
	all_nulls[2] = nulls[0];
	all_nulls[3] = nulls[1];
	necp_run_nulls(&insert_session,
				   all_nulls,
				   account_id,
				   UUIDPGetDatum(family),
				   client_ip,
				   user_agent,
				   TimestampTzGetDatum(now),
				   TimestampTzGetDatum(end));
	fresh.session.id = necp_uuid(0, 1);
	necp_presence_open(&fresh);
	necp_session_note(&fresh.session.id, "CREATED", NULL);
	emit("SESSION_CREATED", &fresh.session, NULL);
	return fresh.session.id;
}

void
necp_session_client(const pg_uuid_t *session, Datum client_ip, Datum user_agent, const char *nulls)
{
	char all_nulls[] = "   ";

	all_nulls[1] = nulls[0];
	all_nulls[2] = nulls[1];
	if (necp_run_nulls(&set_client, all_nulls, UUIDPGetDatum(session), client_ip, user_agent) > 0)
		necp_session_note(session, "CLIENT_CHANGED", NULL);
}

bool
necp_session_of_character(int64 character_id, pg_uuid_t *session)
{
	if (necp_run(&of_character, character_id) == 0)
		return false;
	*session = necp_uuid(0, 1);
	return true;
}

NECP_ROOM_INIT(session)
{
	necp_session_register_loader(load);
	necp_session_work_init();
}
