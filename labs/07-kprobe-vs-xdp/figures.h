/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What several measurements of one thing come to. */
#ifndef FIGURES_H
#define FIGURES_H

enum { FIGURES_MOST = 1000 };

/* The measurements of one thing, in whatever unit. */
struct figures {
	int count;
	double values[FIGURES_MOST];
};

/* Half of all are from `low` to `high`: the quartiles. */
struct summary {
	double median, low, high;
};

/* Adds VALUE. Of more than FIGURES_MOST the rest is not kept. */
void add_figure(struct figures *figures, double value);

/* The summary of FIGURES, which this sorts; of none, all 0. */
struct summary summary_of(struct figures *figures);

#endif
