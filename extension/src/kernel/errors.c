/* SPDX-License-Identifier: PostgreSQL
 *
 * How an error carries what a client is told beside its message.
 */
#include "postgres.h"

#include "kernel/errors.h"

int
necp_errfield(const char *field)
{
	if (field != NULL)
		err_generic_string(PG_DIAG_COLUMN_NAME, field);
	return 0;
}

int
necp_errretry(int seconds)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", seconds);
	err_generic_string(PG_DIAG_DATATYPE_NAME, text);
	return 0;
}
