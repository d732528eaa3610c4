// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * guard: watches how many packets a second arrive, and has sources limited while
 * these are too many. What it knows is in the maps, so that a new one goes on
 * where an old one was killed: a limit that it finds is one to lift.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "loader.h"
#include "mapsctl.h"
#include "pins.h"

/* Now, in seconds. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* All packets so far, whatever became of them. */
static __u64 arrived(int verdicts_fd)
{
	__u64 sum = 0;

	for (__u32 verdict = 0; verdict < MAPS_VERDICTS; verdict++)
		sum += sum_counts(verdicts_fd, verdict).packets;
	return sum;
}

/* The packets a second since the last call. */
static double rate(int verdicts_fd)
{
	static __u64 packets_then;
	static double then;
	__u64 packets = arrived(verdicts_fd);
	double t = now(), pps = (packets - packets_then) / (t - then);

	packets_then = packets;
	then = t;
	return pps;
}

/* Turns the limit on and off, as the rate of each half second asks for. */
static int watch_over(int verdicts_fd, bool limited)
{
	rate(verdicts_fd);
	while (wait_for(-1, 500)) {
		double pps = rate(verdicts_fd);
		bool attack = pps >= (limited ? options.off : options.on);

		if (!data_plane_runs())
			return EXIT_FAILURE;
		if (attack == limited)
			continue;
		limited = attack;
		if (set_limit(limited ? options.limit : 0, options.limit))
			return EXIT_FAILURE;
		printf("%.0f packets a second: the limit is %s\n", pps,
		       limited ? "on" : "off");
	}
	return limited ? set_limit(0, 0) : EXIT_SUCCESS;
}

int guard(int count, char **words)
{
	int verdicts_fd = pinned_map("verdicts"), limited = is_limited(),
	    status;

	if (verdicts_fd < 0 || limited < 0)
		return EXIT_FAILURE;
	say_ready();
	if (limited)
		printf("the limit is on already\n");
	status = watch_over(verdicts_fd, limited);
	close(verdicts_fd);
	return status;
}
