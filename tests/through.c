// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * through [-c | -x IFACE] PROGRAM FOLDER FRAME…: runs a pinned tc or XDP program on each
 * frame, a file of raw bytes, and writes what it made of it to FOLDER, under the same
 * name. Prints a line `FRAME VERDICT MARK PRIORITY OFFSET…` for each, in decimal: where
 * the bytes are that are others now. (One that is there only now, or not any more, is
 * another.) Mark and priority are 0 at XDP.
 *
 * With -c a packet comes to tc as from a card that has summed it up, and it is an error,
 * EBADMSG, if that sum is not that of the packet any more. With -x it comes to XDP from
 * that interface.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
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

/* Runs PROGRAM as RUN says, and writes and prints what became of FRAME. */
static void run(int program, struct bpf_test_run_opts *run,
		const struct __sk_buff *skb, const char *folder,
		const char *frame)
{
	char path[FILENAME_MAX];
	FILE *to = open_or_die(under(folder, frame, path), "w");

	if (bpf_prog_test_run_opts(program, run))
		error(EXIT_FAILURE, errno, "%s: run the program", frame);
	fwrite(run->data_out, 1, run->data_size_out, to);
	if (fclose(to))
		error(EXIT_FAILURE, errno, "%s", path);
	printf("%s %d %u %u", strrchr(path, '/') + 1, (int)run->retval,
	       skb->mark, skb->priority);
	print_changes(run->data_in, run->data_size_in, run->data_out,
		      run->data_size_out);
}

/* Reads FRAME into BYTES, of MOST bytes; returns how many there are. */
static size_t read_frame(const char *frame, char *bytes)
{
	FILE *from = open_or_die(frame, "r");
	size_t length = fread(bytes, 1, MOST, from);

	fclose(from);
	return length;
}

static void run_tc(int program, int flags, const char *folder,
		   const char *frame)
{
	char in[MOST], out[2 * MOST];
	struct __sk_buff skb = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_out = out,
		    .data_size_in = read_frame(frame, in),
		    .data_size_out = sizeof(out), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .ctx_out = &skb,
		    .ctx_size_out = sizeof(skb), .flags = flags);

	run(program, &opts, &skb, folder, frame);
}

static void run_xdp(int program, int ifindex, const char *folder,
		    const char *frame)
{
	char in[MOST], out[2 * MOST];
	const struct __sk_buff none = {};
	struct xdp_md md = { .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_out = out,
		    .data_size_in = read_frame(frame, in),
		    .data_size_out = sizeof(out), .ctx_in = &md,
		    .ctx_size_in = sizeof(md));

	md.data_end = opts.data_size_in;
	run(program, &opts, &none, folder, frame);
}

static bool is_xdp(int program)
{
	struct bpf_prog_info info = {};
	unsigned int size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &size))
		error(EXIT_FAILURE, errno, "ask what the program is");
	return info.type == BPF_PROG_TYPE_XDP;
}

/* The number of an interface. */
static int number_of(const char *interface)
{
	int ifindex = if_nametoindex(interface);

	if (!ifindex)
		error(EXIT_FAILURE, errno, "%s", interface);
	return ifindex;
}

int main(int argc, char **argv)
{
	int flags = 0, ifindex = 0, option, program;
	bool xdp;

	while ((option = getopt(argc, argv, "cx:")) != -1)
		if (option == 'c')
			flags = CARD_SUM;
		else if (option == 'x')
			ifindex = number_of(optarg);
	argv += optind;
	if (argc - optind < 3)
		error(2, 0,
		      "usage: through [-c | -x IFACE] PROGRAM FOLDER "
		      "FRAME…");
	program = bpf_obj_get(argv[0]);
	if (program < 0)
		error(EXIT_FAILURE, errno, "%s", argv[0]);
	xdp = is_xdp(program);
	if (xdp ? flags : ifindex)
		error(2, 0, "%s: -c is for tc, -x for XDP", argv[0]);
	for (int i = 2; argv[i]; i++)
		if (xdp)
			run_xdp(program, ifindex, argv[1], argv[i]);
		else
			run_tc(program, flags, argv[1], argv[i]);
	return EXIT_SUCCESS;
}
