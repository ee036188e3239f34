/* SPDX-License-Identifier: PostgreSQL */
#include "postgres.h"

#include "kernel/clock.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/kernel.h"
#include "kernel/spi.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#define MAX_SUBSCRIPTIONS 256
#define MAX_DEPTH 8

typedef struct Subscription
{
	const char *type;
	NecpSubscriber subscriber;
} Subscription;

static Subscription subscriptions[MAX_SUBSCRIPTIONS];
static int nsubscriptions;

/* The event whose subscribers run now: cause of what they emit. */
static int64 causes[MAX_DEPTH];
static int depth;

static NecpPlan insert_event =
	NECP_PLAN("INSERT INTO game.game_events (type, aggregate_type, aggregate_id, correlation_id,"
			  " causation_id, account_id, character_id, occurred_at, data)"
			  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb) RETURNING id",
			  TEXTOID, TEXTOID, INT8OID, UUIDOID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID,
			  TEXTOID);

void
necp_event_subscribe(const char *type, NecpSubscriber subscriber)
{
	if (nsubscriptions == MAX_SUBSCRIPTIONS)
		elog(ERROR, "too many event subscriptions");
	subscriptions[nsubscriptions].type = type;
	subscriptions[nsubscriptions].subscriber = subscriber;
	nsubscriptions++;
}

void
necp_event_xact_end(void)
{
	depth = 0;
}

static void
complete_actor(NecpEvent *event)
{
	const NecpSession *session = necp_session_or_null();

	if (session == NULL)
		return;
	if (event->account_id == 0 && event->character_id == 0)
		event->character_id = session->character_id;
	else if (event->account_id != 0 || event->character_id != session->character_id)
		return;
	event->account_id = session->account_id;
}

static void
write_event(NecpEvent *event)
{
	static const pg_uuid_t no_trace = {{0}};
	char nulls[] = "         ";
	bool traced = memcmp(necp_trace(), &no_trace, sizeof(no_trace)) != 0;

	nulls[3] = traced ? ' ' : 'n';
	nulls[4] = depth > 0 ? ' ' : 'n';
	nulls[5] = event->account_id != 0 ? ' ' : 'n';
	nulls[6] = event->character_id != 0 ? ' ' : 'n';
	necp_run_nulls(&insert_event,
				   nulls,
				   necp_cstring_datum(event->type),
				   necp_cstring_datum(event->aggregate_type),
				   event->aggregate_id,
				   UUIDPGetDatum(necp_trace()),
				   depth > 0 ? causes[depth - 1] : 0,
				   event->account_id,
				   event->character_id,
				   TimestampTzGetDatum(necp_now()),
				   necp_cstring_datum(event->data != NULL ? event->data : "{}"));
	event->id = necp_int8(0, 1);
	SPI_freetuptable(SPI_tuptable);
}

void
necp_event_emit(NecpEvent *event)
{
	complete_actor(event);
	if (!necp_mute)
		write_event(event);
	if (depth == MAX_DEPTH)
		elog(ERROR, "events cause each other more than %d deep", MAX_DEPTH);
	causes[depth++] = event->id;
	for (int i = 0; i < nsubscriptions; i++)
	{
		if (strcmp(subscriptions[i].type, event->type) == 0)
			subscriptions[i].subscriber(event);
	}
	depth--;
}
