// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What several measurements of one thing come to. */
#include <stdlib.h>
#include "figures.h"

void add_figure(struct figures *figures, double value)
{
	if (figures->count < FIGURES_MOST)
		figures->values[figures->count++] = value;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value that the share PART of all is below; between two of them, in proportion. */
static double quantile(const struct figures *sorted, double part)
{
	double place = part * (sorted->count - 1);
	int below = (int)place;
	int above = below + 1 < sorted->count ? below + 1 : below;

	return sorted->values[below] +
	       (place - below) *
		       (sorted->values[above] - sorted->values[below]);
}

struct summary summary_of(struct figures *figures)
{
	if (!figures->count)
		return (struct summary){};
	qsort(figures->values, figures->count, sizeof(double), by_size);
	return (struct summary){ .median = quantile(figures, 0.5),
				 .low = quantile(figures, 0.25),
				 .high = quantile(figures, 0.75) };
}
