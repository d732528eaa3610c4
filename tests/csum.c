// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * common/csum.h against the checksum's definition (RFC 1071): a message of
 * three words is summed anew after each change of one word, and the incremental
 * update must say the same. Words at the edges are tried with one another, all
 * others, and blocks of words, with a fixed pseudo-random sequence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/types.h>
#include "csum.h"

/* The checksum of WORDS, word by word, as RFC 1071 defines it. */
static __u16 checksum(const __u16 *words, int count)
{
	__u32 sum = 0;

	while (count--)
		sum += *words++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static int agrees(__u16 old, __u16 new, __u16 a, __u16 b)
{
	__u16 before[] = { old, a, b }, after[] = { new, a, b };
	__u16 expected = checksum(after, 3);
	__u16 got = csum_replace(checksum(before, 3), old, new);

	/* Nothing but zeroes: csum.h says that it cannot tell, and why. */
	if (!new && !a && !b)
		return 1;
	if (got == expected)
		return 1;
	printf("%04x -> %04x beside %04x %04x: expected %04x, got %04x\n", old,
	       new, a, b, expected, got);
	return 0;
}

/* The same of eight words, half of which become others. */
static int block_agrees(void)
{
	union {
		__u32 longs[4];
		__u16 words[8];
	} before, after;
	__u16 expected, got;

	for (int i = 0; i < 4; i++) {
		before.longs[i] = random() << 16 ^ random();
		after.longs[i] = i % 2 ? random() << 1 : ~0U * (random() % 2);
	}
	after.longs[3] |= 1; /* not nothing but zeroes */
	expected = checksum(after.words, 8);
	got = csum_apply(
		checksum(before.words, 8),
		csum_change(before.longs, after.longs, 2) +
			csum_change(before.longs + 2, after.longs + 2, 2));
	if (got == expected)
		return 1;
	printf("%08x %08x %08x %08x: expected %04x, got %04x\n", after.longs[0],
	       after.longs[1], after.longs[2], after.longs[3], expected, got);
	return 0;
}

int main(void)
{
	static const __u16 edges[] = { 0,      1,      0x7fff, 0x8000,
				       0xfffe, 0xffff, 0x0800, 0xf7ff };
	const int n = sizeof(edges) / sizeof(edges[0]);
	int wrong = 0;

	for (int i = 0; i < n * n * n * n; i++)
		wrong += !agrees(edges[i % n], edges[i / n % n],
				 edges[i / n / n % n], edges[i / n / n / n]);
	srandom(1624);
	for (int i = 0; i < 1000000; i++)
		wrong += !agrees(random(), random(), random(), random());
	for (int i = 0; i < 1000000; i++)
		wrong += !block_agrees();
	printf("%d wrong\n", wrong);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
