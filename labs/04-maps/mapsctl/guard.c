// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * limit: the limit of each source. guard: watches how many packets a second
 * arrive, and has sources limited while these are too many.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "maps.h"
#include "mapsctl.h"
#include "pins.h"

#define SECOND 1000000000ULL

int set_limit(int settings_fd, __u32 pps, __u32 burst)
{
	struct maps_settings settings = {};
	__u32 zero = 0;

	if (pps) {
		settings.interval = SECOND / pps;
		settings.burst = settings.interval * burst;
	}
	if (bpf_map_update_elem(settings_fd, &zero, &settings, BPF_ANY))
		return fail("set the limit: %s", strerror(errno));
	return EXIT_SUCCESS;
}

int limit(int count, char **words)
{
	long long pps = number("limit", words[0], 0, 1000000000), burst = pps;
	int fd, status;

	if (pps < 0)
		return 2;
	if (count > 1)
		burst = number("burst", words[1], 1, 1000000000);
	if (burst < 0)
		return 2;
	fd = pinned_map("settings");
	if (fd < 0)
		return EXIT_FAILURE;
	status = set_limit(fd, pps, burst);
	close(fd);
	if (!status && pps)
		printf("each source: %lld packets a second, %lld at once\n",
		       pps, burst);
	else if (!status)
		printf("no limit\n");
	return status;
}

/* All packets so far, whatever became of them. */
static __u64 arrived(int verdicts_fd)
{
	__u64 sum = 0;

	for (__u32 verdict = 0; verdict < MAPS_VERDICTS; verdict++)
		sum += count_of(verdicts_fd, verdict).packets;
	return sum;
}

/* Turns the limit on or off as the packets of each second ask for. */
static int watch_over(int verdicts_fd, int settings_fd)
{
	__u64 before = arrived(verdicts_fd);
	bool limited = false;

	while (wait_for(-1, 1000)) {
		__u64 now = arrived(verdicts_fd), pps = now - before;
		bool attack = limited ? pps > options.off : pps >= options.on;

		before = now;
		if (attack == limited)
			continue;
		limited = attack;
		if (set_limit(settings_fd, limited ? options.limit : 0,
			      options.limit))
			return EXIT_FAILURE;
		printf("%llu packets a second: the limit is %s\n", pps,
		       limited ? "on" : "off");
	}
	return limited ? set_limit(settings_fd, 0, 0) : EXIT_SUCCESS;
}

int guard(int count, char **words)
{
	int verdicts = pinned_map("verdicts"), settings, status;

	if (verdicts < 0)
		return EXIT_FAILURE;
	settings = pinned_map("settings");
	if (settings < 0)
		return EXIT_FAILURE;
	say_ready();
	status = watch_over(verdicts, settings);
	close(verdicts);
	close(settings);
	return status;
}
