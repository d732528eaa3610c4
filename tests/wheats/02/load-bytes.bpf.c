// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * xdp_drop by another design: no pointer into the frame. Headers are copied to
 * the stack by bpf_xdp_load_bytes, which asks for the bounds itself, changed
 * there, and put back by bpf_xdp_store_bytes once the whole reply is known.
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
#include "csum.h"
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

enum {
	IP_OFFSET = sizeof(struct ethhdr),
};

/* The headers of a frame, as far as they are there. */
struct headers {
	struct ethhdr eth;
	union {
		struct iphdr ipv4;
		struct ipv6hdr ipv6;
	};
	bool is_ipv4, is_ipv6;
	bool cut;
};

static __always_inline void load(struct xdp_md *ctx, struct headers *h)
{
	h->cut = bpf_xdp_load_bytes(ctx, 0, &h->eth, sizeof(h->eth));
	if (h->cut)
		return;
	h->is_ipv4 = h->eth.h_proto == bpf_htons(ETH_P_IP);
	h->is_ipv6 = h->eth.h_proto == bpf_htons(ETH_P_IPV6);
	if (h->is_ipv4)
		h->cut = bpf_xdp_load_bytes(ctx, IP_OFFSET, &h->ipv4,
					    sizeof(h->ipv4));
	if (h->is_ipv6)
		h->cut = bpf_xdp_load_bytes(ctx, IP_OFFSET, &h->ipv6,
					    sizeof(h->ipv6));
}

static __always_inline int judge(const struct headers *h)
{
	if (h->cut)
		return XDP_ABORTED;
	if (h->is_ipv4 && h->ipv4.protocol == drop_ipv4)
		return XDP_DROP;
	if (h->is_ipv6 && h->ipv6.nexthdr == drop_ipv6)
		return XDP_DROP;
	return XDP_PASS;
}

/* What an echo begins with. */
struct icmp {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 id;
	__be16 sequence;
};

/* Where the ICMP message begins, or 0 when there is none that is whole. */
static __always_inline __u32 icmp_offset(const struct headers *h)
{
	if (h->cut || (h->eth.h_dest[0] & 1))
		return 0;
	if (h->is_ipv6 && h->ipv6.nexthdr == IPPROTO_ICMPV6)
		return IP_OFFSET + sizeof(h->ipv6);
	if (h->is_ipv4 && h->ipv4.protocol == IPPROTO_ICMP &&
	    h->ipv4.ihl >= 5 && !(bpf_ntohs(h->ipv4.frag_off) & 0x3fff))
		return IP_OFFSET + h->ipv4.ihl * 4;
	return 0;
}

static __always_inline void turn_round(struct headers *h)
{
	struct headers was = *h;

	__builtin_memcpy(h->eth.h_dest, was.eth.h_source, ETH_ALEN);
	__builtin_memcpy(h->eth.h_source, was.eth.h_dest, ETH_ALEN);
	if (h->is_ipv4) {
		h->ipv4.saddr = was.ipv4.daddr;
		h->ipv4.daddr = was.ipv4.saddr;
	} else {
		h->ipv6.saddr = was.ipv6.daddr;
		h->ipv6.daddr = was.ipv6.saddr;
	}
}

static __always_inline bool answered(struct xdp_md *ctx, struct headers *h)
{
	__u8 request = h->is_ipv4 ? 8 : 128, reply = h->is_ipv4 ? 0 : 129;
	__u32 offset = icmp_offset(h);
	struct icmp icmp;

	if (!offset || bpf_xdp_load_bytes(ctx, offset, &icmp, sizeof(icmp)) ||
	    icmp.type != request || icmp.code)
		return false;
	icmp.type = reply;
	icmp.checksum = csum_replace(icmp.checksum, bpf_htons(request << 8),
				     bpf_htons(reply << 8));
	turn_round(h);
	bpf_xdp_store_bytes(ctx, offset, &icmp, sizeof(icmp));
	bpf_xdp_store_bytes(ctx, 0, &h->eth, sizeof(h->eth));
	if (h->is_ipv4)
		bpf_xdp_store_bytes(ctx, IP_OFFSET, &h->ipv4, sizeof(h->ipv4));
	else
		bpf_xdp_store_bytes(ctx, IP_OFFSET, &h->ipv6, sizeof(h->ipv6));
	return true;
}

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	struct headers headers = {};
	__u64 *counter;
	__u32 verdict;

	load(ctx, &headers);
	if (answer_pings && answered(ctx, &headers))
		verdict = XDP_TX;
	else
		verdict = drop_all ? XDP_DROP : judge(&headers);

	counter = bpf_map_lookup_elem(&packets, &verdict);
	if (counter)
		++*counter;
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
