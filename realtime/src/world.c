/* SPDX-License-Identifier: PostgreSQL
 *
 * One necp.world_exchange per process and tick, for the places somebody here watches. A tick whose
 * predecessor is still under way is skipped: inputs wait, positions are none the worse.
 *
 * Position frames are never queued behind anything: a client that has not taken what it was sent
 * gets none until it has, and then the newest state, since its view was not advanced.
 */
#include <math.h>
#include <stdlib.h>

#include "clockwork.h"
#include "db.h"
#include "log.h"
#include "position.h"
#include "stats.h"
#include "subscription.h"
#include "world.h"

typedef struct WatchedPlace
{
	Place place;
	struct WatchedPlace *prev, *next;
	Client *clients;
} WatchedPlace;

static Map places;
static WatchedPlace *watched;
static uint32_t watched_count;
static Client **movers; /* with an input for the next tick */
static uint32_t mover_count;
static uint32_t mover_capacity;
static bool under_way;
static uint32_t tick;
static uint64_t tick_started_us;
static NecpBuf request;
static Sight sight;

static WatchedPlace *
find_place(int64_t id)
{
	MapNode *node = necp_map_first(&places, necp_hash_int(id));

	while (node != NULL && MAP_ENTRY(node, WatchedPlace, place.node)->place.id != id)
		node = necp_map_next(node);
	return node == NULL ? NULL : MAP_ENTRY(node, WatchedPlace, place.node);
}

static WatchedPlace *
watch_place(int64_t id)
{
	WatchedPlace *w = necp_alloc_zero(sizeof(*w));

	necp_place_init(&w->place, id);
	necp_map_add(&places, &w->place.node, necp_hash_int(id));
	w->next = watched;
	if (watched != NULL)
		watched->prev = w;
	watched = w;
	watched_count++;
	return w;
}

static void
forget_place(WatchedPlace *w)
{
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		watched = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	watched_count--;
	necp_map_remove(&places, &w->place.node);
	necp_place_free(&w->place);
	free(w);
}

static void
leave_place(Client *client)
{
	WatchedPlace *w = client->watched;

	if (w == NULL)
		return;
	if (client->place_prev != NULL)
		client->place_prev->place_next = client->place_next;
	else
		w->clients = client->place_next;
	if (client->place_next != NULL)
		client->place_next->place_prev = client->place_prev;
	client->place_prev = client->place_next = NULL;
	client->watched = NULL;
	if (w->clients == NULL)
		forget_place(w);
}

static void
join_place(Client *client, int64_t id)
{
	WatchedPlace *w = find_place(id);

	if (w == NULL)
		w = watch_place(id);
	client->place_next = w->clients;
	if (w->clients != NULL)
		w->clients->place_prev = client;
	w->clients = client;
	client->watched = w;
	client->last_tick = tick - 1000;
	/* slots mean other entities there; the client forgets with its change of place */
	necp_view_reset(&client->view);
}

void
necp_world_leave(Client *client)
{
	leave_place(client);
}

static bool
read_real(const json_t *object, const char *name, float *value)
{
	const json_t *number = json_object_get(object, name);

	*value = (float) json_number_value(number);
	return json_is_number(number) && isfinite(*value);
}

