/* SPDX-License-Identifier: PostgreSQL
 *
 * Pushes in, fan-out, RESYNC (docs/interfaces.md §7). The envelope is encoded once per push.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clockwork.h"
#include "log.h"
#include "outbox.h"
#include "push.h"
#include "session.h"
#include "stats.h"
#include "turn.h"
#include "world.h"

static uint64_t known_epoch;
static uint64_t known_batch;
static bool in_step; /* known_batch is the one before the next */

static Message *
build_message(const Topic *topic, uint64_t seq, uint64_t version, uint64_t ts_ms, NecpSlice type,
			  NecpSlice data)
{
	static NecpBuf body;
	char id[80];
	char ts[CLOCKWORK_ISO];
	Message *message;

	necp_clockwork_iso(ts_ms, ts);
	body.len = 0;
	necp_buf_add_format(&body,
						"{\"topic\":\"%s\",\"seq\":%" PRIu64 ",\"type\":\"%.*s\",\"ts\":\"%s\",",
						topic->name,
						seq,
						(int) type.len,
						type.base,
						ts);
	if (version != 0)
		necp_buf_add_format(&body, "\"version\":%" PRIu64 ",", version);
	necp_buf_add_text(&body, "\"data\":");
	necp_buf_add(&body, data.base, data.len);
	necp_buf_add_text(&body, "}");
	snprintf(id,
			 sizeof(id),
			 "%" PRIu64 "-%" PRIu64 "-%" PRIx64,
			 known_epoch,
			 seq,
			 ++necp_stats.message_id);
	message =
		necp_message_build(id, topic->name, topic->length, "application/json", body.data, body.len);
	message->seq = seq;
	message->at_ms = necp_turn_ms();
	return message;
}

void
necp_outbox_resync(Topic *topic, Subscription *only)
{
	Message *message = build_message(topic,
									 topic->last_seq,
									 0,
									 necp_clockwork_now_ms(),
									 NECP_SLICE("RESYNC"),
									 NECP_SLICE("{}"));

	message->seq = 0; /* not part of the history */
	necp_metric_add(necp_stats.resyncs, only != NULL ? 1 : topic->count);
	if (only == NULL)
	{
		necp_topic_publish(topic, message);
		return;
	}
	necp_client_send(only->client, message, only);
	necp_message_unref(message);
}

static void
resync_topic(Topic *topic)
{
	necp_outbox_resync(topic, NULL);
	necp_topic_forget_history(topic);
}

static void
resync_all(void)
{
	for (size_t i = 0; i < necp_topics.size; i++)
	{
		for (MapNode *node = necp_topics.buckets[i]; node != NULL; node = node->next)
			resync_topic(MAP_ENTRY(node, Topic, node));
	}
}

/* With the lost messages there may have been lost members, sessions and bindings. */
static void
recover(void)
{
	resync_all();
	necp_session_verify_start();
}

void
necp_outbox_listening(void)
{
	in_step = false;
	necp_world_resync();
	recover();
}

void
necp_outbox_resume(Subscription *subscription, const char *last_seq)
{
	char *end;
	uint64_t seq = strtoull(last_seq, &end, 10);
	bool good = *last_seq >= '0' && *last_seq <= '9';

	if (good && *end == '-')
	{
		good = seq == known_epoch && end[1] >= '0' && end[1] <= '9';
		seq = strtoull(end + 1, &end, 10);
		good = good && (*end == '\0' || *end == '-');
	}
	else
		good = good && *end == '\0';
	if (!good || !necp_topic_resume(subscription->topic, subscription, seq, necp_turn_ms()))
		necp_outbox_resync(subscription->topic, subscription);
}

static void
push_message(const PushLine *push)
{
	Topic *topic = necp_topic_find(push->topic.base, push->topic.len);

	necp_metric_add(necp_stats.pushes, 1);
	if (topic == NULL)
		return;
	necp_topic_publish(topic,
					   build_message(topic,
									 push->seq,
									 push->version,
									 push->ts_ms,
									 push->type,
									 push->data));
}

static void
push_resync(const PushLine *push)
{
	Topic *topic = necp_topic_find(push->topic.base, push->topic.len);

	if (necp_slice_is(push->topic, "*"))
		resync_all();
	else if (topic != NULL)
		resync_topic(topic);
}

static bool
is_meant(const Client *client, const PushLine *push)
{
	return push->who == PUSH_ALL ||
		   (push->who == PUSH_ACCOUNT ? client->account_id : client->character_id) == push->id;
}

static void
push_unsubscribe(const PushLine *push)
{
	Topic *topic = necp_topic_find(push->topic.base, push->topic.len);

	/* backwards: a removal moves the last one into the hole */
	for (uint32_t i = topic == NULL ? 0 : topic->count; i-- > 0;)
	{
		Subscription *subscription = topic->subscriptions[i];

		if (!is_meant(subscription->client, push))
			continue;
		if (subscription->state == SUBSCRIPTION_ASKED)
			subscription->recheck = true;
		else
			necp_subscription_revoke(subscription, necp_turn_ms());
	}
}

static void
dispatch(const PushLine *push)
{
	switch (push->kind)
	{
		case PUSH_MESSAGE:
			push_message(push);
			break;
		case PUSH_RESYNC:
			push_resync(push);
			break;
		case PUSH_UNSUBSCRIBE:
			push_unsubscribe(push);
			break;
		case PUSH_BIND:
			necp_session_bind(push->session, push->binding, push->character_id, push->place_id);
			break;
		case PUSH_KILL:
			necp_session_kill(push->session, push->reason);
			break;
	}
}

/* Notices gaps; what comes after one is good. */
static void
step(uint64_t epoch, uint64_t batch)
{
	bool lost = in_step && (epoch != known_epoch || batch != known_batch + 1);

	if (lost)
		necp_log(NECP_LOG_WARNING,
				 "pushes lost: batch %" PRIu64 "-%" PRIu64 " after %" PRIu64 "-%" PRIu64,
				 epoch,
				 batch,
				 known_epoch,
				 known_batch);
	known_epoch = epoch;
	known_batch = batch;
	in_step = true;
	if (lost)
		recover();
}

void
necp_outbox_notify(const char *payload)
{
	NecpSlice rest = necp_slice(payload);
	NecpSlice line;
	uint64_t epoch;
	uint64_t batch;
	PushLine push;

	if (!necp_push_next(&rest, &line) || !necp_push_head(line, &epoch, &batch))
	{
		necp_log(NECP_LOG_ERROR, "a push without epoch and batch");
		return;
	}
	step(epoch, batch);
	while (necp_push_next(&rest, &line))
	{
		if (necp_push_parse(line, &push))
			dispatch(&push);
		else if (line.len > 0)
			necp_log(NECP_LOG_ERROR,
					 "bad push: %.*s",
					 line.len > 80 ? 80 : (int) line.len,
					 line.base);
	}
}
