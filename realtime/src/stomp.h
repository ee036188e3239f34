/* SPDX-License-Identifier: PostgreSQL
 *
 * STOMP 1.0, 1.1, 1.2: a stream parser and a writer.
 *
 * The parser takes bytes in pieces of any size; where they are cut makes no difference to the
 * frames that come out. It holds memory only while a frame is incomplete, and never more than the
 * frame's limit and the header table.
 */
#ifndef NECP_STOMP_H
#define NECP_STOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOMP_MAX_HEADERS 64

typedef enum StompVersion
{
	STOMP_V10 = 10,
	STOMP_V11 = 11,
	STOMP_V12 = 12
} StompVersion;

typedef enum StompCommand
{
	STOMP_CONNECT,
	STOMP_STOMP,
	STOMP_SEND,
	STOMP_SUBSCRIBE,
	STOMP_UNSUBSCRIBE,
	STOMP_BEGIN,
	STOMP_COMMIT,
	STOMP_ABORT,
	STOMP_ACK,
	STOMP_NACK,
	STOMP_DISCONNECT,
	STOMP_CONNECTED,
	STOMP_MESSAGE,
	STOMP_RECEIPT,
	STOMP_ERROR,
	STOMP_COMMANDS
} StompCommand;

typedef enum StompResult
{
	STOMP_MORE,  /* everything consumed, the frame is not complete */
	STOMP_FRAME, /* a frame; call again for the rest of the input */
	STOMP_BAD    /* protocol violation, see error; the parser stays so */
} StompResult;

typedef struct StompHeader
{
	uint32_t name; /* offsets of NUL-terminated strings in the frame's text */
	uint32_t value;
} StompHeader;

/* Valid until the parser that made it is called again. */
typedef struct StompFrame
{
	StompCommand command;
	uint32_t headers;
	const StompHeader *header;
	const char *text;
	const char *body;
	size_t body_length;
} StompFrame;

typedef struct StompParser
{
	struct StompText *text;
	const char *error;
	uint32_t used;
	uint32_t limit; /* octets of command, headers and body together */
	uint32_t body;
	uint32_t body_length;
	uint16_t headers;
	uint8_t state;
	uint8_t version; /* StompVersion; decides which escapes there are */
	uint8_t command;
	bool escaped;
	bool after_cr;
	bool counted;
} StompParser;

void necp_stomp_init(StompParser *parser, uint32_t limit);
void necp_stomp_free(StompParser *parser);
StompResult necp_stomp_next(StompParser *parser, const char **data, const char *end,
							StompFrame *frame);
const char *necp_stomp_header(const StompFrame *frame, const char *name);
const char *necp_stomp_command_name(StompCommand command);

/* Writes into memory of the caller; what does not fit sets overflow and is left out. */
typedef struct StompWriter
{
	char *data;
	size_t used;
	size_t size;
	StompVersion version;
	bool escape;
	bool overflow;
} StompWriter;

void necp_stomp_begin(StompWriter *w, char *data, size_t size, StompVersion version,
					  StompCommand command);
void necp_stomp_put(StompWriter *w, const char *name, const char *value);
void necp_stomp_put_number(StompWriter *w, const char *name, uint64_t value);
bool necp_stomp_end(StompWriter *w, const char *body, size_t length);

#endif
