/* SPDX-License-Identifier: PostgreSQL
 *
 * Kept plans. Plans are generic: a game's statements are point look-ups whose best plan does not
 * depend on the values, and planning again costs more than running them.
 */
#include "postgres.h"

#include "kernel/errors.h"
#include "kernel/kernel.h"
#include "kernel/spi.h"

#include <signal.h>

#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"

static void
prepare(NecpPlan *plan)
{
	SPIPlanPtr prepared =
		SPI_prepare_cursor(plan->sql, plan->nargs, plan->types, CURSOR_OPT_GENERIC_PLAN);

	if (prepared == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", plan->sql, SPI_result_code_string(SPI_result));
	SPI_keepplan(prepared);
	plan->plan = prepared; /* published only once it is kept */
}

int necp_crash_at;

/* A rehearsal of the worst: the process is gone after so many statements of the rules. */
static void
count_to_crash(void)
{
	if (--necp_crash_at == 0)
		kill(MyProcPid, SIGKILL);
}

uint64
necp_run_args(NecpPlan *plan, Datum *args, const char *nulls)
{
	int result;

	if (plan->plan == NULL)
		prepare(plan);
	result = SPI_execute_plan(plan->plan, args, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", plan->sql, SPI_result_code_string(result));
	if (unlikely(necp_crash_at > 0))
		count_to_crash();
	return SPI_processed;
}

NecpRows
necp_rows(uint64 count)
{
	return (NecpRows){.count = count, .table = SPI_tuptable};
}

static Datum
read_datum(const NecpRows *rows, uint64 row, int col, bool *isnull)
{
	Assert(rows->table != NULL && row < rows->count);
	return SPI_getbinval(rows->table->vals[row], rows->table->tupdesc, col, isnull);
}

/* A column read as the wrong type would read memory, not the value: check it where it is cheap. */
static Datum
read_typed(const NecpRows *rows, uint64 row, int col, Oid type, bool *isnull)
{
	Oid actual = TupleDescAttr(rows->table->tupdesc, col - 1)->atttypid;

	if (actual != type)
		elog(ERROR, "column %d has type %u, read as %u", col, actual, type);
	return read_datum(rows, row, col, isnull);
}

int64
necp_row_int8(const NecpRows *rows, uint64 row, int col)
{
	bool isnull;
	Datum value = read_typed(rows, row, col, INT8OID, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

int32
necp_row_int4(const NecpRows *rows, uint64 row, int col)
{
	bool isnull;
	Datum value = read_typed(rows, row, col, INT4OID, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

bool
necp_row_bool(const NecpRows *rows, uint64 row, int col)
{
	bool isnull;
	Datum value = read_typed(rows, row, col, BOOLOID, &isnull);

	return !isnull && DatumGetBool(value);
}

double
necp_row_float8(const NecpRows *rows, uint64 row, int col)
{
	bool isnull;
	Datum value = read_typed(rows, row, col, FLOAT8OID, &isnull);

	return isnull ? 0 : DatumGetFloat8(value);
}

TimestampTz
necp_row_timestamp(const NecpRows *rows, uint64 row, int col)
{
	bool isnull;
	Datum value = read_typed(rows, row, col, TIMESTAMPTZOID, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

pg_uuid_t
necp_row_uuid(const NecpRows *rows, uint64 row, int col)
{
	bool isnull;
	Datum value = read_typed(rows, row, col, UUIDOID, &isnull);
	pg_uuid_t none = {{0}};

	return isnull ? none : *DatumGetUUIDP(value);
}

char *
necp_row_text(const NecpRows *rows, uint64 row, int col)
{
	return SPI_getvalue(rows->table->vals[row], rows->table->tupdesc, col);
}

/* The last result as rows. */
static NecpRows
last_result(void)
{
	return necp_rows(SPI_processed);
}

Datum
necp_datum(uint64 row, int col, bool *isnull)
{
	NecpRows rows = last_result();

	return read_datum(&rows, row, col, isnull);
}

bool
necp_isnull(uint64 row, int col)
{
	bool isnull;

	necp_datum(row, col, &isnull);
	return isnull;
}

int64
necp_int8(uint64 row, int col)
{
	NecpRows rows = last_result();

	return necp_row_int8(&rows, row, col);
}

int32
necp_int4(uint64 row, int col)
{
	NecpRows rows = last_result();

	return necp_row_int4(&rows, row, col);
}

bool
necp_bool(uint64 row, int col)
{
	NecpRows rows = last_result();

	return necp_row_bool(&rows, row, col);
}

double
necp_float8(uint64 row, int col)
{
	NecpRows rows = last_result();
	bool isnull;
	Datum value = read_typed(&rows, row, col, FLOAT8OID, &isnull);

	return isnull ? 0 : DatumGetFloat8(value);
}

TimestampTz
necp_timestamp(uint64 row, int col)
{
	NecpRows rows = last_result();

	return necp_row_timestamp(&rows, row, col);
}

char *
necp_text(uint64 row, int col)
{
	NecpRows rows = last_result();

	return necp_row_text(&rows, row, col);
}

pg_uuid_t
necp_uuid(uint64 row, int col)
{
	NecpRows rows = last_result();

	return necp_row_uuid(&rows, row, col);
}

Datum
necp_answer_args(NecpPlan *plan, const char *what, Datum *args, const char *nulls)
{
	bool isnull;
	Datum answer;

	if (necp_run_args(plan, args, nulls) == 0)
		necp_fail(NOT_FOUND, NULL, "%s not found", what);
	answer = necp_datum(0, 1, &isnull);
	if (isnull)
		elog(ERROR, "answer about %s is null", what);
	return answer;
}

Datum
necp_call(FunctionCallInfo fcinfo, PGFunction body, NecpResultType *type)
{
	Datum result;

	if (type->len == 0)
		get_typlenbyval(get_func_rettype(fcinfo->flinfo->fn_oid), &type->len, &type->by_value);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	result = body(fcinfo);
	if (!fcinfo->isnull && !type->by_value)
		result = SPI_datumTransfer(result, false, type->len);
	SPI_finish();
	return result;
}

text *
necp_cstring_text(const char *s)
{
	return cstring_to_text(s);
}

Datum
necp_int8_array(Datum *values, int n)
{
	return PointerGetDatum(
		construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum
necp_int4_array(Datum *values, int n)
{
	return PointerGetDatum(construct_array(values, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

Datum
necp_float4_array(Datum *values, int n)
{
	return PointerGetDatum(
		construct_array(values, n, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}
