/* SPDX-License-Identifier: PostgreSQL
 *
 * STOMP parser and writer; stomp-specification-1.2, with 1.1 and 1.0 where they differ.
 *
 * Liberal where old clients need it: any version may end lines with CR LF, values may hold
 * unescaped colons. Strict elsewhere: a bad escape, a bare CR, a NUL in a header, a body that
 * does not end where content-length says, are errors.
 */
#include <stdlib.h>
#include <string.h>

#include "stomp.h"

#define FIRST_SIZE 512u
#define COMMAND_MAX 12u

typedef enum State
{
	BETWEEN, /* end-of-lines are heart-beats */
	COMMAND,
	LINE, /* a header or the empty line is to come */
	NAME,
	VALUE,
	BODY_COUNTED,
	BODY_TO_NUL,
	BODY_END,
	DELIVERED,
	FAILED
} State;

typedef struct StompText
{
	uint32_t size;
	StompHeader header[STOMP_MAX_HEADERS];
	char data[];
} StompText;

static const char *const command_names[STOMP_COMMANDS] = {
	[STOMP_CONNECT] = "CONNECT",
	[STOMP_STOMP] = "STOMP",
	[STOMP_SEND] = "SEND",
	[STOMP_SUBSCRIBE] = "SUBSCRIBE",
	[STOMP_UNSUBSCRIBE] = "UNSUBSCRIBE",
	[STOMP_BEGIN] = "BEGIN",
	[STOMP_COMMIT] = "COMMIT",
	[STOMP_ABORT] = "ABORT",
	[STOMP_ACK] = "ACK",
	[STOMP_NACK] = "NACK",
	[STOMP_DISCONNECT] = "DISCONNECT",
	[STOMP_CONNECTED] = "CONNECTED",
	[STOMP_MESSAGE] = "MESSAGE",
	[STOMP_RECEIPT] = "RECEIPT",
	[STOMP_ERROR] = "ERROR",
};

const char *
necp_stomp_command_name(StompCommand command)
{
	return command < STOMP_COMMANDS ? command_names[command] : "?";
}

/* The handshake is exempt from escaping, so that a 1.0 client can read the answer. */
static bool
is_escaped(StompCommand command, unsigned version)
{
	return version != STOMP_V10 && command != STOMP_CONNECT && command != STOMP_STOMP &&
		   command != STOMP_CONNECTED;
}

static bool
has_body(StompCommand command)
{
	return command == STOMP_SEND || command == STOMP_MESSAGE || command == STOMP_ERROR;
}

void
necp_stomp_init(StompParser *parser, uint32_t limit)
{
	memset(parser, 0, sizeof(*parser));
	parser->limit = limit;
	parser->version = STOMP_V12;
	parser->state = BETWEEN;
}

void
necp_stomp_free(StompParser *parser)
{
	free(parser->text);
	parser->text = NULL;
}

static bool
fail(StompParser *parser, const char *error)
{
	necp_stomp_free(parser);
	parser->state = FAILED;
	parser->error = error;
	return false;
}

/* Makes room for length more octets and the NUL that ends every string. */
static bool
reserve(StompParser *parser, size_t length)
{
	size_t needed = parser->used + length + 1;
	size_t size = parser->text == NULL ? FIRST_SIZE : parser->text->size;
	StompText *text;

	if (needed > (size_t) parser->limit + 1)
		return fail(parser, "frame too large");
	if (parser->text != NULL && needed <= size)
		return true;
	while (size < needed)
		size *= 2;
	if (size > (size_t) parser->limit + 1)
		size = (size_t) parser->limit + 1;
	text = realloc(parser->text, sizeof(*text) + size);
	if (text == NULL)
		return fail(parser, "out of memory");
	text->size = (uint32_t) size;
	parser->text = text;
	return true;
}

static bool
put_byte(StompParser *parser, char c)
{
	if ((parser->text == NULL || parser->used + 2 > parser->text->size) && !reserve(parser, 1))
		return false;
	parser->text->data[parser->used++] = c;
	return true;
}

static bool
end_command(StompParser *parser)
{
	if (!put_byte(parser, '\0'))
		return false;
	for (unsigned i = 0; i < STOMP_COMMANDS; i++)
	{
		if (strcmp(parser->text->data, command_names[i]) == 0)
		{
			parser->command = (uint8_t) i;
			parser->state = LINE;
			return true;
		}
	}
	return fail(parser, "unknown command");
}

static bool
start_name(StompParser *parser)
{
	if (parser->headers == STOMP_MAX_HEADERS)
		return fail(parser, "too many headers");
	parser->text->header[parser->headers].name = parser->used;
	parser->state = NAME;
	return true;
}

