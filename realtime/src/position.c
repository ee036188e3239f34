/* SPDX-License-Identifier: PostgreSQL
 *
 * Encoding of position frames, JSON and binary.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "position.h"

static const char *const activity_names[] = {
	[ACTIVITY_IDLE] = "idle",
	[ACTIVITY_MOVING] = "moving",
	[ACTIVITY_COMBAT] = "combat",
	[ACTIVITY_AFK] = "afk",
	[ACTIVITY_DEAD] = "dead",
};

static char *
write_text(char *p, const char *text)
{
	size_t length = strlen(text);

	memcpy(p, text, length);
	return p + length;
}

static char *
write_int(char *p, int64_t value)
{
	return p + necp_format_int(p, value);
}

/* Up to three decimals without trailing zeros; printf costs ten times as much. */
static char *
write_real(char *p, float value)
{
	int64_t thousandths = fabsf(value) < 1e12f ? llrintf(value * 1000.0f) : 0;
	int64_t fraction;

	if (thousandths < 0)
	{
		*p++ = '-';
		thousandths = -thousandths;
	}
	p = write_int(p, thousandths / 1000);
	fraction = thousandths % 1000;
	if (fraction == 0)
		return p;
	*p++ = '.';
	for (int64_t unit = 100; fraction > 0; unit /= 10)
	{
		*p++ = (char) ('0' + fraction / unit);
		fraction %= unit;
	}
	return p;
}

static void
encode_json(const Entity *entity, EntityBody *body)
{
	char *p = write_text(body->json, "{\"id\":");

	p = write_int(p, entity->id);
	p = write_text(p, ",\"p\":[");
	p = write_real(p, entity->x);
	*p++ = ',';
	p = write_real(p, entity->y);
	*p++ = ',';
	p = write_real(p, body->z);
	p = write_text(p, "],\"r\":");
	p = write_real(p, body->yaw);
	p = write_text(p, ",\"v\":[");
	p = write_real(p, body->vx);
	*p++ = ',';
	p = write_real(p, body->vy);
	p = write_text(p, "],\"a\":\"");
	p = write_text(p, activity_names[entity->activity <= ACTIVITY_DEAD ? entity->activity : 0]);
	p = write_text(p, "\",\"hp\":[");
	p = write_int(p, body->hp);
	*p++ = ',';
	p = write_int(p, body->max_hp);
	p = write_text(p, (body->flags & 1) != 0 ? "],\"reset\":true}" : "]}");
	body->json_length = (uint32_t) (p - body->json);
	body->json_of = entity->changed;
}

static char *
write_entities(char *p, Place *place, const Sight *sight)
{
	for (uint32_t i = 0; i < sight->entities; i++)
	{
		const Entity *entity = &place->entities[sight->slots[i]];
		EntityBody *body = &place->bodies[sight->slots[i]];

		if (body->json_of != entity->changed)
			encode_json(entity, body);
		if (i > 0)
			*p++ = ',';
		memcpy(p, body->json, body->json_length);
		p += body->json_length;
	}
	return p;
}

/* One buffer serves all frames; the message keeps a copy. */
static char *
scratch(size_t size)
{
	static NecpBuf buffer;

	necp_buf_reserve(&buffer, size);
	return buffer.data;
}

static Message *
build(const PositionFrame *frame, const char *content_type, const char *body, size_t length)
{
	char id[24];

	snprintf(id, sizeof(id), "p%" PRIx64, frame->id);
	return necp_message_build(id, frame->topic, frame->topic_length, content_type, body, length);
}

Message *
necp_position_json(const PositionFrame *frame, Place *place, const Sight *sight)
{
	size_t size = 256 + frame->topic_length + (size_t) sight->entities * (ZONE_JSON + 1) +
				  (size_t) sight->gone * 22;
	char *body = scratch(size);
	char *p = body + snprintf(body,
							  size,
							  "{\"topic\":\"%.*s\",\"seq\":%" PRIu64
							  ",\"type\":\"POSITION\",\"ts\":\"%s\",\"data\":{\"tick\":%" PRIu32
							  ",\"last_seq\":%" PRIu32 ",\"entities\":[",
							  (int) frame->topic_length,
							  frame->topic,
							  frame->seq,
							  frame->ts,
							  place->tick,
							  frame->last_seq);

	p = write_entities(p, place, sight);
	p = write_text(p, "],\"gone\":[");
	for (uint32_t i = 0; i < sight->gone; i++)
	{
		if (i > 0)
			*p++ = ',';
		p = write_int(p, sight->gone_ids[i]);
	}
	p = write_text(p, "]}}");
	return build(frame, "application/json", body, (size_t) (p - body));
}

Message *
necp_position_binary(const PositionFrame *frame, const Place *place, const Sight *sight)
{
	uint16_t counts[2] = {(uint16_t) sight->entities, (uint16_t) sight->gone};
	size_t size = 12 + (size_t) counts[0] * ZONE_BINARY + (size_t) counts[1] * 8;
	char *body = scratch(size);
	Message *message;

	memcpy(body, &place->tick, 4);
	memcpy(body + 4, &frame->last_seq, 4);
	memcpy(body + 8, counts, 4);
	for (uint32_t i = 0; i < sight->entities; i++)
		memcpy(body + 12 + (size_t) i * ZONE_BINARY,
			   place->bodies[sight->slots[i]].binary,
			   ZONE_BINARY);
	if (counts[1] > 0)
		memcpy(body + size - (size_t) counts[1] * 8, sight->gone_ids, (size_t) counts[1] * 8);
	message = build(frame, "application/x-necp-position", body, size);
	message->opcode = MESSAGE_BINARY;
	return message;
}
