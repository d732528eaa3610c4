// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cuts PROGRAM MAP KEY FRAME…: runs a pinned XDP program on each frame, a file of
 * raw bytes, cut at every length from 14, which is the least that the kernel runs
 * one on. Prints a line `FRAME LENGTH VERDICT COUNTED` for each cut that does not
 * pass, or that the program does not count once under KEY in its per-CPU array.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

enum {
	LEAST = 14,
	MOST = 2048,
};

static int die(const char *what)
{
	fprintf(stderr, "cuts: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

/* The counter at KEY, over all CPUs. */
static __u64 count(int map, __u32 key)
{
	int cpus = libbpf_num_possible_cpus();
	__u64 counters[cpus > 0 ? cpus : 1], sum = 0;

	if (bpf_map_lookup_elem(map, &key, counters))
		return 0;
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += counters[cpu];
	return sum;
}

static int cut(int program, int map, __u32 key, const char *path)
{
	char frame[MOST];
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file)
		return die(path);
	size = fread(frame, 1, sizeof(frame), file);
	fclose(file);
	for (size_t length = LEAST; length < size; length++) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame,
			    .data_size_in = length);

		__u64 counted = count(map, key);

		if (bpf_prog_test_run_opts(program, &run))
			return die(path);
		counted = count(map, key) - counted;
		if (run.retval != XDP_PASS || counted != 1)
			printf("%s %zu %u %llu\n", path, length, run.retval,
			       counted);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int program, map;

	if (argc < 5)
		return fprintf(stderr, "usage: cuts PROGRAM MAP KEY FRAME…\n"),
		       2;
	program = bpf_obj_get(argv[1]);
	map = bpf_obj_get(argv[2]);
	if (program < 0 || map < 0)
		return die(program < 0 ? argv[1] : argv[2]);
	for (int i = 4; i < argc; i++)
		if (cut(program, map, atoi(argv[3]), argv[i]))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
