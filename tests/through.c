// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * through [-c] PROGRAM FOLDER FRAME…: runs a pinned tc program on each frame, a file of
 * raw bytes, and writes what it made of it to FOLDER, under the same name. Prints a
 * line `FRAME VERDICT MARK PRIORITY OFFSET…` for each, in decimal: where the bytes are
 * that are others now. (One that is there only now, or not any more, is another.)
 * With -c the packet comes as from a card that has summed it up, and it is an error,
 * EBADMSG, if that sum is not that of the packet any more.
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

enum { MOST = 4096 };

/* BPF_F_TEST_SKB_CHECKSUM_COMPLETE; older headers do not have it. */
#define CARD_SUM (1 << 2)

/* Puts the name of FRAME in FOLDER into PATH. */
static const char *under(const char *folder, const char *frame, char *path)
{
	const char *slash = strrchr(frame, '/');

	snprintf(path, FILENAME_MAX, "%s/%s", folder,
		 slash ? slash + 1 : frame);
	return path;
}

static FILE *open_or_die(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file)
		error(EXIT_FAILURE, errno, "%s", path);
	return file;
}

static void print_changes(const char *old, size_t old_length, const char *new,
			  size_t new_length)
{
	size_t most = old_length > new_length ? old_length : new_length;

	for (size_t i = 0; i < most; i++)
		if (i >= old_length || i >= new_length || old[i] != new[i])
			printf(" %zu", i);
	putchar('\n');
}

static void run(int program, int flags, const char *folder, const char *frame)
{
	char in[MOST], out[2 * MOST], path[FILENAME_MAX];
	FILE *from = open_or_die(frame, "r");
	struct __sk_buff skb = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .ctx_out = &skb,
		    .ctx_size_out = sizeof(skb), .flags = flags,
		    .data_size_in = fread(in, 1, sizeof(in), from));
	FILE *to = open_or_die(under(folder, frame, path), "w");

	fclose(from);
	if (bpf_prog_test_run_opts(program, &run))
		error(EXIT_FAILURE, errno, "%s: run the program", frame);
	fwrite(out, 1, run.data_size_out, to);
	if (fclose(to))
		error(EXIT_FAILURE, errno, "%s", path);
	printf("%s %d %u %u", strrchr(path, '/') + 1, (int)run.retval, skb.mark,
	       skb.priority);
	print_changes(in, run.data_size_in, out, run.data_size_out);
}

int main(int argc, char **argv)
{
	int flags = argc > 1 && !strcmp(argv[1], "-c") ? CARD_SUM : 0;
	int first = flags ? 2 : 1, program;

	if (argc < first + 3)
		error(2, 0, "usage: through [-c] PROGRAM FOLDER FRAME…");
	program = bpf_obj_get(argv[first]);
	if (program < 0)
		error(EXIT_FAILURE, errno, "%s", argv[first]);
	for (int i = first + 2; i < argc; i++)
		run(program, flags, argv[first + 1], argv[i]);
	return EXIT_SUCCESS;
}
