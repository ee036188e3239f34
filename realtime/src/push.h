/* SPDX-License-Identifier: PostgreSQL
 *
 * The lines of a NOTIFY on necp_push (docs/interfaces.md §7).
 */
#ifndef NECP_PUSH_H
#define NECP_PUSH_H

#include <stdbool.h>

#include "buf.h"

typedef enum PushKind
{
	PUSH_MESSAGE,
	PUSH_RESYNC,
	PUSH_UNSUBSCRIBE,
	PUSH_BIND,
	PUSH_KILL
} PushKind;

typedef enum PushWho
{
	PUSH_ACCOUNT,
	PUSH_CHARACTER,
	PUSH_ALL
} PushWho;

/* Slices point into the payload. Only the fields of its kind are set. */
typedef struct PushLine
{
	PushKind kind;
	NecpSlice topic; /* of RESYNC: "*" is all of them */
	NecpSlice type;
	NecpSlice data; /* JSON */
	uint64_t seq;
	uint64_t version;
	uint64_t ts_ms;
	PushWho who;
	int64_t id;
	uint64_t binding;
	NecpSlice session;
	int64_t character_id;
	int64_t place_id;
	NecpSlice reason;
} PushLine;

/* Takes the next line off the payload (without its end); false if there is none. */
bool necp_push_next(NecpSlice *payload, NecpSlice *line);
bool necp_push_head(NecpSlice line, uint64_t *epoch, uint64_t *batch);
bool necp_push_parse(NecpSlice line, PushLine *push);

#endif
