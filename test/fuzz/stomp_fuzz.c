/* SPDX-License-Identifier: PostgreSQL
 *
 * libFuzzer target of the STOMP parser and writer. The first octet chooses version, limit and how
 * the rest is cut. Invariants: the cutting changes nothing; the limit holds; a frame written and
 * read again is the same frame.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -Irealtime/src test/fuzz/stomp_fuzz.c
 *	realtime/src/stomp.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stomp.h"

#define DIGEST_SIZE (1u << 17)

typedef struct Digest
{
	size_t used;
	char data[DIGEST_SIZE];
} Digest;

static Digest whole;
static Digest pieces;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
note(Digest *digest, const char *data, size_t length)
{
	if (length > DIGEST_SIZE - digest->used)
		length = DIGEST_SIZE - digest->used;
	memcpy(digest->data + digest->used, data, length);
	digest->used += length;
}

static void
note_frame(Digest *digest, const StompFrame *frame)
{
	const char *command = necp_stomp_command_name(frame->command);

	note(digest, command, strlen(command) + 1);
	for (uint32_t i = 0; i < frame->headers; i++)
	{
		const char *name = frame->text + frame->header[i].name;
		const char *value = frame->text + frame->header[i].value;

		require(necp_stomp_header(frame, name) != NULL, "a header is not found");
		note(digest, name, strlen(name) + 1);
		note(digest, value, strlen(value) + 1);
	}
	note(digest, (const char *) &frame->body_length, sizeof(frame->body_length));
	note(digest, frame->body, frame->body_length);
}

/* Only content-length may differ: the writer sets it itself. */
static void
require_same(const StompFrame *a, const StompFrame *b)
{
	uint32_t j = 0;

	require(a->command == b->command, "command changed");
	require(a->body_length == b->body_length, "body length changed");
	require(memcmp(a->body, b->body, a->body_length) == 0, "body changed");
	for (uint32_t i = 0; i < a->headers; i++)
	{
		const char *name = a->text + a->header[i].name;

		if (strcmp(name, "content-length") == 0)
			continue;
		require(j < b->headers, "header lost");
		require(strcmp(name, b->text + b->header[j].name) == 0, "name changed");
		require(strcmp(a->text + a->header[i].value, b->text + b->header[j].value) == 0,
				"value changed");
		j++;
	}
}

/* A 1.0 header with a colon in its name cannot be, and 1.1 loses a CR, which it cannot read. */
static void
check_round_trip(const StompFrame *frame, uint8_t version)
{
	static char buffer[DIGEST_SIZE];
	StompWriter w;
	StompParser parser;
	StompFrame again;
	const char *data = buffer;

	necp_stomp_begin(&w, buffer, sizeof(buffer), (StompVersion) version, frame->command);
	for (uint32_t i = 0; i < frame->headers; i++)
	{
		if (strcmp(frame->text + frame->header[i].name, "content-length") != 0)
			necp_stomp_put(&w,
						   frame->text + frame->header[i].name,
						   frame->text + frame->header[i].value);
	}
	require(necp_stomp_end(&w, frame->body, frame->body_length), "writer overflow");
	necp_stomp_init(&parser, DIGEST_SIZE);
	parser.version = version;
	require(necp_stomp_next(&parser, &data, buffer + w.used, &again) == STOMP_FRAME,
			"written frame is not read");
	require(data == buffer + w.used, "written frame has a tail");
	/* the writer adds a content-length, which may be one header too many to compare */
	require_same(frame, &again);
	necp_stomp_free(&parser);
	/* in half the room it must stop in time */
	necp_stomp_begin(&w, buffer, 16, (StompVersion) version, frame->command);
	necp_stomp_put_number(&w, "n", frame->body_length);
	require(!necp_stomp_end(&w, frame->body, frame->body_length) || w.used <= 16, "overflow");
	require(necp_stomp_header(frame, "\n") == NULL || version != STOMP_V10, "impossible header");
}

static void
feed(Digest *digest, const uint8_t *input, size_t size, uint8_t how, size_t step, bool round_trip)
{
	static const uint8_t versions[] = {STOMP_V12, STOMP_V11, STOMP_V10, STOMP_V12};
	StompParser parser;
	StompFrame frame;
	StompResult result = STOMP_MORE;

	digest->used = 0;
	necp_stomp_init(&parser, (how & 4) ? 8192 : 96);
	parser.version = versions[how & 3];
	for (size_t at = 0; at < size && result != STOMP_BAD; at += step)
	{
		const char *data = (const char *) input + at;
		const char *end = data + (size - at < step ? size - at : step);

		while ((result = necp_stomp_next(&parser, &data, end, &frame)) == STOMP_FRAME)
		{
			note_frame(digest, &frame);
			require(parser.used <= parser.limit, "limit exceeded");
			if (round_trip && frame.headers < STOMP_MAX_HEADERS)
				check_round_trip(&frame, parser.version);
		}
		require(result == STOMP_BAD || data == end, "input left behind");
	}
	if (result == STOMP_BAD)
		note(digest, parser.error, strlen(parser.error));
	else
		note(digest, (const char *) &parser.used, sizeof(parser.used));
	necp_stomp_free(&parser);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how;

	if (size == 0)
		return 0;
	how = data[0];
	feed(&whole, data + 1, size - 1, how, size, true);
	feed(&pieces, data + 1, size - 1, how, 1, false);
	require(whole.used == pieces.used && memcmp(whole.data, pieces.data, whole.used) == 0,
			"byte by byte gives other frames");
	feed(&pieces, data + 1, size - 1, how, 2 + (how >> 3), false);
	require(whole.used == pieces.used && memcmp(whole.data, pieces.data, whole.used) == 0,
			"pieces give other frames");
	return 0;
}
