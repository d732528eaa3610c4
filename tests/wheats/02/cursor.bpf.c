// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * xdp_drop by another design: a cursor is moved over the frame, header by
 * header, and each step yields a pointer or NULL. The checksum is mended by
 * the helper bpf_csum_diff, the counter by an atomic addition.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "xdp_drop.h"

const volatile bool drop_all = true;
const volatile bool answer_pings;
const volatile int drop_ipv4 = XDP_DROP_NOTHING;
const volatile int drop_ipv6 = XDP_DROP_NOTHING;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_DROP_VERDICTS);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

__u32 own_id;
__u64 exceptions;

struct cursor {
	void *pos;
	void *end;
};

/* The next SIZE bytes of the frame, or NULL when it has fewer. */
static __always_inline void *step(struct cursor *c, __u32 size)
{
	void *header = c->pos;

	if (header + size > c->end)
		return NULL;
	c->pos = header + size;
	return header;
}

/* Exchanges the two addresses of SIZE bytes each that follow one another. */
static __always_inline void exchange(void *pair, __u32 size)
{
	__u8 first[16];

	__builtin_memcpy(first, pair, size);
	__builtin_memcpy(pair, pair + size, size);
	__builtin_memcpy(pair + size, first, size);
}

/* The first 32 bits of an ICMP message. */
struct icmp {
	__u8 type;
	__u8 code;
	__u16 checksum;
};

/* Turns the echo at the cursor, if it is one, from type FROM to type TO. */
static __always_inline bool turn(struct cursor *c, __u8 from, __u8 to)
{
	__be32 before = bpf_htonl(from << 24), after = bpf_htonl(to << 24);
	struct icmp *icmp = step(c, 8);
	__u32 sum;

	if (!icmp || icmp->type != from || icmp->code)
		return false;
	sum = bpf_csum_diff(&before, sizeof(before), &after, sizeof(after),
			    (__u16)~icmp->checksum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	icmp->type = to;
	icmp->checksum = ~sum;
	return true;
}

static __always_inline bool turn_ipv4(struct cursor c)
{
	struct iphdr *ip = step(&c, sizeof(*ip));

	if (!ip || ip->protocol != IPPROTO_ICMP || ip->ihl < 5 ||
	    ip->frag_off & ~bpf_htons(0xc000) || !step(&c, (ip->ihl - 5) * 4) ||
	    !turn(&c, 8, 0))
		return false;
	exchange(&ip->saddr, sizeof(ip->saddr));
	return true;
}

static __always_inline bool turn_ipv6(struct cursor c)
{
	struct ipv6hdr *ip = step(&c, sizeof(*ip));

	if (!ip || ip->nexthdr != IPPROTO_ICMPV6 || !turn(&c, 128, 129))
		return false;
	exchange(&ip->saddr, sizeof(ip->saddr));
	return true;
}

static __always_inline bool answered(struct cursor c)
{
	struct ethhdr *eth = step(&c, sizeof(*eth));

	if (!eth || eth->h_dest[0] & 1)
		return false;
	if (!(eth->h_proto == bpf_htons(ETH_P_IP) && turn_ipv4(c)) &&
	    !(eth->h_proto == bpf_htons(ETH_P_IPV6) && turn_ipv6(c)))
		return false;
	exchange(eth->h_dest, ETH_ALEN);
	return true;
}

static __always_inline int judge(struct cursor c)
{
	struct ethhdr *eth = step(&c, sizeof(*eth));
	struct ipv6hdr *ipv6;
	struct iphdr *ipv4;

	switch (eth ? bpf_ntohs(eth->h_proto) : -1) {
	case -1:
		return XDP_ABORTED;
	case ETH_P_IP:
		ipv4 = step(&c, sizeof(*ipv4));
		if (!ipv4)
			return XDP_ABORTED;
		return ipv4->protocol == drop_ipv4 ? XDP_DROP : XDP_PASS;
	case ETH_P_IPV6:
		ipv6 = step(&c, sizeof(*ipv6));
		if (!ipv6)
			return XDP_ABORTED;
		return ipv6->nexthdr == drop_ipv6 ? XDP_DROP : XDP_PASS;
	}
	return XDP_PASS;
}

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	struct cursor frame = { (void *)(long)ctx->data,
				(void *)(long)ctx->data_end };
	__u32 verdict;
	__u64 *counter;

	if (answer_pings && answered(frame))
		verdict = XDP_TX;
	else if (drop_all)
		verdict = XDP_DROP;
	else
		verdict = judge(frame);

	counter = bpf_map_lookup_elem(&packets, &verdict);
	if (counter)
		__sync_fetch_and_add(counter, 1);
	return verdict;
}

struct bpf_prog_aux {
	__u32 id;
} __attribute__((preserve_access_index));

struct bpf_prog {
	struct bpf_prog_aux *aux;
} __attribute__((preserve_access_index));

SEC("raw_tp/xdp_exception")
int xdp_exceptions(struct bpf_raw_tracepoint_args *ctx)
{
	const struct bpf_prog *aborter = (void *)ctx->args[1];

	if (BPF_CORE_READ(aborter, aux, id) == own_id)
		__sync_fetch_and_add(&exceptions, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
