/* SPDX-License-Identifier: PostgreSQL
 *
 * Topics, their subscribers and their last messages.
 */
#include <stdlib.h>
#include <string.h>

#include "stats.h"
#include "subscription.h"

Map necp_topics;

Topic *
necp_topic_find(const char *name, size_t length)
{
	MapNode *node = necp_map_first(&necp_topics, necp_hash_bytes(name, length));

	for (; node != NULL; node = necp_map_next(node))
	{
		Topic *topic = MAP_ENTRY(node, Topic, node);

		if (topic->length == length && memcmp(topic->name, name, length) == 0)
			return topic;
	}
	return NULL;
}

bool
necp_topic_valid(const char *name)
{
	size_t length = strlen(name);

	if (strncmp(name, "/topic/", 7) != 0 || length == 7 || length > TOPIC_NAME_MAX)
		return false;
	for (const char *p = name; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p == ':' || *p == '\\' || *p == '"' || *p == '*' || *p >= 0x7f)
			return false;
	}
	return true;
}

static Topic *
make_topic(const char *name)
{
	size_t length = strlen(name);
	Topic *topic = necp_alloc_zero(sizeof(*topic) + length + 1);

	topic->length = length;
	memcpy(topic->name, name, length + 1);
	necp_map_add(&necp_topics, &topic->node, necp_hash_bytes(name, length));
	necp_metric_set(necp_stats.topics, (int64_t) necp_topics.count);
	return topic;
}

static Message *
history_at(const Topic *topic, uint32_t i)
{
	return topic->history[(topic->history_head + i) % TOPIC_HISTORY];
}

static void
drop_oldest(Topic *topic)
{
	necp_message_unref(history_at(topic, 0));
	topic->history_head = (topic->history_head + 1) % TOPIC_HISTORY;
	topic->history_count--;
}

void
necp_topic_forget_history(Topic *topic)
{
	while (topic->history_count > 0)
		drop_oldest(topic);
	topic->last_seq = 0;
}

static void
remember(Topic *topic, Message *message)
{
	if (topic->history == NULL)
		topic->history = necp_alloc(TOPIC_HISTORY * sizeof(Message *));
	/* a hole would be taken for a whole */
	if (topic->last_seq != 0 && message->seq != topic->last_seq + 1)
		necp_topic_forget_history(topic);
	if (topic->history_count == TOPIC_HISTORY)
		drop_oldest(topic);
	topic->history[(topic->history_head + topic->history_count++) % TOPIC_HISTORY] = message;
	topic->last_seq = message->seq;
}

void
necp_topic_publish(Topic *topic, Message *message)
{
	for (uint32_t i = 0; i < topic->count; i++)
	{
		Subscription *subscription = topic->subscriptions[i];

		if (subscription->state == SUBSCRIPTION_ACTIVE)
			necp_client_send(subscription->client, message, subscription);
	}
	if (message->seq != 0)
		remember(topic, message);
	else
		necp_message_unref(message);
}

static void
drop_old(Topic *topic, uint64_t now_ms)
{
	while (topic->history_count > 0 && history_at(topic, 0)->at_ms + TOPIC_HISTORY_MS < now_ms)
		drop_oldest(topic);
}

bool
necp_topic_resume(Topic *topic, Subscription *subscription, uint64_t seq, uint64_t now_ms)
{
	drop_old(topic, now_ms);
	if (topic->last_seq == 0 || seq > topic->last_seq)
		return false;
	if (seq < topic->last_seq && (topic->history_count == 0 || seq + 1 < history_at(topic, 0)->seq))
		return false;
	for (uint32_t i = 0; i < topic->history_count; i++)
	{
		if (history_at(topic, i)->seq > seq)
			necp_client_send(subscription->client, history_at(topic, i), subscription);
	}
	return true;
}

static void
free_topic(Topic *topic)
{
	necp_topic_forget_history(topic);
	necp_map_remove(&necp_topics, &topic->node);
	free(topic->subscriptions);
	free(topic->history);
	free(topic);
}

