// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The fuzzer's target: parses whatever bytes libFuzzer comes up with. That every
 * header lies wholly inside the frame is watched by AddressSanitizer, as each is
 * read from its first byte to its last; that what is found fits together, here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "parse.h"

static volatile uint8_t sum; /* what is read must not be optimised away */

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* The SIZE bytes of a header lie between DATA and END; reads them all. */
static void read_header(const void *header, size_t size, const void *data,
			const void *end)
{
	const uint8_t *bytes = header;

	if (!header)
		return;
	require(header >= data && bytes + size <= (const uint8_t *)end);
	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
}

static void read_headers(const struct packet *p, const void *data,
			 const void *end)
{
	read_header(p->eth, sizeof(*p->eth), data, end);
	read_header(p->ipv4, sizeof(*p->ipv4), data, end);
	read_header(p->ipv6, sizeof(*p->ipv6), data, end);
	read_header(p->icmp, sizeof(*p->icmp), data, end);
	read_header(p->tcp, sizeof(*p->tcp), data, end);
	read_header(p->udp, sizeof(*p->udp), data, end);
}

/* The SIZE bytes of a transport header lie within the packet's own length. */
static void check_bounds(const struct packet *p, const void *header,
			 size_t size)
{
	const uint8_t *end = header;

	end += size;
	if (header && p->ipv4)
		require(end <=
			(uint8_t *)p->ipv4 + bpf_ntohs(p->ipv4->tot_len));
	if (header && p->ipv6)
		require(end <= (uint8_t *)(p->ipv6 + 1) +
				       bpf_ntohs(p->ipv6->payload_len));
}

/* What CLASS promises of the headers in P. */
static void check_class(enum packet_class class, const struct packet *p)
{
	bool ip = p->ipv4 || p->ipv6;

	require(class >= 0 && class < PACKET_CLASSES);
	require(!(p->ipv4 && p->ipv6));
	require((class == PACKET_TCP) == (p->tcp != NULL));
	require((class == PACKET_UDP) == (p->udp != NULL));
	require((class == PACKET_ICMP || class == PACKET_ICMP6) ==
		(p->icmp != NULL));
	require(class != PACKET_ICMP || p->ipv4);
	require(class != PACKET_ICMP6 || p->ipv6);
	require(class < PACKET_FRAGMENT || ip);
	require(class == PACKET_MALFORMED ||
		(class == PACKET_FRAGMENT) == (p->fragment_offset != 0));
	require((class != PACKET_OTHER && class != PACKET_ARP) || !ip);
}

static void check_vlans(const struct packet *p)
{
	require(p->tags <= VLANS_MAX);
	for (int i = 0; i < p->tags; i++)
		require(p->vlans[i] < 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *end = (void *)(data + size);
	struct cursor cursor = cursor_at((void *)data, end);
	struct packet packet;
	enum packet_class class = parse_packet(&cursor, &packet);

	require(cursor.pos <= end && cursor.left <= (size_t)(end - cursor.pos));
	read_headers(&packet, data, end);
	check_bounds(&packet, packet.icmp, sizeof(*packet.icmp));
	check_bounds(&packet, packet.tcp, sizeof(*packet.tcp));
	check_bounds(&packet, packet.udp, sizeof(*packet.udp));
	check_class(class, &packet);
	check_vlans(&packet);
	return 0;
}
