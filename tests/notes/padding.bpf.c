// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “eBPF Networking Stack Visual Guide”, the load balancer's key: seven bytes, and
 * an eighth that the compiler adds and nobody sets. With -DPAD it is set. With -DINITIALIZER the key is made by an
 * initializer: then clang 21 sets the eighth byte to 0, and clang 14 and 19 do not.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>

struct vip_key {
	__be32 ip;
	__be16 port;
	__u8 protocol;
#ifdef PAD
	__u8 pad;
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct vip_key);
	__type(value, __u64);
} vips SEC(".maps");

/* Leaves bytes on the stack that are not 0, as whatever ran before may. */
static __noinline int leave_bytes(void)
{
	volatile __u64 bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = -1;
	return bytes[0];
}

/* Its key is where those bytes are. */
static __noinline int look_up(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct vip_key vip;

	if ((void *)(tcp + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;

#ifdef INITIALIZER
	struct vip_key made = {
		.ip = ip->daddr,
		.port = tcp->dest,
		.protocol = ip->protocol,
	};

	return bpf_map_lookup_elem(&vips, &made) ? XDP_TX : XDP_PASS;
#endif
	vip.ip = ip->daddr;
	vip.port = tcp->dest;
	vip.protocol = ip->protocol;
#ifdef PAD
	vip.pad = 0;
#endif
	return bpf_map_lookup_elem(&vips, &vip) ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int padding(struct xdp_md *ctx)
{
	leave_bytes();
	return look_up(ctx);
}
