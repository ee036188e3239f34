/* SPDX-License-Identifier: PostgreSQL
 *
 * Between bind.c (which field comes from where) and its converters: one typed value, from JSON
 * (bind_json.c) or from text of a path or query (bind_text.c), to the text PostgreSQL reads.
 */
#ifndef NECP_BIND_INT_H
#define NECP_BIND_INT_H

#include <jansson.h>

#include "bind.h"

/* Both return NULL and say in *reason what the value should have been. */
const char *necp_value_from_json(NecpArena *arena, NecpType type, const json_t *json,
								 const char **reason);
/* values: the repeated members of a query; more than one only for arrays. */
const char *necp_value_from_text(NecpArena *arena, NecpType type, const NecpSlice *values,
								 int count, const char **reason);

/* The rules both share. */
const char *necp_type_expectation(NecpType type);
bool necp_int_fits(NecpType type, int64_t value);
bool necp_is_array(NecpType type);
NecpType necp_element_type(NecpType type);
/* The shortest decimal text that reads back as value; NULL if it is not finite. */
const char *necp_real_text(NecpArena *arena, double value);
bool necp_inet_valid(const char *text);

/* Array literals: begin, items, end (in the arena). */
void necp_array_begin(NecpBuf *buf);
void necp_array_add(NecpBuf *buf, NecpType element, const char *text);
const char *necp_array_end(NecpBuf *buf, NecpArena *arena);

/* Decodes percent (and, in a query, plus); NULL if an escape is broken. */
const char *necp_percent_decode(NecpArena *arena, NecpSlice raw, bool query, size_t *len);

#endif
