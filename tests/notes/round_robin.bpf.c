// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Part 4, days 18–21, the balancer of two backends, that
 * chooses by the number of the CPU. `ip` and `tcp`, which it uses as printed, are found
 * here; update_checksums(), which is nowhere, is left out.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>

struct backend {
	__be32 ip;
	__be16 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

SEC("xdp")
int load_balancer(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 key = bpf_get_smp_processor_id() % 2;
	struct backend *backend = bpf_map_lookup_elem(&backends, &key);

	if (!backend || (void *)(tcp + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	ip->daddr = backend->ip;
	tcp->dest = backend->port;
	return XDP_TX;
}
