/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs, tc.bpf.c, and the loader, tc.c, agree on: the keys and
 * values of the maps. An IPv4 address a.b.c.d is ::ffff:a.b.c.d (RFC 4291), so
 * that one map has both versions. No key has padding that the compiler chose.
 */
#ifndef TC_H
#define TC_H

#include <linux/types.h>
#include <linux/bpf.h>

/* What has been done to a packet: the keys of the map `counts`. */
enum tc_count {
	TC_INGRESS,	/* it came in */
	TC_EGRESS,	/* it went out, or would have */
	TC_MIRRORED,	/* a clone of it went to the mirror */
	TC_TTL_SET,	/* its TTL or hop limit was another */
	TC_MARKED,	/* its source has a mark */
	TC_FORWARDED,	/* its destination port was changed */
	TC_RETURNED,	/* its source port was changed back */
	TC_DSCP_SET,	/* its DSCP was another */
	TC_CLASSIFIED,	/* its port has a class */
	TC_LIMITED,	/* dropped: its destination gets too much */
	TC_VLAN_PUSHED, /* it got a VLAN tag */
	TC_COUNTS
};

/* The keys of `marks`: the first LENGTH bits of ADDRESS; the values are marks. */
struct tc_prefix {
	__u32 length;
	__u8 address[16];
};

/* The keys of `limits`. */
struct tc_address {
	__u8 bytes[16];
};

/*
 * The values of `limits`: a token bucket for what goes to that address. What is in
 * it is time: so many ns as it takes to send some bytes at the rate.
 */
struct tc_limit {
	struct bpf_spin_lock lock;
	__u32 rate;   /* bytes per second, at least 1 */
	__s64 burst;  /* how much credit there may be, in ns */
	__s64 credit; /* as of TIME, in ns; below 0: debt */
	__u64 time;   /* CLOCK_MONOTONIC, in ns */
};

/* The values of `services`; the keys are destination ports, __be16. */
struct tc_service {
	__u32 priority; /* an HTB class, MAJOR << 16 | MINOR; 0: leave it */
	__u8 set_dscp;	/* whether to set the DSCP */
	__u8 dscp;	/* 0 to 63 */
	__u16 zero;
};

/* The keys of `flows`: who spoke to the forwarded port, by source address and port. */
struct tc_flow {
	__u8 address[16];
	__be16 port;
	__u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 zero;
};

_Static_assert(sizeof(struct tc_prefix) == 20, "no padding");
_Static_assert(sizeof(struct tc_limit) == 32, "no padding");
_Static_assert(sizeof(struct tc_service) == 8, "no padding");
_Static_assert(sizeof(struct tc_flow) == 20, "no padding");

#endif
