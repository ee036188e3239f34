/* SPDX-License-Identifier: PostgreSQL
 *
 * Taking up a session whose connection was lost (DOMAIN §4). A token works once; one that comes twice
 * was stolen, so its session and its family of refresh tokens end (abuse case 30). Lock order: account,
 * session, reconnect token, refresh tokens.
 */
#include "postgres.h"

#include "auth/auth.h"
#include "auth/session_int.h"
#include "auth/token.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/json.h"
#include "kernel/random.h"
#include "kernel/spi.h"

#include "utils/builtins.h"

static NecpPlan insert_token = NECP_PLAN(
	"INSERT INTO game.reconnect_tokens (digest, session_id, created_at) VALUES ($1, $2, $3)",
	BYTEAOID, UUIDOID, TIMESTAMPTZOID);
static NecpPlan forget_tokens =
	NECP_PLAN("DELETE FROM game.reconnect_tokens WHERE digest IN (SELECT digest"
			  " FROM game.reconnect_tokens WHERE session_id = $1 AND spent_at IS NULL"
			  " ORDER BY created_at DESC OFFSET 1)",
			  UUIDOID);
static NecpPlan find_token =
	NECP_PLAN("SELECT t.session_id, s.account_id FROM game.reconnect_tokens t"
			  " JOIN game.player_sessions s ON s.id = t.session_id WHERE t.digest = $1",
			  BYTEAOID);
static NecpPlan lock_token = NECP_PLAN("SELECT spent_at IS NOT NULL FROM game.reconnect_tokens"
									   " WHERE digest = $1 FOR NO KEY UPDATE",
									   BYTEAOID);
static NecpPlan spend_tokens = NECP_PLAN("UPDATE game.reconnect_tokens SET spent_at = $2"
										 " WHERE session_id = $1 AND spent_at IS NULL",
										 UUIDOID, TIMESTAMPTZOID);
static NecpPlan family_of =
	NECP_PLAN("SELECT family FROM game.player_sessions WHERE id = $1", UUIDOID);

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

void
necp_session_revoke(const pg_uuid_t *id, const char *reason)
{
	pg_uuid_t family;

	necp_session_close(id, reason);
	necp_run(&family_of, UUIDPGetDatum(id));
	family = necp_uuid(0, 1);
	necp_tokens_revoke_family(&family);
}

static void
require_lost(const NecpPresence *live, const NecpVerdict *verdict)
{
	if (verdict->status >= NECP_SESSION_EXPIRED)
		necp_fail(RECONNECT_WINDOW_EXPIRED,
				  "reconnect_token",
				  "the session has ended, log in again");
	if (verdict->status != NECP_SESSION_DISCONNECTED)
		necp_fail(NOT_DISCONNECTED, "reconnect_token", "the session is not disconnected");
}

static Datum
reconnect_view(const NecpPresence *live)
{
	const NecpSession *session = &live->session;
	NecpJson view;

	necp_token_describe(&view, session->account_id, &session->id);
	necp_json_text(&view, "reconnect_token", necp_session_reconnect_token(&session->id));
	return necp_cstring_datum(necp_json_close(&view));
}

static void
take_up(NecpPresence *live, const NecpVerdict *verdict, FunctionCallInfo fcinfo)
{
	char nulls[] = "  ";

	necp_run(&spend_tokens, UUIDPGetDatum(&live->session.id), TimestampTzGetDatum(necp_now()));
	nulls[0] = PG_ARGISNULL(1) ? 'n' : ' ';
	nulls[1] = PG_ARGISNULL(2) ? 'n' : ' ';
	necp_session_client(&live->session.id, fcinfo->args[1].value, fcinfo->args[2].value, nulls);
	/* silent for too long, and nobody has looked yet */
	if (live->status != NECP_SESSION_DISCONNECTED)
		necp_session_change(live, NECP_SESSION_DISCONNECTED, verdict->lost);
	necp_session_change(live, NECP_SESSION_ACTIVE, 0);
}

/* session_reconnect(reconnect_token, client_ip, user_agent) */
NECP_FUNCTION(necp_session_reconnect)
{
	char *token = necp_arg_text(fcinfo, 0, "reconnect_token", 1, 100);
	Datum digest = PointerGetDatum(necp_digest(token));
	NecpPresence live;
	NecpVerdict verdict;
	pg_uuid_t id;
	bool open;

	if (necp_run(&find_token, digest) == 0)
		necp_fail(SESSION_NOT_FOUND, "reconnect_token", "there is no session to take up");
	id = necp_uuid(0, 1);
	necp_account_lock(necp_int8(0, 2));
	open = necp_session_take(&id, &live);
	if (necp_run(&lock_token, digest) == 0)
		necp_fail(SESSION_NOT_FOUND, "reconnect_token", "there is no session to take up");
	if (necp_bool(0, 1))
	{
		necp_session_revoke(&id, "TOKEN_REPLAYED");
		return necp_cstring_datum(
			necp_json_problem("TOKEN_USED", "this token was spent before: log in again"));
	}
	if (open)
	{
		live.last_action = necp_session_last_action(&live);
		verdict = necp_session_judge(&live, necp_now());
	}
	else
		verdict = (NecpVerdict){.status = NECP_SESSION_CLOSED};
	require_lost(&live, &verdict);
	take_up(&live, &verdict, fcinfo);
	return reconnect_view(&live);
}
