/* SPDX-License-Identifier: PostgreSQL
 *
 * Life of a connection and what the server says on its own queues. output.c sends.
 */
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

#include "client.h"
#include "log.h"
#include "rate.h"
#include "settings.h"
#include "stats.h"
#include "subscription.h"

#define CLOSE_TIMEOUT_S 5

Client *necp_clients;
uint32_t necp_client_count;

Client *
necp_client_new(struct lws *wsi, int fd, uint64_t now_ms)
{
	Client *client = necp_alloc_zero(sizeof(*client));

	client->refs = 1;
	client->wsi = wsi;
	client->fd = fd;
	client->version = STOMP_V12;
	client->opened_ms = client->last_in_ms = client->last_out_ms = now_ms;
	necp_stomp_init(&client->parser, (uint32_t) necp_settings.max_frame);
	client->next = necp_clients;
	if (client->next != NULL)
		client->next->prev = client;
	necp_clients = client;
	necp_client_count++;
	necp_metric_set(necp_stats.connections, necp_client_count);
	return client;
}

Client *
necp_client_ref(Client *client)
{
	client->refs++;
	return client;
}

void
necp_client_unref(Client *client)
{
	if (--client->refs > 0)
		return;
	necp_view_free(&client->view);
	necp_rate_free(client->rates);
	free(client->leave_receipt);
	free(client->ticket);
	free(client->reconnect_token);
	free(client);
}

static void
drop_queue(Client *client)
{
	for (; client->count > 0; client->count--)
	{
		necp_message_unref(client->queue[client->head].message);
		client->head = (client->head + 1) & (client->capacity - 1);
	}
	free(client->queue);
	client->queue = NULL;
	client->capacity = client->head = 0;
	client->backlog = 0;
}

void
necp_client_closed(Client *client)
{
	client->wsi = NULL;
	client->state = CLIENT_CLOSED;
	while (client->subscriptions != NULL)
		necp_subscription_remove(client->subscriptions, client->last_in_ms);
	drop_queue(client);
	necp_stomp_free(&client->parser);
	if (client->prev != NULL)
		client->prev->next = client->next;
	else
		necp_clients = client->next;
	if (client->next != NULL)
		client->next->prev = client->prev;
	necp_client_count--;
	necp_metric_set(necp_stats.connections, necp_client_count);
	necp_client_unref(client);
}

/* What clients gave back to them may not be UTF-8, which a text message must be. */
static void
set_opcode(Message *message)
{
	message->opcode =
		necp_utf8_valid(message->data, message->length) ? MESSAGE_TEXT : MESSAGE_BINARY;
}

/*
 * The close frame is ours too: lws as Debian builds it (with _DEBUG) closes twice under libuv and
 * loses the one of lws_close_reason. The peer has some seconds to answer.
 */
void
necp_client_close(Client *client, uint16_t close_code, const char *reason)
{
	char payload[125];
	size_t length = strlen(reason);
	Message *message;

	if (!necp_client_is_open(client))
		return;
	length = length > sizeof(payload) - 2 ? sizeof(payload) - 2 : length;
	payload[0] = (char) (close_code >> 8);
	payload[1] = (char) close_code;
	memcpy(payload + 2, reason, length);
	message = necp_message_copy(payload, 2 + length);
	message->opcode = MESSAGE_CLOSE;
	necp_client_send(client, message, NULL);
	necp_message_unref(message);
	if (client->state == CLIENT_CLOSING)
		return; /* cut already: the backlog was full */
	client->state = CLIENT_CLOSING;
	lws_set_timeout(client->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_TIMEOUT_S);
}

