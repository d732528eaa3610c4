// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ring IFACE <FRAME: sends the frame on stdin from memory that it shares with the
 * kernel. So the skb has only the Ethernet header in one piece, as those of some
 * network cards have, and the rest in pages; elsewhere than in flood, which has it
 * copied.
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum {
	SLOT = 4096,
	DATA = TPACKET2_HDRLEN - sizeof(struct sockaddr_ll),
};

static void check(int status, const char *what)
{
	if (status < 0)
		error(EXIT_FAILURE, errno, "%s", what);
}

int main(int argc, char **argv)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0), version = TPACKET_V2;
	struct tpacket_req ring = { .tp_block_size = SLOT,
				    .tp_block_nr = 1,
				    .tp_frame_size = SLOT,
				    .tp_frame_nr = 1 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL) };
	struct tpacket2_hdr *slot;

	if (argc != 2)
		error(2, 0, "usage: ring IFACE <FRAME");
	to.sll_ifindex = if_nametoindex(argv[1]);
	check(fd, "socket");
	check(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
			 sizeof(version)),
	      "PACKET_VERSION");
	check(setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)),
	      "PACKET_TX_RING");
	check(bind(fd, (struct sockaddr *)&to, sizeof(to)), argv[1]);
	slot = mmap(NULL, SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		error(EXIT_FAILURE, errno, "mmap");

	slot->tp_len = fread((char *)slot + DATA, 1, SLOT - DATA, stdin);
	slot->tp_status = TP_STATUS_SEND_REQUEST;
	check(send(fd, NULL, 0, 0), "send");
	return EXIT_SUCCESS;
}
