/* SPDX-License-Identifier: PostgreSQL
 *
 * Frames of clients. Refused is not wrong: a refusal is a problem document on /user/queue/errors
 * and the connection stays; ERROR, which closes it, is for violations of the protocol.
 */
#include "command.h"
#include "db.h"
#include "log.h"
#include "outbox.h"
#include "session.h"
#include "settings.h"
#include "stats.h"
#include "turn.h"
#include "world.h"

#define CLOSE_NORMAL 1000
#define CLOSE_PROTOCOL 1002
#define CLOSE_POLICY 1008
#define CLOSE_TOO_BIG 1009
#define EXCESS_MAX 1000 /* frames refused beyond those accepted */

/* A SUBSCRIBE the database is asked about. */
typedef struct Ask
{
	uint64_t serial;
	char *correlation;
	char *receipt;
	char *last_seq;
} Ask;

static char *
copy_or_null(const char *text)
{
	return text != NULL ? necp_strdup(text) : NULL;
}

const char *
necp_command_correlation(const StompFrame *frame)
{
	const char *id = necp_stomp_header(frame, "correlation-id");

	return id != NULL ? id : necp_stomp_header(frame, "receipt");
}

void
necp_command_receipt(Client *client, const char *receipt)
{
	if (receipt != NULL)
		necp_client_send_simple(client, STOMP_RECEIPT, "receipt-id", receipt);
}

static void
refuse(Client *client, const StompFrame *frame, NecpErrorCode code, const char *detail)
{
	NecpProblem problem;

	necp_problem_set(&problem, code, NULL, detail != NULL ? "%s" : NULL, detail);
	if (code == NECP_RATE_LIMITED)
		problem.retry_after = 1;
	necp_client_refuse(client, necp_command_correlation(frame), &problem, NULL, NULL);
}

static void
free_ask(Ask *ask)
{
	free(ask->correlation);
	free(ask->receipt);
	free(ask->last_seq);
	free(ask);
}

static void
refuse_subscription(Subscription *subscription, const Ask *ask, const NecpProblem *problem)
{
	Client *client = subscription->client;

	necp_client_refuse(client, ask->correlation, problem, subscription->topic->name, NULL);
	necp_subscription_remove(subscription, necp_turn_ms());
}

static void
activate(Subscription *subscription, const Ask *ask)
{
	Client *client = subscription->client;

	subscription->state = SUBSCRIPTION_ACTIVE;
	necp_command_receipt(client, ask->receipt);
	if (ask->last_seq != NULL)
		necp_outbox_resume(subscription, ask->last_seq);
	if (subscription->character_id != 0)
	{
		client->position = subscription;
		necp_view_reset(&client->view);
		necp_world_update(client);
	}
}

static void on_subscribed(DbCall *call, NecpOutcome outcome, const PGresult *result);

static bool
ask_database(Client *client, const Subscription *subscription, Ask *ask)
{
	const char *const values[3] = {client->session.text, subscription->topic->name, NULL};

	return necp_db_call(DB_SUBSCRIBE, client, ask, on_subscribed, values);
}

static void
on_subscribed(DbCall *call, NecpOutcome outcome, const PGresult *result)
{
	Ask *ask = call->arg;
	Subscription *subscription = necp_subscription_by_serial(call->client, ask->serial);
	NecpProblem problem;

	necp_problem_set(&problem, NECP_UNAVAILABLE, NULL, NULL);
	if (subscription == NULL)
		; /* unsubscribed meanwhile */
	else if (outcome != NECP_OUTCOME_ROWS)
	{
		necp_db_problem(&problem, outcome, result);
		refuse_subscription(subscription, ask, &problem);
	}
	else if (subscription->recheck)
	{
		/* membership changed after the database looked, or before: it must look again */
		subscription->recheck = false;
		if (ask_database(call->client, subscription, ask))
			return;
		refuse_subscription(subscription, ask, &problem);
	}
	else
		activate(subscription, ask);
	free_ask(ask);
}

