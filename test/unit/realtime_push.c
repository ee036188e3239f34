/* SPDX-License-Identifier: PostgreSQL
 *
 * Push lines: every kind, and what must be refused. Prints TAP.
 */
#include <stdio.h>

#include "push.h"

static int tests;
static int failures;

static void
ok(bool good, const char *name)
{
	tests++;
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}

static bool
parse(const char *line, PushLine *push)
{
	/* a copy of the exact size, so that the sanitizer sees a read past the line */
	NecpSlice slice = necp_slice(line);
	static char *copy;
	bool good;

	free(copy);
	copy = malloc(slice.len + 1);
	memcpy(copy, line, slice.len + 1);
	good = necp_push_parse((NecpSlice){copy, slice.len}, push);
	return good;
}

static void
test_kinds(void)
{
	PushLine push;

	ok(parse("M 17 3 1767225600123 CHAT /topic/a {\"text\":\"a b  c\"}", &push) &&
		   push.kind == PUSH_MESSAGE && push.seq == 17 && push.version == 3 &&
		   push.ts_ms == 1767225600123 && necp_slice_is(push.type, "CHAT") &&
		   necp_slice_is(push.topic, "/topic/a") &&
		   necp_slice_is(push.data, "{\"text\":\"a b  c\"}"),
	   "a message, its JSON to the end of the line");
	ok(parse("R /topic/a", &push) && push.kind == PUSH_RESYNC &&
		   necp_slice_is(push.topic, "/topic/a"),
	   "RESYNC of a topic");
	ok(parse("R *", &push) && necp_slice_is(push.topic, "*"), "RESYNC of all");
	ok(parse("U /topic/a account 7", &push) && push.kind == PUSH_UNSUBSCRIBE &&
		   push.who == PUSH_ACCOUNT && push.id == 7,
	   "an account leaves");
	ok(parse("U /topic/a character -9223372036854775807", &push) && push.who == PUSH_CHARACTER &&
		   push.id == -INT64_MAX,
	   "a character leaves");
	ok(parse("U /topic/a all 0", &push) && push.who == PUSH_ALL, "all leave");
	ok(parse("U /topic/a all", &push) && push.who == PUSH_ALL, "all leave, without id");
	ok(parse("B 12 00000000-0000-4000-8000-000000000001 5 -3", &push) && push.kind == PUSH_BIND &&
		   push.binding == 12 && push.character_id == 5 && push.place_id == -3 &&
		   push.session.len == 36,
	   "a binding to an instance");
	ok(parse("K 00000000-0000-4000-8000-000000000001 CONCURRENT_LOGIN elsewhere", &push) &&
		   push.kind == PUSH_KILL && necp_slice_is(push.reason, "CONCURRENT_LOGIN elsewhere"),
	   "the end of a session");
}

static void
test_refused(void)
{
	static const char *const lines[] = {
		"",
		" ",
		"M",
		"X /topic/a",
		"MM 1 0 1 T /topic/a {}",
		"M 1 0 1 T /topic/a",
		"M 1 0 1 T /topic/a ",
		"M x 0 1 T /topic/a {}",
		"M -1 0 1 T /topic/a {}",
		"M 18446744073709551616 0 1 T /topic/a {}",
		"M 1  0 1 T /topic/a {}",
		"R",
		"R ",
		"R /topic/a b",
		"U /topic/a account",
		"U /topic/a account x",
		"U /topic/a nobody 1",
		"U /topic/a account 1 2",
		"U /topic/a account 9223372036854775808",
		"B 1 short 1 1",
		"B 1 00000000-0000-4000-8000-000000000001 1",
		"B 1 00000000-0000-4000-8000-000000000001 1 2 3",
		"K 00000000-0000-4000-8000-000000000001",
	};
	PushLine push;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
	{
		char name[128];

		snprintf(name, sizeof(name), "refused: '%s'", lines[i]);
		ok(!parse(lines[i], &push), name);
	}
}

static void
test_payload(void)
{
	NecpSlice payload = necp_slice("5 17\nR *\n\nR /topic/a\n");
	NecpSlice line;
	uint64_t epoch;
	uint64_t batch;

	ok(necp_push_next(&payload, &line) && necp_push_head(line, &epoch, &batch) && epoch == 5 &&
		   batch == 17,
	   "epoch and batch");
	ok(necp_push_next(&payload, &line) && necp_slice_is(line, "R *"), "a line");
	ok(necp_push_next(&payload, &line) && line.len == 0, "an empty line");
	ok(necp_push_next(&payload, &line) && necp_slice_is(line, "R /topic/a"), "the last line");
	ok(!necp_push_next(&payload, &line), "the end");
	ok(!necp_push_head(necp_slice("5"), &epoch, &batch), "a head without batch");
	ok(!necp_push_head(necp_slice("5 6 7"), &epoch, &batch), "a head with more");
	ok(!necp_push_head(necp_slice("a 6"), &epoch, &batch), "a head that is no number");
}

int
main(void)
{
	test_kinds();
	test_refused();
	test_payload();
	printf("1..%d\n", tests);
	return failures > 0;
}
