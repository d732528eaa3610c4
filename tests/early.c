// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * early: ends while a second of CLOCK_MONOTONIC, the clock of BPF programs, is young,
 * and waits for the next one to begin if need be. (/proc/uptime is another clock: on
 * a machine that has slept its seconds begin at other times.)
 */
#include <stdlib.h>
#include <time.h>

#define YOUNG 300000000 /* ns */

int main(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (t.tv_nsec < YOUNG)
		return EXIT_SUCCESS;
	t.tv_sec++;
	t.tv_nsec = 10000000; /* that clock has ticks of up to 10 ms in BPF */
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
	return EXIT_SUCCESS;
}
