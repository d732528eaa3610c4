/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet's addresses, of either IP version in one form: an IPv4 address a.b.c.d
 * is ::ffff:a.b.c.d (RFC 4291). So one map has them all.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include "parse.h"

/* The IPv4 ADDRESS as an IPv6 address in TO, of 16 bytes, all of which are set. */
static __always_inline void map_ipv4(void *to, __be32 address)
{
	const __be32 mapped[4] = { 0, 0, bpf_htonl(0xffff), address };

	__builtin_memcpy(to, mapped, sizeof(mapped));
}

/* The source, or destination, address of P in TO, of 16 bytes. Is there one? */
static __always_inline bool source_of(const struct packet *p, void *to)
{
	if (p->ipv4)
		map_ipv4(to, p->ipv4->saddr);
	else if (p->ipv6)
		__builtin_memcpy(to, &p->ipv6->saddr, 16);
	return p->ipv4 || p->ipv6;
}

static __always_inline bool destination_of(const struct packet *p, void *to)
{
	if (p->ipv4)
		map_ipv4(to, p->ipv4->daddr);
	else if (p->ipv6)
		__builtin_memcpy(to, &p->ipv6->daddr, 16);
	return p->ipv4 || p->ipv6;
}

#endif
