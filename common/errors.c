/* SPDX-License-Identifier: PostgreSQL
 *
 * From SQLSTATEs and violated constraints to problem documents.
 */
#include "errors.h"
#include "uuid.h"

#include <stdarg.h>
#include <stdio.h>

#define NECP_CONSTRAINT(constraint, name, field)
#define NECP_ERROR(name, sqlstate, status, title) {#name, sqlstate, status, title},
static const NecpErrorInfo error_infos[NECP_ERROR_COUNT] = {
	{"", "00000", 200, ""},
#include "errors.def"
};
#undef NECP_ERROR
#undef NECP_CONSTRAINT

#define NECP_CONSTRAINT(constraint, name, field) {#constraint, NECP_##name, field},
#define NECP_ERROR(name, sqlstate, status, title)
static const NecpConstraintInfo constraint_infos[] = {
#include "errors.def"
};
#undef NECP_ERROR
#undef NECP_CONSTRAINT

/* What PostgreSQL's own codes mean to a client; the first prefix that fits. */
static const struct
{
	const char *prefix;
	NecpErrorCode code;
	int retry_after;
} foreign_codes[] = {
	{"22", NECP_VALIDATION, 0},
	{"23", NECP_CONFLICT, 0},
	{"28", NECP_UNAUTHENTICATED, 0},
	{"42501", NECP_FORBIDDEN, 0},
	{"40001", NECP_RETRY, 1},
	{"40P01", NECP_RETRY, 1},
	{"55P03", NECP_RETRY, 1},
	{"57014", NECP_TIMEOUT, 0},
	{"08", NECP_UNAVAILABLE, 1},
	{"53", NECP_UNAVAILABLE, 1},
	{"57P", NECP_UNAVAILABLE, 1},
};

const NecpErrorInfo *
necp_error_info(NecpErrorCode code)
{
	return &error_infos[code];
}

NecpErrorCode
necp_error_by_sqlstate(const char *sqlstate)
{
	if (strncmp(sqlstate, "NC", 2) != 0)
		return NECP_NO_ERROR;
	for (int i = 1; i < NECP_ERROR_COUNT; i++)
		if (strcmp(error_infos[i].sqlstate, sqlstate) == 0)
			return (NecpErrorCode) i;
	return NECP_NO_ERROR;
}

NecpErrorCode
necp_error_by_name(const char *name)
{
	for (int i = 1; i < NECP_ERROR_COUNT; i++)
		if (strcmp(error_infos[i].name, name) == 0)
			return (NecpErrorCode) i;
	return NECP_NO_ERROR;
}

const NecpConstraintInfo *
necp_constraint_lookup(const char *constraint)
{
	for (size_t i = 0; i < sizeof(constraint_infos) / sizeof(constraint_infos[0]); i++)
		if (strcmp(constraint_infos[i].constraint, constraint) == 0)
			return &constraint_infos[i];
	return NULL;
}

bool
necp_sqlstate_is_transient(const char *sqlstate)
{
	return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0 ||
		   strcmp(sqlstate, "55P03") == 0;
}

static void
copy_text(char *dst, size_t size, const char *text)
{
	size_t len = text ? necp_utf8_cut(text, strlen(text), size - 1) : 0;

	if (len > 0)
		memcpy(dst, text, len);
	dst[len] = '\0';
}

static int
default_retry_after(NecpErrorCode code)
{
	int status = error_infos[code].status;

	return status == 503 || status == 429 ? 1 : 0;
}

void
necp_problem_set(NecpProblem *problem, NecpErrorCode code, const char *field, const char *detail,
				 ...)
{
	char text[512] = "";
	va_list args;

	if (detail != NULL)
	{
		va_start(args, detail);
		vsnprintf(text, sizeof(text), detail, args);
		va_end(args);
	}
	problem->code = code;
	problem->retry_after = default_retry_after(code);
	copy_text(problem->field, sizeof(problem->field), field);
	copy_text(problem->detail, sizeof(problem->detail), text);
}

