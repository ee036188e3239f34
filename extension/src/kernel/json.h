/* SPDX-License-Identifier: PostgreSQL
 *
 * Writes one flat JSON object or nested parts of it: payloads of events and pushes.
 */
#ifndef NECP_KERNEL_JSON_H
#define NECP_KERNEL_JSON_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

typedef struct NecpJson
{
	StringInfoData buf;
	bool comma;
} NecpJson;

extern void necp_json_open(NecpJson *j);
extern void necp_json_int(NecpJson *j, const char *name, int64 value);
extern void necp_json_float(NecpJson *j, const char *name, double value);
extern void necp_json_bool(NecpJson *j, const char *name, bool value);
extern void necp_json_text(NecpJson *j, const char *name, const char *value);
/* as ISO 8601 in UTC */
extern void necp_json_time(NecpJson *j, const char *name, TimestampTz value);
/* value is JSON already */
extern void necp_json_raw(NecpJson *j, const char *name, const char *value);
extern char *necp_json_close(NecpJson *j);

/*
 * The answer of a rule that refuses but must commit what it noted: {"problem": {"code", "detail"}}.
 * Only routes with a password or a token may return it (docs/interfaces.md §5).
 */
extern char *necp_json_problem(const char *code, const char *detail);
/* The same with the field at fault, or NULL. */
extern char *necp_json_problem_field(const char *code, const char *field, const char *detail);

#endif
