// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, TC vs XDP: XDP has no socket
 * information, TC has “mark, priority”. This returns the priority of the socket that
 * a TCP packet is for.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int socket_priority(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	__u32 priority;

	if ((void *)(tcp + 1) > (void *)(long)ctx->data_end)
		return 0;
	tuple.ipv4.saddr = ip->saddr;
	tuple.ipv4.daddr = ip->daddr;
	tuple.ipv4.sport = tcp->source;
	tuple.ipv4.dport = tcp->dest;
	sk = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4),
			       BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return 0;
	priority = sk->priority;
	bpf_sk_release(sk);
	return priority;
}
