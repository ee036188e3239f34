/* SPDX-License-Identifier: PostgreSQL
 *
 * CONNECT and what follows from it. A connection is registered under its session before the
 * database is asked for the binding, so that a B line that overtakes the answer is not lost;
 * bindings rise, the higher one wins.
 */
#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "log.h"
#include "session.h"
#include "stats.h"
#include "subscription.h"
#include "turn.h"
#include "world.h"

#define CLOSE_POLICY 1008
#define CLOSE_TRY_LATER 1013
#define PING_AFTER_MS 60000
#define PONG_WITHIN_MS 30000

static const char *node_name;
static Map sessions;

void
necp_session_init(const char *node)
{
	node_name = node;
}

static uint64_t
session_hash(const char *session)
{
	return necp_hash_bytes(session, NECP_UUID_LEN);
}

static Client *
next_of(MapNode *node, const char *session)
{
	for (; node != NULL; node = necp_map_next(node))
	{
		Client *client = MAP_ENTRY(node, Client, session_node);

		if (memcmp(client->session.text, session, NECP_UUID_LEN) == 0)
			return client;
	}
	return NULL;
}

static Client *
first_of(const char *session)
{
	return next_of(necp_map_first(&sessions, session_hash(session)), session);
}

static void
ignore_done(DbCall *call, NecpOutcome outcome, const PGresult *result)
{
}

static void
disconnect_session(const char *session)
{
	const char *const values[3] = {session, node_name};

	/* without a database it finds out by the missing heart-beat */
	(void) necp_db_call(DB_DISCONNECT, NULL, NULL, ignore_done, values);
}

void
necp_session_closed(Client *client)
{
	necp_world_leave(client);
	if (!client->registered)
		return;
	necp_map_remove(&sessions, &client->session_node);
	client->registered = false;
	if (first_of(client->session.text) == NULL)
		disconnect_session(client->session.text);
}

static void
bind_client(Client *client, uint64_t binding, int64_t character_id, int64_t place_id)
{
	if (binding < client->binding)
		return;
	client->binding = binding;
	if (client->character_id != character_id)
		client->has_input_seq = false;
	client->character_id = character_id;
	client->place_id = place_id;
	necp_world_update(client);
}

void
necp_session_bind(NecpSlice session, uint64_t binding, int64_t character_id, int64_t place_id)
{
	Client *client = first_of(session.base);

	for (; client != NULL; client = next_of(necp_map_next(&client->session_node), session.base))
		bind_client(client, binding, character_id, place_id);
}

void
necp_session_kill(NecpSlice session, NecpSlice reason)
{
	char text[128];
	Client *client = first_of(session.base);

	snprintf(text, sizeof(text), "%.*s", (int) reason.len, reason.base);
	for (; client != NULL; client = next_of(necp_map_next(&client->session_node), session.base))
		necp_client_fail(client, CLOSE_POLICY, text, "");
}

static void
fail_connect(Client *client, const NecpProblem *problem)
{
	int status = necp_problem_status(problem);

	necp_client_fail(client,
					 status >= 500 ? CLOSE_TRY_LATER : CLOSE_POLICY,
					 necp_error_info(problem->code)->name,
					 problem->detail);
}

/* The token goes with the frame: this process keeps none. */
static void
send_connected(Client *client)
{
	char frame[512];
	char beat[32];
	StompWriter w;
	Message *message;

	snprintf(beat,
			 sizeof(beat),
			 "%lld,%lld",
			 (long long) necp_settings.heartbeat_ms,
			 (long long) necp_settings.heartbeat_ms);
	necp_stomp_begin(&w, frame, sizeof(frame), (StompVersion) client->version, STOMP_CONNECTED);
	necp_stomp_put(&w,
				   "version",
				   client->version == STOMP_V12   ? "1.2"
				   : client->version == STOMP_V11 ? "1.1"
												  : "1.0");
	necp_stomp_put(&w, "heart-beat", beat);
	necp_stomp_put(&w, "session", client->session.text);
	necp_stomp_put_number(&w, "user-name", (uint64_t) client->account_id);
	necp_stomp_put(&w, "server", "necp-realtime");
	if (client->reconnect_token != NULL)
		necp_stomp_put(&w, "reconnect-token", client->reconnect_token);
	free(client->reconnect_token);
	client->reconnect_token = NULL;
	if (!necp_stomp_end(&w, "", 0))
		return;
	message = necp_message_copy(frame, w.used);
	necp_client_send(client, message, NULL);
	necp_message_unref(message);
}

