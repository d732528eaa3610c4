// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What lab 05 costs: its own functions, each behind a program that parses and
 * calls that one only, and its two programs as a whole.
 */
#include "../../labs/05-tc/tc.bpf.c" // NOLINT(bugprone-suspicious-include)
#include "bench.h"

enum { SAVED = 13 }; /* words: up to TCP's checksum, the last thing changed */

/* -- floors, and the driver ----------------------------------------------- */

SEC("tc")
int pass(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

/*
 * The floor of what needs a parsed packet. Its verdict, like theirs, depends on the
 * class, or the compiler would leave out of the parse what nobody asks for. It must
 * not write: the kernel puts instructions before a program that writes to packets,
 * to see whether the skb is a clone, and these are a cost of the direct write.
 */
SEC("tc")
int parsed(struct __sk_buff *skb)
{
	struct packet p;

	if (parse_skb(skb, &p) != PACKET_TCP)
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}

__u32 saved[SAVED];

/*
 * Undoes what the last run has changed. In the first run of many the skb is new:
 * its cb is still 0, and the frame as it should be.
 */
SEC("tc")
int restored(struct __sk_buff *skb)
{
	__u32 *frame = (void *)(long)skb->data;

	if ((void *)(frame + SAVED) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	if (skb->cb[0])
		__builtin_memcpy(frame, saved, sizeof(saved));
	else
		__builtin_memcpy(saved, frame, sizeof(saved));
	skb->cb[0] = 1;
	bpf_tail_call(skb, &bench_under_test, 0);
	return TC_ACT_SHOT;
}

/* -- what changes the packet ---------------------------------------------- */

SEC("tc")
int ttl_direct(struct __sk_buff *skb)
{
	struct packet p;

	if (parse_skb(skb, &p) != PACKET_TCP)
		return TC_ACT_SHOT;
	set_ttl(skb, &p);
	return TC_ACT_UNSPEC;
}

/* It ends with another parse, which nobody needs here: the compiler leaves it out. */
SEC("tc")
int ttl_helper(struct __sk_buff *skb)
{
	struct packet p;

	if (parse_skb(skb, &p) != PACKET_TCP)
		return TC_ACT_SHOT;
	set_ttl_by_helper(skb, &p);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int dscp(struct __sk_buff *skb)
{
	struct packet p;

	if (parse_skb(skb, &p) != PACKET_TCP)
		return TC_ACT_SHOT;
	set_dscp(&p, 46);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int port(struct __sk_buff *skb)
{
	const __be16 to = bpf_htons(5632);
	struct packet p;
	struct ports at;

	if (parse_skb(skb, &p) != PACKET_TCP || !ports_of(skb, &p, &at))
		return TC_ACT_SHOT;
	set_port(skb, &at, at.destination_at, at.destination, to);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int forwarded(struct __sk_buff *skb)
{
	struct packet p;

	if (parse_skb(skb, &p) != PACKET_TCP)
		return TC_ACT_SHOT;
	forward(skb, &p);
	return TC_ACT_UNSPEC;
}

/* -- what does not -------------------------------------------------------- */

SEC("tc")
int marked(struct __sk_buff *skb)
{
	struct packet p;

	if (parse_skb(skb, &p) != PACKET_TCP)
		return TC_ACT_SHOT;
	mark(skb, &p);
	return skb->mark == 128 ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int ask_limit(struct __sk_buff *skb)
{
	struct packet p;

	if (parse_skb(skb, &p) != PACKET_TCP || limited(skb, &p))
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}

/* What limited() cannot do without: the bucket, the time, and the lock. */
static __always_inline struct tc_limit *bucket_of(struct __sk_buff *skb)
{
	struct tc_address destination;
	struct packet p;

	if (parse_skb(skb, &p) != PACKET_TCP ||
	    !destination_of(&p, destination.bytes))
		return NULL;
	return bpf_map_lookup_elem(&limits, &destination);
}

SEC("tc")
int hash_exact(struct __sk_buff *skb)
{
	if (!bucket_of(skb) || !bpf_ktime_get_ns())
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}

SEC("tc")
int hash_locked(struct __sk_buff *skb)
{
	struct tc_limit *bucket = bucket_of(skb);

	if (!bucket || !bpf_ktime_get_ns())
		return TC_ACT_SHOT;
	bpf_spin_lock(&bucket->lock);
	bpf_spin_unlock(&bucket->lock);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int not_mirrored(struct __sk_buff *skb)
{
	mirror(skb);
	return TC_ACT_UNSPEC;
}

/* -- the contents of the maps --------------------------------------------- */

/* The source of the frame, 10.0.0.1, is in three prefixes. Their lengths are the marks. */
SEC("tc")
int nested(struct __sk_buff *skb)
{
	const __u32 lengths[] = { 128, 120, 104 };
	struct tc_prefix prefix = {
		.address = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 },
	};

	for (int i = 0; i < 3; i++) {
		prefix.length = lengths[i];
		if (bpf_map_update_elem(&marks, &prefix, &lengths[i], BPF_ANY))
			return 2;
	}
	return 0;
}

/* A limit for the destination of the frame, 10.0.0.2, so high that it never holds. */
SEC("tc")
int limit(struct __sk_buff *skb)
{
	struct tc_address destination = {
		{ [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 },
	};
	struct tc_limit high = { .rate = -1, .burst = SECOND };

	return bpf_map_update_elem(&limits, &destination, &high, BPF_ANY);
}

/* -- what is measured ----------------------------------------------------- */

#define PASSES .driver = "restored", .verdict = (__u32)TC_ACT_UNSPEC
#define PARSES .floor = "parsed", PASSES
#define WHOLE  .floor = "pass", PASSES

#define TTL	.knobs = { { "ttl", 1 } }
#define HELPER	.knobs = { { "ttl", 1 }, { "ttl_by_helper", 1 } }
#define FORWARD .knobs = { { "forward_from", 22 }, { "forward_to", 5632 } }

/*
 * In the cases that bear a function's name it is the lab's own, called alone, and
 * what it costs to count the packet is in them.
 */
const struct bench_case cases[] SEC(BENCH_CASES) = {
	{ "set_ttl(), IPv4", "ttl_direct", PARSES, TTL,
	  .output = "ipv4-tcp22-ttl1", .at_most = BENCH_TARGET(4) },
	{ "set_ttl_by_helper(), IPv4", "ttl_helper", PARSES, TTL,
	  .output = "ipv4-tcp22-ttl1" },
	{ "set_ttl(), IPv6", "ttl_direct", PARSES, TTL, .frame = "ipv6-tcp22",
	  .output = "ipv6-tcp22-hop1" },
	{ "set_ttl_by_helper(), IPv6", "ttl_helper", PARSES, TTL,
	  .frame = "ipv6-tcp22", .output = "ipv6-tcp22-hop1" },
	{ "set_dscp()", "dscp", PARSES,
	  .output = "../bench/ipv4-tcp22-dscp46" },
	{ "set_port()", "port", PARSES, .output = "ipv4-tcp5632" },
	{ "forward(), a known flow", "forwarded", PARSES, FORWARD,
	  .output = "ipv4-tcp5632" },

	{ "mark(), in 3 prefixes", "marked", PARSES, .setup = "nested" },
	{ "limited(): no", "ask_limit", PARSES, .setup = "limit" },
	{ "hash hit, exact clock", "hash_exact", PARSES, .setup = "limit" },
	{ "hash hit, exact clock, spin lock", "hash_locked", PARSES,
	  .setup = "limit" },
	{ "mirror(), off", "not_mirrored", WHOLE },

	{ "tc_ingress, no knobs", "tc_ingress", WHOLE },
	{ "tc_ingress, TTL", "tc_ingress", WHOLE, TTL,
	  .output = "ipv4-tcp22-ttl1" },
	{ "tc_ingress, TTL by helpers", "tc_ingress", WHOLE, HELPER,
	  .output = "ipv4-tcp22-ttl1" },
	{ "tc_egress, no rules", "tc_egress", WHOLE },
};

const struct bench_ratio ratios[] SEC(BENCH_RATIOS) = {
	{ .what = "TTL: a direct write to helpers, IPv4",
	  .of = "set_ttl(), IPv4",
	  .to = "set_ttl_by_helper(), IPv4",
	  .at_most = BENCH_TARGET(1.0 / 8) },
	{ .what = "TTL: a direct write to helpers, IPv6",
	  .of = "set_ttl(), IPv6",
	  .to = "set_ttl_by_helper(), IPv6" },
	{ .what = "limited() to its hash hit and clock",
	  .of = "limited(): no",
	  .to = "hash hit, exact clock" },
	{ .what = "limited() to these and its lock",
	  .of = "limited(): no",
	  .to = "hash hit, exact clock, spin lock" },
};
