/* SPDX-License-Identifier: PostgreSQL
 *
 * Alias tables: each weight gets its share exactly, whatever the weights; nothing is built of what
 * has no share.
 */
#include "kernel/alias.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common_tap.h"

#define MAX 1000

static double keep[MAX];
static int other[MAX];
static int scratch[MAX];

static bool
build(NecpAlias *alias, const double *weights, int n)
{
	*alias = (NecpAlias){.n = n, .keep = keep, .other = other};
	return necp_alias_build(alias, weights, scratch);
}

/* The largest difference between what an index gets of the table and what its weight asks for. */
static double
error_of(const double *weights, int n)
{
	NecpAlias alias;
	double share[MAX] = {0};
	double sum = 0;
	double worst = 0;

	if (!build(&alias, weights, n))
		return INFINITY;
	for (int i = 0; i < n; i++)
	{
		sum += weights[i];
		if (keep[i] < -1e-12 || keep[i] > 1 + 1e-12 || other[i] < 0 || other[i] >= n)
			return INFINITY;
		share[i] += keep[i] / n;
		share[other[i]] += (1 - keep[i]) / n;
	}
	for (int i = 0; i < n; i++)
		worst = fmax(worst, fabs(share[i] - weights[i] / sum));
	return worst;
}

static bool
ever(const double *weights, int n, int index)
{
	NecpAlias alias;

	if (!build(&alias, weights, n))
		return false;
	for (int i = 0; i < 100000; i++)
		if (necp_alias_draw(&alias, i / 100000.0) == index)
			return true;
	return necp_alias_draw(&alias, nextafter(1, 0)) == index;
}

static void
shares(void)
{
	double many[MAX];
	double steep[MAX];

	ok(error_of((double[]){5}, 1) < 1e-12, "one weight");
	ok(error_of((double[]){1, 1, 1}, 3) < 1e-12, "equal weights");
	ok(error_of((double[]){60, 25, 12, 2.5, 0.5}, 5) < 1e-12, "rarities");
	ok(error_of((double[]){0, 0, 3, 0}, 4) < 1e-12, "one among zeros");
	ok(error_of((double[]){1e-300, 1e300}, 2) < 1e-12, "far apart");
	ok(error_of((double[]){1e-300, 2e-300, 3e-300}, 3) < 1e-12, "all of them tiny");
	ok(error_of((double[]){DBL_MIN, DBL_MIN}, 2) < 1e-12, "the smallest");
	for (int i = 0; i < MAX; i++)
	{
		many[i] = 0.1;
		steep[i] = i;
	}
	ok(error_of(many, MAX) < 1e-12, "a thousand tenths, which do not add up exactly");
	ok(error_of(steep, MAX) < 1e-12, "a slope");
	ok(error_of((double[]){1, 3}, 2) < 1e-12 && fabs(keep[0] - 0.5) < 1e-12, "the table itself");
}

static void
refusals(void)
{
	NecpAlias alias;

	keep[0] = 42;
	ok(!build(&alias, NULL, 0), "no weights");
	ok(!build(&alias, (double[]){0, 0}, 2), "zeros");
	ok(!build(&alias, (double[]){1, -1e-9}, 2), "a negative one");
	ok(!build(&alias, (double[]){1, NAN}, 2), "no number");
	ok(!build(&alias, (double[]){INFINITY}, 1), "infinity");
	ok(!build(&alias, (double[]){DBL_MAX, DBL_MAX}, 2), "a sum that is infinite");
	ok(keep[0] == 42, "leave the table as it was");
}

int
main(void)
{
	double zeros[MAX] = {0};

	shares();
	refusals();
	ok(!ever((double[]){1, 0, 1}, 3, 1), "what has no weight never comes");
	for (int i = 0; i < MAX; i += 3)
		zeros[i] = 0.1;
	ok(!ever(zeros, MAX, 1) && !ever(zeros, MAX, MAX - 2), "among many, too");
	ok(ever((double[]){1, 0, 1}, 3, 0) && ever((double[]){1, 0, 1}, 3, 2), "the others do");
	return done_testing();
}