/* The object in the only field of the answer; NULL if it is none. */
static json_t *
answer_object(const PGresult *result)
{
	json_t *object;

	if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0))
		return NULL;
	object = json_loadb(PQgetvalue(result, 0, 0), (size_t) PQgetlength(result, 0, 0), 0, NULL);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

void
necp_session_rebind(Client *client, const PGresult *result)
{
	json_t *answer = answer_object(result);

	bind_client(client,
				(uint64_t) json_integer_value(json_object_get(answer, "binding")),
				json_integer_value(json_object_get(answer, "character_id")),
				json_integer_value(json_object_get(answer, "place_id")));
	json_decref(answer);
}

static void
on_session(DbCall *call, NecpOutcome outcome, const PGresult *result)
{
	Client *client = call->client;
	NecpProblem problem;

	if (client->state != CLIENT_CONNECTING)
		return;
	if (outcome != NECP_OUTCOME_ROWS)
	{
		necp_db_problem(&problem, outcome, result);
		fail_connect(client, &problem);
		return;
	}
	necp_session_rebind(client, result);
	client->state = CLIENT_CONNECTED;
	send_connected(client);
}

static void
fail_unavailable(Client *client)
{
	NecpProblem problem;

	necp_problem_set(&problem, NECP_UNAVAILABLE, NULL, NULL);
	fail_connect(client, &problem);
}

static bool
register_client(Client *client, const PGresult *result)
{
	json_t *answer = answer_object(result);
	json_t *session = json_object_get(answer, "session_id");
	json_t *token = json_object_get(answer, "reconnect_token");
	bool good =
		session != NULL && json_is_string(session) &&
		necp_uuid_parse(&client->session, json_string_value(session), json_string_length(session));

	client->account_id = json_integer_value(json_object_get(answer, "account_id"));
	if (json_is_string(token))
		client->reconnect_token = strdup(json_string_value(token));
	json_decref(answer);
	if (!good)
		return false;
	necp_map_add(&sessions, &client->session_node, session_hash(client->session.text));
	client->registered = true;
	return true;
}

static void
on_connect(DbCall *call, NecpOutcome outcome, const PGresult *result)
{
	Client *client = call->client;
	const char *values[3] = {NULL, NULL, NULL};
	NecpProblem problem;

	if (outcome != NECP_OUTCOME_ROWS)
	{
		necp_db_problem(&problem, outcome, result);
		fail_connect(client, &problem);
		return;
	}
	if (!register_client(client, result))
	{
		fail_unavailable(client);
		return;
	}
	/* gone while the database was busy: it has to be told */
	if (client->wsi == NULL)
	{
		necp_session_closed(client);
		return;
	}
	values[0] = client->session.text;
	if (!necp_db_call(DB_SESSION, client, NULL, on_session, values))
		fail_unavailable(client);
}

/* The highest common version; without the header the client speaks 1.0. */
static bool
choose_version(Client *client, const char *accepted)
{
	if (accepted == NULL)
		client->version = STOMP_V10;
	else if (strstr(accepted, "1.2") != NULL)
		client->version = STOMP_V12;
	else if (strstr(accepted, "1.1") != NULL)
		client->version = STOMP_V11;
	else if (strstr(accepted, "1.0") != NULL)
		client->version = STOMP_V10;
	else
		return false;
	client->parser.version = client->version;
	return true;
}

/* heart-beat:<what the client can do>,<what it wants>; each way the slower of the two. */
static bool
choose_heartbeat(Client *client, const char *header)
{
	uint32_t own = (uint32_t) necp_settings.heartbeat_ms;
	unsigned can;
	unsigned wants;
	int end = 0;

	if (header == NULL)
		return true;
	if (sscanf(header, "%9u,%9u%n", &can, &wants, &end) != 2 || header[end] != '\0')
		return false;
	if (can > 0)
		client->expect_every_ms = can > own ? can : own;
	if (wants > 0)
		client->send_every_ms = wants > own ? wants : own;
	return true;
}

static const char *
find_token(const StompFrame *frame)
{
	const char *header = necp_stomp_header(frame, "Authorization");

	if (header == NULL)
		header = necp_stomp_header(frame, "authorization");
	if (header == NULL)
		return necp_stomp_header(frame, "passcode");
	return strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : header;
}

