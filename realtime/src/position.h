/* SPDX-License-Identifier: PostgreSQL
 *
 * Position frames (docs/interfaces.md §8). The record of an entity is encoded once per change and
 * copied into the frames of all who see it.
 */
#ifndef NECP_POSITION_H
#define NECP_POSITION_H

#include "message.h"
#include "zone.h"

typedef struct PositionFrame
{
	const char *topic;
	size_t topic_length;
	uint64_t id; /* of the message */
	uint64_t seq;
	const char *ts; /* ISO 8601 */
	uint32_t last_seq;
} PositionFrame;

Message *necp_position_json(const PositionFrame *frame, Place *place, const Sight *sight);
Message *necp_position_binary(const PositionFrame *frame, const Place *place, const Sight *sight);

#endif
