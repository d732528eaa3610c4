/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the data plane has counted, over all CPUs. */
#ifndef COUNTS_H
#define COUNTS_H

#include "maps.h"

/*
 * The value at KEY of the per-CPU array of struct maps_count that MAP_FD refers
 * to, summed over all possible CPUs; zeroes if it cannot be read.
 */
struct maps_count sum_counts(int map_fd, __u32 key);

/* All packets so far, whatever became of them, of the map `verdicts`. */
__u64 all_packets(int verdicts_fd);

#endif
