// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, When to Use XDP: “need to
 * modify/clone packets?” then TC. This does both in XDP: it changes the source
 * address of a frame, and sends it out of every interface in a map.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

SEC("xdp")
int broadcast(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	eth->h_source[5] = 0x77;
	return bpf_redirect_map(&ports, 0, BPF_F_BROADCAST);
}
