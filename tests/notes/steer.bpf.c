// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, CPU Steering with CPUMAP. As printed
 * it says nowhere what num_cpus is; and it takes every frame for one of IPv4.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, __u32);
} cpumap SEC(".maps");

SEC("xdp")
int steer_to_cpu(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;

	__u32 cpu = ip->saddr % num_cpus;
	return bpf_redirect_map(&cpumap, cpu, 0);
}
