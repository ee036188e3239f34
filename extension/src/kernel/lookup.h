/* SPDX-License-Identifier: PostgreSQL
 *
 * A row by its key, read past the executor. Starting a statement costs several times what finding
 * one row does; a read that every client repeats does not have to pay it. Rules that join, filter or
 * lock use kept plans.
 */
#ifndef NECP_KERNEL_LOOKUP_H
#define NECP_KERNEL_LOOKUP_H

#include "postgres.h"

#include "access/attnum.h"
#include "catalog/pg_type_d.h"

#define NECP_LOOKUP_COLUMNS 24

typedef struct NecpColumn
{
	const char *name;
	Oid type;
} NecpColumn;

typedef struct NecpLookup
{
	const char *table; /* in schema game, not partitioned */
	const char *index; /* unique, over one column */
	NecpColumn columns[NECP_LOOKUP_COLUMNS];
	/* found at the first call, and again after a change of the table */
	bool found;
	Oid table_oid;
	Oid index_oid;
	AttrNumber attributes[NECP_LOOKUP_COLUMNS];
	struct NecpLookup *next;
} NecpLookup;

/*
 * Reads the columns of the row with that key as the statement that runs next would see it, with what
 * this transaction wrote. False without such a row. Values that are references live in the caller's
 * memory context; NULL reads as 0 with its flag set.
 */
extern bool necp_lookup(NecpLookup *lookup, Datum key, Datum *values, bool *nulls);

#endif
