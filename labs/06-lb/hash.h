/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a flow to a slot of a ring, in BPF and in user space: Bob Jenkins' lookup3
 * (2006), the hash that the kernel calls jhash. Each bit of the flow moves each bit
 * of the result in half of all cases, and so every bit chooses the slot.
 */
#ifndef HASH_H
#define HASH_H

#include <linux/types.h>
#include "lb.h"

#define LB_HASH_SEED 0xdeadbeef /* lookup3's own */

static inline __attribute__((always_inline)) __u32 rotate(__u32 x, int bits)
{
	return x << bits | x >> (32 - bits);
}

/* Three words become three others, and no information is lost. */
static inline __attribute__((always_inline)) void mix(__u32 *a, __u32 *b,
						      __u32 *c)
{
	*a = (*a - *c) ^ rotate(*c, 4), *c += *b;
	*b = (*b - *a) ^ rotate(*a, 6), *a += *c;
	*c = (*c - *b) ^ rotate(*b, 8), *b += *a;
	*a = (*a - *c) ^ rotate(*c, 16), *c += *b;
	*b = (*b - *a) ^ rotate(*a, 19), *a += *c;
	*c = (*c - *b) ^ rotate(*b, 4), *b += *a;
}

/* Three words become one, which depends on every bit of them. */
static inline __attribute__((always_inline)) __u32 mix_last(__u32 a, __u32 b,
							    __u32 c)
{
	c = (c ^ b) - rotate(b, 14);
	a = (a ^ c) - rotate(c, 11);
	b = (b ^ a) - rotate(a, 25);
	c = (c ^ b) - rotate(b, 16);
	a = (a ^ c) - rotate(c, 4);
	b = (b ^ a) - rotate(a, 14);
	return (c ^ b) - rotate(b, 24);
}

/* The hash of the five words of FLOW that are not always 0; 32 bits, each as good as any other. */
static inline __attribute__((always_inline)) __u32
flow_hash(const struct lb_flow *flow)
{
	__u32 words[5], a, b, c;
	const __u32 start = LB_HASH_SEED + sizeof(words);

	__builtin_memcpy(words, flow, sizeof(words));
	a = start + words[0];
	b = start + words[1];
	c = start + words[2];
	mix(&a, &b, &c);
	return mix_last(a + words[3], b + words[4], c);
}

/*
 * The slot, from 0 to SIZE - 1, that HASH falls on. (The upper half of a product
 * instead of the rest of a division, which would cost five times as much.)
 */
static inline __attribute__((always_inline)) __u32 slot_of(__u32 hash,
							   __u32 size)
{
	return (__u64)hash * size >> 32;
}

#endif
