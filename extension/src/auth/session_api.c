/* SPDX-License-Identifier: PostgreSQL
 *
 * What clients ask of sessions, and the calls of the realtime server (docs/interfaces.md §6).
 */
#include "postgres.h"

#include "auth/auth.h"
#include "auth/session_int.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/random.h"
#include "kernel/spi.h"

#include "utils/array.h"
#include "utils/builtins.h"

#define MAX_STATE 16384 /* bytes */
#define SETTLED_US (10 * USECS_PER_SEC)

static NecpPlan view_session = NECP_PLAN(
	"SELECT to_json(ROW(s.id, s.status, s.character_id, s.place_id, s.created_at, s.expires_at)"
	"::necp.session_view) FROM game.player_sessions s WHERE s.id = $1",
	UUIDOID);
static NecpPlan view_own = NECP_PLAN(
	"SELECT to_json(ROW(s.id, s.status, s.character_id, s.place_id, s.created_at, s.expires_at,"
	" coalesce((SELECT t.state FROM game.session_states t WHERE t.session_id = s.id), '{}'))"
	"::necp.own_session_view) FROM game.player_sessions s WHERE s.id = $1",
	UUIDOID);
static NecpPlan store_state = NECP_PLAN(
	"INSERT INTO game.session_states (session_id, state, saved_at) VALUES ($1, $2, $3)"
	" ON CONFLICT (session_id) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at",
	UUIDOID, JSONOID, TIMESTAMPTZOID);
static NecpPlan store_ticket = NECP_PLAN(
	"UPDATE game.player_sessions SET ticket_digest = $2, ticket_expires_at = $3 WHERE id = $1",
	UUIDOID, BYTEAOID, TIMESTAMPTZOID);
static NecpPlan take_ticket =
	NECP_PLAN("UPDATE game.player_sessions SET ticket_digest = NULL WHERE ticket_digest = $1"
			  " AND closed_at IS NULL AND ticket_expires_at > $2 RETURNING id",
			  BYTEAOID, TIMESTAMPTZOID);
static NecpPlan read_binding =
	NECP_PLAN("SELECT json_build_object('binding', s.binding, 'character_id', s.character_id,"
			  " 'place_id', s.place_id) FROM game.player_sessions s"
			  " WHERE s.id = $1 AND s.closed_at IS NULL",
			  UUIDOID);
static NecpPlan list_players = NECP_PLAN(
	"SELECT to_json(ROW(c.id, c.name, c.level, s.place_id, s.status)::necp.active_player_view),"
	" c.id FROM game.player_sessions s JOIN game.characters c ON c.id = s.character_id"
	" WHERE s.character_id > $1 ORDER BY s.character_id LIMIT $2",
	INT8OID, INT4OID);
static NecpPlan list_sessions = NECP_PLAN(
	"SELECT to_json(ROW(s.id, s.id = $4, s.status, s.client_ip, s.user_agent, s.created_at,"
	" s.expires_at, s.closed_at, s.close_reason)::necp.account_session_view),"
	" (extract(epoch FROM s.created_at) * 1000000)::bigint FROM game.player_sessions s"
	" WHERE s.account_id = $1 AND s.created_at < $2 ORDER BY s.created_at DESC LIMIT $3",
	INT8OID, TIMESTAMPTZOID, INT4OID, UUIDOID);
static NecpPlan owns =
	NECP_PLAN("SELECT FROM game.player_sessions WHERE id = $1 AND account_id = $2", UUIDOID,
			  INT8OID);

/* The own session ---------------------------------------------------------------------------- */

NECP_FUNCTION(necp_session_get)
{
	return necp_answer(&view_own, "session", UUIDPGetDatum(&necp_session()->id));
}

/* enter() has seen it; only who was not there before needs its row changed. */
NECP_FUNCTION(necp_session_heartbeat)
{
	const pg_uuid_t *id = &necp_session()->id;
	NecpPresence live;

	if (!necp_presence_read(id, &live) || live.status == NECP_SESSION_CREATED ||
		live.status == NECP_SESSION_DISCONNECTED)
	{
		if (!necp_session_take(id, &live))
			necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
		necp_session_show(&live);
	}
	return necp_answer(&view_session, "session", UUIDPGetDatum(id));
}

/* A client's own notes, for itself: nothing here reads them. */
NECP_FUNCTION(necp_session_state)
{
	text *state;
	const char *first;

	necp_arg_required(fcinfo, 0, "state");
	state = PG_GETARG_TEXT_PP(0);
	if (VARSIZE_ANY_EXHDR(state) > MAX_STATE)
		necp_fail(VALIDATION, "state", "the state has more than %d bytes", MAX_STATE);
	first = text_to_cstring(state);
	if (first[strspn(first, " \t\r\n")] != '{')
		necp_fail(VALIDATION, "state", "the state has to be an object");
	necp_run(&store_state,
			 UUIDPGetDatum(&necp_session()->id),
			 PointerGetDatum(state),
			 TimestampTzGetDatum(necp_now()));
	return necp_answer(&view_own, "session", UUIDPGetDatum(&necp_session()->id));
}

