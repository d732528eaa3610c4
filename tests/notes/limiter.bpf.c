// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Part 4, days 15–17, the rate limiter: it subtracts a
 * count of packets from a time in nanoseconds.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1000000);
	__type(key, __u32);   /* source address */
	__type(value, __u64); /* packet count */
} rate_limit SEC(".maps");

SEC("xdp")
int limiter(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	__u64 new_count = 1, now = bpf_ktime_get_ns(), *count;
	__u32 source;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	source = ip->saddr;
	count = bpf_map_lookup_elem(&rate_limit, &source);
	if (count && now - *count < 1000000000) { /* one second */
		if (*count > 1000)
			return XDP_DROP;
		new_count = *count + 1;
	}
	bpf_map_update_elem(&rate_limit, &source, &new_count, BPF_ANY);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
