/* SPDX-License-Identifier: PostgreSQL
 *
 * Text of a path or query to the text of a typed parameter, by the same rules as JSON.
 */
#include <ctype.h>
#include <errno.h>

#include "bind_int.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char) (c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *
necp_percent_decode(NecpArena *arena, NecpSlice raw, bool query, size_t *len)
{
	char *out = necp_arena_alloc(arena, raw.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i++)
	{
		char c = raw.base[i];

		if (c == '%')
		{
			if (i + 2 >= raw.len || hex_digit(raw.base[i + 1]) < 0 ||
				hex_digit(raw.base[i + 2]) < 0)
				return NULL;
			c = (char) (hex_digit(raw.base[i + 1]) * 16 + hex_digit(raw.base[i + 2]));
			i += 2;
		}
		else if (c == '+' && query)
			c = ' ';
		out[n++] = c;
	}
	out[n] = '\0';
	*len = n;
	return out;
}

static const char *
skip_digits(const char *text)
{
	while (isdigit((unsigned char) *text))
		text++;
	return text;
}

/* Whether text is a number as JSON writes it; *integer tells that it has no fraction or exponent. */
static bool
is_json_number(const char *text, bool *integer)
{
	const char *start;

	if (*text == '-')
		text++;
	start = text;
	text = skip_digits(text);
	if (text == start || (*start == '0' && text - start > 1))
		return false;
	*integer = *text == '\0';
	if (*text == '.')
	{
		start = ++text;
		text = skip_digits(text);
		if (text == start)
			return false;
	}
	if (*text == 'e' || *text == 'E')
	{
		text++;
		if (*text == '+' || *text == '-')
			text++;
		start = text;
		text = skip_digits(text);
		if (text == start)
			return false;
	}
	return *text == '\0';
}

static const char *
integer_from_text(NecpArena *arena, NecpType type, const char *text)
{
	char canonical[24];
	bool integer = false;
	long long value;

	errno = 0;
	if (!is_json_number(text, &integer) || !integer)
		return NULL;
	value = strtoll(text, NULL, 10);
	if (errno != 0 || !necp_int_fits(type, value))
		return NULL;
	return necp_arena_text(arena, canonical, necp_format_int(canonical, value));
}

static const char *
number_from_text(NecpArena *arena, NecpType type, const char *text)
{
	bool integer = false;

	if (!is_json_number(text, &integer) || strlen(text) > 64)
		return NULL;
	/* numeric keeps the digits it was given, as long as they are a number of reasonable size */
	if (type == NECP_TYPE_NUMERIC && strpbrk(text, "eE") == NULL)
		return text;
	return necp_real_text(arena, strtod(text, NULL));
}

static const char *
json_from_text(NecpArena *arena, NecpSlice value, const char **reason)
{
	json_t *json = json_loadb(value.base,
							  value.len,
							  JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
							  NULL);
	const char *text = json ? necp_value_from_json(arena, NECP_TYPE_JSON, json, reason) : NULL;

	json_decref(json);
	return text;
}

static const char *
scalar_from_text(NecpArena *arena, NecpType type, NecpSlice value, const char **reason)
{
	NecpUuid uuid;

	switch (type)
	{
		case NECP_TYPE_BIGINT:
		case NECP_TYPE_INTEGER:
		case NECP_TYPE_SMALLINT:
			return integer_from_text(arena, type, value.base);
		case NECP_TYPE_BOOLEAN:
			return necp_slice_is(value, "true") ? "t" : necp_slice_is(value, "false") ? "f" : NULL;
		case NECP_TYPE_TEXT:
			return value.base;
		case NECP_TYPE_UUID:
			return necp_uuid_parse(&uuid, value.base, value.len)
					   ? necp_arena_text(arena, uuid.text, NECP_UUID_LEN)
					   : NULL;
		case NECP_TYPE_DOUBLE:
		case NECP_TYPE_NUMERIC:
			return number_from_text(arena, type, value.base);
		case NECP_TYPE_INET:
			return necp_inet_valid(value.base) ? value.base : NULL;
		default:
			return json_from_text(arena, value, reason);
	}
}

static bool
add_element(NecpArena *arena, NecpBuf *buf, NecpType element, NecpSlice value, const char **reason)
{
	const char *text = scalar_from_text(arena, element, value, reason);

	if (text == NULL)
		return false;
	necp_array_add(buf, element, text);
	return true;
}

/* Adds the elements of one member: numbers and UUIDs may be separated by commas. */
static bool
add_elements(NecpArena *arena, NecpBuf *buf, NecpType element, NecpSlice value, const char **reason)
{
	size_t start = 0;

	if (element == NECP_TYPE_TEXT)
		return add_element(arena, buf, element, value, reason);
	while (start < value.len)
	{
		const char *comma = memchr(value.base + start, ',', value.len - start);
		size_t len = comma ? (size_t) (comma - value.base) - start : value.len - start;
		NecpSlice part = {necp_arena_text(arena, value.base + start, len), len};

		if (!add_element(arena, buf, element, part, reason))
			return false;
		start += len + 1;
	}
	return true;
}

static const char *
array_from_text(NecpArena *arena, NecpType type, const NecpSlice *values, int count,
				const char **reason)
{
	NecpBuf buf;

	necp_array_begin(&buf);
	for (int i = 0; i < count; i++)
		if (!add_elements(arena, &buf, necp_element_type(type), values[i], reason))
		{
			necp_buf_free(&buf);
			return NULL;
		}
	return necp_array_end(&buf, arena);
}

const char *
necp_value_from_text(NecpArena *arena, NecpType type, const NecpSlice *values, int count,
					 const char **reason)
{
	for (int i = 0; i < count; i++)
	{
		*reason = "must not hold a NUL character";
		if (memchr(values[i].base, '\0', values[i].len) != NULL)
			return NULL;
		*reason = "must be valid UTF-8";
		if (!necp_utf8_valid(values[i].base, values[i].len))
			return NULL;
	}
	*reason = necp_type_expectation(type);
	if (necp_is_array(type))
		return array_from_text(arena, type, values, count, reason);
	if (count > 1)
	{
		*reason = "is there more than once";
		return NULL;
	}
	return scalar_from_text(arena, type, values[0], reason);
}
