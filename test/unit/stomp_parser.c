/* SPDX-License-Identifier: PostgreSQL
 *
 * The STOMP parser and writer: every way of cutting the input gives the same frames, and what the
 * specification forbids is refused. Prints TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stomp.h"

#define LIMIT 8192u
#define BYTES(text) text, sizeof(text) - 1

static int tests;
static int failures;

static void
ok(bool good, const char *name)
{
	tests++;
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}

/* Renders what the parser makes of the input, fed in pieces of at most step octets. */
static char *
transcript(const char *input, size_t length, size_t step, StompVersion version, uint32_t limit)
{
	StompParser parser;
	StompFrame frame;
	StompResult result = STOMP_MORE;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	necp_stomp_init(&parser, limit);
	parser.version = (uint8_t) version;
	for (size_t at = 0; at < length && result != STOMP_BAD; at += step)
	{
		/* a copy of the exact size, so that the sanitizer sees a read past the piece */
		size_t piece = length - at < step ? length - at : step;
		char *copy = malloc(piece);
		const char *data = copy;

		memcpy(copy, input + at, piece);
		while ((result = necp_stomp_next(&parser, &data, copy + piece, &frame)) == STOMP_FRAME)
		{
			fprintf(out, "%s", necp_stomp_command_name(frame.command));
			for (uint32_t i = 0; i < frame.headers; i++)
				fprintf(out,
						"|%s=%s",
						frame.text + frame.header[i].name,
						frame.text + frame.header[i].value);
			fprintf(out, "#%zu#", frame.body_length);
			fwrite(frame.body, 1, frame.body_length, out);
			fputc(';', out);
		}
		free(copy);
	}
	if (result == STOMP_BAD)
		fprintf(out, "BAD %s", parser.error);
	else if (parser.text != NULL)
		fprintf(out, "MORE");
	necp_stomp_free(&parser);
	fclose(out);
	return text;
}

static void
expect_version(const char *name, const char *input, size_t length, const char *want, StompVersion v)
{
	bool good = true;

	for (size_t step = length > 0 ? length : 1; step >= 1 && good; step = step > 64 ? 64 : step - 1)
	{
		char *got = transcript(input, length, step, v, LIMIT);

		good = strcmp(got, want) == 0;
		if (!good)
			printf("# pieces of %zu: got  %s\n#%*swant %s\n", step, got, 14, "", want);
		free(got);
	}
	ok(good, name);
}

static void
expect(const char *name, const char *input, size_t length, const char *want)
{
	expect_version(name, input, length, want, STOMP_V12);
}

static void
test_frames(void)
{
	expect("a frame with a body",
		   BYTES("SEND\ndestination:/app/x\n\nhello\0"),
		   "SEND|destination=/app/x#5#hello;");
	expect("CR LF ends lines", BYTES("SEND\r\na:b\r\n\r\nx\0"), "SEND|a=b#1#x;");
	expect("no headers", BYTES("SEND\n\nx\0"), "SEND#1#x;");
	expect("no body", BYTES("SUBSCRIBE\nid:0\n\n\0"), "SUBSCRIBE|id=0#0#;");
	expect("STOMP is a command",
		   BYTES("STOMP\naccept-version:1.2\n\n\0"),
		   "STOMP|accept-version=1.2#0#;");
	expect("two frames in one piece", BYTES("SEND\n\na\0SEND\n\nb\0"), "SEND#1#a;SEND#1#b;");
	expect("heart-beats around frames",
		   BYTES("\n\r\n\nSEND\n\na\0\n\r\n\nSEND\n\nb\0\n"),
		   "SEND#1#a;SEND#1#b;");
	expect("only heart-beats", BYTES("\n\r\n\n\n"), "");
	expect("an unfinished frame waits", BYTES("SEND\ndestination:/a\n\nhel"), "MORE");
	expect("spaces are not trimmed", BYTES("SEND\n a : b \n\n\0"), "SEND| a = b #0#;");
	expect("an empty value", BYTES("SEND\na:\n\n\0"), "SEND|a=#0#;");
	expect("a colon in a value", BYTES("SEND\na:b:c\n\n\0"), "SEND|a=b:c#0#;");
	expect("eight-bit octets pass",
		   BYTES("SEND\n\xc3\xa9:\xff\n\n\xfe\0"),
		   "SEND|\xc3\xa9=\xff#1#\xfe;");
	expect("binary body with NUL",
		   BYTES("SEND\ncontent-length:3\n\n\0\n\r\0"),
		   "SEND|content-length=3#3#\0\n\r;");
}

