/* SPDX-License-Identifier: PostgreSQL
 *
 * Answers that are lists: {"items": […], "next_cursor": …}.
 */
#ifndef NECP_KERNEL_LIST_H
#define NECP_KERNEL_LIST_H

#include "kernel/spi.h"

/*
 * The plan returns (item json, cursor bigint), one row more than limit where there is more. The
 * cursor of the answer is that of its last item, null at the end.
 */
#define necp_list(plan, limit, ...) necp_list_args((plan), (limit), (Datum[]){__VA_ARGS__})
extern Datum necp_list_args(NecpPlan *plan, int32 limit, Datum *args);

#endif
