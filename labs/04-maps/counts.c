// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the data plane has counted, over all CPUs. */
#include "counts.h"
#include "loader.h"

struct maps_count sum_counts(int map_fd, __u32 key)
{
	__u64 sums[2];

	sum_values(map_fd, key, sums, 2);
	return (struct maps_count){ .packets = sums[0], .bytes = sums[1] };
}

__u64 all_packets(int verdicts_fd)
{
	__u64 sum = 0;

	for (__u32 verdict = 0; verdict < MAPS_VERDICTS; verdict++)
		sum += sum_counts(verdicts_fd, verdict).packets;
	return sum;
}
