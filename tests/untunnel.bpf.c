// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The end of a tunnel, on any kernel, with the modules for it or without: a tc program
 * that takes the outer IP header off what arrives as IP in IP.
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int untunnel(struct __sk_buff *skb)
{
	int ipv4 = skb->protocol == bpf_htons(ETH_P_IP);
	int at = sizeof(struct ethhdr) +
		 (ipv4 ? offsetof(struct iphdr, protocol)
		       : offsetof(struct ipv6hdr, nexthdr));
	int size = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u8 protocol;

	if (bpf_skb_load_bytes(skb, at, &protocol, 1) ||
	    protocol != (ipv4 ? IPPROTO_IPIP : IPPROTO_IPV6))
		return TC_ACT_OK;
	if (bpf_skb_adjust_room(skb, -size, BPF_ADJ_ROOM_MAC, 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
