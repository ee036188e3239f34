/* SPDX-License-Identifier: PostgreSQL */
#include "postgres.h"

#include "kernel/json.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/json.h"

void
necp_json_open(NecpJson *j)
{
	initStringInfo(&j->buf);
	appendStringInfoChar(&j->buf, '{');
	j->comma = false;
}

static void
put_name(NecpJson *j, const char *name)
{
	if (j->comma)
		appendStringInfoChar(&j->buf, ',');
	j->comma = true;
	escape_json(&j->buf, name);
	appendStringInfoChar(&j->buf, ':');
}

void
necp_json_int(NecpJson *j, const char *name, int64 value)
{
	put_name(j, name);
	appendStringInfo(&j->buf, INT64_FORMAT, value);
}

/* JSON has no NaN and no infinities: they read as null. */
void
necp_json_float(NecpJson *j, const char *name, double value)
{
	char text[DOUBLE_SHORTEST_DECIMAL_LEN];

	put_name(j, name);
	if (isfinite(value))
	{
		double_to_shortest_decimal_buf(value, text);
		appendStringInfoString(&j->buf, text);
	}
	else
		appendStringInfoString(&j->buf, "null");
}

void
necp_json_bool(NecpJson *j, const char *name, bool value)
{
	put_name(j, name);
	appendStringInfoString(&j->buf, value ? "true" : "false");
}

void
necp_json_text(NecpJson *j, const char *name, const char *value)
{
	put_name(j, name);
	if (value != NULL)
		escape_json(&j->buf, value);
	else
		appendStringInfoString(&j->buf, "null");
}

void
necp_json_time(NecpJson *j, const char *name, TimestampTz value)
{
	static const int utc = 0;
	char text[MAXDATELEN + 1];

	necp_json_text(j,
				   name,
				   JsonEncodeDateTime(text, TimestampTzGetDatum(value), TIMESTAMPTZOID, &utc));
}

void
necp_json_raw(NecpJson *j, const char *name, const char *value)
{
	put_name(j, name);
	appendStringInfoString(&j->buf, value != NULL ? value : "null");
}

char *
necp_json_close(NecpJson *j)
{
	appendStringInfoChar(&j->buf, '}');
	return j->buf.data;
}

char *
necp_json_problem(const char *code, const char *detail)
{
	return necp_json_problem_field(code, NULL, detail);
}

char *
necp_json_problem_field(const char *code, const char *field, const char *detail)
{
	NecpJson problem;
	NecpJson answer;

	necp_json_open(&problem);
	necp_json_text(&problem, "code", code);
	if (field != NULL)
		necp_json_text(&problem, "field", field);
	necp_json_text(&problem, "detail", detail);
	necp_json_open(&answer);
	necp_json_raw(&answer, "problem", necp_json_close(&problem));
	return necp_json_close(&answer);
}
