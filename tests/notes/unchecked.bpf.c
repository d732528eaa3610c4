// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “eBPF Architecture”, Runtime Checks: “bounds checking on memory access”. This
 * reads the EtherType without asking whether the frame has one; -DCHECKED asks.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int unchecked(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

#ifdef CHECKED
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
#endif
	return eth->h_proto;
}
