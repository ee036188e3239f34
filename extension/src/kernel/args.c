/* SPDX-License-Identifier: PostgreSQL
 *
 * Readers of arguments. The edge has checked types; what is checked here is meaning, so that a
 * client of SQL meets the same refusals.
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/errors.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

void
necp_arg_required(FunctionCallInfo fcinfo, int n, const char *field)
{
	if (PG_ARGISNULL(n))
		necp_fail(VALIDATION, field, "%s is required", field);
}

/* Value of an integer argument of any width. */
static int64
integer_arg(FunctionCallInfo fcinfo, int n)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, n);

	switch (type)
	{
		case 21: /* int2 */
			return PG_GETARG_INT16(n);
		case 23: /* int4 */
			return PG_GETARG_INT32(n);
		default:
			return PG_GETARG_INT64(n);
	}
}

int64
necp_arg_int(FunctionCallInfo fcinfo, int n, const char *field, int64 min, int64 max)
{
	int64 value;

	necp_arg_required(fcinfo, n, field);
	value = integer_arg(fcinfo, n);
	if (value < min || value > max)
		necp_fail(VALIDATION,
				  field,
				  "%s must be from " INT64_FORMAT " to " INT64_FORMAT,
				  field,
				  min,
				  max);
	return value;
}

int64
necp_arg_id(FunctionCallInfo fcinfo, int n, const char *field)
{
	return necp_arg_int(fcinfo, n, field, 1, NECP_MAX_ID);
}

static int64
amount_arg(FunctionCallInfo fcinfo, int n, const char *field, int64 max)
{
	int64 value;

	necp_arg_required(fcinfo, n, field);
	value = integer_arg(fcinfo, n);
	if (value < 1 || value > max)
		necp_fail(AMOUNT_OUT_OF_RANGE, field, "%s must be from 1 to " INT64_FORMAT, field, max);
	return value;
}

int32
necp_arg_quantity(FunctionCallInfo fcinfo, int n, const char *field)
{
	return (int32) amount_arg(fcinfo, n, field, NECP_MAX_QUANTITY);
}

int64
necp_arg_money(FunctionCallInfo fcinfo, int n, const char *field)
{
	return amount_arg(fcinfo, n, field, NECP_MAX_MONEY);
}

double
necp_arg_float(FunctionCallInfo fcinfo, int n, const char *field, double min, double max)
{
	double value;

	necp_arg_required(fcinfo, n, field);
	value = PG_GETARG_FLOAT8(n);
	if (!isfinite(value) || value < min || value > max)
		necp_fail(VALIDATION, field, "%s must be a number from %g to %g", field, min, max);
	return value;
}

char *
necp_arg_text(FunctionCallInfo fcinfo, int n, const char *field, int min, int max)
{
	char *value;
	int length;

	necp_arg_required(fcinfo, n, field);
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	length = pg_mbstrlen(value);
	if (length < min || length > max)
		necp_fail(VALIDATION, field, "%s must have %d to %d characters", field, min, max);
	return value;
}

const char *
necp_arg_word(FunctionCallInfo fcinfo, int n, const char *field, const char *const *words)
{
	char *value;

	necp_arg_required(fcinfo, n, field);
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	for (const char *const *word = words; *word != NULL; word++)
	{
		if (strcmp(*word, value) == 0)
			return *word;
	}
	necp_fail(VALIDATION, field, "%s has no such value", field);
	return NULL;
}

int32
necp_arg_limit(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		return 50;
	return (int32) necp_arg_int(fcinfo, n, "limit", 1, 100);
}
