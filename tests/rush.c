// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * rush PROGRAM TIMES: runs a pinned program of a sys_enter tracepoint TIMES on
 * each of two CPUs at once: attached, besides, to a system call that hardly
 * anybody makes, which two threads then make. Real execs would be slower, and
 * be seen by the programs of tests that run beside this one.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <linux/perf_event.h>
#include <bpf/bpf.h>

#define TRACEPOINT                                                             \
	"/sys/kernel/tracing/events/syscalls/sys_enter_sched_get_priority_max"

static int times;
static atomic_int ready;

static void *run(void *unused)
{
	ready++;
	while (ready < 2)
		;
	for (int i = 0; i < times; i++)
		syscall(SYS_sched_get_priority_max, "rush");
	return unused;
}

static int attach(int prog)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.size = sizeof(attr) };
	FILE *file = fopen(TRACEPOINT "/id", "r");
	int event;

	if (!file || fscanf(file, "%llu", &attr.config) != 1)
		return -1;
	fclose(file);
	event = syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
	return event < 0 ? -1 : ioctl(event, PERF_EVENT_IOC_SET_BPF, prog);
}

int main(int argc, char **argv)
{
	pthread_t other;

	if (argc != 3) {
		fprintf(stderr, "usage: rush PROGRAM TIMES\n");
		return 2;
	}
	times = atoi(argv[2]);
	if (attach(bpf_obj_get(argv[1])) ||
	    pthread_create(&other, NULL, run, NULL)) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	run(NULL);
	pthread_join(other, NULL);
	return EXIT_SUCCESS;
}
