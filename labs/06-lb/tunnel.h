/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet in a packet of its own: IP in IP (RFC 2003, RFC 2473), so that it comes to
 * a backend in whatever network as it was sent.
 */
#ifndef TUNNEL_H
#define TUNNEL_H

#include "address.h"
#include "context.h"
#include "csum.h"
#include "parse.h"

enum { TUNNEL_TTL = 64 };

/* The bytes before an IP header; with fewer tags it begins within them. */
struct link_header {
	struct ethhdr eth;
	struct vlan_header tags[VLANS_MAX];
};

/*
 * Writes OUTER, the IPv4 header of a packet to the address TO that has INNER, another's
 * header, and what follows that, as its content. It is from the same host: so routers
 * and cards that spread flows by addresses go on to. (Katran makes one up for that.)
 */
static __always_inline void
put_outer4(struct iphdr *outer, const struct iphdr *inner, const __be32 *to)
{
	const __be32 none[sizeof(*outer) / 4] = {};

	*outer = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*outer) / 4,
		.tos = inner->tos, /* and with it what ECN has (RFC 6040) */
		.tot_len =
			bpf_htons(bpf_ntohs(inner->tot_len) + sizeof(*outer)),
		.frag_off = bpf_htons(0x4000), /* do not fragment */
		.ttl = TUNNEL_TTL,
		.protocol = IPPROTO_IPIP,
		.saddr = inner->saddr,
		.daddr = to[3],
	};
	outer->check = csum_apply(
		0xffff, csum_change(none, (__be32 *)outer, sizeof(*outer) / 4));
}

/* The same of an IPv6 header. */
static __always_inline void
put_outer6(struct ipv6hdr *outer, const struct ipv6hdr *inner, const __be32 *to)
{
	*outer = *inner; /* class, flow label, source */
	outer->payload_len =
		bpf_htons(bpf_ntohs(inner->payload_len) + sizeof(*inner));
	outer->nexthdr = IPPROTO_IPV6;
	outer->hop_limit = TUNNEL_TTL;
	__builtin_memcpy(&outer->daddr, to, sizeof(outer->daddr));
}

/*
 * Puts P, of IP version 4 if IPV4 is 1, into a packet to the address TO: that is P
 * then. No other pointer into the packet is good afterwards. Returns false when
 * there is no room before the frame.
 */
static __always_inline bool encapsulate(struct xdp_md *ctx, struct packet *p,
					__u64 ipv4, const __be32 *to)
{
	int size = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct link_header *new = (void *)p->eth, old;
	void *end = frame_end(ctx), *outer;

	if ((void *)(new + 1) > end)
		return false;
	old = *new;
	if (bpf_xdp_adjust_head(ctx, -size))
		return false;
	end = frame_end(ctx);
	new = frame_start(ctx);
	if ((void *)(new + 1) > end)
		return false;
	*new = old;
	outer = (void *)new->tags + (p->tags & 3) * sizeof(*new->tags);
	if (outer + 2 * size > end)
		return false;
	*p = (struct packet){ .eth = &new->eth };
	if (ipv4) {
		p->ipv4 = outer;
		put_outer4(p->ipv4, outer + size, to);
	} else {
		p->ipv6 = outer;
		put_outer6(p->ipv6, outer + size, to);
	}
	return true;
}

#endif
