// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, TC Return Actions: what becomes of
 * a packet when a program returns ACTION? This one counts its runs.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

__u64 runs;

SEC("tc")
int action(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&runs, 1);
	return ACTION;
}
