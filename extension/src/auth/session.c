/* SPDX-License-Identifier: PostgreSQL
 *
 * Sessions (DOMAIN §4): one live session per account. Closing is one idempotent routine that other
 * rooms join by registration. Lock order: the session's row first, then what its hooks lock.
 */
#include "postgres.h"

#include "auth/session.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/push.h"
#include "kernel/random.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#define MAX_HOOKS 16

static NecpSessionHook hooks[MAX_HOOKS];
static int nhooks;
static NecpSessionStateHook state_hooks[MAX_HOOKS];
static int nstate_hooks;

#define SESSION_VIEW                                                                               \
	"to_json(ROW(s.id, s.status, s.character_id, s.place_id, s.created_at, s.expires_at)"          \
	"::necp.session_view)"

static NecpPlan load_session = NECP_PLAN(
	"SELECT s.account_id, s.character_id, s.place_id, s.binding, s.expires_at,"
	" (SELECT coalesce(bit_or(1::bigint << p.permission_id), 0)"
	"  FROM game.account_roles r JOIN game.role_permissions p USING (role)"
	"  WHERE r.account_id = s.account_id AND (r.expires_at IS NULL OR r.expires_at > $2)),"
	" (SELECT coalesce(min(r.expires_at), 'infinity') FROM game.account_roles r"
	"  WHERE r.account_id = s.account_id AND r.expires_at > $2)"
	" FROM game.player_sessions s JOIN game.accounts a ON a.id = s.account_id"
	" WHERE s.id = $1 AND s.closed_at IS NULL AND a.status = 'ACTIVE'",
	UUIDOID, TIMESTAMPTZOID);
static NecpPlan play = NECP_PLAN(
	"UPDATE game.player_sessions SET character_id = nullif($2, 0), place_id = nullif($3, 0),"
	" binding = binding + 1, status = 'ACTIVE' WHERE id = $1 AND closed_at IS NULL RETURNING binding",
	UUIDOID, INT8OID, INT8OID);
static NecpPlan lock_live =
	NECP_PLAN("SELECT account_id, character_id, place_id, status FROM game.player_sessions"
			  " WHERE id = $1 AND closed_at IS NULL FOR NO KEY UPDATE",
			  UUIDOID);
