// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A histogram of times, drawn as bcc's tools draw theirs. */
#include <stdio.h>
#include "histogram.h"
#include "kprobe_vs_xdp.h"
#include "loader.h"

enum { WIDTH = 40 };

static void print_slot(int slot, __u64 n, __u64 most)
{
	unsigned long long low = slot ? 1ULL << slot : 0;
	int stars = (int)(n * WIDTH / most);

	printf("%10llu -> %-10llu : %-8llu |%.*s%*s|\n", low,
	       (2ULL << slot) - 1, n, stars,
	       "****************************************", WIDTH - stars, "");
}

void print_histogram(const char *title, int map_fd)
{
	__u64 counts[HISTOGRAM_SLOTS], most = 0;
	int first = HISTOGRAM_SLOTS, last = -1;

	for (int slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
		counts[slot] = sum_counters(map_fd, slot);
		if (!counts[slot])
			continue;
		first = slot < first ? slot : first;
		last = slot;
		most = counts[slot] > most ? counts[slot] : most;
	}
	if (last >= 0)
		printf("\n%10s    %-10s : %-8s by %s\n", "ns", "", "count",
		       title);
	for (int slot = first; slot <= last; slot++)
		print_slot(slot, counts[slot], most);
}
