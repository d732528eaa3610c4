// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The time of a packet. It is the thread's CPU time: the wall's has in it that the
 * kernel waits, some 15 ms a call, before and after an XDP program; and the
 * duration that the kernel reports is in whole nanoseconds, and has in it what
 * other processes ran in between.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include "bench.h"
#include "timing.h"

int pin(void)
{
	int cpu = CPU_SETSIZE - 1; /* the first ones serve most interrupts */
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -1;
	while (cpu && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -1 : cpu;
}

static double cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

const char *time_runs(const struct timed *program, double *ns)
{
	static unsigned char output[FRAME_MOST];
	static char wrong[64];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = program->in->bytes,
		    .data_size_in = program->in->length, .data_out = output,
		    .data_size_out = sizeof(output), .repeat = BENCH_RUNS);
	double start = cpu_time();

	if (bpf_prog_test_run_opts(program->fd, &run))
		return strerror(errno);
	*ns = (cpu_time() - start) / BENCH_RUNS;
	if (run.retval != program->verdict) {
		snprintf(wrong, sizeof(wrong), "verdict %u, expected %u",
			 run.retval, program->verdict);
		return wrong;
	}
	if (run.data_size_out != program->out->length ||
	    memcmp(output, program->out->bytes, program->out->length) != 0)
		return "it made another frame";
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct figure figure_of(const double *x, int n)
{
	double sorted[n];

	memcpy(sorted, x, sizeof(sorted));
	qsort(sorted, n, sizeof(*sorted), by_size);
	return (struct figure){ (sorted[(n - 1) / 2] + sorted[n / 2]) / 2,
				sorted[0], sorted[n - 1] };
}