static NecpPlan close_row = NECP_PLAN(
	"UPDATE game.player_sessions SET status = 'CLOSED', closed_at = $2, close_reason = $3,"
	" character_id = NULL, place_id = NULL, ticket_digest = NULL WHERE id = $1",
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
static NecpPlan view_session =
	NECP_PLAN("SELECT " SESSION_VIEW " FROM game.player_sessions s WHERE s.id = $1", UUIDOID);
static NecpPlan activate =
	NECP_PLAN("UPDATE game.player_sessions s SET status = 'ACTIVE', disconnected_at = NULL"
			  " WHERE s.id = $1 AND s.closed_at IS NULL AND s.status <> 'ACTIVE'",
			  UUIDOID);
static NecpPlan store_ticket = NECP_PLAN(
	"UPDATE game.player_sessions SET ticket_digest = $2, ticket_expires_at = $3 WHERE id = $1",
	UUIDOID, BYTEAOID, TIMESTAMPTZOID);
static NecpPlan take_ticket =
	NECP_PLAN("UPDATE game.player_sessions SET ticket_digest = NULL WHERE ticket_digest = $1"
			  " AND closed_at IS NULL AND ticket_expires_at > $2 RETURNING id",
			  BYTEAOID, TIMESTAMPTZOID);
static NecpPlan connect_node = NECP_PLAN(
	"UPDATE game.player_sessions s SET status = 'ACTIVE', disconnected_at = NULL, node = $2"
	" WHERE s.id = $1 AND s.closed_at IS NULL"
	" RETURNING json_build_object('session_id', s.id, 'account_id', s.account_id,"
	" 'expires_at', s.expires_at)",
	UUIDOID, TEXTOID);
static NecpPlan read_binding =
	NECP_PLAN("SELECT json_build_object('binding', s.binding, 'character_id', s.character_id,"
			  " 'place_id', s.place_id) FROM game.player_sessions s"
			  " WHERE s.id = $1 AND s.closed_at IS NULL",
			  UUIDOID);
static NecpPlan disconnect_node = NECP_PLAN(
	"UPDATE game.player_sessions SET status = 'DISCONNECTED', disconnected_at = $3, node = NULL"
	" WHERE id = $1 AND node = $2 AND closed_at IS NULL",
	UUIDOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan overdue =
	NECP_PLAN("SELECT id, CASE WHEN expires_at <= $1 THEN 'EXPIRED' ELSE 'DISCONNECTED' END"
			  " FROM game.player_sessions WHERE closed_at IS NULL"
			  " AND (expires_at <= $1 OR disconnected_at <= $2) LIMIT 200",
			  TIMESTAMPTZOID, TIMESTAMPTZOID);

static NecpPlan insert_token = NECP_PLAN(
	"INSERT INTO game.reconnect_tokens (digest, session_id, created_at) VALUES ($1, $2, $3)",
	BYTEAOID, UUIDOID, TIMESTAMPTZOID);
static NecpPlan forget_tokens =
	NECP_PLAN("DELETE FROM game.reconnect_tokens WHERE digest IN (SELECT digest"
			  " FROM game.reconnect_tokens WHERE session_id = $1 AND spent_at IS NULL"
			  " ORDER BY created_at DESC OFFSET 1)",
			  UUIDOID);

static bool
load(const pg_uuid_t *id, NecpSession *session)
{
	if (necp_run(&load_session, UUIDPGetDatum(id), TimestampTzGetDatum(necp_now())) == 0)
		return false;
	memset(session, 0, sizeof(*session));
	session->id = *id;
	session->account_id = necp_int8(0, 1);
	session->character_id = necp_int8(0, 2);
	session->place_id = necp_int8(0, 3);
	session->binding = necp_int8(0, 4);
	session->expires_at = necp_timestamp(0, 5);
	session->permissions = (uint64) necp_int8(0, 6);
	session->permissions_until = necp_timestamp(0, 7);
	return true;
}

void
necp_session_lock(const pg_uuid_t *session)
{
	if (necp_run(&lock_live, UUIDPGetDatum(session)) == 0)
		necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
}

void
necp_session_play(const pg_uuid_t *session, int64 character_id, int64 place_id)
{
	if (necp_run(&play, UUIDPGetDatum(session), character_id, place_id) == 0)
		necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
	necp_push_binding(session, necp_int8(0, 1), character_id, place_id);
	necp_session_changed(session);
}

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
emit_closed(const NecpSession *session, const char *reason)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_text(&data,
				   "session_id",
				   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&session->id))));
	necp_json_text(&data, "reason", reason);
	necp_event_emit(&(NecpEvent){.type = "SESSION_CLOSED",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = session->account_id,
								 .account_id = session->account_id,
								 .character_id = session->character_id,
								 .data = necp_json_close(&data)});
}

void
necp_session_close(const pg_uuid_t *id, const char *reason)
{
	NecpSession session = {.id = *id};
	char *from;

	if (necp_run(&lock_live, UUIDPGetDatum(id)) == 0)
		return;
	session.account_id = necp_int8(0, 1);
	session.character_id = necp_int8(0, 2);
	session.place_id = necp_int8(0, 3);
	from = necp_text(0, 4);
	for (int i = 0; i < nhooks; i++)
		hooks[i](&session);
	necp_run(&close_row,
			 UUIDPGetDatum(id),
			 TimestampTzGetDatum(necp_now()),
			 necp_cstring_datum(reason));
	for (int i = 0; i < nstate_hooks; i++)
		state_hooks[i](&session, from, "CLOSED");
	emit_closed(&session, reason);
	necp_push_close(id, reason);
	necp_session_ended(id);
}

