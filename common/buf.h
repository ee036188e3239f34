/* SPDX-License-Identifier: PostgreSQL
 *
 * Small memory helpers: a slice of foreign bytes, a growing buffer, an arena.
 * Running out of memory ends the process: neither server could answer without it.
 */
#ifndef NECP_BUF_H
#define NECP_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes owned by somebody else; not terminated. base NULL: absent. */
typedef struct NecpSlice
{
	const char *base;
	size_t len;
} NecpSlice;

typedef struct NecpBuf
{
	char *data;
	size_t len;
	size_t cap;
} NecpBuf;

/* Freed at once; what it holds lives until then. The first bytes come from the owner's struct. */
typedef struct NecpArena
{
	struct NecpArenaChunk *chunks;
	size_t used;
	char first[1024];
} NecpArena;

#define NECP_SLICE(literal) ((NecpSlice){(literal), sizeof(literal) - 1})

static inline NecpSlice
necp_slice(const char *text)
{
	return (NecpSlice){text, text ? strlen(text) : 0};
}

static inline bool
necp_slice_is(NecpSlice slice, const char *text)
{
	size_t len = strlen(text);

	return slice.len == len && memcmp(slice.base, text, len) == 0;
}

/* malloc and friends that do not fail. */
void *necp_alloc(size_t size);
void *necp_alloc_zero(size_t size);
void *necp_realloc(void *old, size_t size);
char *necp_strdup(const char *text);

/* A NecpBuf starts as {0}; data is not terminated unless necp_buf_terminate is called. */
void necp_buf_reserve(NecpBuf *buf, size_t more);
void necp_buf_add(NecpBuf *buf, const void *data, size_t len);
void necp_buf_add_text(NecpBuf *buf, const char *text);
void necp_buf_add_int(NecpBuf *buf, int64_t value);
void necp_buf_add_format(NecpBuf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* As a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void necp_buf_add_json(NecpBuf *buf, const char *text, size_t len);
const char *necp_buf_terminate(NecpBuf *buf);
void necp_buf_free(NecpBuf *buf);

void necp_arena_init(NecpArena *arena);
void *necp_arena_alloc(NecpArena *arena, size_t size);
/* Copies and terminates. */
char *necp_arena_text(NecpArena *arena, const char *text, size_t len);
void necp_arena_free(NecpArena *arena);

/* Writes value in decimal, terminated; returns the length. dst holds at least 21 bytes. */
size_t necp_format_int(char *dst, int64_t value);

/* Strict: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool necp_utf8_valid(const char *text, size_t len);
/* The longest prefix of at most max bytes that does not cut a character. */
size_t necp_utf8_cut(const char *text, size_t len, size_t max);

#endif
