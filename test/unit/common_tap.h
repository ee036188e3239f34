/* SPDX-License-Identifier: PostgreSQL
 *
 * TAP for the unit tests of common/ and edge/, and results as the database would give them.
 */
#ifndef NECP_COMMON_TAP_H
#define NECP_COMMON_TAP_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failed;

static inline void
ok(bool passed, const char *name)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tap_count, name);
	if (!passed)
		tap_failed++;
}

static inline void
is(const char *got, const char *expected, const char *name)
{
	bool same = (got == NULL) == (expected == NULL) && (got == NULL || strcmp(got, expected) == 0);

	ok(same, name);
	if (!same)
		printf("# got      %s\n# expected %s\n",
			   got ? got : "(null)",
			   expected ? expected : "(null)");
}

static inline int
done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}

/* A result of text columns; cells row by row, NULL for SQL NULL. */
static inline PGresult *
make_result(int columns, int rows, const char *const *cells)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc *attributes = calloc((size_t) columns, sizeof(PGresAttDesc));

	for (int i = 0; i < columns; i++)
	{
		attributes[i].name = (char *) "c";
		attributes[i].typid = 25;
	}
	PQsetResultAttrs(result, columns, attributes);
	for (int i = 0; i < rows * columns; i++)
		PQsetvalue(result,
				   i / columns,
				   i % columns,
				   (char *) cells[i],
				   cells[i] ? (int) strlen(cells[i]) : -1);
	free(attributes);
	return result;
}

#endif