/* Codes that are not ours: the text is shown only where it speaks of the client's values. */
static void
set_foreign(NecpProblem *problem, const char *sqlstate, const char *message, const char *column)
{
	for (size_t i = 0; i < sizeof(foreign_codes) / sizeof(foreign_codes[0]); i++)
	{
		const char *prefix = foreign_codes[i].prefix;

		if (strncmp(sqlstate, prefix, strlen(prefix)) != 0)
			continue;
		problem->code = foreign_codes[i].code;
		problem->retry_after = foreign_codes[i].retry_after;
		if (problem->code == NECP_VALIDATION)
		{
			copy_text(problem->detail, sizeof(problem->detail), message);
			copy_text(problem->field, sizeof(problem->field), column);
		}
		return;
	}
	problem->code = NECP_INTERNAL;
}

/* Retry-After travels as DATATYPE_NAME; anything but a small number is ignored. */
static int
parse_retry_after(const char *text)
{
	char *end;
	long value;

	if (text == NULL || *text == '\0')
		return 0;
	value = strtol(text, &end, 10);
	return *end == '\0' && value > 0 && value <= 86400 ? (int) value : 0;
}

static void
set_own(NecpProblem *problem, NecpErrorCode code, const char *message, const char *column,
		const char *datatype)
{
	int retry_after = parse_retry_after(datatype);

	problem->code = code;
	problem->retry_after = retry_after > 0 ? retry_after : default_retry_after(code);
	copy_text(problem->field, sizeof(problem->field), column);
	if (code != NECP_INTERNAL)
		copy_text(problem->detail, sizeof(problem->detail), message);
}

void
necp_problem_from_report(NecpProblem *problem, const char *sqlstate, const char *message,
						 const char *column, const char *datatype, const char *constraint)
{
	NecpErrorCode code = necp_error_by_sqlstate(sqlstate);
	const NecpConstraintInfo *known = NULL;

	*problem = (NecpProblem){0};
	if (code != NECP_NO_ERROR)
	{
		set_own(problem, code, message, column, datatype);
		return;
	}
	if (constraint != NULL && strncmp(sqlstate, "23", 2) == 0)
		known = necp_constraint_lookup(constraint);
	if (known != NULL)
		set_own(problem, known->code, NULL, known->field, NULL);
	else
		set_foreign(problem, sqlstate, message, column);
}

void
necp_problem_from_result(NecpProblem *problem, const PGresult *result)
{
	const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

	/* libpq's own errors, such as a lost connection, come without a SQLSTATE */
	necp_problem_from_report(problem,
							 sqlstate ? sqlstate : "08006",
							 result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL,
							 result ? PQresultErrorField(result, PG_DIAG_COLUMN_NAME) : NULL,
							 result ? PQresultErrorField(result, PG_DIAG_DATATYPE_NAME) : NULL,
							 result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL);
}

int
necp_problem_status(const NecpProblem *problem)
{
	return error_infos[problem->code].status;
}

static void
add_member(NecpBuf *out, const char *name, const char *value)
{
	necp_buf_add(out, ",\"", 2);
	necp_buf_add_text(out, name);
	necp_buf_add(out, "\":", 2);
	necp_buf_add_json(out, value, strlen(value));
}

void
necp_problem_write(const NecpProblem *problem, const char *trace_id, NecpBuf *out)
{
	const NecpErrorInfo *info = &error_infos[problem->code];
	NecpUuid fresh;

	if (trace_id == NULL)
	{
		necp_uuid_generate(&fresh);
		trace_id = fresh.text;
	}
	necp_buf_add_text(out, "{\"type\":\"urn:necp:error:");
	necp_buf_add_text(out, info->name);
	necp_buf_add(out, "\"", 1);
	add_member(out, "title", info->title);
	necp_buf_add_text(out, ",\"status\":");
	necp_buf_add_int(out, info->status);
	if (problem->detail[0] != '\0')
		add_member(out, "detail", problem->detail);
	add_member(out, "code", info->name);
	if (problem->field[0] != '\0')
		add_member(out, "field", problem->field);
	add_member(out, "trace_id", trace_id);
	necp_buf_add(out, "}", 1);
}
