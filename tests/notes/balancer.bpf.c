// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, Building a Load Balancer: its
 * program, and each of its faults. The patches in balancer/ mend four of them, one
 * on top of the other.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_BACKENDS 64

struct backend {
	__be32 ip;
	__u8 mac[6];
	__u16 weight;
};

struct vip_key {
	__be32 ip;
	__be16 port;
	__u8 protocol;
};

struct conn_key {
	__be32 src_ip;
	__be32 dst_ip;
	__be16 src_port;
	__be16 dst_port;
	__u8 protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct vip_key);
	__type(value, struct backend[MAX_BACKENDS]);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1000000);
	__type(key, struct conn_key);
	__type(value, struct backend);
} conntrack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

#define STAT_PACKETS 0
#define STAT_BYTES   1
#define STAT_DROPPED 2

static __always_inline void update_stats(__u32 key, __u64 value)
{
	__u64 *counter = bpf_map_lookup_elem(&stats, &key);

	if (counter)
		__sync_fetch_and_add(counter, value);
}

static __always_inline __u32 hash_conn(struct conn_key *key)
{
	return key->src_ip ^ key->src_port ^ key->dst_port;
}

static __always_inline void update_csum(__be16 *csum, __be32 old, __be32 new)
{
	__u32 sum = ~(*csum) & 0xFFFF;

	sum += ~old & 0xFFFF;
	sum += ~(old >> 16) & 0xFFFF;
	sum += new & 0xFFFF;
	sum += (new >> 16) & 0xFFFF;
	while (sum > 0xFFFF)
		sum = (sum & 0xFFFF) + (sum >> 16);
	*csum = ~sum;
}

SEC("xdp")
int xdp_lb(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	struct ethhdr *eth = data;
	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	struct iphdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;

	__be16 src_port, dst_port;
	void *l4_hdr = (void *)ip + (ip->ihl * 4);
	if (ip->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = l4_hdr;
		if ((void *)(tcp + 1) > data_end)
			return XDP_PASS;
		src_port = tcp->source;
		dst_port = tcp->dest;
	} else {
		struct udphdr *udp = l4_hdr;
		if ((void *)(udp + 1) > data_end)
			return XDP_PASS;
		src_port = udp->source;
		dst_port = udp->dest;
	}

	/* Is this for a VIP? */
	struct vip_key vip = {
		.ip = ip->daddr,
		.port = dst_port,
		.protocol = ip->protocol,
	};
	struct backend(*backend_list)[MAX_BACKENDS] =
		bpf_map_lookup_elem(&backends, &vip);
	if (!backend_list)
		return XDP_PASS;

	/* Does the connection have its backend already? */
	struct conn_key conn = {
		.src_ip = ip->saddr,
		.dst_ip = ip->daddr,
		.src_port = src_port,
		.dst_port = dst_port,
		.protocol = ip->protocol,
	};
	struct backend *backend = bpf_map_lookup_elem(&conntrack, &conn);
	if (!backend) {
		__u32 hash = hash_conn(&conn);
		__u32 idx = hash % MAX_BACKENDS;
		if (idx >= MAX_BACKENDS)
			idx = 0;

		struct backend *selected = &(*backend_list)[idx];
		if (selected->ip == 0) {
			update_stats(STAT_DROPPED, 1);
			return XDP_DROP;
		}
		bpf_map_update_elem(&conntrack, &conn, selected, BPF_ANY);
		backend = selected;
	}

	/* To the backend: its address, the checksum of IP, its MAC. */
	__be32 old_daddr = ip->daddr;
	ip->daddr = backend->ip;
	update_csum(&ip->check, old_daddr, ip->daddr);
	__builtin_memcpy(eth->h_dest, backend->mac, 6);

	update_stats(STAT_PACKETS, 1);
	update_stats(STAT_BYTES, data_end - data);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
