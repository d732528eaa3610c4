// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What lab 06 costs: its program as a whole, beside the operations on maps that it
 * cannot do without, run alone. To be run on a host that has a way to the backends,
 * which 06-lb.net makes.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static long ask_way(void *ctx, struct bpf_fib_lookup *fib, int size,
		    __u32 flags);

/* The lab's program asks here for the next hop. */
#define bpf_fib_lookup(...) ask_way(__VA_ARGS__)
#include "../../labs/06-lb/lb.bpf.c" // NOLINT(bugprone-suspicious-include)
#undef bpf_fib_lookup
#include "bench.h"

enum {
	SAVED = 9,	     /* times 8 bytes: up to TCP's checksum in IPv6 */
	SETUP_AT_ONCE = 256, /* flows, or slots of the ring */
	WEYL = 0x9e3779b1,   /* odd: its multiples visit every number once */
};

/*
 * The knobs. A next hop that is known is reached by the interface that the packet
 * came from, and no helper is called for it: what is left is the lab's own.
 */
const volatile bool hop_known;
const volatile __u32 flow_count; /* that are followed already */
const volatile __u32 ring_backends = 2;
const volatile __u32 most_new_flows; /* of the VIP, in a second; 0: all */

static __always_inline long ask_way(void *ctx, struct bpf_fib_lookup *fib,
				    int size, __u32 flags)
{
	const __u8 dmac[] = { 2, 0, 0, 0, 1, 2 }, smac[] = { 2, 0, 0, 0, 1, 1 };

	if (!hop_known)
		return bpf_fib_lookup(ctx, fib, size, flags);
	__builtin_memcpy(fib->dmac, dmac, ETH_ALEN);
	__builtin_memcpy(fib->smac, smac, ETH_ALEN);
	return 0;
}

/* The ring of VIP number 1. */
struct ring full_ring SEC(".maps");
typeof(rings) rings SEC(".maps") = { .values = { [1] = (void *)&full_ring } };

/* What the packet would have told: in a map, so that the compiler knows none of it. */
struct lb_service known_vip;
struct lb_flow known_flow;
struct bpf_fib_lookup known_way;

/* -- floors, and drivers -------------------------------------------------- */

SEC("xdp")
int sent(struct xdp_md *ctx)
{
	return XDP_REDIRECT;
}

SEC("xdp")
int sent_back(struct xdp_md *ctx)
{
	return XDP_TX;
}

__u64 saved[SAVED];
__u32 runs;   /* of BENCH_RUNS, so far */
__u32 picked; /* flows, so far */

/*
 * Undoes what the last run has changed in a frame, the first of which it saves.
 * Returns the frame, or NULL.
 */
static __always_inline struct iphdr *restore(struct xdp_md *ctx)
{
	__u64 *frame = (void *)(long)ctx->data;

	if ((void *)(frame + SAVED) > (void *)(long)ctx->data_end)
		return NULL;
	if (runs)
		__builtin_memcpy(frame, saved, sizeof(saved));
	else
		__builtin_memcpy(saved, frame, sizeof(saved));
	runs = runs + 1 < BENCH_RUNS ? runs + 1 : 0;
	return (void *)((struct ethhdr *)frame + 1);
}

/*
 * Client number N of a random-looking series; but of the last run it is the frame's
 * own, so that what becomes of this frame is known.
 */
