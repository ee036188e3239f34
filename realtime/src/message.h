/* SPDX-License-Identifier: PostgreSQL
 *
 * What is sent: an immutable piece of a STOMP frame, shared by reference among its receivers.
 *
 * A message to subscribers holds the frame from behind its `subscription` header to the NUL, which
 * is the same for all of them; any other holds a whole frame.
 */
#ifndef NECP_MESSAGE_H
#define NECP_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum
{
	MESSAGE_TEXT = 1,
	MESSAGE_BINARY = 2,
	MESSAGE_CLOSE = 8
};

typedef struct Message
{
	uint32_t refs;
	uint32_t length;
	uint64_t seq;   /* of its topic */
	uint64_t at_ms; /* monotonic */
	uint8_t opcode; /* of the WebSocket frame */
	char data[];
} Message;

/* The caller owns the one reference and fills data. */
Message *necp_message_new(size_t length);
Message *necp_message_copy(const char *data, size_t length);
Message *necp_message_ref(Message *message);
void necp_message_unref(Message *message);

/*
 * The shared part of a MESSAGE: message-id, destination, content-type, content-length and body.
 * The texts must need no escaping.
 */
Message *necp_message_build(const char *id, const char *destination, size_t destination_length,
							const char *content_type, const char *body, size_t body_length);

#endif
