/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP as a load balancer meets it: errors, which quote the packet that they are
 * about, and pings.
 */
#ifndef ICMP_H
#define ICMP_H

#include "address.h"
#include "csum.h"
#include "parse.h"
#include "tuple.h"

enum {
	ECHO_REPLY = 0,
	UNREACHABLE = 3, /* that it is too long is a reason of these too */
	ECHO = 8,
	TIME_EXCEEDED = 11,
	PARAMETER = 12,
	ERRORS6 = 128, /* all types below are errors */
	ECHO6 = 128,
	ECHO6_REPLY = 129,
	PING_TTL = 64,
	QUOTED =
		8, /* bytes of what follows the IP header, at least (RFC 792) */
};

static __always_inline bool is_icmp_error(const struct packet *p)
{
	__u8 type = p->icmp->type;

	if (p->ipv6)
		return type < ERRORS6;
	return type == UNREACHABLE || type == TIME_EXCEEDED ||
	       type == PARAMETER;
}

static __always_inline bool is_ping(const struct packet *p)
{
	return p->icmp->type == (p->ipv4 ? ECHO : ECHO6) && !p->icmp->code;
}

/*
 * An ICMP error, P, quotes the beginning of the packet that it is about. That one's
 * headers are in QUOTED, of the transport header only the ports may be there.
 * Returns false when they are not.
 */
static __always_inline bool
parse_quote(struct cursor *c, const struct packet *p, struct packet *quoted)
{
	__u8 protocol;
	void *ports;

	*quoted = (struct packet){};
	if (p->ipv4) {
		struct iphdr *ip = take(c, sizeof(*ip));

		if (!ip || ip->version != 4 || ip->ihl < 5 ||
		    !take(c, ip->ihl * 4 - sizeof(*ip)) ||
		    ip->frag_off & bpf_htons(IPV4_OFFSET))
			return false;
		quoted->ipv4 = ip;
		protocol = ip->protocol;
	} else if (p->ipv6) {
		struct ipv6hdr *ip = take(c, sizeof(*ip));

		if (!ip || ip->version != 6)
			return false;
		quoted->ipv6 = ip;
		protocol = ip->nexthdr;
	} else {
		return false;
	}
	ports = take(c, QUOTED);
	if (!ports)
		return false;
	if (protocol == IPPROTO_TCP)
		quoted->tcp = ports;
	else if (protocol == IPPROTO_UDP)
		quoted->udp = ports;
	else
		return false;
	settle(quoted);
	return true;
}

/* Is P sent to where the packet that it quotes, whose tuple is T, came from? */
static __always_inline bool is_sent_back(const struct packet *p,
					 const struct tuple *t)
{
	const __be32 *from = t->address[SOURCE], *to;

	if (t->ipv4)
		return p->ipv4->daddr == from[0];
	to = p->ipv6->daddr.s6_addr32;
	return to[0] == from[0] && to[1] == from[1] && to[2] == from[2] &&
	       to[3] == from[3];
}

/*
 * The source of what P quotes, T, becomes ADDRESS and PORT, and so does P's
 * destination: only so does a backend know what it has sent. A quoted IPv4 header
 * sums to the same as before, with its checksum; TCP's and UDP's are left as they
 * are, for not all of what they cover is there.
 */
static __always_inline void translate_error(struct packet *p,
					    struct packet *quoted,
					    struct tuple *t,
					    const __be32 *address, __be16 port)
{
	struct tuple outer = *t;
	__sum16 *check = &p->icmp->checksum;
	__u64 change, inner = put_address(t, SOURCE, address);

	if (t->ipv4) {
		outer.address[DESTINATION] = &p->ipv4->daddr;
		change = put_address(&outer, DESTINATION, address);
		p->ipv4->check = csum_apply(p->ipv4->check, change);
		quoted->ipv4->check = csum_apply(quoted->ipv4->check, inner);
	} else { /* ICMPv6 covers its packet's addresses too */
		outer.address[DESTINATION] = p->ipv6->daddr.s6_addr32;
		change = put_address(&outer, DESTINATION, address);
		*check = csum_apply(*check, change + inner);
	}
	*check = csum_replace(*check, *t->port[SOURCE], port);
	*t->port[SOURCE] = port;
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
}

/* A ping, P, becomes the answer to itself, for the host that it came from. */
static __always_inline void make_ping_reply(struct packet *p)
{
	__be16 *word = (__be16 *)p->icmp, old = *word;

	swap_macs(p->eth);
	p->icmp->type = p->ipv4 ? ECHO_REPLY : ECHO6_REPLY;
	p->icmp->checksum = csum_replace(p->icmp->checksum, old, *word);
	if (p->ipv4) {
		__be32 source = p->ipv4->saddr;

		p->ipv4->saddr = p->ipv4->daddr;
		p->ipv4->daddr = source;
		word = (__be16 *)&p->ipv4->ttl, old = *word;
		p->ipv4->ttl = PING_TTL;
		p->ipv4->check = csum_replace(p->ipv4->check, old, *word);
	} else if (p->ipv6) {
		struct in6_addr source = p->ipv6->saddr;

		p->ipv6->saddr = p->ipv6->daddr;
		p->ipv6->daddr = source;
		p->ipv6->hop_limit = PING_TTL;
	}
}

#endif