static bool
start_value(StompParser *parser)
{
	if (parser->used == parser->text->header[parser->headers].name)
		return fail(parser, "empty header name");
	if (!put_byte(parser, '\0'))
		return false;
	parser->text->header[parser->headers].value = parser->used;
	parser->state = VALUE;
	return true;
}

static bool
end_value(StompParser *parser)
{
	if (!put_byte(parser, '\0'))
		return false;
	parser->headers++;
	parser->state = LINE;
	return true;
}

/* Reads content-length; the first one counts, as with every repeated header. */
static bool
read_length(StompParser *parser)
{
	for (unsigned i = 0; i < parser->headers; i++)
	{
		const char *p = parser->text->data + parser->text->header[i].value;
		uint64_t length = 0;

		if (strcmp(parser->text->data + parser->text->header[i].name, "content-length") != 0)
			continue;
		if (*p == '\0')
			return fail(parser, "bad content-length");
		for (; *p != '\0'; p++)
		{
			if (*p < '0' || *p > '9')
				return fail(parser, "bad content-length");
			length = length * 10 + (uint64_t) (*p - '0');
			if (length > parser->limit)
				return fail(parser, "frame too large");
		}
		parser->counted = true;
		parser->body_length = (uint32_t) length;
		return true;
	}
	return true;
}

static bool
start_body(StompParser *parser)
{
	parser->body = parser->used;
	if (!read_length(parser))
		return false;
	if (parser->body_length > 0 && !has_body((StompCommand) parser->command))
		return fail(parser, "frame may not have a body");
	if (!parser->counted)
		parser->state = BODY_TO_NUL;
	else if (!reserve(parser, parser->body_length))
		return false;
	else
		parser->state = parser->body_length > 0 ? BODY_COUNTED : BODY_END;
	return true;
}

static bool
end_line(StompParser *parser)
{
	switch ((State) parser->state)
	{
		case BETWEEN:
			return true;
		case COMMAND:
			return end_command(parser);
		case LINE:
			return start_body(parser);
		case VALUE:
			return end_value(parser);
		default:
			return fail(parser, "header without a colon");
	}
}

static bool
put_escaped(StompParser *parser, char c)
{
	parser->escaped = false;
	if (c == 'n')
		return put_byte(parser, '\n');
	if (c == 'c')
		return put_byte(parser, ':');
	if (c == '\\')
		return put_byte(parser, '\\');
	if (c == 'r' && parser->version == STOMP_V12)
		return put_byte(parser, '\r');
	return fail(parser, "undefined escape");
}

/* An octet of a header's name or value that is no end of line. */
static bool
take_header_byte(StompParser *parser, char c)
{
	if (parser->state == LINE && !start_name(parser))
		return false;
	if (parser->escaped)
		return put_escaped(parser, c);
	if (c == '\\' && is_escaped((StompCommand) parser->command, parser->version))
	{
		parser->escaped = true;
		return true;
	}
	if (c == ':' && parser->state == NAME)
		return start_value(parser);
	return put_byte(parser, c);
}

static bool
take_command_byte(StompParser *parser, char c)
{
	parser->state = COMMAND;
	if (parser->used == COMMAND_MAX)
		return fail(parser, "unknown command");
	return put_byte(parser, c);
}

/* One octet outside of a body. */
static bool
take_byte(StompParser *parser, char c)
{
	if (parser->after_cr && c != '\n')
		return fail(parser, "carriage return inside a line");
	if (parser->escaped && (c == '\r' || c == '\n'))
		return fail(parser, "undefined escape");
	parser->after_cr = false;
	switch (c)
	{
		case '\n':
			return end_line(parser);
		case '\r':
			parser->after_cr = true;
			return true;
		case '\0':
			return fail(parser, "NUL before the body");
		default:
			if (parser->state == BETWEEN || parser->state == COMMAND)
				return take_command_byte(parser, c);
			return take_header_byte(parser, c);
	}
}

static bool
put_body(StompParser *parser, const char *data, size_t length)
{
	if (!reserve(parser, length))
		return false;
	memcpy(parser->text->data + parser->used, data, length);
	parser->used += (uint32_t) length;
	return true;
}

static bool
take_counted(StompParser *parser, const char **data, const char *end)
{
	size_t missing = parser->body + parser->body_length - parser->used;
	size_t length = (size_t) (end - *data);

	if (length > missing)
		length = missing;
	if (!put_body(parser, *data, length))
		return false;
	*data += length;
	if (length == missing)
		parser->state = BODY_END;
	return true;
}

