/* SPDX-License-Identifier: PostgreSQL
 *
 * Growing buffers, arenas, UTF-8.
 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct NecpArenaChunk
{
	struct NecpArenaChunk *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char data[];
} NecpArenaChunk;

static void *
checked(void *memory)
{
	if (memory == NULL)
	{
		fputs("{\"level\":\"error\",\"msg\":\"out of memory\"}\n", stderr);
		abort();
	}
	return memory;
}

void *
necp_alloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *
necp_alloc_zero(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *
necp_realloc(void *old, size_t size)
{
	return checked(realloc(old, size ? size : 1));
}

char *
necp_strdup(const char *text)
{
	return checked(strdup(text));
}

void
necp_buf_reserve(NecpBuf *buf, size_t more)
{
	size_t cap = buf->cap ? buf->cap : 256;

	if (buf->cap - buf->len >= more)
		return;
	while (cap - buf->len < more)
		cap *= 2;
	buf->data = necp_realloc(buf->data, cap);
	buf->cap = cap;
}

void
necp_buf_add(NecpBuf *buf, const void *data, size_t len)
{
	if (len == 0)
		return;
	necp_buf_reserve(buf, len);
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

void
necp_buf_add_text(NecpBuf *buf, const char *text)
{
	necp_buf_add(buf, text, strlen(text));
}

void
necp_buf_add_int(NecpBuf *buf, int64_t value)
{
	necp_buf_reserve(buf, 21);
	buf->len += necp_format_int(buf->data + buf->len, value);
}

void
necp_buf_add_format(NecpBuf *buf, const char *format, ...)
{
	va_list args;
	size_t room = 128;
	int len;

	for (;;)
	{
		necp_buf_reserve(buf, room);
		va_start(args, format);
		len = vsnprintf(buf->data + buf->len, room, format, args);
		va_end(args);
		if (len < (int) room)
			break;
		room = (size_t) len + 1;
	}
	if (len > 0)
		buf->len += (size_t) len;
}

/* Length of the valid UTF-8 sequence at text, 0 if there is none. */
static size_t
utf8_sequence(const unsigned char *text, size_t len)
{
	unsigned char first = text[0];
	size_t size;

	if (first < 0x80)
		return 1;
	if (first < 0xC2 || first > 0xF4)
		return 0;
	size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
	if (len < size)
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((text[i] & 0xC0) != 0x80)
			return 0;
	if ((first == 0xE0 && text[1] < 0xA0) || (first == 0xED && text[1] > 0x9F) ||
		(first == 0xF0 && text[1] < 0x90) || (first == 0xF4 && text[1] > 0x8F))
		return 0;
	return size;
}

static void
add_json_escape(NecpBuf *buf, unsigned char c)
{
	switch (c)
	{
		case '"':
			necp_buf_add(buf, "\\\"", 2);
			break;
		case '\\':
			necp_buf_add(buf, "\\\\", 2);
			break;
		case '\n':
			necp_buf_add(buf, "\\n", 2);
			break;
		default:
			necp_buf_add_format(buf, "\\u%04x", c);
	}
}

void
necp_buf_add_json(NecpBuf *buf, const char *text, size_t len)
{
	size_t start = 0;
	size_t i = 0;

	necp_buf_add(buf, "\"", 1);
	while (i < len)
	{
		unsigned char c = (unsigned char) text[i];
		size_t size;

		if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\')
		{
			i++;
			continue;
		}
		size = utf8_sequence((const unsigned char *) text + i, len - i);
		if (size > 1)
		{
			i += size;
			continue;
		}
		necp_buf_add(buf, text + start, i - start);
		if (size == 0)
			necp_buf_add(buf, "\xEF\xBF\xBD", 3);
		else
			add_json_escape(buf, c);
		start = ++i;
	}
	necp_buf_add(buf, text + start, len - start);
	necp_buf_add(buf, "\"", 1);
}

const char *
necp_buf_terminate(NecpBuf *buf)
{
	necp_buf_reserve(buf, 1);
	buf->data[buf->len] = '\0';
	return buf->data;
}

void
necp_buf_free(NecpBuf *buf)
{
	free(buf->data);
	*buf = (NecpBuf){0};
}

void
necp_arena_init(NecpArena *arena)
{
	arena->chunks = NULL;
	arena->used = 0;
}

void *
necp_arena_alloc(NecpArena *arena, size_t size)
{
	NecpArenaChunk *chunk = arena->chunks;
	char *memory;

	size = (size + 7) & ~(size_t) 7;
	if (sizeof(arena->first) - arena->used >= size)
	{
		memory = arena->first + arena->used;
		arena->used += size;
		return memory;
	}
	if (chunk == NULL || chunk->size - chunk->used < size)
	{
		size_t space = size > 4096 ? size : 4096;

		chunk = necp_alloc(sizeof(NecpArenaChunk) + space);
		*chunk = (NecpArenaChunk){.next = arena->chunks, .size = space};
		arena->chunks = chunk;
	}
	memory = chunk->data + chunk->used;
	chunk->used += size;
	return memory;
}

char *
necp_arena_text(NecpArena *arena, const char *text, size_t len)
{
	char *copy = necp_arena_alloc(arena, len + 1);

	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void
necp_arena_free(NecpArena *arena)
{
	NecpArenaChunk *next;

	for (NecpArenaChunk *chunk = arena->chunks; chunk != NULL; chunk = next)
	{
		next = chunk->next;
		free(chunk);
	}
	necp_arena_init(arena);
}

size_t
necp_format_int(char *dst, int64_t value)
{
	char digits[20];
	size_t n = 0;
	size_t len = 0;
	uint64_t rest = value < 0 ? -(uint64_t) value : (uint64_t) value;

	do
	{
		digits[n++] = (char) ('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		dst[len++] = '-';
	while (n > 0)
		dst[len++] = digits[--n];
	dst[len] = '\0';
	return len;
}

bool
necp_utf8_valid(const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *) text;
	size_t i = 0;

	while (i < len)
	{
		size_t size = utf8_sequence(bytes + i, len - i);

		if (size == 0)
			return false;
		i += size;
	}
	return true;
}

size_t
necp_utf8_cut(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char) text[max] & 0xC0) == 0x80)
		max--;
	return max;
}