static void
test_lengths(void)
{
	expect("content-length of zero",
		   BYTES("SEND\ncontent-length:0\n\n\0"),
		   "SEND|content-length=0#0#;");
	expect("content-length zero on a frame without body",
		   BYTES("ACK\ncontent-length:0\n\n\0"),
		   "ACK|content-length=0#0#;");
	expect("content-length too short",
		   BYTES("SEND\ncontent-length:2\n\nabc\0"),
		   "BAD body does not end at content-length");
	expect("content-length too long waits", BYTES("SEND\ncontent-length:9\n\nabc\0"), "MORE");
	expect("the first content-length counts",
		   BYTES("SEND\ncontent-length:1\ncontent-length:9\n\na\0"),
		   "SEND|content-length=1|content-length=9#1#a;");
	expect("a negative content-length",
		   BYTES("SEND\ncontent-length:-1\n\n\0"),
		   "BAD bad content-length");
	expect("an empty content-length",
		   BYTES("SEND\ncontent-length:\n\n\0"),
		   "BAD bad content-length");
	expect("a space in content-length",
		   BYTES("SEND\ncontent-length: 1\n\na\0"),
		   "BAD bad content-length");
	expect("content-length beyond the cap is refused at once",
		   BYTES("SEND\ncontent-length:8193\n\n"),
		   "BAD frame too large");
	expect("a content-length that would overflow",
		   BYTES("SEND\ncontent-length:18446744073709551617\n\n"),
		   "BAD frame too large");
	expect("a body on a frame that has none",
		   BYTES("SUBSCRIBE\nid:0\n\nbody\0"),
		   "BAD frame may not have a body");
	expect("a counted body on a frame that has none",
		   BYTES("SUBSCRIBE\ncontent-length:4\n\nbody\0"),
		   "BAD frame may not have a body");
}

static void
test_escapes(void)
{
	expect("the four escapes", BYTES("SEND\na\\cb:\\n\\r\\c\\\\\n\n\0"), "SEND|a:b=\n\r:\\#0#;");
	expect("an undefined escape", BYTES("SEND\na:\\t\n\n\0"), "BAD undefined escape");
	expect("an escape cut by the end of line", BYTES("SEND\na:b\\\n\n\0"), "BAD undefined escape");
	expect("an escape cut by CR", BYTES("SEND\na:b\\\r\n\n\0"), "BAD undefined escape");
	expect("an escape cut by NUL", BYTES("SEND\na:b\\\0"), "BAD NUL before the body");
	expect("an upper-case escape", BYTES("SEND\na:\\N\n\n\0"), "BAD undefined escape");
	expect("CONNECT is not escaped",
		   BYTES("CONNECT\npasscode:a\\tb\\n\n\n\0"),
		   "CONNECT|passcode=a\\tb\\n#0#;");
	expect("CONNECTED is not escaped", BYTES("CONNECTED\na:\\x\n\n\0"), "CONNECTED|a=\\x#0#;");
	expect_version("1.1 has no \\r", BYTES("SEND\na:\\r\n\n\0"), "BAD undefined escape", STOMP_V11);
	expect_version("1.1 has the others",
				   BYTES("SEND\na:\\n\\c\\\\\n\n\0"),
				   "SEND|a=\n:\\#0#;",
				   STOMP_V11);
	expect_version("1.0 has none", BYTES("SEND\na:\\r\\t\n\n\0"), "SEND|a=\\r\\t#0#;", STOMP_V10);
}

static void
test_headers(void)
{
	static char many[STOMP_MAX_HEADERS * 8 + 64];
	size_t used = (size_t) sprintf(many, "SEND\n");

	expect("repeated headers are all kept in order",
		   BYTES("MESSAGE\nfoo:World\nfoo:Hello\n\n\0"),
		   "MESSAGE|foo=World|foo=Hello#0#;");
	for (int i = 0; i < STOMP_MAX_HEADERS; i++)
		used += (size_t) sprintf(many + used, "h:%d\n", i);
	memcpy(many + used, "\n\0", 2);
	free(transcript(many, used + 2, 7, STOMP_V12, LIMIT));
	{
		char *got = transcript(many, used + 2, used + 2, STOMP_V12, LIMIT);

		ok(strncmp(got, "SEND|h=0|", 9) == 0, "as many headers as allowed");
		free(got);
	}
	memcpy(many + used, "h:x\n\n\0", 6);
	expect("one header more", many, used + 6, "BAD too many headers");
	expect("a header without colon", BYTES("SEND\nabc\n\n\0"), "BAD header without a colon");
	expect("a header without name", BYTES("SEND\n:abc\n\n\0"), "BAD empty header name");
	expect("a CR inside a value", BYTES("SEND\na:b\rc\n\n\0"), "BAD carriage return inside a line");
	expect("a CR inside a name", BYTES("SEND\na\rb:c\n\n\0"), "BAD carriage return inside a line");
	expect("two CRs", BYTES("SEND\na:b\r\r\n\n\0"), "BAD carriage return inside a line");
	expect("a NUL in a name", BYTES("SEND\na\0b:c\n\n\0"), "BAD NUL before the body");
	expect("a NUL in a value", BYTES("SEND\na:b\0c\n\n\0"), "BAD NUL before the body");
	expect("a NUL right after the command", BYTES("SEND\n\0"), "BAD NUL before the body");
	expect("a NUL between frames", BYTES("SEND\n\na\0\0"), "SEND#1#a;BAD NUL before the body");
}

