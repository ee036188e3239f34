/* SPDX-License-Identifier: PostgreSQL
 *
 * Facts. An event is a row of game.game_events written by the rule's own transaction; rooms that
 * subscribed run inside it, so cause and reaction commit together. A subscriber locks only the
 * actor's own rows (ARCHITECTURE: events).
 */
#ifndef NECP_KERNEL_EVENT_H
#define NECP_KERNEL_EVENT_H

#include "postgres.h"

typedef struct NecpEvent
{
	const char *type;           /* "ITEM_PICKED_UP" */
	const char *aggregate_type; /* "DROP" */
	int64 aggregate_id;
	int64 account_id;   /* whose; 0: the acting one, if any */
	int64 character_id; /* likewise */
	const char *data;   /* JSON object, "{}" if NULL */
	const void *detail; /* the emitting room's struct for subscribers, named in its header */
	int64 id;           /* out: id of the row */
} NecpEvent;

typedef void (*NecpSubscriber)(const NecpEvent *event);

extern void necp_event_emit(NecpEvent *event);
/* Called from a room's init function; type must be a constant. */
extern void necp_event_subscribe(const char *type, NecpSubscriber subscriber);

#endif
