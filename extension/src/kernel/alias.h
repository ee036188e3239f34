/* SPDX-License-Identifier: PostgreSQL
 *
 * Draws from a fixed discrete distribution in constant time (Walker's alias method, built as Vose
 * does). Plain C without a backend, so that it can be tested by itself.
 */
#ifndef NECP_KERNEL_ALIAS_H
#define NECP_KERNEL_ALIAS_H

#include <stdbool.h>

typedef struct NecpAlias
{
	int n;
	double *keep; /* n: probability to stay in the column that was hit */
	int *other;   /* n: where to go otherwise; both are the caller's memory */
} NecpAlias;

/*
 * Fills keep and other for n weights; scratch: n ints. False, with nothing filled, where there is
 * nothing to draw: no weight, all of them zero, one negative, infinite or no number, or a sum that is
 * infinite.
 */
extern bool necp_alias_build(NecpAlias *alias, const double *weights, int *scratch);

/* The index that a uniform number in [0, 1) stands for; one of weight 0 never comes. */
extern int necp_alias_draw(const NecpAlias *alias, double uniform);

#endif
