/* SPDX-License-Identifier: PostgreSQL
 *
 * The mirror of a place and interest management (DOMAIN §13), and the frames made of it. Prints
 * TAP.
 */
#include <math.h>
#include <stdio.h>

#include "position.h"

#define OWN 1000

static int tests;
static int failures;
static uint64_t stamp;
static NecpBuf answer;
static Sight sight;

static void
ok(bool good, const char *name)
{
	tests++;
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}

static void
add_u32(uint32_t value)
{
	necp_buf_add(&answer, &value, 4);
}

static void
add_i64(int64_t value)
{
	necp_buf_add(&answer, &value, 8);
}

static void
begin(int64_t place, bool full, bool gone, uint32_t changed, uint32_t removed)
{
	uint8_t flags[4] = {full, gone, 0, 0};

	answer.len = 0;
	add_i64(place);
	add_i64((int64_t) ++stamp);
	add_u32((uint32_t) stamp);
	necp_buf_add(&answer, flags, 4);
	add_u32(changed);
	add_u32(removed);
}

static void
add_entity(int64_t id, uint32_t seq, float x, float y, uint8_t activity)
{
	float values[6] = {x, y, 0, 0.5f, 1, 0};
	uint8_t tail[4] = {1, activity, 0, 0};

	add_i64(id);
	add_u32(seq);
	necp_buf_add(&answer, values, sizeof(values));
	add_u32(80);
	add_u32(100);
	necp_buf_add(&answer, tail, 4);
}

static bool
apply(Place *place)
{
	/* a copy of the exact size, so that the sanitizer sees a read past it */
	uint8_t *copy = malloc(answer.len);
	const uint8_t *data = copy;
	PlaceAnswer parsed;
	bool good;

	memcpy(copy, answer.data, answer.len);
	good = necp_answer_place(&data, copy + answer.len, &parsed) && data == copy + answer.len;
	if (good)
		necp_place_apply(place, &parsed);
	free(copy);
	return good;
}

static void
put(Place *place, int64_t id, uint32_t seq, float x, float y)
{
	begin(place->id, false, false, 1, 0);
	add_entity(id, seq, x, y, ACTIVITY_MOVING);
	apply(place);
}

static void
take_away(Place *place, int64_t id)
{
	begin(place->id, false, false, 0, 1);
	add_i64(id);
	apply(place);
}

static bool
sees(const Place *place, int64_t id)
{
	for (uint32_t i = 0; i < sight.entities; i++)
	{
		if (place->entities[sight.slots[i]].id == id)
			return true;
	}
	return false;
}

static bool
misses(int64_t id)
{
	for (uint32_t i = 0; i < sight.gone; i++)
	{
		if (sight.gone_ids[i] == id)
			return true;
	}
	return false;
}

static void
look(View *view, Place *place)
{
	necp_view_look(view, place, OWN, &sight);
}

static void
test_sight(void)
{
	Place place;
	View view = {0};

	necp_place_init(&place, 1);
	look(&view, &place);
	ok(sight.entities == 0 && sight.gone == 0, "an empty place shows nothing");
	put(&place, OWN, 1, 50, 50);
	put(&place, 2, 1, 199, 199);
	put(&place, 3, 1, 201, 50);
	put(&place, 4, 1, -1, -1);
	put(&place, 5, 1, -101, 50);
	look(&view, &place);
	ok(sees(&place, OWN) && sees(&place, 2) && sees(&place, 4), "own and the eight cells around");
	ok(!sees(&place, 3) && !sees(&place, 5), "not beyond, cells go by floor");
	ok(place.entities[sight.slots[0]].id == OWN, "oneself comes first");
	look(&view, &place);
	ok(sight.entities == 0 && sight.gone == 0, "nothing changed, nothing is told");
	put(&place, 2, 2, 190, 190);
	look(&view, &place);
	ok(sight.entities == 1 && sees(&place, 2), "only what changed is told");
	put(&place, 2, 3, 250, 250);
	look(&view, &place);
	ok(sight.entities == 0 && sight.gone == 1 && misses(2), "who leaves sight is gone");
	look(&view, &place);
	ok(sight.gone == 0, "once");
	put(&place, 2, 4, 150, 150);
	look(&view, &place);
	ok(sees(&place, 2), "who comes back is told");
	take_away(&place, 2);
	look(&view, &place);
	ok(misses(2) && sight.entities == 0, "who is removed is gone");
	put(&place, OWN, 2, -950, 50);
	look(&view, &place);
	ok(misses(4) && sees(&place, OWN) && !misses(OWN), "one's own move changes what is seen");
	take_away(&place, OWN);
	look(&view, &place);
	ok(sight.entities == 0 && misses(OWN), "without a place nothing is seen");
	necp_view_free(&view);
	necp_place_free(&place);
}

