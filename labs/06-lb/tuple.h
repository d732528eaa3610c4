/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The five that make a flow, two addresses, two ports and a protocol: where they
 * stand in a packet, and how they are read and written there. All in network order.
 */
#ifndef TUPLE_H
#define TUPLE_H

#include "address.h"
#include "csum.h"
#include "parse.h"

/* The two ends of a packet. */
enum end { SOURCE, DESTINATION };

struct tuple {
	__be32 *address[2]; /* by enum end: of IPv4 one word, of IPv6 four */
	__be16 *port[2];
	__sum16 *check; /* TCP's or UDP's; not to be read in a quote */
	__u64 ipv4;	/* 1, or 0: IPv6 */
	__u64 tcp;	/* 1, or 0: UDP */
};

/*
 * Makes the compiler forget how it came by X, a number or a pointer. Of a pointer into
 * a packet the verifier does not know that it is not NULL, so it follows both ways of
 * each question; and a compiler that remembers asks one pointer to know of another,
 * and so leads it to where the packet is IPv4 and has no IPv4 header. Of a number it
 * knows the value.
 */
#define opaque(x) asm volatile("" : "+r"(x))

/*
 * Makes it forget so of P, once it is parsed. Three pointers are enough, and each more that
 * it cannot derive costs every packet some nanoseconds.
 */
static __always_inline void settle(struct packet *p)
{
	opaque(p->ipv4);
	opaque(p->ipv6);
	opaque(p->tcp);
}

/* Where the tuple of P, which has ports, is, in T. Returns false if it has none. */
static __always_inline bool find_tuple(const struct packet *p, struct tuple *t)
{
	if (p->ipv4) {
		t->address[SOURCE] = &p->ipv4->saddr;
		t->address[DESTINATION] = &p->ipv4->daddr;
		t->ipv4 = 1;
	} else if (p->ipv6) {
		t->address[SOURCE] = p->ipv6->saddr.s6_addr32;
		t->address[DESTINATION] = p->ipv6->daddr.s6_addr32;
		t->ipv4 = 0;
	} else {
		return false;
	}
	if (p->tcp) {
		t->port[SOURCE] = &p->tcp->source;
		t->check = &p->tcp->check;
		t->tcp = 1;
	} else if (p->udp) {
		t->port[SOURCE] = &p->udp->source;
		t->check = &p->udp->check;
		t->tcp = 0;
	} else {
		return false;
	}
	t->port[DESTINATION] = t->port[SOURCE] + 1;
	opaque(t->ipv4);
	opaque(t->tcp);
	return true;
}

/* The address of that END, in TO; an IPv4 address a.b.c.d is ::ffff:a.b.c.d. */
static __always_inline void read_address(const struct tuple *t, enum end end,
					 __be32 *to)
{
	if (t->ipv4)
		map_ipv4(to, *t->address[end]);
	else
		__builtin_memcpy(to, t->address[end], 16);
}

/*
 * Puts ADDRESS, in the same form, in its place. Returns what that changes in a
 * checksum that covers it, for csum_apply().
 */
static __always_inline __u64 put_address(struct tuple *t, enum end end,
					 const __be32 *address)
{
	__be32 *at = t->address[end];
	__u64 change;

	if (t->ipv4) {
		change = csum_change(at, address + 3, 1);
		*at = address[3];
	} else {
		change = csum_change(at, address, 4);
		__builtin_memcpy(at, address, 16);
	}
	return change;
}

#endif
