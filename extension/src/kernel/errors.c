/* SPDX-License-Identifier: PostgreSQL
 *
 * How an error carries what a client is told beside its message.
 */
#include "postgres.h"

#include "kernel/errors.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

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

/* error_codes(): the list of errors.def, for the API's description and for tests. */
PG_FUNCTION_INFO_V1(necp_error_codes);
Datum
necp_error_codes(PG_FUNCTION_ARGS)
{
#define NECP_ERROR(name, state, status, title) {#name, state, status, title},
#define NECP_CONSTRAINT(constraint, name, field)
	static const struct
	{
		const char *name;
		const char *state;
		int32 status;
		const char *title;
	} codes[] = {
#include "errors.def"
	};
#undef NECP_ERROR
#undef NECP_CONSTRAINT
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < (int) lengthof(codes); i++)
	{
		Datum values[4] = {CStringGetTextDatum(codes[i].name),
						   CStringGetTextDatum(codes[i].state),
						   Int32GetDatum(codes[i].status),
						   CStringGetTextDatum(codes[i].title)};
		bool nulls[4] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