static void
test_slots(void)
{
	Place place;
	View view = {0};

	necp_place_init(&place, 1);
	put(&place, OWN, 1, 50, 50);
	put(&place, 2, 1, 60, 60);
	look(&view, &place);
	take_away(&place, 2);
	put(&place, 3, 1, 60, 60);
	look(&view, &place);
	ok(misses(2) && sees(&place, 3) && sight.entities == 1, "another one in the same slot");
	put(&place, 4, 1, 60, 60);
	look(&view, &place);
	take_away(&place, 3);
	take_away(&place, 4);
	put(&place, 3, 2, 61, 60);
	look(&view, &place);
	ok(sees(&place, 3) && !misses(3) && misses(4), "back in another slot is not gone");
	for (int64_t id = 2000; id < 2200; id++)
		put(&place, id, 1, 500, 500);
	look(&view, &place);
	ok(sight.entities == 0 && sight.gone == 0 && necp_place_find(&place, 2199) != NULL &&
		   necp_place_find(&place, 2200) == NULL && place.present == 202,
	   "growth moves nothing");
	necp_view_free(&view);
	necp_place_free(&place);
}

static void
test_priority(void)
{
	Place place;
	View view = {0};
	uint32_t seen = 0;

	necp_place_init(&place, 1);
	put(&place, OWN, 1, 50, 50);
	for (int i = 0; i < 120; i++)
		put(&place, 1 + i, 1, 51.0f + (float) i, 50);
	begin(1, false, false, 1, 0);
	add_entity(120, 2, 170, 50, ACTIVITY_COMBAT);
	apply(&place);
	look(&view, &place);
	ok(sight.entities == ZONE_SIGHT_ENTITIES, "at most fifty in a frame");
	ok(place.entities[sight.slots[0]].id == OWN && sees(&place, 120),
	   "who fights comes before the near ones");
	ok(sees(&place, 48) && !sees(&place, 49), "then the nearest");
	for (int round = 0; round < 3; round++)
	{
		seen += sight.entities;
		look(&view, &place);
	}
	ok(seen == 121 && sight.entities == 0, "the others follow in the next frames");
	put(&place, 119, 2, 500, 50);
	look(&view, &place);
	ok(misses(119), "and are known from then on");
	necp_view_free(&view);
	necp_place_free(&place);
}

static void
test_full(void)
{
	Place place;
	View view = {0};

	necp_place_init(&place, 1);
	put(&place, OWN, 1, 50, 50);
	put(&place, 2, 1, 60, 60);
	put(&place, 3, 1, 70, 60);
	look(&view, &place);
	begin(1, true, false, 2, 0);
	add_entity(OWN, 1, 50, 50, ACTIVITY_MOVING);
	add_entity(3, 2, 71, 60, ACTIVITY_MOVING);
	ok(apply(&place) && place.since == stamp, "a full answer");
	look(&view, &place);
	ok(misses(2) && sees(&place, 3) && !sees(&place, OWN),
	   "forgets who is not in it and repeats nothing");
	begin(1, false, true, 0, 0);
	apply(&place);
	look(&view, &place);
	ok(misses(OWN) && misses(3) && place.since == 0 && place.present == 0, "the place is gone");
	put(&place, OWN, 1, 50, 50);
	look(&view, &place);
	ok(sees(&place, OWN), "and comes back");
	necp_view_free(&view);
	necp_place_free(&place);
}

