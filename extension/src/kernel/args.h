/* SPDX-License-Identifier: PostgreSQL
 *
 * Typed arguments of endpoint functions. Each reader refuses what the rule cannot mean with a 400
 * that names the field (DOMAIN §0).
 */
#ifndef NECP_KERNEL_ARGS_H
#define NECP_KERNEL_ARGS_H

#include "postgres.h"

#include "fmgr.h"

#define NECP_MAX_ID INT64CONST(9007199254740991) /* 2^53 - 1: safe as a JSON number */
#define NECP_MAX_MONEY INT64CONST(1000000000)
#define NECP_MAX_QUANTITY 1000000

/* A positive id; VALIDATION otherwise. */
extern int64 necp_arg_id(FunctionCallInfo fcinfo, int n, const char *field);
/* 1 – 1,000,000 items; AMOUNT_OUT_OF_RANGE otherwise. */
extern int32 necp_arg_quantity(FunctionCallInfo fcinfo, int n, const char *field);
/* 1 – 10^9 of a currency; AMOUNT_OUT_OF_RANGE otherwise. */
extern int64 necp_arg_money(FunctionCallInfo fcinfo, int n, const char *field);
/* An integer within bounds; VALIDATION otherwise. */
extern int64 necp_arg_int(FunctionCallInfo fcinfo, int n, const char *field, int64 min, int64 max);
/* A finite number within bounds; VALIDATION otherwise. */
extern double necp_arg_float(FunctionCallInfo fcinfo, int n, const char *field, double min,
							 double max);
/* Text of min – max characters (code points), not NULL; VALIDATION otherwise. */
extern char *necp_arg_text(FunctionCallInfo fcinfo, int n, const char *field, int min, int max);
/* One of a list that ends with NULL; VALIDATION otherwise. */
extern const char *necp_arg_word(FunctionCallInfo fcinfo, int n, const char *field,
								 const char *const *words);
/* Fails as VALIDATION where the argument is NULL. */
extern void necp_arg_required(FunctionCallInfo fcinfo, int n, const char *field);
/* limit of a list: 1 – 100, NULL is 50. */
extern int32 necp_arg_limit(FunctionCallInfo fcinfo, int n);

#endif
