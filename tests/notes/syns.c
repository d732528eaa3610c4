// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * syns PROGRAM FRAME: for each line `ADDRESS PORT` of stdin it runs a pinned program
 * on FRAME, a file of raw bytes, TCP over IPv4, made to come from that client: a line
 * `VERDICT DESTINATION` on stdout says what came of it. (Checksums stay as they are
 * in FRAME.)
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <bpf/bpf.h>

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static void run(int program, struct frame *frame)
{
	char to[INET_ADDRSTRLEN];
	struct frame out;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame,
		    .data_size_in = sizeof(*frame), .data_out = &out,
		    .data_size_out = sizeof(out));

	if (bpf_prog_test_run_opts(program, &run))
		error(EXIT_FAILURE, errno, "run the program");
	inet_ntop(AF_INET, &out.ip.daddr, to, sizeof(to));
	printf("%u %s\n", run.retval, to);
}

int main(int argc, char **argv)
{
	char from[INET_ADDRSTRLEN];
	struct frame frame;
	struct in_addr address;
	unsigned int port;
	int program;
	FILE *file;

	if (argc != 3)
		error(2, 0, "usage: syns PROGRAM FRAME");
	program = bpf_obj_get(argv[1]);
	if (program < 0)
		error(EXIT_FAILURE, errno, "%s", argv[1]);
	file = fopen(argv[2], "r");
	if (!file || fread(&frame, sizeof(frame), 1, file) != 1)
		error(EXIT_FAILURE, errno, "%s", argv[2]);

	while (scanf("%15s %u", from, &port) == 2) {
		if (!inet_aton(from, &address))
			error(EXIT_FAILURE, 0, "%s: no address", from);
		frame.ip.saddr = address.s_addr;
		frame.tcp.source = htons(port);
		run(program, &frame);
	}
	return EXIT_SUCCESS;
}