static void
test_commands(void)
{
	expect("an unknown command", BYTES("NOTACOMMAND\n\n\0"), "BAD unknown command");
	expect("a lower-case command", BYTES("send\n\n\0"), "BAD unknown command");
	expect("a command with a space", BYTES("SEND \n\n\0"), "BAD unknown command");
	expect("a long command", BYTES("UNSUBSCRIBEUNSUBSCRIBE"), "BAD unknown command");
	expect("HTTP is no STOMP", BYTES("GET / HTTP/1.1\r\n\r\n"), "BAD unknown command");
	expect("every command",
		   BYTES("CONNECT\n\n\0STOMP\n\n\0SEND\n\n\0SUBSCRIBE\n\n\0UNSUBSCRIBE\n\n\0BEGIN\n\n\0"
				 "COMMIT\n\n\0ABORT\n\n\0ACK\n\n\0NACK\n\n\0DISCONNECT\n\n\0CONNECTED\n\n\0"
				 "MESSAGE\n\n\0RECEIPT\n\n\0ERROR\n\n\0"),
		   "CONNECT#0#;STOMP#0#;SEND#0#;SUBSCRIBE#0#;UNSUBSCRIBE#0#;BEGIN#0#;COMMIT#0#;ABORT#0#;"
		   "ACK#0#;NACK#0#;DISCONNECT#0#;CONNECTED#0#;MESSAGE#0#;RECEIPT#0#;ERROR#0#;");
	ok(strcmp(necp_stomp_command_name(STOMP_COMMANDS), "?") == 0, "there is no command beyond");
}

/* The frame's command, name, value and body may hold exactly limit octets, their NULs included. */
static void
test_limit(void)
{
	StompParser parser;
	StompFrame frame;
	const char *data;
	char input[64];
	char *got = transcript(BYTES("SEND\na:b\n\n0123456789\0"), 1, STOMP_V12, 19);

	ok(strcmp(got, "SEND|a=b#10#0123456789;") == 0, "a frame of just the limit");
	free(got);
	got = transcript(BYTES("SEND\na:b\n\n0123456789\0"), 1, STOMP_V12, 18);
	ok(strcmp(got, "BAD frame too large") == 0, "one octet more is refused");
	free(got);
	necp_stomp_init(&parser, LIMIT);
	memset(input, 'x', sizeof(input));
	data = "SEND\n\n";
	(void) necp_stomp_next(&parser, &data, data + 6, &frame);
	for (unsigned i = 0; i < 2 * LIMIT / sizeof(input); i++)
	{
		data = input;
		(void) necp_stomp_next(&parser, &data, input + sizeof(input), &frame);
	}
	ok(parser.error != NULL && parser.text == NULL, "an endless body holds no memory");
	data = input;
	ok(necp_stomp_next(&parser, &data, input + 1, &frame) == STOMP_BAD && data == input,
	   "a failed parser takes nothing more");
	necp_stomp_free(&parser);
}

static bool
writes(StompVersion version, StompCommand command, const char *value, const char *want,
	   size_t length)
{
	char buffer[256];
	StompWriter w;

	necp_stomp_begin(&w, buffer, sizeof(buffer), version, command);
	necp_stomp_put(&w, "h", value);
	return necp_stomp_end(&w, "", 0) && w.used == length && memcmp(buffer, want, length) == 0;
}

static void
test_writer(void)
{
	char buffer[64];
	StompWriter w;

	ok(writes(STOMP_V12, STOMP_MESSAGE, "a:\r\n\\", BYTES("MESSAGE\nh:a\\c\\r\\n\\\\\n\n\0")),
	   "1.2 escapes four octets");
	ok(writes(STOMP_V11, STOMP_MESSAGE, "a:\r\n\\", BYTES("MESSAGE\nh:a\\c\\n\\\\\n\n\0")),
	   "1.1 escapes three, CR is left out");
	ok(writes(STOMP_V10, STOMP_MESSAGE, "a:\r\n\\", BYTES("MESSAGE\nh:a:\\\n\n\0")),
	   "1.0 escapes none, line ends are left out");
	ok(writes(STOMP_V12, STOMP_CONNECTED, "a:\\", BYTES("CONNECTED\nh:a:\\\n\n\0")),
	   "CONNECTED is never escaped");
	necp_stomp_begin(&w, buffer, sizeof(buffer), STOMP_V12, STOMP_ERROR);
	necp_stomp_put_number(&w, "n", 0);
	necp_stomp_put_number(&w, "m", UINT64_MAX);
	ok(necp_stomp_end(&w, "ab", 2) && memcmp(buffer,
											 "ERROR\nn:0\nm:18446744073709551615\n"
											 "content-length:2\n\nab\0",
											 w.used) == 0,
	   "numbers and a counted body");
	necp_stomp_begin(&w, buffer, 20, STOMP_V12, STOMP_MESSAGE);
	necp_stomp_put(&w, "destination", "/topic/too/long");
	ok(!necp_stomp_end(&w, "x", 1) && w.used <= 20, "what does not fit is reported");
}

int
main(void)
{
	test_frames();
	test_lengths();
	test_escapes();
	test_headers();
	test_commands();
	test_limit();
	test_writer();
	printf("1..%d\n", tests);
	return failures > 0;
}
