/* SPDX-License-Identifier: PostgreSQL */
#include "kernel/alias.h"

#include <math.h>

/* The sum of what may be drawn from; 0 where nothing may. */
static double
sum_of(const double *weights, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
	{
		if (!(weights[i] >= 0) || isinf(weights[i]))
			return 0;
		sum += weights[i];
	}
	return isinf(sum) ? 0 : sum;
}

static int
heaviest(const double *weights, int n)
{
	int best = 0;

	for (int i = 1; i < n; i++)
		if (weights[i] > weights[best])
			best = i;
	return best;
}

bool
necp_alias_build(NecpAlias *alias, const double *weights, int *scratch)
{
	int n = alias->n;
	double sum = sum_of(weights, n);
	int small = 0; /* a stack from the left: columns with room */
	int large = n; /* a stack from the right: columns with too much */
	int refuge;

	if (n <= 0 || sum <= 0)
		return false;
	refuge = heaviest(weights, n);
	for (int i = 0; i < n; i++)
	{
		alias->keep[i] = weights[i] / sum * n;
		alias->other[i] = i;
		if (alias->keep[i] < 1)
			scratch[small++] = i;
		else
			scratch[--large] = i;
	}
	while (small > 0 && large < n)
	{
		int poor = scratch[--small];
		int rich = scratch[large];

		alias->other[poor] = rich;
		alias->keep[rich] -= 1 - alias->keep[poor];
		if (alias->keep[rich] < 1)
		{
			large++;
			scratch[small++] = rich;
		}
	}
	/* Rounding leaves columns that are full but for a trace; one without weight must not keep it. */
	while (small > 0)
	{
		int left = scratch[--small];

		if (weights[left] > 0)
			alias->keep[left] = 1;
		else
			alias->other[left] = refuge;
	}
	while (large < n)
		alias->keep[scratch[large++]] = 1;
	return true;
}

int
necp_alias_draw(const NecpAlias *alias, double uniform)
{
	double point = uniform * alias->n;
	int column = (int) point;

	if (column >= alias->n)
		column = alias->n - 1;
	return point - column < alias->keep[column] ? column : alias->other[column];
}
