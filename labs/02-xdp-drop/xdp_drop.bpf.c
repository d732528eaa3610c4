// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * xdp_drop: the first gate. It judges each frame before the network stack has
 * seen it, and the verdict that it returns is all that it says.
 *
 * A frame is bytes from a stranger. Each header is looked at only once it is
 * known to lie wholly inside the frame: the verifier refuses a program that
 * does not check, and the check is this lab's first exercise.
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

/* The knobs: the loader sets them, and at load they become constants. */
const volatile bool drop_all = true;
const volatile bool answer_pings;
const volatile int drop_ipv4 = XDP_DROP_NOTHING; /* this protocol, in IPv4 */
const volatile int drop_ipv6 = XDP_DROP_NOTHING; /* this next header, in IPv6 */

/* How many frames met which verdict. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_DROP_VERDICTS);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

/* This program's id, which the loader knows once it is loaded. */
__u32 own_id;

/* How many of its frames the tracepoint xdp:xdp_exception told of. */
__u64 exceptions;

/*
 * EXERCISE 2.1 [2]: is the header of SIZE bytes at HEADER wholly inside the
 * frame, which ends before END?
 */
static __always_inline bool inside(const void *header, __u32 size,
				   const void *end)
{
	bool whole = false;

	/* BEGIN SOLUTION */
	whole = header + size <= end;
	/* END SOLUTION */
	return whole;
}

/* The verdict on a frame that is too short to judge. */
static __always_inline int too_short(void)
{
	int verdict = XDP_DROP;

	/*
	 * EXERCISE 2.5 [2]: it should not vanish without a word. Which verdict
	 * drops the frame and fires the tracepoint xdp:xdp_exception?
	 */
	/* BEGIN SOLUTION */
	verdict = XDP_ABORTED;
	/* END SOLUTION */
	return verdict;
}

/* The verdict by protocol, on a frame that ends before END. */
static __always_inline int judge(const struct ethhdr *eth, const void *end)
{
	int verdict = XDP_PASS;

	if (!inside(eth, sizeof(*eth), end))
		return too_short();

	/*
	 * EXERCISE 2.3 [3]: drop an IP packet of the protocol that the loader
	 * chose: drop_ipv4 in IPv4, drop_ipv6 in IPv6. A packet whose fixed
	 * header is cut is too_short(); all else passes.
	 */
	/* BEGIN SOLUTION */
	const struct iphdr *ipv4 = (void *)(eth + 1);
	const struct ipv6hdr *ipv6 = (void *)(eth + 1);

	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		if (!inside(ipv4, sizeof(*ipv4), end))
			return too_short();
		if (ipv4->protocol == drop_ipv4)
			verdict = XDP_DROP;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		if (!inside(ipv6, sizeof(*ipv6), end))
			return too_short();
		if (ipv6->nexthdr == drop_ipv6)
			verdict = XDP_DROP;
	}
	/* END SOLUTION */
	return verdict;
}

/*
 * EXERCISE 2.6 [4]: answer a ping where it arrives. How the work is divided
 * between here and answered() is yours to choose.
 */
/* BEGIN SOLUTION */
/* What ICMP and ICMPv6 messages begin with, and all that a reply changes. */
struct echo {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 id;
	__be16 sequence;
};

/* The type of an echo, in ICMP (RFC 792) and in ICMPv6 (RFC 4443). */
enum {
	ECHO_REQUEST = 8,
	ECHO_REPLY = 0,
	ECHO6_REQUEST = 128,
	ECHO6_REPLY = 129,
};

static __always_inline bool answer_echo(struct echo *echo, const void *end,
					__u8 request, __u8 reply)
{
	if (!inside(echo, sizeof(*echo), end) || echo->type != request ||
	    echo->code)
		return false;
	echo->type = reply;
	echo->checksum = csum_replace(echo->checksum, bpf_htons(request << 8),
				      bpf_htons(reply << 8));
	return true;
}

/* A fragment has no whole echo in it, and the stack is there to collect them. */
static __always_inline bool is_fragment(const struct iphdr *ip)
{
	return ip->frag_off & bpf_htons(0x3fff);
}

/* Swapping two addresses leaves every checksum over them as it was. */
static __always_inline bool answer_ipv4(struct iphdr *ip, const void *end)
{
	__be32 address;

	if (!inside(ip, sizeof(*ip), end) || ip->ihl < 5 ||
	    ip->protocol != IPPROTO_ICMP || is_fragment(ip) ||
	    !answer_echo((void *)ip + ip->ihl * 4, end, ECHO_REQUEST,
			 ECHO_REPLY))
		return false;
	address = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = address;
	return true;
}

static __always_inline bool answer_ipv6(struct ipv6hdr *ip, const void *end)
{
	struct in6_addr address;

	if (!inside(ip, sizeof(*ip), end) || ip->nexthdr != IPPROTO_ICMPV6 ||
	    !answer_echo((void *)(ip + 1), end, ECHO6_REQUEST, ECHO6_REPLY))
		return false;
	address = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = address;
	return true;
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
}
/* END SOLUTION */

/* Was the frame a ping, and is it now the reply to it? */
static __always_inline bool answered(struct ethhdr *eth, const void *end)
{
	bool answer = false;

	if (!answer_pings || !inside(eth, sizeof(*eth), end))
		return false;
	if (eth->h_dest[0] & 1) /* a multicast address cannot be a source */
		return false;
	/* EXERCISE 2.6 [4], continued: turn the request round. */
	/* BEGIN SOLUTION */
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		answer = answer_ipv4((void *)(eth + 1), end);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		answer = answer_ipv6((void *)(eth + 1), end);
	if (answer)
		swap_macs(eth);
	/* END SOLUTION */
	return answer;
}

static __always_inline int verdict_on(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	int verdict = XDP_PASS;

	if (answered(data, end))
		return XDP_TX;
	if (!drop_all)
		return judge(data, end);
	/* EXERCISE 2.2 [1]: drop every frame. Nothing need be read for that. */
	/* BEGIN SOLUTION */
	verdict = XDP_DROP;
	/* END SOLUTION */
	return verdict;
}

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	__u32 verdict = verdict_on(ctx);

	/*
	 * EXERCISE 2.4 [2]: count the frame in the map `packets`, under its
	 * verdict. Each CPU has a counter of its own, so nothing is shared and
	 * no atomic instruction is needed.
	 */
	/* BEGIN SOLUTION */
	__u64 *counter = bpf_map_lookup_elem(&packets, &verdict);

	if (counter)
		(*counter)++;
	/* END SOLUTION */
	return verdict;
}

/* As much of the kernel's structures as leads to a program's id. */
struct bpf_prog_aux {
	__u32 id;
} __attribute__((preserve_access_index));

struct bpf_prog {
	struct bpf_prog_aux *aux;
} __attribute__((preserve_access_index));

/*
 * The witness: runs where the kernel reports a frame that an XDP program
 * aborted. The tracepoint's arguments are the device, the program, the verdict.
 */
SEC("raw_tp/xdp_exception")
int xdp_exceptions(struct bpf_raw_tracepoint_args *ctx)
{
	const struct bpf_prog *aborter = (void *)ctx->args[1];

	if (BPF_CORE_READ(aborter, aux, id) == own_id)
		__sync_fetch_and_add(&exceptions, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
