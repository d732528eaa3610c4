/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What parsing.bpf.c and parsing.c agree on. */
#ifndef PARSING_H
#define PARSING_H

#include "parse.h" /* enum packet_class: the keys of the map `packets` */

#define PARSING_SNAP 64 /* how many bytes of a frame a sample keeps */

/* One frame of N, as it arrived. Addresses and ports are in network byte order. */
struct parsing_sample {
	__u64 time;		/* CLOCK_MONOTONIC, in nanoseconds */
	__u32 length;		/* of the frame, in bytes */
	__u8 class;		/* enum packet_class */
	__u8 verdict;		/* enum xdp_action */
	__u8 version;		/* 4, 6, or 0: no IP, no addresses */
	__u8 tags;		/* how many of `vlans` there are */
	__u16 vlans[VLANS_MAX]; /* VLAN ids, outermost first, host byte order */
	__be16 source_port;	/* 0 without TCP or UDP */
	__be16 destination_port;
	__u8 source[16]; /* an IPv4 address is the first 4 bytes */
	__u8 destination[16];
	__u8 bytes[PARSING_SNAP]; /* what the frame begins with */
};

_Static_assert(sizeof(struct parsing_sample) == 24 + 2 * 16 + PARSING_SNAP,
	       "no padding");

#endif
