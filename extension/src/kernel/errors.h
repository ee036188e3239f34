/* SPDX-License-Identifier: PostgreSQL
 *
 * The error codes of common/errors.def as SQLSTATEs, and the one way to raise them.
 */
#ifndef NECP_KERNEL_ERRORS_H
#define NECP_KERNEL_ERRORS_H

#include "utils/elog.h"

#define NECP_ERROR(name, state, status, title)                                                     \
	static const int NECP_ERR_##name __attribute__((unused)) =                                     \
		MAKE_SQLSTATE((state)[0], (state)[1], (state)[2], (state)[3], (state)[4]);
#define NECP_CONSTRAINT(constraint, name, field)
#include "errors.def"
#undef NECP_ERROR
#undef NECP_CONSTRAINT

/* Names the request's field that is at fault; clients see it as "field". */
extern int necp_errfield(const char *field);

/* Seconds after which a client may try again; clients see it as Retry-After. */
extern int necp_errretry(int seconds);

/* Refuses the command: code of errors.def, the field at fault or NULL, message for the client. */
#define necp_fail(name, field, ...)                                                                \
	ereport(ERROR, errcode(NECP_ERR_##name), errmsg(__VA_ARGS__), necp_errfield(field))

#endif
