/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the data plane, maps.bpf.c, and the control plane, mapsctl, agree on: the
 * keys and values of the maps. No key has padding that the compiler chose: all
 * bytes of a key are hashed, and those that nobody set would be anything.
 */
#ifndef MAPS_H
#define MAPS_H

#include <linux/types.h>

/* What became of a frame: the keys of the map `verdicts`. */
enum maps_verdict {
	MAPS_PASSED,
	MAPS_BLOCKED_PREFIX, /* its source is in a blocked prefix */
	MAPS_BLOCKED_PORT,   /* its destination port is blocked */
	MAPS_LIMITED,	     /* its source sends too much */
	MAPS_VERDICTS
};

/* The places in the map `stages`, in the order in which they are asked. */
enum maps_stage {
	MAPS_STAGE_PREFIX,
	MAPS_STAGE_PORT,
	MAPS_STAGE_LIMIT,
	MAPS_STAGES
};

/* Drop events that user space gets a second, and at once. */
enum { MAPS_EVENT_RATE = 10 };

/* The values of the maps `protocols` and `verdicts`. */
struct maps_count {
	__u64 packets;
	__u64 bytes;
};

/*
 * The keys of `prefixes4` and `prefixes6`: the first LENGTH bits of ADDRESS. A trie
 * puts the value right behind the key's last byte. The value is a counter of 8 bytes,
 * and arm64 adds to it atomically only where it is aligned: elsewhere the processor
 * faults, and the kernel panics. Hence the 4 bytes ZERO, which no lookup compares.
 */
struct maps_prefix4 {
	__u32 length;
	__u8 address[4];
	__u32 zero;
};

struct maps_prefix6 {
	__u32 length;
	__u8 address[16];
};

/* The keys of `ports`. */
struct maps_port {
	__u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 zero;
	__be16 port;
};

/* The keys of `sources`; an IPv4 address a.b.c.d is ::ffff:a.b.c.d (RFC 4291). */
struct maps_source {
	__u8 address[16];
};

/* The one value of `settings`: the limit of each source. */
struct maps_settings {
	__u64 interval; /* ns from packet to packet at the full rate; 0: no limit */
	__u64 burst; /* how far ahead of that a source may be, in ns */
};

/* A record of the ring buffer `events`: a frame was dropped. */
struct maps_event {
	__u64 time; /* CLOCK_MONOTONIC, in ns */
	struct maps_source source;
	__u32 length;	       /* of the frame, in bytes */
	struct maps_port port; /* where to; protocol 0: neither TCP nor UDP */
	__u32 verdict;	       /* enum maps_verdict */
	__u32 suppressed; /* how many were not told of since the last that was */
};

_Static_assert(sizeof(struct maps_prefix4) == 12, "no padding");
_Static_assert(sizeof(struct maps_prefix6) == 20, "no padding");
/* A trie's node has the key's bytes but the length at a multiple of 8. */
_Static_assert((sizeof(struct maps_prefix4) - sizeof(__u32)) % 8 == 0,
	       "the counter behind an IPv4 prefix is aligned");
_Static_assert((sizeof(struct maps_prefix6) - sizeof(__u32)) % 8 == 0,
	       "the counter behind an IPv6 prefix is aligned");
_Static_assert(sizeof(struct maps_port) == 4, "no padding");
_Static_assert(sizeof(struct maps_source) == 16, "no padding");
_Static_assert(sizeof(struct maps_count) == 16, "no padding");
_Static_assert(sizeof(struct maps_settings) == 16, "no padding");
_Static_assert(sizeof(struct maps_event) == 40, "no padding");

#endif
