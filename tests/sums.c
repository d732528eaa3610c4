// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sums FILE…: adds up the checksums of each frame, from the first byte to the last,
 * and prints a line `FILE HEADER good|bad|none` for each header that has one: ipv4, tcp,
 * udp, icmp, icmp6. It shares nothing with common/csum.h and common/parse.h, for
 * it is what they are checked with. Of fragments, and of what is cut, it says what
 * can be said: the IPv4 header.
 */
#include <error.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool all_ones(unsigned long sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void say(const char *file, const char *header, bool good)
{
	printf("%s %s %s\n", file, header, good ? "good" : "bad");
}

/* What PROTOCOL carries, LENGTH bytes, behind addresses that sum to PSEUDO. */
static void check_payload(const char *file, unsigned protocol,
			  unsigned long pseudo, const byte *p, size_t length)
{
	pseudo += protocol + length;
	if (protocol == 6 && length >= 20)
		say(file, "tcp", all_ones(add(pseudo, p, length)));
	else if (protocol == 17 && length >= 8 && !word(p + 6))
		printf("%s udp none\n", file);
	else if (protocol == 17 && length >= 8)
		say(file, "udp", all_ones(add(pseudo, p, length)));
	else if (protocol == 1 && length >= 8)
		say(file, "icmp", all_ones(add(0, p, length)));
	else if (protocol == 58 && length >= 8)
		say(file, "icmp6", all_ones(add(pseudo, p, length)));
}

static void check_ipv4(const char *file, const byte *ip, size_t left)
{
	size_t header = (ip[0] & 15) * 4, total = word(ip + 2);

	if (left < 20 || header < 20 || total < header || total > left)
		return;
	say(file, "ipv4", all_ones(add(0, ip, header)));
	if (word(ip + 6) & 0x3fff)
		return; /* a fragment */
	check_payload(file, ip[9], add(0, ip + 12, 8), ip + header,
		      total - header);
}

static void check_ipv6(const char *file, const byte *ip, size_t left)
{
	const byte *p = ip + 40, *end;
	unsigned next = ip[6];

	if (left < 40 || left - 40 < word(ip + 4))
		return;
	end = p + word(ip + 4);
	while ((next == 0 || next == 43 || next == 60 || next == 51) &&
	       end - p >= 8) {
		size_t size = next == 51 ? (p[1] + 2) * 4 : (p[1] + 1) * 8;

		next = p[0];
		if (size > (size_t)(end - p))
			return;
		p += size;
	}
	check_payload(file, next, add(0, ip + 8, 32), p, end - p);
}

static void check_frame(const char *file, const byte *frame, size_t length)
{
	const byte *end = frame + length;
	const byte *type = frame + 12;

	while (end - type >= 6 &&
	       (word(type) == 0x8100 || word(type) == 0x88a8))
		type += 4;
	if (end - type < 22)
		return;
	if (word(type) == 0x0800)
		check_ipv4(file, type + 2, end - type - 2);
	else if (word(type) == 0x86dd)
		check_ipv6(file, type + 2, end - type - 2);
}

int main(int argc, char **argv)
{
	static byte frame[65536];

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "r");

		if (!file)
			error(EXIT_FAILURE, 0, "%s cannot be read", argv[i]);
		memset(frame, 0, sizeof(frame));
		check_frame(argv[i], frame,
			    fread(frame, 1, sizeof(frame), file));
		fclose(file);
	}
	return EXIT_SUCCESS;
}
