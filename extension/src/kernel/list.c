/* SPDX-License-Identifier: PostgreSQL */
#include "postgres.h"

#include "kernel/list.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

Datum
necp_list_args(NecpPlan *plan, int32 limit, Datum *args)
{
	uint64 rows = necp_run_args(plan, args, NULL);
	uint64 shown = Min(rows, (uint64) limit);
	StringInfoData answer;

	initStringInfo(&answer);
	appendStringInfoString(&answer, "{\"items\":[");
	for (uint64 row = 0; row < shown; row++)
	{
		bool isnull;
		text *item = DatumGetTextPP(necp_datum(row, 1, &isnull));

		if (row > 0)
			appendStringInfoChar(&answer, ',');
		appendBinaryStringInfo(&answer, VARDATA_ANY(item), (int) VARSIZE_ANY_EXHDR(item));
	}
	appendStringInfoString(&answer, "],\"next_cursor\":");
	if (rows > shown)
		appendStringInfo(&answer, INT64_FORMAT "}", necp_int8(shown - 1, 2));
	else
		appendStringInfoString(&answer, "null}");
	return PointerGetDatum(cstring_to_text_with_len(answer.data, answer.len));
}
