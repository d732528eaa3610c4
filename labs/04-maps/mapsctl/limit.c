// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* limit: how much each source may send. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "maps.h"
#include "mapsctl.h"
#include "pins.h"

#define SECOND 1000000000ULL

/*
 * How many packets at PPS a second come between two ticks of the clock that the
 * data plane reads. A bucket must hold as many, or it runs over at each tick.
 */
static __u32 least_burst(__u32 pps)
{
	struct timespec tick = {};

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return 1 + pps * (__u64)tick.tv_nsec / SECOND;
}

/* All buckets are full again: how far one was emptied was so by another limit. */
static void forget_sources(void)
{
	int fd = pinned_map("sources");
	struct maps_source source;

	/* But not for ever, in a flood of new ones. */
	for (int i = 0; fd >= 0 && i < 1 << 16; i++)
		if (bpf_map_get_next_key(fd, NULL, &source) ||
		    (bpf_map_delete_elem(fd, &source) && errno != ENOENT))
			break;
	if (fd >= 0)
		close(fd);
}

int set_limit(__u32 pps, __u32 burst)
{
	struct maps_settings settings = {};
	int fd = pinned_map("settings"), status = EXIT_SUCCESS;
	__u32 zero = 0;

	if (fd < 0)
		return EXIT_FAILURE;
	if (pps) {
		settings.interval = SECOND / pps;
		settings.burst = settings.interval * burst;
	}
	if (bpf_map_update_elem(fd, &zero, &settings, BPF_ANY))
		status = fail("set the limit: %s", strerror(errno));
	close(fd);
	forget_sources();
	return status;
}

int is_limited(void)
{
	struct maps_settings settings;
	int fd = pinned_map("settings"), limited = -1;
	__u32 zero = 0;

	if (fd < 0)
		return -1;
	if (bpf_map_lookup_elem(fd, &zero, &settings))
		fail("read the limit: %s", strerror(errno));
	else
		limited = settings.interval != 0;
	close(fd);
	return limited;
}

int limit(int count, char **words)
{
	long long pps = number("limit", words[0], 0, PPS_MAX), burst = pps;

	if (pps < 0)
		return EXIT_USAGE;
	if (count > 1)
		burst = number("burst", words[1], 1, PPS_MAX);
	if (burst < 0)
		return EXIT_USAGE;
	if (pps && burst < least_burst(pps)) {
		printf("a burst of %lld is raised: more than that come between "
		       "two ticks of the clock\n",
		       burst);
		burst = least_burst(pps);
	}
	if (set_limit(pps, burst))
		return EXIT_FAILURE;
	if (pps)
		printf("each source: %lld packets a second, %lld at once\n",
		       pps, burst);
	else
		printf("no limit\n");
	return EXIT_SUCCESS;
}
