/* SPDX-License-Identifier: PostgreSQL
 *
 * One JSON value to the text of a typed parameter; strict: "5" and 5.0 are not integers.
 */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>

#include "bind_int.h"

const char *
necp_type_expectation(NecpType type)
{
	static const char *const texts[NECP_TYPES] = {"must be an integer of 64 bits",
												  "must be an integer of 32 bits",
												  "must be an integer of 16 bits",
												  "must be true or false",
												  "must be text",
												  "must be a UUID",
												  "must be a number",
												  "must be a number",
												  "must be an IP address",
												  "must be JSON",
												  "must be a list of integers",
												  "must be a list of integers",
												  "must be a list of texts",
												  "must be a list of UUIDs"};

	return texts[type];
}

bool
necp_int_fits(NecpType type, int64_t value)
{
	switch (type)
	{
		case NECP_TYPE_INTEGER:
			return value >= INT32_MIN && value <= INT32_MAX;
		case NECP_TYPE_SMALLINT:
			return value >= INT16_MIN && value <= INT16_MAX;
		default:
			return true;
	}
}

bool
necp_is_array(NecpType type)
{
	return type >= NECP_TYPE_BIGINT_ARRAY;
}

NecpType
necp_element_type(NecpType type)
{
	static const NecpType elements[] = {NECP_TYPE_BIGINT,
										NECP_TYPE_INTEGER,
										NECP_TYPE_TEXT,
										NECP_TYPE_UUID};

	return elements[type - NECP_TYPE_BIGINT_ARRAY];
}

const char *
necp_real_text(NecpArena *arena, double value)
{
	char text[40];

	if (!isfinite(value))
		return NULL;
	for (int digits = 15; digits <= 17; digits++)
	{
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return necp_arena_text(arena, text, strlen(text));
}

bool
necp_inet_valid(const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t) (slash - text) : strlen(text);
	unsigned char address[16];
	char host[INET6_ADDRSTRLEN];
	int bits;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, address) == 1)
		bits = 32;
	else if (inet_pton(AF_INET6, host, address) == 1)
		bits = 128;
	else
		return false;
	if (slash == NULL)
		return true;
	len = strlen(slash + 1);
	return len >= 1 && len <= 3 && strspn(slash + 1, "0123456789") == len &&
		   atoi(slash + 1) <= bits;
}

void
necp_array_begin(NecpBuf *buf)
{
	*buf = (NecpBuf){0};
	necp_buf_add(buf, "{", 1);
}

void
necp_array_add(NecpBuf *buf, NecpType element, const char *text)
{
	if (buf->len > 1)
		necp_buf_add(buf, ",", 1);
	if (element != NECP_TYPE_TEXT)
	{
		necp_buf_add_text(buf, text);
		return;
	}
	necp_buf_add(buf, "\"", 1);
	for (; *text != '\0'; text++)
	{
		if (*text == '"' || *text == '\\')
			necp_buf_add(buf, "\\", 1);
		necp_buf_add(buf, text, 1);
	}
	necp_buf_add(buf, "\"", 1);
}

const char *
necp_array_end(NecpBuf *buf, NecpArena *arena)
{
	const char *text;

	necp_buf_add(buf, "}", 1);
	text = necp_arena_text(arena, buf->data, buf->len);
	necp_buf_free(buf);
	return text;
}

/* PostgreSQL stores no NUL, neither in text nor in what json is made into later. */
static bool
holds_nul(const json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(json))
		return strlen(json_string_value(json)) != json_string_length(json);
	if (json_is_array(json))
	{
		json_array_foreach(json, i, value) if (holds_nul(value)) return true;
	}
	else if (json_is_object(json))
	{
		json_object_foreach((json_t *) json, key, value) if (holds_nul(value)) return true;
	}
	return false;
}

static const char *
text_from_json(NecpArena *arena, NecpType type, const json_t *json)
{
	const char *text = json_string_value(json);
	NecpUuid uuid;

	if (text == NULL)
		return NULL;
	if (type == NECP_TYPE_UUID)
		return necp_uuid_parse(&uuid, text, json_string_length(json))
				   ? necp_arena_text(arena, uuid.text, NECP_UUID_LEN)
				   : NULL;
	if (type == NECP_TYPE_INET && !necp_inet_valid(text))
		return NULL;
	return necp_arena_text(arena, text, json_string_length(json));
}

static const char *
integer_from_json(NecpArena *arena, NecpType type, const json_t *json)
{
	char text[24];

	if (!json_is_integer(json) || !necp_int_fits(type, json_integer_value(json)))
		return NULL;
	return necp_arena_text(arena, text, necp_format_int(text, json_integer_value(json)));
}

static const char *
number_from_json(NecpArena *arena, const json_t *json)
{
	if (json_is_integer(json))
		return integer_from_json(arena, NECP_TYPE_BIGINT, json);
	return json_is_real(json) ? necp_real_text(arena, json_real_value(json)) : NULL;
}

static const char *
dump_json(NecpArena *arena, const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	const char *copy = text ? necp_arena_text(arena, text, strlen(text)) : NULL;

	free(text);
	return copy;
}

static const char *
array_from_json(NecpArena *arena, NecpType type, const json_t *json, const char **reason)
{
	NecpType element = necp_element_type(type);
	NecpBuf buf;
	json_t *value;
	size_t i;

	if (!json_is_array(json))
		return NULL;
	necp_array_begin(&buf);
	json_array_foreach(json, i, value)
	{
		const char *text = necp_value_from_json(arena, element, value, reason);

		if (text == NULL)
		{
			necp_buf_free(&buf);
			return NULL;
		}
		necp_array_add(&buf, element, text);
	}
	return necp_array_end(&buf, arena);
}

const char *
necp_value_from_json(NecpArena *arena, NecpType type, const json_t *json, const char **reason)
{
	*reason = necp_type_expectation(type);
	if (holds_nul(json))
	{
		*reason = "must not hold a NUL character";
		return NULL;
	}
	switch (type)
	{
		case NECP_TYPE_BIGINT:
		case NECP_TYPE_INTEGER:
		case NECP_TYPE_SMALLINT:
			return integer_from_json(arena, type, json);
		case NECP_TYPE_BOOLEAN:
			return json_is_boolean(json) ? (json_is_true(json) ? "t" : "f") : NULL;
		case NECP_TYPE_TEXT:
		case NECP_TYPE_UUID:
		case NECP_TYPE_INET:
			return text_from_json(arena, type, json);
		case NECP_TYPE_DOUBLE:
		case NECP_TYPE_NUMERIC:
			return number_from_json(arena, json);
		case NECP_TYPE_JSON:
			return dump_json(arena, json);
		default:
			return array_from_json(arena, type, json, reason);
	}
}