/* {"seq":7,"x":1.5,"y":2,"z":0,"yaw":0.1}, exactly these. */
static bool
read_json_input(const StompFrame *frame, uint32_t *seq, float values[4])
{
	json_t *object = json_loadb(frame->body, frame->body_length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *number = json_object_get(object, "seq");
	json_int_t n = json_integer_value(number);
	bool good = json_object_size(object) == 5 && json_is_integer(number) && n >= 0 &&
				n <= UINT32_MAX && read_real(object, "x", &values[0]) &&
				read_real(object, "y", &values[1]) && read_real(object, "z", &values[2]) &&
				read_real(object, "yaw", &values[3]);

	*seq = (uint32_t) n;
	json_decref(object);
	return good;
}

static bool
read_binary_input(const StompFrame *frame, uint32_t *seq, float values[4])
{
	if (frame->body_length != 24)
		return false;
	memcpy(seq, frame->body, 4);
	memcpy(values, frame->body + 4, 16);
	return isfinite(values[0]) && isfinite(values[1]) && isfinite(values[2]) && isfinite(values[3]);
}

static void
keep_input(Client *client, uint32_t seq, const float values[4])
{
	memcpy(client->input, &client->character_id, 8);
	memcpy(client->input + 8, &seq, 4);
	memcpy(client->input + 12, values, 16);
	client->input_seq = seq;
	client->has_input_seq = true;
	necp_metric_add(necp_stats.inputs, 1);
	if (client->moved)
		return;
	client->moved = true;
	if (mover_count == mover_capacity)
	{
		mover_capacity = mover_capacity == 0 ? 256 : mover_capacity * 2;
		movers = necp_realloc(movers, mover_capacity * sizeof(*movers));
	}
	movers[mover_count++] = necp_client_ref(client);
}

bool
necp_world_input(Client *client, const StompFrame *frame, NecpProblem *problem)
{
	const char *type = necp_stomp_header(frame, "content-type");
	bool binary = type != NULL && strcmp(type, "application/x-necp-input") == 0;
	float values[4];
	uint32_t seq;

	if (client->character_id == 0)
		necp_problem_set(problem, NECP_NO_ACTIVE_CHARACTER, NULL, NULL);
	else if (!(binary ? read_binary_input(frame, &seq, values)
					  : read_json_input(frame, &seq, values)))
		necp_problem_set(problem, NECP_BAD_FRAME, NULL, "not a movement input");
	else if (client->has_input_seq && (int32_t) (seq - client->input_seq) <= 0)
		necp_problem_set(problem, NECP_STALE_SEQ, "seq", "the last one was %u", client->input_seq);
	else
	{
		keep_input(client, seq, values);
		return true;
	}
	return false;
}

/* Ticks between two frames: 20, 5 or 1 a second at 20 Hz (DOMAIN §13). */
static uint32_t
pace_of(const Entity *own)
{
	if (own == NULL || own->activity == ACTIVITY_MOVING || own->activity == ACTIVITY_COMBAT)
		return 1;
	return own->activity == ACTIVITY_AFK ? 20 : 4;
}

static void
send_position(Client *client, Place *place, const Entity *own, const char *ts)
{
	const Subscription *subscription = client->position;
	PositionFrame frame = {
		.topic = subscription->topic->name,
		.topic_length = subscription->topic->length,
		.id = ++necp_stats.message_id,
		.seq = ++client->position_seq,
		.ts = ts,
		.last_seq = own != NULL ? own->seq : 0,
	};
	Message *message = subscription->binary ? necp_position_binary(&frame, place, &sight)
											: necp_position_json(&frame, place, &sight);

	necp_metric_add(necp_stats.positions, 1);
	necp_client_send(client, message, client->position);
	necp_message_unref(message);
}

/* Everything it knew of the place it leaves is gone, whatever else waits to be sent. */
static void
show_nothing(Client *client, Place *place)
{
	char ts[CLOCKWORK_ISO];

	if (client->position == NULL || client->view.count == 0)
		return;
	necp_clockwork_iso(necp_clockwork_now_ms(), ts);
	necp_view_look(&client->view, place, 0, &sight);
	send_position(client, place, NULL, ts);
}

void
necp_world_update(Client *client)
{
	const Subscription *position = client->position;
	bool watches = position != NULL && position->character_id == client->character_id &&
				   client->character_id != 0 && client->place_id != 0;

	if (client->watched != NULL && (!watches || client->watched->place.id != client->place_id))
	{
		show_nothing(client, &client->watched->place);
		leave_place(client);
	}
	if (watches && client->watched == NULL)
		join_place(client, client->place_id);
	if (!watches)
		necp_view_free(&client->view);
}

static void
show_place(Client *client, Place *place, const char *ts)
{
	const Entity *own = necp_place_find(place, client->character_id);

	if (!necp_client_is_open(client) || client->position == NULL ||
		tick - client->last_tick < pace_of(own))
		return;
	if (necp_client_is_congested(client))
	{
		necp_metric_add(necp_stats.positions_skipped, 1);
		return;
	}
	client->last_tick = tick;
	necp_view_look(&client->view, place, client->character_id, &sight);
	if (sight.entities > 0 || sight.gone > 0)
		send_position(client, place, own, ts);
}

static void
take_answer(const uint8_t *data, size_t length)
{
	const uint8_t *end = data + length;
	uint32_t count;
	char ts[CLOCKWORK_ISO];
	PlaceAnswer answer;

	necp_clockwork_iso(necp_clockwork_now_ms(), ts);
	if (!necp_answer_head(&data, end, &count))
		count = 0;
	for (; count > 0 && necp_answer_place(&data, end, &answer); count--)
	{
		WatchedPlace *w = find_place(answer.place_id);

		if (w == NULL)
			continue; /* the last watcher left meanwhile */
		necp_place_apply(&w->place, &answer);
		for (Client *client = w->clients; client != NULL; client = client->place_next)
			show_place(client, &w->place, ts);
	}
	if (count > 0 || data != end)
		necp_log(NECP_LOG_ERROR, "world_exchange answered %zu bytes that make no sense", length);
}

static void
on_exchanged(NecpOutcome outcome, const PGresult *result)
{
	NecpProblem problem;

	under_way = false;
	necp_metric_observe_us(necp_stats.exchange, necp_now_us() - tick_started_us);
	if (outcome != NECP_OUTCOME_ROWS)
	{
		necp_db_problem(&problem, outcome, result);
		necp_log(NECP_LOG_WARNING,
				 "world_exchange: %s %s",
				 necp_error_info(problem.code)->name,
				 problem.detail);
		return;
	}
	if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		take_answer((const uint8_t *) PQgetvalue(result, 0, 0), (size_t) PQgetlength(result, 0, 0));
	necp_clients_flush();
	necp_metric_observe_us(necp_stats.tick, necp_now_us() - tick_started_us);
}

static void
add_u32(NecpBuf *buf, uint32_t value)
{
	necp_buf_add(buf, &value, sizeof(value));
}

static void
build_request(void)
{
	uint32_t inputs = 0;
	size_t count_at;

	request.len = 0;
	add_u32(&request, 1);
	add_u32(&request, watched_count & 0xffff);
	for (WatchedPlace *w = watched; w != NULL; w = w->next)
	{
		necp_buf_add(&request, &w->place.id, 8);
		necp_buf_add(&request, &w->place.since, 8);
	}
	count_at = request.len;
	add_u32(&request, 0);
	for (uint32_t i = 0; i < mover_count; i++)
	{
		/* an input of a character no longer played is nobody's */
		if (movers[i]->wsi == NULL || memcmp(movers[i]->input, &movers[i]->character_id, 8) != 0)
			continue;
		necp_buf_add(&request, movers[i]->input, ZONE_INPUT);
		inputs++;
	}
	memcpy(request.data + count_at, &inputs, sizeof(inputs));
}

static void
drop_inputs(void)
{
	for (uint32_t i = 0; i < mover_count; i++)
	{
		movers[i]->moved = false;
		necp_client_unref(movers[i]);
	}
	mover_count = 0;
}

void
necp_world_tick(void)
{
	if (watched == NULL && mover_count == 0)
		return;
	tick++;
	if (under_way)
	{
		necp_metric_add(necp_stats.ticks_skipped, 1);
		return;
	}
	build_request();
	tick_started_us = necp_now_us();
	if (!necp_db_exchange(request.data, request.len, on_exchanged))
		return;
	under_way = true;
	drop_inputs();
}

void
necp_world_resync(void)
{
	for (WatchedPlace *w = watched; w != NULL; w = w->next)
		w->place.since = 0;
}

void
necp_world_stop(void)
{
	drop_inputs();
	free(movers);
	movers = NULL;
	necp_buf_free(&request);
	free(sight.gone_ids);
	necp_map_free(&places);
}
