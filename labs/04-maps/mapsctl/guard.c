// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * guard: watches how many packets a second arrive, and has sources limited while
 * these are too many. What it knows is in the maps, so that a new one goes on
 * where an old one was killed. The limit is the guard's meanwhile: one that it
 * finds is one to lift.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "counts.h"
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

/*
 * The packets a second since the last call, of the data plane that there is now;
 * less than 0: none can be asked.
 */
static double rate(void)
{
	static __u64 packets_then;
	static double then;
	int fd = pinned_map("verdicts");
	double t = now(), pps;
	__u64 packets;

	if (fd < 0)
		return -1;
	packets = all_packets(fd);
	close(fd);
	if (packets < packets_then)
		packets_then = 0; /* a new one, which has counted from 0 */
	pps = (packets - packets_then) / (t - then);
	packets_then = packets;
	then = t;
	return pps;
}

/* Turns the limit on or off, if the rate of the last half second asks for it. */
static int judge(void)
{
	double pps = rate();
	int limited = is_limited();
	bool attack = pps >= (limited ? options.off : options.on);

	if (pps < 0 || limited < 0)
		return EXIT_FAILURE;
	if (attack == limited)
		return EXIT_SUCCESS;
	printf("%.0f packets a second: the limit is %s\n", pps,
	       attack ? "on" : "off");
	return set_limit(attack ? options.limit : 0, options.limit);
}

int guard(int count, char **words)
{
	int limited = is_limited();

	if (limited < 0 || rate() < 0)
		return EXIT_FAILURE;
	say_ready();
	if (limited)
		printf("the limit is on already\n");
	while (wait_for(-1, 500))
		if (!data_plane_runs() || judge())
			return EXIT_FAILURE;
	return is_limited() ? set_limit(0, 0) : EXIT_SUCCESS;
}
