/* SPDX-License-Identifier: PostgreSQL
 *
 * Topics and who is subscribed to them. A topic with subscribers (or with some in the last minute)
 * keeps its last messages, so that a client that comes back gets what it missed.
 */
#ifndef NECP_SUBSCRIPTION_H
#define NECP_SUBSCRIPTION_H

#include "client.h"

#define TOPIC_HISTORY 128
#define TOPIC_HISTORY_MS 60000
#define TOPIC_NAME_MAX 200
#define SUBSCRIPTION_ID_MAX 128

typedef enum SubscriptionState
{
	SUBSCRIPTION_ASKED, /* authorisation is under way; already found by U lines */
	SUBSCRIPTION_ACTIVE
} SubscriptionState;

typedef struct Topic
{
	MapNode node;
	struct Subscription **subscriptions;
	uint32_t count, capacity;
	Message **history; /* a ring of TOPIC_HISTORY, made with the first message */
	uint32_t history_head, history_count;
	uint64_t last_seq; /* 0: none seen since the history was cleared */
	uint64_t idle_ms;  /* when the last subscriber left */
	size_t length;
	char name[];
} Topic;

typedef struct Subscription
{
	struct Subscription *next; /* of the client */
	Client *client;
	Topic *topic;    /* NULL: a queue of the connection's own */
	uint32_t index;  /* in the topic */
	uint64_t serial; /* unique in the process: what a call to the database refers to */
	uint8_t state;
	bool recheck; /* membership changed while authorisation was under way */
	bool binary;
	int64_t character_id; /* of a position topic */
	uint16_t prefix_length;
	uint16_t id_length;
	const char *id;
	char prefix[]; /* the frame up to and with the subscription header, then the id */
} Subscription;

extern Map necp_topics;

Topic *necp_topic_find(const char *name, size_t length);
/* A name that can be subscribed to and needs no escaping in any version. */
bool necp_topic_valid(const char *name);
/* Sends to every active subscriber and remembers; takes over the reference. */
void necp_topic_publish(Topic *topic, Message *message);
void necp_topic_forget_history(Topic *topic);
/* What is held behind seq; false if there may be a gap. */
bool necp_topic_resume(Topic *topic, Subscription *subscription, uint64_t seq, uint64_t now_ms);
/* Frees topics without subscribers, and messages that are too old. */
void necp_topics_sweep(uint64_t now_ms);

/* topic_name NULL: a queue of its own. */
Subscription *necp_subscription_add(Client *client, const char *id, const char *topic_name);
Subscription *necp_subscription_find(const Client *client, const char *id);
Subscription *necp_subscription_by_serial(const Client *client, uint64_t serial);
/* Membership is lost: tells the client, then removes it. */
void necp_subscription_revoke(Subscription *subscription, uint64_t now_ms);
/* Frees it; nothing queued for it is sent any more. */
void necp_subscription_remove(Subscription *subscription, uint64_t now_ms);

#endif
