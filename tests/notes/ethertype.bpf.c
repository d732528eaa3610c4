// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, Hook Point Comparison: TC is “L3”.
 * This keeps the two bytes at which an Ethernet frame has its EtherType.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

__u16 ethertype;

SEC("tc")
int keep_ethertype(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;

	if ((void *)(eth + 1) <= (void *)(long)skb->data_end)
		ethertype = bpf_ntohs(eth->h_proto);
	return TC_ACT_UNSPEC;
}
