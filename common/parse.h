/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parser that labs 03 to 06 stand on, in BPF and in user space. A cursor
 * walks the frame, header by header; whoever reads a header gets a pointer to
 * it that lies wholly inside the packet, or NULL.
 *
 * A frame is bytes from a stranger. No length in it is believed before it is
 * compared with what is there, and none may reach past another that encloses it.
 * All fields stay in network byte order where they stand.
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

enum {
	VLANS_MAX = 2,	    /* tags that are stepped over */
	EXTENSIONS_MAX = 8, /* IPv6 extension headers that are stepped over */
};

/* What follows the type of an Ethernet header that says VLAN. */
struct vlan_header {
	__be16 tci;  /* priority (3 bits), drop eligible (1), VLAN id (12) */
	__be16 type; /* of what follows */
};

/* What ICMP (RFC 792) and ICMPv6 (RFC 4443) messages begin with. */
struct icmp_header {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 rest; /* its meaning depends on the type */
};

/* What all IPv6 extension headers begin with (RFC 8200), and their least size. */
struct ipv6_extension {
	__u8 next;   /* the type of what follows */
	__u8 length; /* how many units there are beyond the first */
	__u8 data[6];
};

/* The IPv6 fragment header (RFC 8200): an extension of fixed length. */
struct ipv6_fragment {
	__u8 next;
	__u8 reserved;
	__be16 field; /* IPV6_OFFSET, IPV6_MORE */
	__be32 id;
};

/* Of a fragment field, in host order: where in the whole it begins; do more follow? */
#define IPV4_OFFSET 0x1fff /* in units of 8 bytes */
#define IPV4_MORE   0x2000
#define IPV6_OFFSET 0xfff8 /* in bytes */
#define IPV6_MORE   0x0001

/* What a frame is, in the end. */
enum packet_class {
	PACKET_OTHER, /* neither IP nor ARP, or behind a third VLAN tag */
	PACKET_ARP,
	PACKET_MALFORMED, /* a header is cut, or a length in it cannot be true */
	PACKET_FRAGMENT,  /* not the first one: it has no transport header */
	PACKET_IP_OTHER,  /* IP, but none of the four below */
	PACKET_ICMP,	  /* over IPv4 */
	PACKET_ICMP6,	  /* over IPv6 */
	PACKET_TCP,
	PACKET_UDP,
	PACKET_CLASSES
};

/* Where a reader stands. */
struct cursor {
	void *pos; /* the next byte */
	void *end; /* where the frame ends, which is all that the verifier knows */
	__u64 left; /* how many bytes the packet still has, by its own length */
};

/* What parse_packet() finds: of each layer the header, or NULL. */
struct packet {
	struct ethhdr *eth;
	struct iphdr *ipv4;
	struct ipv6hdr *ipv6;
	struct icmp_header *icmp; /* or ICMPv6 */
	struct tcphdr *tcp;
	struct udphdr *udp;
	__u16 vlans[VLANS_MAX]; /* the VLAN ids, outermost first, host order */
	__u8 tags;		/* how many of them there are */
	__u16 fragment_offset;	/* of the data in the whole, in bytes */
	bool more_fragments;	/* this is not the last piece of it */
};

/* A cursor at the start of a frame from DATA up to, not including, END. */
static __always_inline struct cursor cursor_at(void *data, void *end)
{
	return (struct cursor){ .pos = data, .end = end, .left = end - data };
}

/*
 * Steps over the next SIZE bytes. Returns where they begin, or NULL when the
 * packet has fewer. (Two comparisons, for the verifier trusts only the frame's
 * end. And it lets only a constant SIZE be read through what is returned.)
 */
static __always_inline void *take(struct cursor *c, __u64 size)
{
	void *start = c->pos;

	if (size > c->left || start + size > c->end)
		return NULL;
	c->pos = start + size;
	c->left -= size;
	return start;
}

