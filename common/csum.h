/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The Internet checksum, kept right while a packet changes (RFC 1624).
 *
 * The checksum of a header is the complement of the one's complement sum of
 * its 16-bit words. When one word changes from m to m', nothing else need be
 * read again: HC' = ~(~HC + ~m + m') (equation 3; the older RFC 1141 form
 * yields 0xffff where it should yield 0). One's complement addition does not
 * depend on byte order, so all three stay in network order throughout.
 *
 * One message is out of reach: when all it sums to is zeroes, its checksum is
 * 0xffff, and this yields 0. IP, TCP, UDP and ICMPv6 never do, their addresses
 * are summed too; an ICMP echo reply with id 0, sequence 0 and no data does.
 */
#ifndef CSUM_H
#define CSUM_H

#include <linux/types.h>

/* Adds the carries back in: a 32-bit sum becomes a 16-bit one. */
static inline __attribute__((always_inline)) __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/*
 * The checksum CHECK after one 16-bit word that it covers changed from OLD to
 * NEW. All in network byte order; a checksum that was wrong stays wrong by as
 * much. Cannot fail. (UDP over IPv4 writes 0 for "no checksum": ask first.)
 */
static inline __attribute__((always_inline)) __sum16
csum_replace(__sum16 check, __be16 old, __be16 new)
{
	__u32 sum = (__u16)~check;

	sum += (__u16)~old;
	sum += new;
	return (__sum16)~csum_fold(sum);
}

/*
 * What changes in a sum when COUNT words of 32 bits change from OLD to NEW: for
 * csum_apply(), as it is or added to others. All in network byte order. (A word of
 * 32 bits counts as much as its two halves: 65536 is 1 in one's complement of 16.)
 */
static inline __attribute__((always_inline)) __u64
csum_change(const __be32 *old, const __be32 *new, int count)
{
	__u64 change = 0;

	for (int i = 0; i < count; i++)
		change += (__u64)(__u32)~old[i] + (__u32) new[i];
	return change;
}

/*
 * The checksum CHECK after a CHANGE of what it covers, as csum_change() says it.
 * Like csum_replace(), it leaves a wrong checksum wrong by as much.
 */
static inline __attribute__((always_inline)) __sum16 csum_apply(__sum16 check,
								__u64 change)
{
	__u64 sum = (__u16)~check + change;

	sum = (sum & 0xffffffff) + (sum >> 32);
	return (__sum16)~csum_fold((sum & 0xffff) + (sum >> 16));
}

#endif