pg_uuid_t
necp_session_open(int64 account_id, const pg_uuid_t *family, Datum client_ip, Datum user_agent,
				  const char *nulls)
{
	TimestampTz now = necp_now();
	TimestampTz end = now + necp_config_int("session.life_s") * USECS_PER_SEC;
	char all_nulls[] = "      ";
	pg_uuid_t id;

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
	id = necp_uuid(0, 1);
	necp_event_emit(&(NecpEvent){.type = "SESSION_CREATED",
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id});
	return id;
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

char *
necp_session_reconnect_token(const pg_uuid_t *session)
{
	char *token = necp_random_token();

	necp_run(&forget_tokens, UUIDPGetDatum(session));
	necp_run(&insert_token,
			 PointerGetDatum(necp_digest(token)),
			 UUIDPGetDatum(session),
			 TimestampTzGetDatum(necp_now()));
	return token;
}

bool
necp_session_of_character(int64 character_id, pg_uuid_t *session)
{
	if (necp_run(&of_character, character_id) == 0)
		return false;
	*session = necp_uuid(0, 1);
	return true;
}

/* Endpoints ---------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_session_get)
{
	return necp_answer(&view_session, "session", UUIDPGetDatum(&necp_session()->id));
}

NECP_FUNCTION(necp_session_heartbeat)
{
	const pg_uuid_t *id = &necp_session()->id;

	necp_session_seen(id);
	necp_run(&activate, UUIDPGetDatum(id));
	return necp_answer(&view_session, "session", UUIDPGetDatum(id));
}

/* Single use, session.ticket_s seconds; only its digest is stored. */
NECP_FUNCTION(necp_session_ws_ticket)
{
	char *ticket = necp_random_token();
	int64 life = necp_config_int("session.ticket_s");
	NecpJson answer;

	necp_run(&store_ticket,
			 UUIDPGetDatum(&necp_session()->id),
			 PointerGetDatum(necp_digest(ticket)),
			 TimestampTzGetDatum(necp_now() + life * USECS_PER_SEC));
	necp_json_open(&answer);
	necp_json_text(&answer, "ticket", ticket);
	necp_json_int(&answer, "expires_in", life);
	return necp_cstring_datum(necp_json_close(&answer));
}

/* Calls of the realtime server --------------------------------------------------------------- */

NECP_FUNCTION(necp_realtime_connect)
{
	pg_uuid_t id;

	necp_arg_required(fcinfo, 2, "node");
	if (!PG_ARGISNULL(1))
	{
		char *ticket = necp_arg_text(fcinfo, 1, "ticket", 1, 100);

		if (necp_run(&take_ticket,
					 PointerGetDatum(necp_digest(ticket)),
					 TimestampTzGetDatum(necp_now())) == 0)
			necp_fail(UNAUTHENTICATED, "ticket", "the ticket is spent or has expired");
		id = necp_uuid(0, 1);
	}
	else
	{
		necp_arg_required(fcinfo, 0, "session");
		id = *PG_GETARG_UUID_P(0);
	}
	necp_enter_session(&id);
	necp_session_seen(&id);
	return necp_answer(&connect_node, "session", UUIDPGetDatum(&id), PG_GETARG_DATUM(2));
}

NECP_FUNCTION(necp_realtime_session)
{
	necp_arg_required(fcinfo, 0, "session");
	return necp_answer(&read_binding, "session", PG_GETARG_DATUM(0));
}

NECP_FUNCTION(necp_realtime_disconnect)
{
	necp_arg_required(fcinfo, 0, "session");
	necp_arg_required(fcinfo, 1, "node");
	necp_run(&disconnect_node,
			 PG_GETARG_DATUM(0),
			 PG_GETARG_DATUM(1),
			 TimestampTzGetDatum(necp_now()));
	PG_RETURN_VOID();
}

NECP_FUNCTION(necp_realtime_touch)
{
	Datum *ids;
	int count;

	necp_arg_required(fcinfo, 0, "sessions");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0),
					  UUIDOID,
					  UUID_LEN,
					  false,
					  TYPALIGN_CHAR,
					  &ids,
					  NULL,
					  &count);
	for (int i = 0; i < count; i++)
		necp_session_seen(DatumGetUUIDP(ids[i]));
	PG_RETURN_VOID();
}

/* presence(): what live.online_sessions shows. */
PG_FUNCTION_INFO_V1(necp_presence);
Datum
necp_presence(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int room = necp_presence_copy(NULL, 0) + 64;
	NecpPresence *all = palloc(sizeof(NecpPresence) * (Size) room);
	int count = Min(necp_presence_copy(all, room), room);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		Datum values[5] = {Int64GetDatum(all[i].session.account_id),
						   Int64GetDatum(all[i].session.character_id),
						   Int64GetDatum(all[i].session.place_id),
						   TimestampTzGetDatum(all[i].last_action),
						   TimestampTzGetDatum(all[i].last_seen)};
		bool nulls[5] = {false, all[i].session.character_id == 0, all[i].session.place_id == 0};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* A deadline holds even before this runs: become() and take_ticket test it themselves. */
static void
close_overdue(void *arg)
{
	TimestampTz now = necp_now();
	TimestampTz lost = now - necp_config_int("session.reconnect_s") * USECS_PER_SEC;
	NecpRows sessions = necp_fetch(&overdue, TimestampTzGetDatum(now), TimestampTzGetDatum(lost));

	for (uint64 row = 0; row < sessions.count; row++)
	{
		pg_uuid_t id = necp_row_uuid(&sessions, row, 1);

		necp_session_close(&id, necp_row_text(&sessions, row, 2));
	}
}

NECP_ROOM_INIT(session)
{
	necp_session_register_loader(load);
	necp_schedule("session_close", 5, close_overdue);
}