/* Asks the database for the session of a token, or of a ticket where there is no token. */
static void
ask_session(Client *client, const char *token, const char *ticket)
{
	const char *values[3] = {NULL, ticket, node_name};
	NecpErrorCode code = ticket == NULL ? NECP_UNAUTHENTICATED : NECP_NO_ERROR;
	NecpClaims claims;
	NecpProblem problem;

	if (token != NULL)
	{
		code = necp_db_check_token(necp_slice(token), &claims);
		values[0] = claims.session.text;
		values[1] = NULL;
	}
	if (code != NECP_NO_ERROR)
	{
		necp_problem_set(&problem, code, NULL, NULL);
		fail_connect(client, &problem);
	}
	else if (!necp_db_call(DB_CONNECT, client, NULL, on_connect, values))
		fail_unavailable(client);
	else
		client->state = CLIENT_CONNECTING;
}

static void
on_keys(Client *client, const char *token, bool known)
{
	if (client->state != CLIENT_CONNECTING)
		return;
	if (known)
		ask_session(client, token, NULL);
	else
		fail_unavailable(client);
}

static void
take_credentials(Client *client, const StompFrame *frame)
{
	const char *token = find_token(frame);
	const char *ticket = necp_stomp_header(frame, "ticket");

	if (token == NULL || *token == '\0')
		ask_session(client, NULL, ticket != NULL ? ticket : client->ticket);
	else if (!necp_db_wants_keys(necp_slice(token)))
		ask_session(client, token, NULL);
	else if (!necp_db_ask_keys(client, token, on_keys))
		fail_unavailable(client);
	else
		client->state = CLIENT_CONNECTING;
}

void
necp_session_connect(Client *client, const StompFrame *frame)
{
	if (!choose_version(client, necp_stomp_header(frame, "accept-version")))
		necp_client_fail(client, CLOSE_POLICY, "no common version", "1.0, 1.1 and 1.2 are spoken");
	else if (!choose_heartbeat(client, necp_stomp_header(frame, "heart-beat")))
		necp_client_fail(client, CLOSE_POLICY, "bad heart-beat", "");
	else
		take_credentials(client, frame);
}

/* A peer that vanished without a word is noticed, with heart-beats or without. */
static void
check_silence(Client *client, uint64_t now_ms)
{
	if (client->expect_every_ms > 0)
	{
		if (client->last_in_ms + 2 * (uint64_t) client->expect_every_ms + 1000 < now_ms)
			necp_client_fail(client, CLOSE_POLICY, "no heart-beat", "");
	}
	else if (client->last_in_ms + PING_AFTER_MS > now_ms)
		client->pinged_ms = 0;
	else if (client->pinged_ms == 0)
		necp_client_ping(client);
	else if (client->pinged_ms + PONG_WITHIN_MS < now_ms)
		necp_client_fail(client, CLOSE_POLICY, "no pong", "");
}

static void
sweep_client(Client *client, uint64_t now_ms)
{
	if (client->state == CLIENT_NEW)
	{
		if (client->opened_ms + (uint64_t) necp_settings.connect_ms < now_ms)
			necp_client_fail(client, CLOSE_POLICY, "no CONNECT in time", "");
		return;
	}
	if (client->state != CLIENT_CONNECTED)
		return;
	check_silence(client, now_ms);
	/* early by a quarter: the sweep is not exact and the network has delays */
	if (client->send_every_ms > 0 && client->state == CLIENT_CONNECTED &&
		client->last_out_ms + client->send_every_ms - client->send_every_ms / 4 < now_ms)
		necp_client_heartbeat(client);
}

void
necp_session_sweep(uint64_t now_ms)
{
	for (Client *client = necp_clients; client != NULL; client = client->next)
		sweep_client(client, now_ms);
}

void
necp_session_touch(void)
{
	NecpBuf list = {0};
	const char *values[3] = {NULL, NULL, NULL};

	if (sessions.count == 0)
		return;
	necp_buf_add_text(&list, "{");
	for (Client *client = necp_clients; client != NULL; client = client->next)
	{
		if (!client->registered)
			continue;
		if (list.len > 1)
			necp_buf_add_text(&list, ",");
		necp_buf_add(&list, client->session.text, NECP_UUID_LEN);
	}
	necp_buf_add_text(&list, "}");
	values[0] = necp_buf_terminate(&list);
	(void) necp_db_call(DB_TOUCH, NULL, NULL, ignore_done, values);
	necp_buf_free(&list);
}