static __always_inline int from(struct xdp_md *ctx, __u32 n)
{
	struct iphdr *ip = restore(ctx);

	if (!ip)
		return XDP_ABORTED;
	if (runs)
		ip->saddr = bpf_htonl(n * WEYL);
	known_flow.address[3] = ip->saddr;
	bpf_tail_call(ctx, &bench_under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int from_one(struct xdp_md *ctx)
{
	if (restore(ctx))
		bpf_tail_call(ctx, &bench_under_test, 0);
	return XDP_ABORTED;
}

/* A client that is followed, far from the last. */
SEC("xdp")
int from_known(struct xdp_md *ctx)
{
	return from(ctx, picked++ * WEYL % (flow_count ?: 1));
}

SEC("xdp")
int from_unknown(struct xdp_md *ctx)
{
	return from(ctx, flow_count + picked++);
}

/* -- what the program cannot do without, alone ---------------------------- */

/* On maps, for a packet of a flow that is followed. */
static __always_inline bool maps_of_known(void)
{
	struct lb_vip *vip = bpf_map_lookup_elem(&vips, &known_vip);
	struct lb_track *track = bpf_map_lookup_elem(&flows, &known_flow);
	struct lb_backend *backend;
	__u32 number;

	if (!vip || !track)
		return false;
	number = track->backend;
	backend = bpf_map_lookup_elem(&backends, &number);
	if (!backend || backend->generation != track->generation)
		return false;
	count(&vip_counts, vip->number, sizeof(saved), false);
	count(&backend_counts, number, sizeof(saved), false);
	return true;
}

/* The same for one that only the ring knows a backend for. */
static __always_inline bool maps_of_unknown(void)
{
	struct lb_vip *vip = bpf_map_lookup_elem(&vips, &known_vip);
	struct lb_backend *backend;
	__u32 number;

	if (!vip || bpf_map_lookup_elem(&flows, &known_flow))
		return false;
	number = from_ring(&known_flow);
	backend = bpf_map_lookup_elem(&backends, &number);
	if (!backend || !backend->generation)
		return false;
	count(&vip_counts, vip->number, sizeof(saved), false);
	count(&backend_counts, number, sizeof(saved), false);
	return true;
}

/* By helpers, for the next hop. */
static __always_inline int go_on(struct xdp_md *ctx)
{
	struct bpf_fib_lookup fib = known_way;

	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0))
		return XDP_ABORTED;
	return bpf_redirect(fib.ifindex, 0);
}

SEC("xdp")
int hop(struct xdp_md *ctx)
{
	return go_on(ctx);
}

SEC("xdp")
int known(struct xdp_md *ctx)
{
	return maps_of_known() ? XDP_TX : XDP_ABORTED;
}

SEC("xdp")
int known_hop(struct xdp_md *ctx)
{
	return maps_of_known() ? go_on(ctx) : XDP_ABORTED;
}

SEC("xdp")
int unknown(struct xdp_md *ctx)
{
	return maps_of_unknown() ? XDP_TX : XDP_ABORTED;
}

/* -- the contents of the maps --------------------------------------------- */

__u32 added;  /* flows, so far */
__u32 filled; /* slots of the ring, so far */

/* Follows flow_count clients, and the frame's, to backend number 1. */
static __always_inline int add_flows(void)
{
	const struct lb_track track = { .backend = 1, .generation = 1 };
	struct lb_flow flow = known_flow;

	if (!flow_count)
		return 0;
	for (int i = 0; i < SETUP_AT_ONCE && added < flow_count; i++) {
		flow.address[3] = bpf_htonl(added * WEYL);
		if (bpf_map_update_elem(&flows, &flow, &track, BPF_ANY))
			return 2;
		added++;
	}
	if (bpf_map_update_elem(&flows, &known_flow, &track, BPF_ANY))
		return 2;
	return added < flow_count;
}

/* Backends for the slots of the ring. All have one ADDRESS: only their numbers differ. */
static __always_inline int add_backends(const __be32 *address)
{
	struct lb_backend backend = {
		.vip = 1, .generation = 1, .weight = 1, .port = bpf_htons(2222)
	};
	__u32 number;

	__builtin_memcpy(backend.address, address, sizeof(backend.address));
	for (int i = 0; i < SETUP_AT_ONCE && filled < LB_RING_SIZE; i++) {
		number = 1 + filled % ring_backends;
		if (bpf_map_update_elem(&backends, &number, &backend,
					BPF_ANY) ||
		    bpf_map_update_elem(&full_ring, &filled, &number, BPF_ANY))
			return 2;
		filled++;
	}
	return filled < LB_RING_SIZE;
}

/* All that there is for a VIP on port 22. */
static __always_inline int set_up_vip(const __be32 *address, __u8 protocol,
				      enum lb_mode mode, const __be32 *client,
				      const __be32 *backend)
{
	const struct lb_vip vip = { .number = 1,
				    .mode = mode,
				    .new_flows = most_new_flows };
	int more;

	known_vip.port = bpf_htons(22);
	known_vip.protocol = protocol;
	__builtin_memcpy(known_vip.address, address, 16);
	known_flow.port = bpf_htons(40000);
	known_flow.vip = vip.number;
	__builtin_memcpy(known_flow.address, client, 16);
	if (bpf_map_update_elem(&vips, &known_vip, &vip, BPF_ANY))
		return 2;
	more = add_backends(backend);
	return more ?: add_flows();
}

