// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, TC Packet Modification: sets the
 * TTL, and the checksum with it. -DTELL returns what the helper returns, which the
 * notes ignore; -DSECTION=… puts it in another section.
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#ifndef SECTION
#define SECTION "tc"
#endif
#ifndef TELL
#define TELL 0
#endif

SEC(SECTION)
int modify_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u8 old_ttl;
	long error;

	if ((void *)(ip + 1) > data_end)
		return TC_ACT_OK;
	old_ttl = ip->ttl;
	ip->ttl = 64;
	error = bpf_l3_csum_replace(
		skb, offsetof(struct iphdr, check) + sizeof(struct ethhdr),
		old_ttl, ip->ttl, sizeof(__u8));
	skb->mark = 0x1234;
	return TELL ? error : TC_ACT_OK;
}
