/* SPDX-License-Identifier: PostgreSQL
 *
 * The error codes of errors.def, and problem documents (RFC 9457) made of them or of what
 * PostgreSQL reports (docs/interfaces.md §3).
 */
#ifndef NECP_ERRORS_H
#define NECP_ERRORS_H

#include <libpq-fe.h>

#include "buf.h"

#define NECP_CONSTRAINT(constraint, name, field)
#define NECP_ERROR(name, sqlstate, status, title) NECP_##name,
typedef enum NecpErrorCode
{
	NECP_NO_ERROR,
#include "errors.def"
	NECP_ERROR_COUNT
} NecpErrorCode;
#undef NECP_ERROR
#undef NECP_CONSTRAINT

typedef struct NecpErrorInfo
{
	const char *name;
	const char *sqlstate;
	int status;
	const char *title;
} NecpErrorInfo;

typedef struct NecpConstraintInfo
{
	const char *constraint;
	NecpErrorCode code;
	const char *field; /* or NULL */
} NecpConstraintInfo;

/* What a client is told. Empty detail and field are left out; retry_after 0: none. */
typedef struct NecpProblem
{
	NecpErrorCode code;
	int retry_after;
	char field[64];
	char detail[256];
} NecpProblem;

const NecpErrorInfo *necp_error_info(NecpErrorCode code);
/* NECP_NO_ERROR if the SQLSTATE (five characters) is none of ours. */
NecpErrorCode necp_error_by_sqlstate(const char *sqlstate);
NecpErrorCode necp_error_by_name(const char *name);
/* NULL if the constraint has no meaning to a client. */
const NecpConstraintInfo *necp_constraint_lookup(const char *constraint);
/* 40001, 40P01, 55P03: the transaction left nothing behind and may be run again. */
bool necp_sqlstate_is_transient(const char *sqlstate);

/* Fills the problem; detail is a format or NULL, field may be NULL; both are cut to fit. */
void necp_problem_set(NecpProblem *problem, NecpErrorCode code, const char *field,
					  const char *detail, ...) __attribute__((format(printf, 4, 5)));
/* Same from an error result; result NULL counts as a lost connection (UNAVAILABLE). */
void necp_problem_from_result(NecpProblem *problem, const PGresult *result);
/* Same from the parts of an error report, each may be NULL but sqlstate. */
void necp_problem_from_report(NecpProblem *problem, const char *sqlstate, const char *message,
							  const char *column, const char *datatype, const char *constraint);
int necp_problem_status(const NecpProblem *problem);
/* Appends the JSON document; trace_id NULL: a fresh one. */
void necp_problem_write(const NecpProblem *problem, const char *trace_id, NecpBuf *out);

#endif