static __always_inline int set_up4(__u8 protocol, enum lb_mode mode)
{
	__be32 address[4], client[4], backend[4];

	map_ipv4(address, bpf_htonl(0x0a000002));
	map_ipv4(client, bpf_htonl(0x0a000001));
	map_ipv4(backend, bpf_htonl(0x0a000102));
	known_way = (struct bpf_fib_lookup){ .ifindex = 1,
					     .family = AF_INET,
					     .ipv4_src = client[3],
					     .ipv4_dst = backend[3] };
	return set_up_vip(address, protocol, mode, client, backend);
}

SEC("tc")
int tcp4_nat(struct __sk_buff *skb)
{
	return set_up4(IPPROTO_TCP, LB_NAT);
}

SEC("tc")
int tcp4_dsr(struct __sk_buff *skb)
{
	return set_up4(IPPROTO_TCP, LB_DSR);
}

SEC("tc")
int udp4_nat(struct __sk_buff *skb)
{
	return set_up4(IPPROTO_UDP, LB_NAT);
}

SEC("tc")
int tcp6_nat(struct __sk_buff *skb)
{
	const __be32 address[4] = { bpf_htonl(0xfd000000), [3] = bpf_htonl(2) };
	const __be32 client[4] = { bpf_htonl(0xfd000000), [3] = bpf_htonl(1) };
	const __be32 backend[4] = { bpf_htonl(0xfd000001), [3] = bpf_htonl(2) };

	known_way = (struct bpf_fib_lookup){ .ifindex = 1, .family = AF_INET6 };
	__builtin_memcpy(known_way.ipv6_src, client, 16);
	__builtin_memcpy(known_way.ipv6_dst, backend, 16);
	return set_up_vip(address, IPPROTO_TCP, LB_NAT, client, backend);
}

/* -- what is measured ----------------------------------------------------- */

#define SENT .floor = "sent", .verdict = XDP_REDIRECT
#define BACK .floor = "sent_back", .verdict = XDP_TX

/* What arrives, and for whom; and what is made of it. */
#define TCP4	 .frame = "../bench/lb-tcp4", .setup = "tcp4_nat"
#define UDP4	 .frame = "../bench/lb-udp4", .setup = "udp4_nat"
#define TCP6	 .frame = "../bench/lb-tcp6", .setup = "tcp6_nat"
#define DSR4	 .frame = "../bench/lb-tcp4", .setup = "tcp4_dsr"
#define TCP4_OUT .output = "../bench/lb-tcp4-nat"
#define UDP4_OUT .output = "../bench/lb-udp4-nat"
#define TCP6_OUT .output = "../bench/lb-tcp6-nat"
#define DSR4_OUT .output = "../bench/lb-tcp4-dsr"

/*
 * From whom. There is a little more room than flows: each CPU keeps some of it for
 * itself.
 */
#define ONE_FLOW .driver = "from_one", .knobs = { { "flow_count", 1 } }
#define FLOWS_64K                                                              \
	.driver = "from_known",                                                \
	.knobs = { { "flow_count", 1 << 16 }, { "flows", 17 << 12 } }
#define FLOWS_1M                                                               \
	.driver = "from_known",                                                \
	.knobs = { { "flow_count", 1 << 20 }, { "flows", 17 << 16 } }
#define FLOOD                                                                  \
	.driver = "from_unknown", .knobs = { { "flow_count", 2 * LB_FLOWS } }
#define CAPPED                                                                 \
	.driver = "from_unknown", .knobs = { { "flow_count", 2 * LB_FLOWS },   \
					     { "most_new_flows", 1000 } }

/* The same where the next hop is known. */
#define HOP_ONE_FLOW                                                           \
	.driver = "from_one",                                                  \
	.knobs = { { "hop_known", 1 }, { "flow_count", 1 } }
#define HOP_FLOWS_64K                                                          \
	.driver = "from_known", .knobs = { { "hop_known", 1 },                 \
					   { "flow_count", 1 << 16 },          \
					   { "flows", 17 << 12 } }
