// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Week 4, Performance Optimization: “BAD: Inefficient”
 * conditions in a row, “GOOD: Early returns” (-DGOOD).
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

__u64 seen;

struct packet {
	void *pos, *end;
};

/* The next SIZE bytes, when they lie inside the packet; or NULL. */
static __always_inline void *header(struct packet *packet, __u64 size)
{
	void *start = packet->pos;

	packet->pos += size;
	return packet->pos > packet->end ? NULL : start;
}

static __always_inline bool parse_ethernet(struct packet *packet)
{
	struct ethhdr *eth = header(packet, sizeof(struct ethhdr));

	return eth && eth->h_proto == bpf_htons(ETH_P_IP);
}

static __always_inline bool parse_ip(struct packet *packet)
{
	struct iphdr *ip = header(packet, sizeof(struct iphdr));

	return ip && ip->ihl == 5 && ip->protocol == IPPROTO_TCP;
}

static __always_inline bool parse_tcp(struct packet *packet)
{
	struct tcphdr *tcp = header(packet, sizeof(struct tcphdr));

	return tcp && tcp->doff == 5 && tcp->dest == bpf_htons(80);
}

static __always_inline bool parse_http(struct packet *packet)
{
	__u32 *method = header(packet, sizeof(__u32));

	return method && *method == bpf_htonl(0x47455420); /* "GET " */
}

static __always_inline void process_http(void)
{
	__sync_fetch_and_add(&seen, 1);
}

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	struct packet p = { (void *)(long)ctx->data,
			    (void *)(long)ctx->data_end };

#ifdef GOOD
	if (!parse_ethernet(&p))
		return XDP_PASS;
	if (!parse_ip(&p))
		return XDP_PASS;
	if (!parse_tcp(&p))
		return XDP_PASS;
	if (!parse_http(&p))
		return XDP_PASS;
	process_http();
#else
	if (parse_ethernet(&p) && parse_ip(&p) && parse_tcp(&p) &&
	    parse_http(&p)) {
		process_http();
	}
#endif
	return XDP_PASS;
}
