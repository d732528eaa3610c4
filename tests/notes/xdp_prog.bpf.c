// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Architecture Difference”, the XDP hook point: attaching stores a pointer in
 * netdev->xdp_prog. This looks there, for each datagram of 777 bytes that arrives.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct net_device {
	void *xdp_prog;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
	unsigned int len;
} __attribute__((preserve_access_index));

__u64 set, unset;

SEC("raw_tp/netif_receive_skb")
int xdp_prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (void *)ctx->args[0];

	if (BPF_CORE_READ(skb, len) != 777 + 28)
		return 0;
	if (BPF_CORE_READ(skb, dev, xdp_prog))
		__sync_fetch_and_add(&set, 1);
	else
		__sync_fetch_and_add(&unset, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