/*
 * The packet says itself that it ends SIZE bytes from here; what lies behind is
 * padding. Returns false when that is more than there is. (A number, not
 * a pointer: what bpf_ntohs() returns has no bounds for the verifier of Linux
 * 6.1 and 6.12, and a number without bounds cannot be added to a pointer.)
 */
static __always_inline bool limit_to(struct cursor *c, __u64 size)
{
	if (size > c->left)
		return false;
	c->left = size;
	return true;
}

/* -- Ethernet and VLAN ------------------------------------------------------ */

/* The Ethernet header, or NULL. */
static __always_inline struct ethhdr *parse_ethernet(struct cursor *c)
{
	struct ethhdr *eth = NULL;

	/* EXERCISE 3.1 [1]: take the header, when the whole of it is there. */
	/* BEGIN SOLUTION */
	eth = take(c, sizeof(*eth));
	/* END SOLUTION */
	return eth;
}

/* Does this EtherType say that a VLAN tag follows? */
static __always_inline bool is_vlan(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) ||
	       type == bpf_htons(ETH_P_8021AD);
}

/* The VLAN tag, or NULL. */
static __always_inline struct vlan_header *parse_vlan(struct cursor *c)
{
	return take(c, sizeof(struct vlan_header));
}

/*
 * Steps over the VLAN tags that follow the EtherType *TYPE, two at the most,
 * notes them in P, and leaves in *TYPE the type of what comes behind them.
 * Returns false when a tag is cut.
 */
static __always_inline bool parse_vlans(struct cursor *c, __be16 *type,
					struct packet *p)
{
	/*
	 * EXERCISE 3.2 [2]: while *type is_vlan(), parse_vlan() the tag; its
	 * 12 bits of VLAN id go into p->vlans, the count of tags into p->tags.
	 */
	/* BEGIN SOLUTION */
	for (int i = 0; i < VLANS_MAX && is_vlan(*type); i++) {
		struct vlan_header *vlan = parse_vlan(c);

		if (!vlan)
			return false;
		p->vlans[i] = bpf_ntohs(vlan->tci) & 0xfff;
		p->tags = i + 1;
		*type = vlan->type;
	}
	/* END SOLUTION */
	return true;
}

/* -- IP --------------------------------------------------------------------- */

/*
 * The IPv4 header, or NULL when it, or its total length, cannot be. The cursor
 * then stands behind the options, and the packet ends where it says.
 */
static __always_inline struct iphdr *parse_ipv4(struct cursor *c)
{
	struct iphdr *ip = take(c, sizeof(*ip));

	if (!ip || ip->version != 4)
		return NULL;
	/*
	 * EXERCISE 3.3 [2]: the header is ip->ihl words of 4 bytes long, and
	 * never shorter than the fixed part; take() the options. The whole
	 * packet has ip->tot_len bytes: limit_to() those of them that follow
	 * the fixed part, before the options are taken.
	 */
	/* BEGIN SOLUTION */
	__u32 header = ip->ihl * 4, total = bpf_ntohs(ip->tot_len);

	if (header < sizeof(*ip) || total < header ||
	    !limit_to(c, total - sizeof(*ip)) || !take(c, header - sizeof(*ip)))
		return NULL;
	/* END SOLUTION */
	return ip;
}

/* Notes in P whether the packet is a piece of a larger one, and which. */
static __always_inline void note_ipv4_fragment(const struct iphdr *ip,
					       struct packet *p)
{
	/*
	 * EXERCISE 3.4 [2]: ip->frag_off has IPV4_MORE and, in units of 8
	 * bytes, IPV4_OFFSET. p->fragment_offset is in bytes.
	 */
	/* BEGIN SOLUTION */
	__u16 field = bpf_ntohs(ip->frag_off);

	p->fragment_offset = (field & IPV4_OFFSET) * 8;
	p->more_fragments = field & IPV4_MORE;
	/* END SOLUTION */
}