#define HOP_FLOWS_1M                                                           \
	.driver = "from_known", .knobs = { { "hop_known", 1 },                 \
					   { "flow_count", 1 << 20 },          \
					   { "flows", 17 << 16 } }
#define HOP_FLOOD                                                              \
	.driver = "from_unknown",                                              \
	.knobs = { { "hop_known", 1 }, { "flow_count", 2 * LB_FLOWS } }
#define HOP_CAPPED                                                             \
	.driver = "from_unknown", .knobs = { { "hop_known", 1 },               \
					     { "flow_count", 2 * LB_FLOWS },   \
					     { "most_new_flows", 1000 } }
#define RING_ONE_FLOW .driver = "from_one", .knobs = { { "hop_known", 1 } }
#define RING_2	      .driver = "from_unknown", .knobs = { { "hop_known", 1 } }
#define RING_4096                                                              \
	.driver = "from_unknown",                                              \
	.knobs = { { "hop_known", 1 }, { "ring_backends", 4096 } }

/* What "maps" and "next hop" are said of is what the packet above cannot do without. */
const struct bench_case cases[] SEC(BENCH_CASES) = {
	{ "next hop, IPv4", "hop", SENT, TCP4 },
	{ "next hop, IPv6", "hop", SENT, TCP6 },

	{ "NAT, TCP, IPv4", "lb", SENT, TCP4, TCP4_OUT, ONE_FLOW },
	{ "NAT, TCP, IPv4: maps, next hop", "known_hop", SENT, TCP4, ONE_FLOW },
	{ "NAT, TCP, IPv4; hop known", "lb", BACK, TCP4, TCP4_OUT,
	  HOP_ONE_FLOW },
	{ "NAT, TCP, IPv4; hop known: maps", "known", BACK, TCP4,
	  HOP_ONE_FLOW },

	{ "NAT, UDP, IPv4", "lb", SENT, UDP4, UDP4_OUT, ONE_FLOW },
	{ "NAT, UDP, IPv4: maps, next hop", "known_hop", SENT, UDP4, ONE_FLOW },
	{ "NAT, UDP, IPv4; hop known", "lb", BACK, UDP4, UDP4_OUT,
	  HOP_ONE_FLOW },
	{ "NAT, UDP, IPv4; hop known: maps", "known", BACK, UDP4,
	  HOP_ONE_FLOW },

	{ "NAT, TCP, IPv6", "lb", SENT, TCP6, TCP6_OUT, ONE_FLOW },
	{ "NAT, TCP, IPv6: maps, next hop", "known_hop", SENT, TCP6, ONE_FLOW },
	{ "NAT, TCP, IPv6; hop known", "lb", BACK, TCP6, TCP6_OUT,
	  HOP_ONE_FLOW },
	{ "NAT, TCP, IPv6; hop known: maps", "known", BACK, TCP6,
	  HOP_ONE_FLOW },

	{ "DSR, TCP, IPv4", "lb", SENT, DSR4, DSR4_OUT, ONE_FLOW },
	{ "DSR, TCP, IPv4: maps, next hop", "known_hop", SENT, DSR4, ONE_FLOW },
	{ "DSR, TCP, IPv4; hop known", "lb", BACK, DSR4, DSR4_OUT,
	  HOP_ONE_FLOW },
	{ "DSR, TCP, IPv4; hop known: maps", "known", BACK, DSR4,
	  HOP_ONE_FLOW },

	{ "64 K flows", "lb", SENT, TCP4, TCP4_OUT, FLOWS_64K },
	{ "64 K flows: maps, next hop", "known_hop", SENT, TCP4, FLOWS_64K },
	{ "64 K flows; hop known", "lb", BACK, TCP4, TCP4_OUT, HOP_FLOWS_64K },
	{ "64 K flows; hop known: maps", "known", BACK, TCP4, HOP_FLOWS_64K },

	{ "1 M flows", "lb", SENT, TCP4, TCP4_OUT, FLOWS_1M },
	{ "1 M flows: maps, next hop", "known_hop", SENT, TCP4, FLOWS_1M },
	{ "1 M flows; hop known", "lb", BACK, TCP4, TCP4_OUT, HOP_FLOWS_1M },
	{ "1 M flows; hop known: maps", "known", BACK, TCP4, HOP_FLOWS_1M },

	{ "ring only, one flow; hop known", "lb", BACK, TCP4, TCP4_OUT,
	  RING_ONE_FLOW, .at_most = BENCH_TARGET(36) },
	{ "ring only, one flow; hop known: maps", "unknown", BACK, TCP4,
	  RING_ONE_FLOW },
	{ "ring of 2 backends; hop known", "lb", BACK, TCP4, TCP4_OUT, RING_2 },
	{ "ring of 2 backends; hop known: maps", "unknown", BACK, TCP4,
	  RING_2 },
	{ "ring of 4096 backends; hop known", "lb", BACK, TCP4, TCP4_OUT,
	  RING_4096 },
	{ "ring of 4096 backends; hop known: maps", "unknown", BACK, TCP4,
	  RING_4096 },

	{ "new flows", "lb", SENT, UDP4, UDP4_OUT, FLOOD },
	{ "new flows, 1000 a second", "lb", SENT, UDP4, UDP4_OUT, CAPPED },
	{ "new flows; hop known", "lb", BACK, UDP4, UDP4_OUT, HOP_FLOOD },
	{ "new flows, 1000 a second; hop known", "lb", BACK, UDP4, UDP4_OUT,
	  HOP_CAPPED },
};

