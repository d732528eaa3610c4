// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * flood IFACE COUNT [SOURCES [FIRST]] <FRAME: sends the IPv4 frame on stdin COUNT
 * times, as fast as it can, through IFACE; 0: until it is killed. With SOURCES its
 * source address is one of so many, in turn, from 11.0.0.0 + FIRST (0) on.
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>

enum { BATCH = 64, LONGEST = 1514, SOURCE = 14 + 12 };

static unsigned char frames[BATCH][LONGEST];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static unsigned sources, first_source;

/* Gives the N frames of a batch, behind the SENT first, their sources. */
static void set_sources(int n, unsigned long long sent)
{
	for (int i = 0; sources && i < n; i++) {
		__be32 source =
			htonl(0x0b000000 + first_source + (sent + i) % sources);

		memcpy(frames[i] + SOURCE, &source, sizeof(source));
	}
}

static int open_interface(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_ifindex = if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		error(EXIT_FAILURE, errno, "%s", name);
	return fd;
}

int main(int argc, char **argv)
{
	unsigned long long count, sent = 0;
	size_t length;
	int fd;

	if (argc < 3)
		error(2, 0,
		      "usage: flood IFACE COUNT [SOURCES [FIRST]] <FRAME");
	fd = open_interface(argv[1]);
	count = strtoull(argv[2], NULL, 10);
	sources = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	first_source = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	length = fread(frames[0], 1, LONGEST, stdin);
	for (int i = 0; i < BATCH; i++) {
		memcpy(frames[i], frames[0], length);
		parts[i] = (struct iovec){ frames[i], length };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (!count || sent < count) {
		int n = count && count - sent < BATCH ? count - sent : BATCH;

		set_sources(n, sent);
		n = sendmmsg(fd, messages, n, 0);
		if (n < 0 && errno != ENOBUFS)
			error(EXIT_FAILURE, errno, "send");
		sent += n > 0 ? n : 0;
	}
	return EXIT_SUCCESS;
}
