// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sums FILE…: reads the frame in each file by itself, adds up its checksums from the
 * first byte to the last, and prints a line of what it found, for instance
 *
 *     tcp4-vlan at 18 from 10.0.0.1 to 10.0.0.2 dscp 0 ecn 0 ttl 64 ipv4 good ports 40000 80 tcp good
 *
 * where `at` is the offset of the IP header, and a checksum is good, bad or none.
 * It shares nothing with common/csum.h and common/parse.h, for it is what programs
 * that use them are checked with. Of a fragment, or of what is cut, it says what can
 * be said.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

typedef unsigned char byte;

static unsigned word(const byte *p)
{
	return p[0] << 8 | p[1];
}

/* The sum of the 16-bit words of LENGTH bytes, added to SUM. */
static unsigned long add(unsigned long sum, const byte *p, size_t length)
{
	for (; length > 1; length -= 2, p += 2)
		sum += word(p);
	return length ? sum + (p[0] << 8) : sum;
}

static const char *judge(unsigned long sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? "good" : "bad";
}

/* What PROTOCOL carries, LENGTH bytes, behind addresses that sum to PSEUDO. */
static void check_whole(unsigned protocol, unsigned long pseudo, const byte *p,
			size_t length)
{
	pseudo += protocol + length;
	if (protocol == 6 && length >= 20)
		printf(" tcp %s", judge(add(pseudo, p, length)));
	else if (protocol == 17 && length >= 8 && !word(p + 6))
		printf(" udp none");
	else if (protocol == 17 && length >= 8)
		printf(" udp %s", judge(add(pseudo, p, length)));
	else if (protocol == 1 && length >= 8)
		printf(" icmp %s", judge(add(0, p, length)));
	else if (protocol == 58 && length >= 8)
		printf(" icmp6 %s", judge(add(pseudo, p, length)));
}

/* The same, of which this may be the first PART only. */
static void check_payload(unsigned protocol, unsigned long pseudo,
			  const byte *p, size_t length, bool part)
{
	if ((protocol == 6 && length >= 20) || (protocol == 17 && length >= 8))
		printf(" ports %u %u", word(p), word(p + 2));
	if (!part)
		check_whole(protocol, pseudo, p, length);
}

static void print_addresses(int family, const byte *from, const byte *to)
{
	char text[INET6_ADDRSTRLEN];

	printf(" from %s", inet_ntop(family, from, text, sizeof(text)));
	printf(" to %s", inet_ntop(family, to, text, sizeof(text)));
}

static void check_ipv4(const byte *ip, size_t left)
{
	size_t header = (ip[0] & 15) * 4, total = word(ip + 2);
	unsigned fragment = word(ip + 6);

	if (left < 20 || header < 20 || total < header || total > left)
		return;
	print_addresses(AF_INET, ip + 12, ip + 16);
	printf(" dscp %d ecn %d ttl %d ipv4 %s", ip[1] >> 2, ip[1] & 3, ip[8],
	       judge(add(0, ip, header)));
	if (!(fragment & 0x1fff))
		check_payload(ip[9], add(0, ip + 12, 8), ip + header,
			      total - header, fragment & 0x2000);
}

/* Is NEXT the type of an extension header that can be stepped over? */
static bool is_extension(unsigned next)
{
	return next == 0 || next == 43 || next == 44 || next == 60 ||
	       next == 51;
}

/* How long the extension header of the type NEXT at P is. */
static size_t extension_length(unsigned next, const byte *p)
{
	return next == 44 ? 8 : next == 51 ? (p[1] + 2) * 4 : (p[1] + 1) * 8;
}

static void check_ipv6(const byte *ip, size_t left)
{
	unsigned next = ip[6], class = word(ip) >> 4 & 0xff;
	const byte *p = ip + 40, *end;
	bool part = false;

	if (left < 40 || left - 40 < word(ip + 4))
		return;
	print_addresses(AF_INET6, ip + 8, ip + 24);
	printf(" dscp %u ecn %u ttl %d flow %05x", class >> 2, class & 3, ip[7],
	       (ip[1] & 15) << 16 | word(ip + 2));
	end = p + word(ip + 4);
	while (is_extension(next) && end - p >= 8) {
		size_t length = extension_length(next, p);

		if (length > (size_t)(end - p) ||
		    (next == 44 && word(p + 2) & 0xfff8))
			return;
		part |= next == 44 && p[3] & 1;
		next = p[0];
		p += length;
	}
	check_payload(next, add(0, ip + 8, 32), p, end - p, part);
}

static void check_frame(const byte *frame, size_t length)
{
	const byte *end = frame + length, *type = frame + 12;

	while (end - type >= 6 &&
	       (word(type) == 0x8100 || word(type) == 0x88a8))
		type += 4;
	if (end - type < 22)
		return;
	printf(" at %td", type + 2 - frame);
	if (word(type) == 0x0800)
		check_ipv4(type + 2, end - type - 2);
	else if (word(type) == 0x86dd)
		check_ipv6(type + 2, end - type - 2);
}

int main(int argc, char **argv)
{
	static byte frame[65536];

	for (int i = 1; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');
		FILE *file = fopen(argv[i], "r");

		if (!file)
			error(EXIT_FAILURE, errno, "%s", argv[i]);
		memset(frame, 0, sizeof(frame));
		printf("%s", slash ? slash + 1 : argv[i]);
		check_frame(frame, fread(frame, 1, sizeof(frame), file));
		putchar('\n');
		fclose(file);
	}
	return EXIT_SUCCESS;
}