/* Single use, session.ticket_s seconds; only its digest is stored. */
NECP_FUNCTION(necp_session_ws_ticket)
{
	char *ticket = necp_random_token();
	int64 life = necp_config_int("session.ticket_s");
	const pg_uuid_t *id = &necp_session()->id;
	char nulls[] = "  ";
	NecpJson answer;

	nulls[0] = PG_ARGISNULL(0) ? 'n' : ' ';
	nulls[1] = PG_ARGISNULL(1) ? 'n' : ' ';
	necp_session_client(id, fcinfo->args[0].value, fcinfo->args[1].value, nulls);
	necp_run(&store_ticket,
			 UUIDPGetDatum(id),
			 PointerGetDatum(necp_digest(ticket)),
			 TimestampTzGetDatum(necp_now() + life * USECS_PER_SEC));
	necp_json_open(&answer);
	necp_json_text(&answer, "ticket", ticket);
	necp_json_int(&answer, "expires_in", life);
	return necp_cstring_datum(necp_json_close(&answer));
}

/* Others ------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_session_active_players)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 after = PG_ARGISNULL(1) ? 0 : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_players, limit, after, limit + 1);
}

/* The cursor is the microsecond in which a session was created; an account has one live at a time. */
NECP_FUNCTION(necp_account_sessions)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 before = PG_ARGISNULL(1) ? 0 : necp_arg_id(fcinfo, 1, "cursor");
	TimestampTz end = DT_NOEND;

	if (before > 0)
		end = before - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	return necp_list(&list_sessions,
					 limit,
					 necp_account(),
					 TimestampTzGetDatum(end),
					 limit + 1,
					 UUIDPGetDatum(&necp_session()->id));
}

NECP_FUNCTION(necp_account_session_delete)
{
	pg_uuid_t *id;

	necp_arg_required(fcinfo, 0, "session_id");
	id = PG_GETARG_UUID_P(0);
	necp_account_lock(necp_account());
	if (necp_run(&owns, UUIDPGetDatum(id), necp_account()) == 0)
		necp_fail(NOT_FOUND, "session_id", "session not found");
	necp_session_revoke(id, "REVOKED");
	return necp_cstring_datum("{\"done\":true}");
}

/* Calls of the realtime server --------------------------------------------------------------- */

static pg_uuid_t
session_of_ticket(FunctionCallInfo fcinfo, int n)
{
	char *ticket = necp_arg_text(fcinfo, n, "ticket", 1, 100);

	if (necp_run(&take_ticket,
				 PointerGetDatum(necp_digest(ticket)),
				 TimestampTzGetDatum(necp_now())) == 0)
		necp_fail(UNAUTHENTICATED, "ticket", "the ticket is spent or has expired");
	return necp_uuid(0, 1);
}

static Datum
connection_view(const NecpPresence *live)
{
	const NecpSession *session = &live->session;
	NecpJson view;

	necp_json_open(&view);
	necp_json_text(&view,
				   "session_id",
				   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&session->id))));
	necp_json_int(&view, "account_id", session->account_id);
	necp_json_time(&view, "expires_at", session->expires_at);
	necp_json_text(&view, "reconnect_token", necp_session_reconnect_token(&session->id));
	return necp_cstring_datum(necp_json_close(&view));
}

NECP_FUNCTION(necp_realtime_connect)
{
	NecpPresence live;
	pg_uuid_t id;

	necp_arg_required(fcinfo, 2, "node");
	if (!PG_ARGISNULL(1))
		id = session_of_ticket(fcinfo, 1);
	else
	{
		necp_arg_required(fcinfo, 0, "session");
		id = *PG_GETARG_UUID_P(0);
	}
	necp_enter_session(&id);
	if (!necp_session_take(&id, &live))
		necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
	necp_presence_node(&live, text_to_cstring(PG_GETARG_TEXT_PP(2)));
	necp_session_show(&live);
	return connection_view(&live);
}

NECP_FUNCTION(necp_realtime_session)
{
	necp_arg_required(fcinfo, 0, "session");
	return necp_answer(&read_binding, "session", PG_GETARG_DATUM(0));
}

/* Another node may hold the session's newest connection by now: then nothing is lost. */
NECP_FUNCTION(necp_realtime_disconnect)
{
	NecpPresence live;
	NecpPresence gone;

	necp_arg_required(fcinfo, 0, "session");
	necp_arg_required(fcinfo, 1, "node");
	necp_presence_node(&gone, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (necp_session_take(PG_GETARG_UUID_P(0), &live) && strcmp(live.node, gone.node) == 0)
		necp_session_change(&live, NECP_SESSION_DISCONNECTED, necp_now());
	PG_RETURN_VOID();
}

/*
 * Its heart-beats stopped and are here again, or another of its connections was lost. Not so soon that
 * it may be the heart-beat sent before the loss that comes after it.
 */
static void
revive(const pg_uuid_t *id)
{
	TimestampTz now = necp_now();
	NecpPresence live;

	if (!necp_presence_read(id, &live) || live.status != NECP_SESSION_DISCONNECTED ||
		now - live.disconnected_at < SETTLED_US)
		return;
	if (necp_session_take(id, &live) &&
		necp_session_judge(&live, now).status == NECP_SESSION_DISCONNECTED)
		necp_session_show(&live);
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
	{
		necp_session_seen(DatumGetUUIDP(ids[i]));
		revive(DatumGetUUIDP(ids[i]));
	}
	PG_RETURN_VOID();
}
