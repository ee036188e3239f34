/* SPDX-License-Identifier: PostgreSQL
 *
 * The JSON document of a view type, for rules that hold its values already. As to_json() of a row of
 * that type, without asking the catalog about each column.
 */
#ifndef NECP_KERNEL_VIEW_H
#define NECP_KERNEL_VIEW_H

#include "postgres.h"

/*
 * type: a composite type in schema necp; values and nulls: its columns in their order. Returns a
 * Datum of type json in the caller's memory context.
 */
extern Datum necp_view(const char *type, const Datum *values, const bool *nulls);

#endif