/* The fixed IPv6 header, or NULL when it, or its payload length, cannot be. */
static __always_inline struct ipv6hdr *parse_ipv6(struct cursor *c)
{
	struct ipv6hdr *ip = take(c, sizeof(*ip));

	if (!ip || ip->version != 6 || !limit_to(c, bpf_ntohs(ip->payload_len)))
		return NULL;
	return ip;
}

/* The same as note_ipv4_fragment(), from the fragment header F. */
static __always_inline void note_ipv6_fragment(const struct ipv6_fragment *f,
					       struct packet *p)
{
	/* EXERCISE 3.4 [2], continued: here it is f->field, and all in bytes. */
	/* BEGIN SOLUTION */
	__u16 field = bpf_ntohs(f->field);

	p->fragment_offset = field & IPV6_OFFSET;
	/* A piece may have been cut again: its end is not that of the whole. */
	p->more_fragments |= field & IPV6_MORE;
	/* END SOLUTION */
}

/*
 * The extension headers that can be stepped over (ESP cannot), by type, and in
 * which units they count their length. A table, since the verifier follows each
 * branch of a switch on its own, and after eight headers has followed 3^8.
 */
#define EXTENSION 0x10
static const __u8 extensions[256] = {
	[IPPROTO_HOPOPTS] = EXTENSION | 8,  [IPPROTO_ROUTING] = EXTENSION | 8,
	[IPPROTO_DSTOPTS] = EXTENSION | 8,  [IPPROTO_AH] = EXTENSION | 4,
	[IPPROTO_FRAGMENT] = EXTENSION | 0, /* has no length, 8 bytes always */
};

/* Is NEXT an extension header that can be stepped over? */
static __always_inline bool is_extension(__u8 next)
{
	return extensions[next];
}

/* How many bytes the extension E of type NEXT has beyond its first 8. */
static __always_inline __u32 extension_rest(__u8 next,
					    const struct ipv6_extension *e)
{
	/* At most 255 * 8, which Linux 6.1 does not see without the mask. */
	return e->length * (extensions[next] & 0xf) & 0x7ff;
}

/*
 * Steps over the extension headers that follow the next header *NEXT, and
 * leaves in it the type of what comes behind them; notes a fragment in P, and
 * stops there when it is a later one. Returns false when one is cut, or when
 * there are more than EXTENSIONS_MAX.
 */
static __always_inline bool parse_extensions(struct cursor *c, __u8 *next,
					     struct packet *p)
{
	/*
	 * EXERCISE 3.5 [3]: while *next is_extension(), take() its first 8
	 * bytes and then its extension_rest(). The loop needs a limit that the
	 * verifier can see.
	 */
	/* BEGIN SOLUTION */
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		struct ipv6_extension *e;

		if (!is_extension(*next))
			return true;
		e = take(c, sizeof(*e));
		if (!e || !take(c, extension_rest(*next, e)))
			return false;
		if (*next == IPPROTO_FRAGMENT)
			note_ipv6_fragment((void *)e, p);
		*next = e->next;
		if (p->fragment_offset)
			return true;
	}
	if (is_extension(*next))
		return false;
	/* END SOLUTION */
	return true;
}

/* -- transport -------------------------------------------------------------- */

/* The ICMP or ICMPv6 header, or NULL. */
static __always_inline struct icmp_header *parse_icmp(struct cursor *c)
{
	return take(c, sizeof(struct icmp_header));
}

/* The TCP header, or NULL; the cursor then stands behind its options. */
static __always_inline struct tcphdr *parse_tcp(struct cursor *c)
{
	struct tcphdr *tcp = take(c, sizeof(*tcp));

	if (!tcp)
		return NULL;
	/*
	 * EXERCISE 3.6 [2]: the header is tcp->doff words of 4 bytes long, and
	 * never shorter than the fixed part; take() the options.
	 */
	/* BEGIN SOLUTION */
	if (tcp->doff * 4 < sizeof(*tcp) ||
	    !take(c, tcp->doff * 4 - sizeof(*tcp)))
		return NULL;
	/* END SOLUTION */
	return tcp;
}