static void
test_answers(void)
{
	static const uint8_t head[] = {1, 0, 0, 0, 2, 0, 0, 0};
	static const uint8_t version2[] = {2, 0, 0, 0, 2, 0, 0, 0};
	const uint8_t *data = head;
	Place place;
	PlaceAnswer parsed;
	uint32_t count = 0;
	bool good = true;

	ok(necp_answer_head(&data, head + 8, &count) && count == 2 && data == head + 8, "a head");
	data = head;
	ok(!necp_answer_head(&data, head + 7, &count), "a short head");
	data = version2;
	ok(!necp_answer_head(&data, version2 + 8, &count), "another version");
	begin(1, false, false, 2, 1);
	add_entity(1, 1, 0, 0, 0);
	add_entity(2, 1, 0, 0, 0);
	add_i64(3);
	for (size_t cut = 0; cut < answer.len; cut++)
	{
		data = (const uint8_t *) answer.data;
		good = good && !necp_answer_place(&data, data + cut, &parsed);
	}
	ok(good, "a cut answer is refused at every byte");
	begin(1, false, false, UINT32_MAX, UINT32_MAX);
	data = (const uint8_t *) answer.data;
	ok(!necp_answer_place(&data, data + answer.len, &parsed), "counts beyond all memory");
	necp_place_init(&place, 1);
	put(&place, 7, 1, NAN, INFINITY);
	ok(necp_place_find(&place, 7)->x == 0 && necp_place_find(&place, 7)->y == 0,
	   "no number is no position");
	put(&place, 8, 1, 3e38f, -3e38f);
	ok(necp_place_find(&place, 8) != NULL, "nor does a far one overflow its cell");
	necp_place_free(&place);
}

static void
test_frames(void)
{
	static const char topic[] = "/topic/character/1000/position";
	PositionFrame frame = {topic, sizeof(topic) - 1, 255, 9, "2026-01-01T00:00:00.000Z", 7};
	static const char want[] =
		"message-id:pff\ndestination:/topic/character/1000/position\n"
		"content-type:application/json\ncontent-length:234\n\n"
		"{\"topic\":\"/topic/character/1000/position\",\"seq\":9,\"type\":\"POSITION\","
		"\"ts\":\"2026-01-01T00:00:00.000Z\",\"data\":{\"tick\":2,\"last_seq\":7,\"entities\":["
		"{\"id\":1000,\"p\":[-1.5,2.001,0],\"r\":0.5,\"v\":[1,0],\"a\":\"moving\",\"hp\":[80,100]}"
		"],\"gone\":[-4,5]}}";
	int64_t gone[] = {-4, 5};
	Sight shown = {.entities = 1, .gone = 2, .gone_ids = gone};
	Place place;
	Message *message;
	const char *body;
	uint16_t permille;

	necp_place_init(&place, 1);
	stamp = 1;
	put(&place, OWN, 7, -1.5f, 2.001f);
	message = necp_position_json(&frame, &place, &shown);
	ok(message->length == sizeof(want) && memcmp(message->data, want, sizeof(want)) == 0,
	   "a JSON frame");
	necp_message_unref(message);
	message = necp_position_binary(&frame, &place, &shown);
	body = message->data + message->length - 1 - (12 + 36 + 16);
	memcpy(&permille, body + 12 + 32, 2);
	ok(message->opcode == MESSAGE_BINARY && memcmp(body, "\2\0\0\0\7\0\0\0\1\0\2\0", 12) == 0 &&
		   memcmp(body + 12, place.bodies[0].record, 8) == 0 &&
		   memcmp(body + 20, place.bodies[0].record + 12, 24) == 0 && permille == 800 &&
		   memcmp(body + 48, gone, 16) == 0,
	   "a binary frame");
	necp_message_unref(message);
	necp_place_free(&place);
}

int
main(void)
{
	test_sight();
	test_slots();
	test_priority();
	test_full();
	test_answers();
	test_frames();
	necp_buf_free(&answer);
	free(sight.gone_ids);
	printf("1..%d\n", tests);
	return failures > 0;
}