void
necp_topics_sweep(uint64_t now_ms)
{
	for (size_t i = 0; i < necp_topics.size; i++)
	{
		for (MapNode *node = necp_topics.buckets[i], *next; node != NULL; node = next)
		{
			Topic *topic = MAP_ENTRY(node, Topic, node);

			next = node->next;
			drop_old(topic, now_ms);
			if (topic->count == 0 && topic->idle_ms + TOPIC_HISTORY_MS < now_ms)
				free_topic(topic);
		}
	}
	necp_metric_set(necp_stats.topics, (int64_t) necp_topics.count);
}

static void
join_topic(Subscription *subscription, const char *name)
{
	Topic *topic = necp_topic_find(name, strlen(name));

	if (topic == NULL)
		topic = make_topic(name);
	if (topic->count == topic->capacity)
	{
		topic->capacity = topic->capacity == 0 ? 4 : topic->capacity * 2;
		topic->subscriptions =
			necp_realloc(topic->subscriptions, topic->capacity * sizeof(*topic->subscriptions));
	}
	subscription->topic = topic;
	subscription->index = topic->count;
	topic->subscriptions[topic->count++] = subscription;
}

static void
leave_topic(Subscription *subscription, uint64_t now_ms)
{
	Topic *topic = subscription->topic;
	Subscription *last = topic->subscriptions[--topic->count];

	topic->subscriptions[subscription->index] = last;
	last->index = subscription->index;
	if (topic->count == 0)
		topic->idle_ms = now_ms;
}

Subscription *
necp_subscription_add(Client *client, const char *id, const char *topic_name)
{
	static uint64_t serial;
	char prefix[32 + 2 * SUBSCRIPTION_ID_MAX];
	size_t id_length = strlen(id);
	Subscription *subscription;
	StompWriter w;

	necp_stomp_begin(&w, prefix, sizeof(prefix), (StompVersion) client->version, STOMP_MESSAGE);
	necp_stomp_put(&w, "subscription", id);
	subscription = necp_alloc_zero(sizeof(*subscription) + w.used + id_length + 1);
	memcpy(subscription->prefix, prefix, w.used);
	subscription->prefix_length = (uint16_t) w.used;
	memcpy(subscription->prefix + w.used, id, id_length + 1);
	subscription->id = subscription->prefix + w.used;
	subscription->id_length = (uint16_t) id_length;
	subscription->client = client;
	subscription->serial = ++serial;
	subscription->next = client->subscriptions;
	client->subscriptions = subscription;
	client->subscription_count++;
	if (topic_name != NULL)
		join_topic(subscription, topic_name);
	necp_metric_add(necp_stats.subscriptions, 1);
	return subscription;
}

Subscription *
necp_subscription_find(const Client *client, const char *id)
{
	Subscription *subscription = client->subscriptions;

	while (subscription != NULL && strcmp(subscription->id, id) != 0)
		subscription = subscription->next;
	return subscription;
}

Subscription *
necp_subscription_by_serial(const Client *client, uint64_t serial)
{
	Subscription *subscription = client->subscriptions;

	while (subscription != NULL && subscription->serial != serial)
		subscription = subscription->next;
	return subscription;
}

void
necp_subscription_remove(Subscription *subscription, uint64_t now_ms)
{
	Client *client = subscription->client;
	Subscription **link = &client->subscriptions;

	necp_client_forget(client, subscription);
	while (*link != subscription)
		link = &(*link)->next;
	*link = subscription->next;
	client->subscription_count--;
	if (subscription->topic != NULL)
		leave_topic(subscription, now_ms);
	if (client->replies == subscription)
		client->replies = NULL;
	if (client->errors == subscription)
		client->errors = NULL;
	if (client->position == subscription)
		client->position = NULL;
	necp_metric_add(necp_stats.subscriptions, -1);
	free(subscription);
}

void
necp_subscription_revoke(Subscription *subscription, uint64_t now_ms)
{
	Client *client = subscription->client;
	NecpProblem problem;

	necp_problem_set(&problem, NECP_FORBIDDEN, NULL, "no longer a member of this topic");
	necp_metric_add(necp_stats.revocations, 1);
	necp_client_refuse(client, subscription->id, &problem, subscription->topic->name, NULL);
	necp_subscription_remove(subscription, now_ms);
}