static bool
take_to_nul(StompParser *parser, const char **data, const char *end)
{
	const char *nul = memchr(*data, '\0', (size_t) (end - *data));
	size_t length = (size_t) ((nul != NULL ? nul : end) - *data);

	if (length > 0 && !has_body((StompCommand) parser->command))
		return fail(parser, "frame may not have a body");
	if (!put_body(parser, *data, length))
		return false;
	*data += length;
	if (nul != NULL)
		parser->state = BODY_END;
	return true;
}

static void
deliver(StompParser *parser, StompFrame *frame)
{
	StompText *text = parser->text;

	parser->state = DELIVERED;
	text->data[parser->used] = '\0';
	frame->command = (StompCommand) parser->command;
	frame->headers = parser->headers;
	frame->header = text->header;
	frame->text = text->data;
	frame->body = text->data + parser->body;
	frame->body_length = parser->used - parser->body;
}

static void
start_over(StompParser *parser)
{
	necp_stomp_free(parser);
	parser->used = 0;
	parser->body_length = 0;
	parser->headers = 0;
	parser->counted = false;
	parser->state = BETWEEN;
}

/* Consumes input up to the end of one frame; *data is left behind what was taken. */
StompResult
necp_stomp_next(StompParser *parser, const char **data, const char *end, StompFrame *frame)
{
	bool good = parser->state != FAILED;

	if (parser->state == DELIVERED)
		start_over(parser);
	while (good && *data < end)
	{
		if (parser->state == BODY_COUNTED)
			good = take_counted(parser, data, end);
		else if (parser->state == BODY_TO_NUL)
			good = take_to_nul(parser, data, end);
		else if (parser->state == BODY_END)
		{
			if (*(*data)++ == '\0')
			{
				deliver(parser, frame);
				return STOMP_FRAME;
			}
			good = fail(parser, "body does not end at content-length");
		}
		else
			good = take_byte(parser, *(*data)++);
	}
	return good ? STOMP_MORE : STOMP_BAD;
}

/* The value of the first header of that name, or NULL. */
const char *
necp_stomp_header(const StompFrame *frame, const char *name)
{
	for (uint32_t i = 0; i < frame->headers; i++)
	{
		if (strcmp(frame->text + frame->header[i].name, name) == 0)
			return frame->text + frame->header[i].value;
	}
	return NULL;
}

static void
write_bytes(StompWriter *w, const char *data, size_t length)
{
	if (length > w->size - w->used)
	{
		w->overflow = true;
		return;
	}
	memcpy(w->data + w->used, data, length);
	w->used += length;
}

static void
write_byte(StompWriter *w, char c)
{
	write_bytes(w, &c, 1);
}

/* Octets that have no escape in the version spoken would break the frame and are left out. */
static void
write_escaped(StompWriter *w, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text == '\r' && (!w->escape || w->version != STOMP_V12))
			continue;
		else if (*text == '\n' && !w->escape)
			continue;
		else if (!w->escape)
			write_byte(w, *text);
		else if (*text == '\r')
			write_bytes(w, "\\r", 2);
		else if (*text == '\n')
			write_bytes(w, "\\n", 2);
		else if (*text == ':')
			write_bytes(w, "\\c", 2);
		else if (*text == '\\')
			write_bytes(w, "\\\\", 2);
		else
			write_byte(w, *text);
	}
}

void
necp_stomp_begin(StompWriter *w, char *data, size_t size, StompVersion version,
				 StompCommand command)
{
	const char *name = command_names[command];

	w->data = data;
	w->used = 0;
	w->size = size;
	w->version = version;
	w->escape = is_escaped(command, version);
	w->overflow = false;
	write_bytes(w, name, strlen(name));
	write_byte(w, '\n');
}

void
necp_stomp_put(StompWriter *w, const char *name, const char *value)
{
	write_escaped(w, name);
	write_byte(w, ':');
	write_escaped(w, value);
	write_byte(w, '\n');
}

void
necp_stomp_put_number(StompWriter *w, const char *name, uint64_t value)
{
	char digits[24];
	char *p = digits + sizeof(digits);

	*--p = '\0';
	do
		*--p = (char) ('0' + value % 10);
	while ((value /= 10) > 0);
	necp_stomp_put(w, name, p);
}

/* Ends the frame, with content-length if it has a body; false if it did not fit. */
bool
necp_stomp_end(StompWriter *w, const char *body, size_t length)
{
	if (length > 0)
		necp_stomp_put_number(w, "content-length", length);
	write_byte(w, '\n');
	if (length > 0)
		write_bytes(w, body, length);
	write_byte(w, '\0');
	return !w->overflow;
}
