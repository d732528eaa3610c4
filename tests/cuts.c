// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cuts PROGRAM FRAME…: runs a pinned XDP program on each frame, a file of raw
 * bytes, cut at every length from 14, which is the least that the kernel runs
 * one on. Prints a line `FRAME LENGTH VERDICT` for each cut that does not pass.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
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

static int cut(int program, const char *path)
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

		if (bpf_prog_test_run_opts(program, &run))
			return die(path);
		if (run.retval != XDP_PASS)
			printf("%s %zu %u\n", path, length, run.retval);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int program;

	if (argc < 3)
		return fprintf(stderr, "usage: cuts PROGRAM FRAME…\n"), 2;
	program = bpf_obj_get(argv[1]);
	if (program < 0)
		return die(argv[1]);
	for (int i = 2; i < argc; i++)
		if (cut(program, argv[i]))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
