/* SPDX-License-Identifier: PostgreSQL
 *
 * Shared messages. References are not atomic: a process is one thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "message.h"

Message *
necp_message_new(size_t length)
{
	Message *message = necp_alloc(sizeof(*message) + length);

	message->refs = 1;
	message->length = (uint32_t) length;
	message->seq = 0;
	message->at_ms = 0;
	message->opcode = MESSAGE_TEXT;
	return message;
}

Message *
necp_message_copy(const char *data, size_t length)
{
	Message *message = necp_message_new(length);

	memcpy(message->data, data, length);
	return message;
}

Message *
necp_message_ref(Message *message)
{
	message->refs++;
	return message;
}

void
necp_message_unref(Message *message)
{
	if (--message->refs == 0)
		free(message);
}

Message *
necp_message_build(const char *id, const char *destination, size_t destination_length,
				   const char *content_type, const char *body, size_t body_length)
{
	char head[512];
	int length =
		snprintf(head,
				 sizeof(head),
				 "message-id:%s\ndestination:%.*s\ncontent-type:%s\ncontent-length:%zu\n\n",
				 id,
				 (int) destination_length,
				 destination,
				 content_type,
				 body_length);
	Message *message = necp_message_new((size_t) length + body_length + 1);

	memcpy(message->data, head, (size_t) length);
	memcpy(message->data + length, body, body_length);
	message->data[(size_t) length + body_length] = '\0';
	return message;
}