void
necp_client_kill(Client *client, const char *reason)
{
	if (client->wsi == NULL)
		return;
	necp_log(NECP_LOG_INFO, "connection cut: %s", reason);
	client->state = CLIENT_CLOSING;
	drop_queue(client);
	lws_set_timeout(client->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

void
necp_client_send_simple(Client *client, StompCommand command, const char *name, const char *value)
{
	char *frame = necp_alloc(64 + strlen(name) + 2 * strlen(value));
	StompWriter w;
	Message *message;

	necp_stomp_begin(&w,
					 frame,
					 64 + strlen(name) + 2 * strlen(value),
					 (StompVersion) client->version,
					 command);
	necp_stomp_put(&w, name, value);
	if (necp_stomp_end(&w, "", 0))
	{
		message = necp_message_copy(frame, w.used);
		set_opcode(message);
		necp_client_send(client, message, NULL);
		necp_message_unref(message);
	}
	free(frame);
}

void
necp_client_fail(Client *client, uint16_t close_code, const char *message, const char *detail)
{
	char frame[1024];
	StompWriter w;
	Message *error;

	if (!necp_client_is_open(client))
		return;
	necp_stomp_begin(&w, frame, sizeof(frame), (StompVersion) client->version, STOMP_ERROR);
	necp_stomp_put(&w, "version", "1.0,1.1,1.2");
	necp_stomp_put(&w, "content-type", "text/plain");
	necp_stomp_put(&w, "message", message);
	if (necp_stomp_end(&w, detail, strlen(detail)))
	{
		error = necp_message_copy(frame, w.used);
		set_opcode(error);
		necp_client_send(client, error, NULL);
		necp_message_unref(error);
	}
	necp_metric_add(necp_stats.errors, 1);
	necp_client_close(client, close_code, message);
}

/* A MESSAGE on one of the connection's own queues. */
static void
send_own(Client *client, Subscription *queue, const char *destination, const char *content_type,
		 const char *correlation, int status, int retry_after, NecpSlice body)
{
	size_t size = 512 + body.len + (correlation != NULL ? 2 * strlen(correlation) : 0);
	char *frame;
	StompWriter w;
	Message *message;

	if (queue == NULL || queue->state != SUBSCRIPTION_ACTIVE || !necp_client_is_open(client))
		return;
	frame = necp_alloc(size);
	necp_stomp_begin(&w, frame, size, (StompVersion) client->version, STOMP_MESSAGE);
	w.used = 0; /* command and subscription are the subscription's prefix */
	necp_stomp_put_number(&w, "message-id", ++necp_stats.message_id);
	necp_stomp_put(&w, "destination", destination);
	necp_stomp_put(&w, "content-type", content_type);
	necp_stomp_put_number(&w, "status", (uint64_t) status);
	if (retry_after > 0)
		necp_stomp_put_number(&w, "retry-after", (uint64_t) retry_after);
	if (correlation != NULL)
		necp_stomp_put(&w, "correlation-id", correlation);
	if (necp_stomp_end(&w, body.base, body.len))
	{
		message = necp_message_copy(frame, w.used);
		set_opcode(message);
		necp_client_send(client, message, queue);
		necp_message_unref(message);
	}
	free(frame);
}

void
necp_client_reply(Client *client, const char *correlation, int status, NecpSlice body)
{
	send_own(client,
			 client->replies,
			 "/user/queue/replies",
			 "application/json",
			 correlation,
			 status,
			 0,
			 body);
}

void
necp_client_refuse(Client *client, const char *correlation, const NecpProblem *problem,
				   const char *topic, const char *trace_id)
{
	NecpBuf body = {0};

	necp_metric_add(necp_stats.refusals, 1);
	necp_problem_write(problem, trace_id, &body);
	if (topic != NULL && body.len > 0 && body.data[body.len - 1] == '}')
	{
		body.len--;
		necp_buf_add_text(&body, ",\"topic\":");
		necp_buf_add_json(&body, topic, strlen(topic));
		necp_buf_add_text(&body, "}");
	}
	send_own(client,
			 client->errors,
			 "/user/queue/errors",
			 "application/problem+json",
			 correlation,
			 necp_problem_status(problem),
			 problem->retry_after,
			 (NecpSlice){body.data, body.len});
	necp_buf_free(&body);
}

bool
necp_bucket_take(Bucket *bucket, double rate, double burst, uint64_t now_ms)
{
	if (bucket->at_ms == 0)
		bucket->tokens = burst;
	else
		bucket->tokens += rate * (double) (now_ms - bucket->at_ms) / 1000.0;
	bucket->at_ms = now_ms;
	if (bucket->tokens > burst)
		bucket->tokens = burst;
	if (bucket->tokens < 1.0)
		return false;
	bucket->tokens -= 1.0;
	return true;
}