/*
 * The UDP header, or NULL. Its length is that of the whole datagram: of a first
 * FRAGMENT most of that is still to come.
 */
static __always_inline struct udphdr *parse_udp(struct cursor *c, bool fragment)
{
	struct udphdr *udp = take(c, sizeof(*udp));

	if (!udp)
		return NULL;
	/*
	 * EXERCISE 3.6 [2], continued: udp->len counts the header too;
	 * limit_to() what is behind that, unless this is a FRAGMENT.
	 */
	/* BEGIN SOLUTION */
	if (bpf_ntohs(udp->len) < sizeof(*udp))
		return NULL;
	if (!fragment && !limit_to(c, bpf_ntohs(udp->len) - sizeof(*udp)))
		return NULL;
	/* END SOLUTION */
	return udp;
}

/* -- the whole frame -------------------------------------------------------- */

static __always_inline enum packet_class
parse_transport(struct cursor *c, __u8 protocol, struct packet *p)
{
	if (p->fragment_offset)
		return PACKET_FRAGMENT;
	if (protocol == IPPROTO_TCP) {
		p->tcp = parse_tcp(c);
		return p->tcp ? PACKET_TCP : PACKET_MALFORMED;
	}
	if (protocol == IPPROTO_UDP) {
		p->udp = parse_udp(c, p->more_fragments);
		return p->udp ? PACKET_UDP : PACKET_MALFORMED;
	}
	if (protocol == (p->ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
		p->icmp = parse_icmp(c);
		if (!p->icmp)
			return PACKET_MALFORMED;
		return p->ipv4 ? PACKET_ICMP : PACKET_ICMP6;
	}
	return PACKET_IP_OTHER;
}

/*
 * Parses the frame from C's position on. Returns its class, and in P the
 * headers that it has, up to the one that is malformed.
 */
static __always_inline enum packet_class parse_packet(struct cursor *c,
						      struct packet *p)
{
	__be16 type;
	__u8 next;

	*p = (struct packet){};
	p->eth = parse_ethernet(c);
	if (!p->eth)
		return PACKET_MALFORMED;
	type = p->eth->h_proto;
	if (!parse_vlans(c, &type, p))
		return PACKET_MALFORMED;

	if (type == bpf_htons(ETH_P_ARP))
		return PACKET_ARP;
	if (type == bpf_htons(ETH_P_IP)) {
		p->ipv4 = parse_ipv4(c);
		if (!p->ipv4)
			return PACKET_MALFORMED;
		note_ipv4_fragment(p->ipv4, p);
		return parse_transport(c, p->ipv4->protocol, p);
	}
	if (type == bpf_htons(ETH_P_IPV6)) {
		p->ipv6 = parse_ipv6(c);
		if (!p->ipv6)
			return PACKET_MALFORMED;
		next = p->ipv6->nexthdr;
		if (!parse_extensions(c, &next, p))
			return PACKET_MALFORMED;
		return parse_transport(c, next, p);
	}
	return PACKET_OTHER;
}

#ifndef __bpf__
/* The name of an enum packet_class, without PACKET_; "?" if it is none. */
static inline const char *packet_class_name(__u32 class)
{
	static const char *const names[PACKET_CLASSES] = {
		[PACKET_OTHER] = "OTHER",
		[PACKET_ARP] = "ARP",
		[PACKET_MALFORMED] = "MALFORMED",
		[PACKET_FRAGMENT] = "FRAGMENT",
		[PACKET_IP_OTHER] = "IP_OTHER",
		[PACKET_ICMP] = "ICMP",
		[PACKET_ICMP6] = "ICMP6",
		[PACKET_TCP] = "TCP",
		[PACKET_UDP] = "UDP",
	};

	return class < PACKET_CLASSES ? names[class] : "?";
}
#endif

#endif
