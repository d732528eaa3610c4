// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * VLAN tags on a wire between real sockets, on any kernel, with the module of
 * VLAN interfaces or without: tc programs that put tags on what a host sends,
 * and take them off what arrives, behind the place where XDP sees it.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int tag_once(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 5))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("tc")
int tag_twice(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 5) ||
	    bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), 100))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("tc")
int untag(struct __sk_buff *skb)
{
	for (int i = 0; i < 2 && skb->vlan_present; i++)
		bpf_skb_vlan_pop(skb);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
