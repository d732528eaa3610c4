// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * strange FOLDER N SEED: writes N frames to FOLDER, each a valid packet to 10.0.0.2 or
 * fd00::2, port 22, of whatever shape comes by chance: VLAN tags, IPv4 options, IPv6
 * extension headers, TCP options, data of any length, padding; UDP with a checksum
 * or, over IPv4, without one. The checksums are right, added up from the first byte
 * to the last.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;

enum { DATA_MAX = 1300 };

static unsigned up_to(unsigned n)
{
	return random() % (n + 1);
}

static byte *put(byte *p, unsigned word)
{
	p[0] = word >> 8;
	p[1] = word;
	return p + 2;
}

static byte *put_noise(byte *p, size_t length)
{
	while (length--)
		*p++ = random() >> 8;
	return p;
}

static unsigned long add(unsigned long sum, const byte *p, size_t length)
{
	for (; length > 1; length -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	return length ? sum + (p[0] << 8) : sum;
}

static unsigned checksum(unsigned long sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* The TCP or UDP packet at P, with data; PSEUDO is the sum of the addresses. */
static byte *put_transport(byte *p, bool tcp, bool ipv6, unsigned long pseudo)
{
	size_t options = tcp ? 4 * up_to(10) : 0,
	       header = tcp ? 20 + options : 8;
	size_t length = header + up_to(up_to(3) ? 40 : DATA_MAX);
	byte *check = p + (tcp ? 16 : 6), *end = put_noise(p, length);
	unsigned sum;

	put(p + 2, 22);
	if (tcp)
		p[12] = header / 4 << 4;
	else
		put(p + 4, length);
	put(check, 0);
	sum = checksum(add(pseudo + (tcp ? 6 : 17) + length, p, length));
	if (!tcp && !sum)
		sum = 0xffff;
	if (!tcp && !ipv6 && !up_to(3))
		sum = 0;
	put(check, sum);
	return end;
}

static byte *put_ipv4(byte *p, bool tcp)
{
	static const byte addresses[8] = { 10, 0, 0, 1, 10, 0, 0, 2 };
	size_t header = 20 + 4 * (up_to(2) ? 0 : up_to(10));
	byte *end;

	put_noise(p, header);
	p[0] = 0x40 | header / 4;
	put(p + 6, up_to(1) ? 0x4000 : 0); /* whole; perhaps not to be cut */
	p[8] = 2 + up_to(253);
	p[9] = tcp ? 6 : 17;
	memcpy(p + 12, addresses, sizeof(addresses));
	end = put_transport(p + header, tcp, false, add(0, p + 12, 8));
	put(p + 2, end - p);
	put(p + 10, 0);
	put(p + 10, checksum(add(0, p, header)));
	return end;
}

static byte *put_ipv6(byte *p, bool tcp)
{
	static const byte addresses[32] = { 0xfd, [15] = 1, 0xfd, [31] = 2 };
	byte *next = p + 6, *end = p + 40;

	put_noise(p, 8);
	p[0] = 0x60 | (p[0] & 15);
	p[7] = 2 + up_to(253);
	memcpy(p + 8, addresses, sizeof(addresses));
	for (unsigned i = up_to(1) ? 0 : up_to(3); i; i--) {
		size_t units = up_to(4); /* a destination options header */

		*next = 60;
		put_noise(end, 8 + 8 * units);
		end[1] = units;
		next = end;
		end += 8 + 8 * units;
	}
	*next = tcp ? 6 : 17;
	end = put_transport(end, tcp, true, add(0, p + 8, 32));
	put(p + 4, end - p - 40);
	return end;
}

static byte *put_frame(byte *p)
{
	static const byte addresses[12] = { 2, [5] = 2, 2, [11] = 1 };
	unsigned tags = up_to(1) ? 0 : up_to(2), ipv6 = up_to(1);

	memcpy(p, addresses, sizeof(addresses));
	p += sizeof(addresses);
	while (tags--) {
		p = put(p, tags ? 0x88a8 : 0x8100);
		p = put_noise(p, 2);
	}
	p = put(p, ipv6 ? 0x86dd : 0x0800);
	p = ipv6 ? put_ipv6(p, up_to(1)) : put_ipv4(p, up_to(1));
	return put_noise(p, up_to(3) ? 0 : up_to(20));
}

int main(int argc, char **argv)
{
	static byte frame[2 * DATA_MAX];
	char path[FILENAME_MAX];

	if (argc != 4)
		error(2, 0, "usage: strange FOLDER N SEED");
	srandom(strtoul(argv[3], NULL, 0));
	for (int i = 0; i < atoi(argv[2]); i++) {
		size_t length = put_frame(frame) - frame;
		FILE *file;

		snprintf(path, sizeof(path), "%s/%05d", argv[1], i);
		file = fopen(path, "w");
		if (!file)
			error(EXIT_FAILURE, errno, "%s", path);
		fwrite(frame, 1, length, file);
		if (fclose(file))
			error(EXIT_FAILURE, errno, "%s", path);
	}
	return EXIT_SUCCESS;
}
