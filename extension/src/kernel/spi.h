/* SPDX-License-Identifier: PostgreSQL
 *
 * Kept plans and typed access to their results. A plan is prepared once per backend and kept; a
 * rule runs it with necp_run() and reads the columns of the last result before the next run.
 */
#ifndef NECP_KERNEL_SPI_H
#define NECP_KERNEL_SPI_H

#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define NECP_MAX_ARGS 20

typedef struct NecpPlan
{
	const char *sql;
	int nargs;
	Oid types[NECP_MAX_ARGS];
	SPIPlanPtr plan;
} NecpPlan;

/* NECP_PLAN("SELECT … $1 …", INT8OID, …); NECP_PLAN0 for statements without parameters. */
#define NECP_PLAN(text, ...)                                                                       \
	{                                                                                              \
		.sql = (text), .nargs = sizeof((Oid[]){__VA_ARGS__}) / sizeof(Oid), .types = {             \
			__VA_ARGS__                                                                            \
		}                                                                                          \
	}
#define NECP_PLAN0(text)                                                                           \
	{                                                                                              \
		.sql = (text)                                                                              \
	}

/*
 * Runs a kept plan with the given Datums and returns the number of rows it returned or changed.
 * Integers may be passed as they are; anything else through its ...GetDatum.
 */
#define necp_run(plan, ...) necp_run_args((plan), (Datum[]){__VA_ARGS__}, NULL)
#define necp_run0(plan) necp_run_args((plan), NULL, NULL)
/* The same, with SPI's string of nulls: "n" for a null argument, " " for the others. */
#define necp_run_nulls(plan, nulls, ...) necp_run_args((plan), (Datum[]){__VA_ARGS__}, (nulls))

extern uint64 necp_run_args(NecpPlan *plan, Datum *args, const char *nulls);

/* Columns of the last result; row from 0, column from 1. NULL reads as 0, false, NULL. */
extern bool necp_isnull(uint64 row, int col);
extern Datum necp_datum(uint64 row, int col, bool *isnull);
extern int64 necp_int8(uint64 row, int col);
extern int32 necp_int4(uint64 row, int col);
extern bool necp_bool(uint64 row, int col);
extern double necp_float8(uint64 row, int col);
extern TimestampTz necp_timestamp(uint64 row, int col);
extern char *necp_text(uint64 row, int col);
extern pg_uuid_t necp_uuid(uint64 row, int col);

/*
 * Rows that outlive the next run: what a rule walks through while it runs other plans. The macros
 * and readers are those of the last result.
 */
typedef struct NecpRows
{
	uint64 count;
	SPITupleTable *table;
} NecpRows;

#define necp_fetch(plan, ...) necp_rows(necp_run((plan), __VA_ARGS__))
extern NecpRows necp_rows(uint64 count);
extern int64 necp_row_int8(const NecpRows *rows, uint64 row, int col);
extern int32 necp_row_int4(const NecpRows *rows, uint64 row, int col);
extern bool necp_row_bool(const NecpRows *rows, uint64 row, int col);
extern double necp_row_float8(const NecpRows *rows, uint64 row, int col);
extern TimestampTz necp_row_timestamp(const NecpRows *rows, uint64 row, int col);
extern pg_uuid_t necp_row_uuid(const NecpRows *rows, uint64 row, int col);
extern char *necp_row_text(const NecpRows *rows, uint64 row, int col);

/* The first column of the only row as it is (a json document); fails as NOT_FOUND without a row. */
#define necp_answer(plan, what, ...) necp_answer_args((plan), (what), (Datum[]){__VA_ARGS__}, NULL)
extern Datum necp_answer_args(NecpPlan *plan, const char *what, Datum *args, const char *nulls);

/* How a function's result leaves the SPI connection; looked up once per backend. */
typedef struct NecpResultType
{
	int16 len; /* 0: not known yet */
	bool by_value;
} NecpResultType;

/*
 * NECP_FUNCTION(name) { … } defines an SQL-callable function whose body runs inside an SPI
 * connection. Everything it pallocs is freed at its end; a by-reference result is copied out.
 */
#define NECP_FUNCTION(name)                                                                        \
	static Datum name##_body(FunctionCallInfo fcinfo);                                             \
	static NecpResultType name##_result;                                                           \
	PG_FUNCTION_INFO_V1(name);                                                                     \
	Datum name(PG_FUNCTION_ARGS)                                                                   \
	{                                                                                              \
		return necp_call(fcinfo, name##_body, &name##_result);                                     \
	}                                                                                              \
	static Datum name##_body(FunctionCallInfo fcinfo)

extern Datum necp_call(FunctionCallInfo fcinfo, PGFunction body, NecpResultType *type);

/* Arrays as arguments. */
extern Datum necp_int8_array(Datum *values, int n);
extern Datum necp_int4_array(Datum *values, int n);
extern Datum necp_float4_array(Datum *values, int n);

#define necp_cstring_datum(s) PointerGetDatum(necp_cstring_text(s))
extern text *necp_cstring_text(const char *s);

#endif
