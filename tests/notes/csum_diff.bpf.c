// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Packet Corruption: checksums are for bpf_l3_csum_replace().
 * XDP has not got that; it has bpf_csum_diff(). This returns, in host order, the
 * checksum that the IP header is to have once its destination is 10.0.2.1.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int csum_diff(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	__be32 new = bpf_htonl(0x0a000201);
	__u32 sum;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return 0;
	sum = bpf_csum_diff(&ip->daddr, 4, &new, 4, (__u16)~ip->check);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return bpf_ntohs(~sum);
}