static void
subscribe_own(Client *client, const StompFrame *frame, const char *id, const char *destination)
{
	bool replies = strcmp(destination, "/user/queue/replies") == 0;
	Subscription *subscription;

	if (!replies && strcmp(destination, "/user/queue/errors") != 0)
	{
		refuse(client, frame, NECP_NOT_SUBSCRIBABLE, NULL);
		return;
	}
	subscription = necp_subscription_add(client, id, NULL);
	subscription->state = SUBSCRIPTION_ACTIVE;
	if (replies)
		client->replies = subscription;
	else
		client->errors = subscription;
	necp_command_receipt(client, necp_stomp_header(frame, "receipt"));
}

static int64_t
position_character(const char *topic)
{
	static const char prefix[] = "/topic/character/";
	char *end;
	int64_t id;

	if (strncmp(topic, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	id = strtoll(topic + sizeof(prefix) - 1, &end, 10);
	return strcmp(end, "/position") == 0 && id > 0 ? id : 0;
}

static void
subscribe_topic(Client *client, const StompFrame *frame, const char *id, const char *topic)
{
	const char *type = necp_stomp_header(frame, "content-type");
	Subscription *subscription = necp_subscription_add(client, id, topic);
	Ask *ask = necp_alloc(sizeof(*ask));

	subscription->binary = type != NULL && strcmp(type, "application/x-necp-position") == 0;
	subscription->character_id = position_character(topic);
	*ask = (Ask){
		.serial = subscription->serial,
		.correlation = copy_or_null(necp_command_correlation(frame)),
		.receipt = copy_or_null(necp_stomp_header(frame, "receipt")),
		.last_seq = copy_or_null(necp_stomp_header(frame, "last-seq")),
	};
	if (!ask_database(client, subscription, ask))
	{
		NecpProblem problem;

		necp_problem_set(&problem, NECP_UNAVAILABLE, NULL, NULL);
		refuse_subscription(subscription, ask, &problem);
		free_ask(ask);
	}
}

/* 1.0 knows subscriptions without an id: by their destination. */
static const char *
subscription_id(const Client *client, const StompFrame *frame)
{
	const char *id = necp_stomp_header(frame, "id");

	if (id == NULL && client->version == STOMP_V10)
		id = necp_stomp_header(frame, "destination");
	return id != NULL && strlen(id) <= SUBSCRIPTION_ID_MAX && necp_utf8_valid(id, strlen(id))
			   ? id
			   : NULL;
}

static void
subscribe(Client *client, const StompFrame *frame)
{
	const char *id = subscription_id(client, frame);
	const char *destination = necp_stomp_header(frame, "destination");

	if (id == NULL || destination == NULL)
		necp_client_fail(client,
						 CLOSE_PROTOCOL,
						 "SUBSCRIBE without a usable id or destination",
						 "");
	else if (necp_subscription_find(client, id) != NULL)
		necp_client_fail(client, CLOSE_PROTOCOL, "subscription id is in use", id);
	else if (client->subscription_count >= (uint32_t) necp_settings.max_subscriptions)
		refuse(client, frame, NECP_RATE_LIMITED, "too many subscriptions");
	else if (strncmp(destination, "/user/", 6) == 0)
		subscribe_own(client, frame, id, destination);
	else if (!necp_topic_valid(destination))
		refuse(client, frame, NECP_NOT_SUBSCRIBABLE, NULL);
	else
		subscribe_topic(client, frame, id, destination);
}

/* An unknown id is no violation: the server may have ended the subscription itself. */
static void
unsubscribe(Client *client, const StompFrame *frame)
{
	const char *id = subscription_id(client, frame);
	Subscription *subscription = id != NULL ? necp_subscription_find(client, id) : NULL;

	if (id == NULL)
	{
		necp_client_fail(client, CLOSE_PROTOCOL, "UNSUBSCRIBE without id", "");
		return;
	}
	if (subscription != NULL)
		necp_subscription_remove(subscription, necp_turn_ms());
	necp_world_update(client);
	necp_command_receipt(client, necp_stomp_header(frame, "receipt"));
}

static void
send_input(Client *client, const StompFrame *frame)
{
	NecpProblem problem;

	if (necp_world_input(client, frame, &problem))
		necp_command_receipt(client, necp_stomp_header(frame, "receipt"));
	else
		necp_client_refuse(client, necp_command_correlation(frame), &problem, NULL, NULL);
}

static void
send_frame(Client *client, const StompFrame *frame)
{
	const char *destination = necp_stomp_header(frame, "destination");

	if (destination == NULL)
		necp_client_fail(client, CLOSE_PROTOCOL, "SEND without destination", "");
	else if (necp_stomp_header(frame, "transaction") != NULL)
		necp_client_fail(client, CLOSE_PROTOCOL, "there are no transactions", "");
	else if (strcmp(destination, "/app/input") == 0)
		send_input(client, frame);
	else if (strncmp(destination, "/app/", 5) == 0)
		necp_command_run(client, frame, destination + 4);
	else
		refuse(client, frame, NECP_FORBIDDEN, "clients send to /app only");
}

void
necp_command_leave(Client *client)
{
	if (client->state != CLIENT_LEAVING || client->commands > 0)
		return;
	necp_command_receipt(client, client->leave_receipt);
	necp_client_close(client, CLOSE_NORMAL, "");
}

static void
disconnect(Client *client, const StompFrame *frame)
{
	client->state = CLIENT_LEAVING;
	client->leave_receipt = copy_or_null(necp_stomp_header(frame, "receipt"));
	necp_command_leave(client);
}

/* What goes on costs nothing to refuse, so only a flood ends the connection. */
static bool
is_within_rate(Client *client, const StompFrame *frame)
{
	double rate = (double) necp_settings.frames_per_second;

	if (frame->command == STOMP_DISCONNECT || frame->command == STOMP_UNSUBSCRIBE ||
		necp_bucket_take(&client->frames, rate, rate, necp_turn_ms()))
	{
		client->excess -= client->excess > 0;
		return true;
	}
	if (++client->excess > EXCESS_MAX)
		necp_client_fail(client, CLOSE_POLICY, "RATE_LIMITED", "");
	else
		refuse(client, frame, NECP_RATE_LIMITED, NULL);
	return false;
}

static void
take_frame(Client *client, const StompFrame *frame)
{
	bool opening = frame->command == STOMP_CONNECT || frame->command == STOMP_STOMP;

	necp_metric_add(necp_stats.frames, 1);
	if (opening && client->state == CLIENT_NEW)
		necp_session_connect(client, frame);
	else if (opening)
		necp_client_fail(client, CLOSE_PROTOCOL, "already connected", "");
	else if (client->state == CLIENT_NEW || client->state == CLIENT_CONNECTING)
		necp_client_fail(client, CLOSE_PROTOCOL, "not connected", "");
	else if (client->state != CLIENT_CONNECTED || !is_within_rate(client, frame))
		return;
	else if (frame->command == STOMP_SEND)
		send_frame(client, frame);
	else if (frame->command == STOMP_SUBSCRIBE)
		subscribe(client, frame);
	else if (frame->command == STOMP_UNSUBSCRIBE)
		unsubscribe(client, frame);
	else if (frame->command == STOMP_DISCONNECT)
		disconnect(client, frame);
	else if (frame->command == STOMP_ACK || frame->command == STOMP_NACK)
		necp_command_receipt(client, necp_stomp_header(frame, "receipt"));
	else if (frame->command == STOMP_BEGIN || frame->command == STOMP_COMMIT ||
			 frame->command == STOMP_ABORT)
		necp_client_fail(client, CLOSE_PROTOCOL, "there are no transactions", "");
	else
		necp_client_fail(client, CLOSE_PROTOCOL, "not a client's frame", "");
}

void
necp_command_receive(Client *client, const char *data, size_t length)
{
	const char *end = data + length;
	StompFrame frame;
	StompResult result = STOMP_MORE;

	client->last_in_ms = necp_turn_ms();
	while (necp_client_is_open(client) &&
		   (result = necp_stomp_next(&client->parser, &data, end, &frame)) == STOMP_FRAME)
		take_frame(client, &frame);
	if (result == STOMP_BAD && necp_client_is_open(client))
		necp_client_fail(client,
						 strcmp(client->parser.error, "frame too large") == 0 ? CLOSE_TOO_BIG
																			  : CLOSE_PROTOCOL,
						 client->parser.error,
						 "");
}
