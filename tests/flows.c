// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * flows IFACE PROGRAM FRAME FIELD FIRST N: runs a pinned XDP program on N frames that
 * differ from FRAME, a file of raw bytes that arrives on that interface, in one field:
 * `port`, the source port, or `word0` to `word3`, that word of the source address (an
 * IPv4 address is word0). From frame to frame it is one more, beginning with FIRST.
 * Prints a line `VALUE VERDICT ADDRESS PORT` for each: where it is bound now.
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <bpf/bpf.h>

enum { MOST = 2048, ETHERNET = 14 };

/* Where in the frames the fields are; their IP headers have no options. */
struct layout {
	int family, source, destination, ports;
};

static const struct layout ipv4 = { AF_INET, 26, 30, 34 };
static const struct layout ipv6 = { AF_INET6, 22, 38, 54 };

static const struct layout *layout_of(const char *frame)
{
	return frame[ETHERNET] >> 4 == 4 ? &ipv4 : &ipv6;
}

static void set_field(char *frame, const char *field, __u32 value)
{
	const struct layout *l = layout_of(frame);
	__be16 port = htons(value);
	__be32 word = htonl(value);

	if (!strcmp(field, "port"))
		memcpy(frame + l->ports, &port, sizeof(port));
	else if (!strncmp(field, "word", 4))
		memcpy(frame + l->source + 4 * (field[4] - '0'), &word,
		       sizeof(word));
	else
		error(2, 0, "no field %s", field);
}

static void print_destination(const char *frame)
{
	const struct layout *l = layout_of(frame);
	char text[INET6_ADDRSTRLEN];
	__be16 port;

	memcpy(&port, frame + l->ports + 2, sizeof(port));
	printf(" %s %u\n",
	       inet_ntop(l->family, frame + l->destination, text, sizeof(text)),
	       ntohs(port));
}

int main(int argc, char **argv)
{
	char in[MOST], out[MOST];
	struct xdp_md md = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in, .data_out = out,
		    .ctx_in = &md, .ctx_size_in = sizeof(md));
	FILE *file;
	int program;
	__u32 first;

	if (argc != 7)
		error(2, 0, "usage: flows IFACE PROGRAM FRAME FIELD FIRST N");
	md.ingress_ifindex = if_nametoindex(argv[1]);
	program = bpf_obj_get(argv[2]);
	file = fopen(argv[3], "r");
	if (!md.ingress_ifindex || program < 0 || !file)
		error(EXIT_FAILURE, errno, "%s, %s, %s", argv[1], argv[2],
		      argv[3]);
	run.data_size_in = fread(in, 1, sizeof(in), file);
	md.data_end = run.data_size_in;
	first = strtoul(argv[5], NULL, 0);
	for (__u32 i = 0; i < strtoul(argv[6], NULL, 0); i++) {
		set_field(in, argv[4], first + i);
		run.data_size_out = sizeof(out);
		if (bpf_prog_test_run_opts(program, &run))
			error(EXIT_FAILURE, errno, "run the program");
		printf("%u %u", first + i, run.retval);
		print_destination(out);
	}
	return EXIT_SUCCESS;
}