const struct bench_ratio ratios[] SEC(BENCH_RATIOS) = {
	{ .what = "NAT, TCP, IPv4: to maps and next hop",
	  .of = "NAT, TCP, IPv4",
	  .to = "NAT, TCP, IPv4: maps, next hop",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "NAT, TCP, IPv4; hop known: to maps",
	  .of = "NAT, TCP, IPv4; hop known",
	  .to = "NAT, TCP, IPv4; hop known: maps",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "NAT, UDP, IPv4: to maps and next hop",
	  .of = "NAT, UDP, IPv4",
	  .to = "NAT, UDP, IPv4: maps, next hop",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "NAT, UDP, IPv4; hop known: to maps",
	  .of = "NAT, UDP, IPv4; hop known",
	  .to = "NAT, UDP, IPv4; hop known: maps",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "NAT, TCP, IPv6: to maps and next hop",
	  .of = "NAT, TCP, IPv6",
	  .to = "NAT, TCP, IPv6: maps, next hop",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "NAT, TCP, IPv6; hop known: to maps",
	  .of = "NAT, TCP, IPv6; hop known",
	  .to = "NAT, TCP, IPv6; hop known: maps",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "DSR, TCP, IPv4: to maps and next hop",
	  .of = "DSR, TCP, IPv4",
	  .to = "DSR, TCP, IPv4: maps, next hop",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "DSR, TCP, IPv4; hop known: to maps",
	  .of = "DSR, TCP, IPv4; hop known",
	  .to = "DSR, TCP, IPv4; hop known: maps",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "64 K flows: to maps and next hop",
	  .of = "64 K flows",
	  .to = "64 K flows: maps, next hop",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "64 K flows; hop known: to maps",
	  .of = "64 K flows; hop known",
	  .to = "64 K flows; hop known: maps",
	  .at_most = BENCH_TARGET(1.2) },
	{ .what = "1 M flows: to maps and next hop",
	  .of = "1 M flows",
	  .to = "1 M flows: maps, next hop",
	  .at_most = BENCH_TARGET(1.1) },
	{ .what = "1 M flows; hop known: to maps",
	  .of = "1 M flows; hop known",
	  .to = "1 M flows; hop known: maps",
	  .at_most = BENCH_TARGET(1.1) },
	{ .what = "ring only, one flow; hop known: to maps",
	  .of = "ring only, one flow; hop known",
	  .to = "ring only, one flow; hop known: maps" },
	{ .what = "ring: 4096 backends to 2",
	  .of = "ring of 4096 backends; hop known",
	  .to = "ring of 2 backends; hop known",
	  .at_least = BENCH_TARGET(0.95),
	  .at_most = BENCH_TARGET(1.05) },
	{ .what = "new flows: 1000 a second to all",
	  .of = "new flows, 1000 a second",
	  .to = "new flows",
	  .at_most = BENCH_TARGET(0.5) },
	{ .what = "new flows; hop known: 1000 a second to all",
	  .of = "new flows, 1000 a second; hop known",
	  .to = "new flows; hop known",
	  .at_most = BENCH_TARGET(0.5) },
};
