// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * early [now]: ends while a second of CLOCK_MONOTONIC, the clock of BPF programs, is
 * young, and waits for the next one to begin if need be; with `now` it never waits.
 * Prints which second it is. (/proc/uptime is another clock: on a machine that has
 * slept its seconds begin at other times.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define YOUNG 100000000 /* ns */

int main(int argc, char **argv)
{
	struct timespec t;

	(void)argv;
	clock_gettime(CLOCK_MONOTONIC, &t);
	if (argc == 1 && t.tv_nsec >= YOUNG) {
		t.tv_sec++;
		t.tv_nsec = 10000000; /* it has ticks of up to 10 ms in BPF */
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t,
				       NULL))
			;
	}
	printf("%lld\n", (long long)t.tv_sec);
	return EXIT_SUCCESS;
}
