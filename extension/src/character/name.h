/* SPDX-License-Identifier: PostgreSQL
 *
 * Names that players choose.
 */
#ifndef NECP_CHARACTER_NAME_H
#define NECP_CHARACTER_NAME_H

#include "postgres.h"

#include "fmgr.h"

/*
 * A name for a character: 3 – 20 of A-Z, a-z, 0-9 with single blanks or hyphens between them, neither
 * reserved nor profane (DOMAIN §5). INVALID_NAME otherwise, VALIDATION where there is none.
 */
extern char *necp_arg_name(FunctionCallInfo fcinfo, int n, const char *field);

#endif
