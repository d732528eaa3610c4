// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc: two programs at the traffic-control hooks of an interface, one for what
 * comes in and one for what goes out. They see what XDP cannot: packets that
 * leave, and the skb around a packet, with its mark, its priority, its clones.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "context.h"
#include "csum.h"
#include "parse.h"
#include "tc.h"

enum {
	MARKS_MAX = 1024,
	SERVICES_MAX = 1024,
	LIMITS_MAX = 1024,
	FLOWS_MAX = 1 << 14,
	HEADERS = 256, /* bytes that are made linear, for the parser */
};

#define SECOND 1000000000ULL

/* The knobs; 0 switches off. Ports are in host byte order. */
const volatile __u8 ttl;
const volatile bool ttl_by_helper;
const volatile __u16 forward_from, forward_to;
const volatile __u32 mirror_every, mirror_ifindex;
const volatile __u16 vlan;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TC_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

/* The mark of what comes from a prefix. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, MARKS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct tc_prefix);
	__type(value, __u32);
} marks SEC(".maps");

/* How to treat what goes to a port. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SERVICES_MAX);
	__type(key, __be16);
	__type(value, struct tc_service);
} services SEC(".maps");

/* How much may go to an address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMITS_MAX);
	__type(key, struct tc_address);
	__type(value, struct tc_limit);
} limits SEC(".maps");

/* Who spoke to the forwarded port, so that the answers find back. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS_MAX);
	__type(key, struct tc_flow);
	__type(value, __u8);
} flows SEC(".maps");

/* How many packets each CPU has seen since it mirrored one. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} turns SEC(".maps");

static __always_inline void count(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		(*n)++;
}

/* -- the packet in an skb -------------------------------------------------- */

/*
 * Parses the packet in SKB into P, whose pointers hold until a helper changes the
 * skb. What of an skb is in one piece may be less than its headers: then these
 * are pulled there first.
 */
static __always_inline enum packet_class parse_skb(struct __sk_buff *skb,
						   struct packet *p)
{
	__u32 headers = skb->len < HEADERS ? skb->len : HEADERS;
	struct cursor c;

	if (frame_end(skb) - frame_start(skb) < headers)
		bpf_skb_pull_data(skb, headers);
	c = cursor_at(frame_start(skb), frame_end(skb));
	c.left = skb->len; /* what is in one piece may be less */
	return parse_packet(&c, p);
}

/* How far HEADER is from the packet's first byte: what helpers want instead. */
static __always_inline __u32 offset_of(struct __sk_buff *skb, void *header)
{
	return header - frame_start(skb);
}

/* -- on the way in --------------------------------------------------------- */

/* Sends a clone of one packet of mirror_every, as it came, to the mirror. */
static __always_inline void mirror(struct __sk_buff *skb)
{
	__u32 zero = 0, *turn = bpf_map_lookup_elem(&turns, &zero);

	if (!mirror_every || !turn)
		return;
	/*
	 * EXERCISE 5.6 [2]: each CPU counts its turns; of mirror_every packets
	 * the last is cloned, bpf_clone_redirect().
	 */
	/* BEGIN SOLUTION */
	if (++*turn < mirror_every)
		return;
	*turn = 0;
	if (!bpf_clone_redirect(skb, mirror_ifindex, 0))
		count(TC_MIRRORED);
	/* END SOLUTION */
}

/*
 * Takes the tag off that the other side's program has pushed. The kernel has it
 * out of the frame by now: it is in the skb.
 */
static __always_inline void pop_vlan(struct __sk_buff *skb)
{
	if (vlan && skb->vlan_present &&
	    skb->vlan_proto == bpf_htons(ETH_P_8021Q) &&
	    (skb->vlan_tci & 0xfff) == vlan)
		bpf_skb_vlan_pop(skb);
}

/*
 * Is P a message between neighbors, of their discovery or of multicast listeners?
 * These are believed with the hop limit 255 or 1 only, which proves that no router
 * was in between (RFC 4861, RFC 3810).
 */
static __always_inline bool between_neighbors(const struct packet *p)
{
	__u8 type = p->ipv6 && p->icmp ? p->icmp->type : 0;

	return (type >= 130 && type <= 137) || type == 143;
}

/* The word of an IPv4 header that begins with the TTL, as it will be. */
static __always_inline __be16 word_with_ttl(__be16 word)
{
	return (word & bpf_htons(0x00ff)) | bpf_htons(ttl << 8);
}

/*
 * Some cards sum up the whole packet (CHECKSUM_COMPLETE), and the kernel believes
 * them: the sum in SKB follows a word that has changed. (An IPv4 header with
 * its checksum sums to the same as before.)
 */
static __always_inline void tell_sum(struct __sk_buff *skb, __be16 old,
				     __be16 new)
{
	bpf_csum_update(skb, (__u16)~old + new);
}

/* Sets the TTL, or the hop limit, in place. */
static __always_inline void set_ttl(struct __sk_buff *skb, struct packet *p)
{
	/*
	 * EXERCISE 5.1 [2]: the checksum covers words of 16 bits, and the TTL
	 * is the first half of one: csum_replace(). IPv6 has no checksum; but a
	 * card may have summed up the packet: tell_sum().
	 */
	/* BEGIN SOLUTION */
	if (p->ipv4 && p->ipv4->ttl != ttl) {
		__be16 *word = (__be16 *)&p->ipv4->ttl;
		__be16 new = word_with_ttl(*word);

		p->ipv4->check = csum_replace(p->ipv4->check, *word, new);
		*word = new;
		count(TC_TTL_SET);
	} else if (p->ipv6 && p->ipv6->hop_limit != ttl) {
		__be16 *word = (__be16 *)&p->ipv6->nexthdr, old = *word;

		p->ipv6->hop_limit = ttl;
		tell_sum(skb, old, *word);
		count(TC_TTL_SET);
	}
	/* END SOLUTION */
}

/*
 * The same by helpers, which take offsets. They may move the packet to another
 * place in memory, so no pointer in P holds afterwards.
 */
static __always_inline void set_ttl_by_helper(struct __sk_buff *skb,
					      struct packet *p)
{
	/*
	 * EXERCISE 5.2 [2]: bpf_l3_csum_replace(), bpf_skb_store_bytes(). If the
	 * verifier refuses what comes after, see the chapter: stale pointers.
	 */
	/* BEGIN SOLUTION */
	const __u8 new_ttl = ttl;

	if (p->ipv4 && p->ipv4->ttl != ttl) {
		__u32 at = offset_of(skb, p->ipv4);
		__be16 old = *(__be16 *)&p->ipv4->ttl;

		bpf_l3_csum_replace(skb, at + offsetof(struct iphdr, check),
				    old, word_with_ttl(old), 2);
		bpf_skb_store_bytes(skb, at + offsetof(struct iphdr, ttl),
				    &new_ttl, 1, 0);
		count(TC_TTL_SET);
	} else if (p->ipv6 && p->ipv6->hop_limit != ttl) {
		__u32 at = offset_of(skb, p->ipv6);

		bpf_skb_store_bytes(skb,
				    at + offsetof(struct ipv6hdr, hop_limit),
				    &new_ttl, 1, BPF_F_RECOMPUTE_CSUM);
		count(TC_TTL_SET);
	}
	parse_skb(skb, p);
	/* END SOLUTION */
}

/* Marks the skb by the prefix that its source is in. */
static __always_inline void mark(struct __sk_buff *skb, const struct packet *p)
{
	struct tc_prefix key = { .length = 128 };

	if (!source_of(p, key.address))
		return;
	/* EXERCISE 5.3 [2]: the longest prefix in `marks`, skb->mark. */
	/* BEGIN SOLUTION */
	__u32 *found = bpf_map_lookup_elem(&marks, &key);

	if (!found)
		return;
	skb->mark = *found;
	count(TC_MARKED);
	/* END SOLUTION */
}

/*
 * The ports of P: where they are in the skb, what they are, and where the
 * checksum is that covers them.
 */
struct ports {
	__u32 source_at, destination_at, check_at;
	__be16 source, destination;
	__u8 protocol;
	bool no_check; /* UDP without a checksum */
};

/* The ports of P in PORTS. Are there any? */
static __always_inline bool
ports_of(struct __sk_buff *skb, const struct packet *p, struct ports *ports)
{
	if (p->tcp) {
		ports->source_at = offset_of(skb, &p->tcp->source);
		ports->check_at = offset_of(skb, &p->tcp->check);
		ports->source = p->tcp->source;
		ports->destination = p->tcp->dest;
		ports->protocol = IPPROTO_TCP;
		ports->no_check = false;
	} else if (p->udp) {
		ports->source_at = offset_of(skb, &p->udp->source);
		ports->check_at = offset_of(skb, &p->udp->check);
		ports->source = p->udp->source;
		ports->destination = p->udp->dest;
		ports->protocol = IPPROTO_UDP;
		ports->no_check = !p->udp->check;
	} else {
		return false;
	}
	ports->destination_at = ports->source_at + 2;
	return true;
}

/* Changes the port at AT from OLD to NEW, and the checksum that covers it. */
static __always_inline void set_port(struct __sk_buff *skb,
				     const struct ports *ports, __u32 at,
				     __be16 old, __be16 new)
{
	/* Else the new checksum makes up for the new port. */
	if (ports->no_check)
		tell_sum(skb, old, new);
	/*
	 * EXERCISE 5.7 [4]: bpf_l4_csum_replace(), bpf_skb_store_bytes(). Over
	 * UDP a checksum of 0 means none, and must stay (BPF_F_MARK_MANGLED_0).
	 */
	/* BEGIN SOLUTION */
	__u64 flags = 2;

	if (ports->protocol == IPPROTO_UDP)
		flags |= BPF_F_MARK_MANGLED_0;
	bpf_l4_csum_replace(skb, ports->check_at, old, new, flags);
	bpf_skb_store_bytes(skb, at, &new, 2, 0);
	/* END SOLUTION */
}

/* Is this flow in `flows`, now? */
static __always_inline bool remember(const struct tc_flow *flow)
{
	const __u8 one = 1;

	return bpf_map_lookup_elem(&flows, flow) ||
	       !bpf_map_update_elem(&flows, flow, &one, BPF_ANY);
}

/* What goes to the forwarded port goes to another. No pointer in P holds afterwards. */
static __always_inline void forward(struct __sk_buff *skb,
				    const struct packet *p)
{
	struct ports ports;

	if (!forward_from || !ports_of(skb, p, &ports))
		return;
	/*
	 * EXERCISE 5.7 [4]: what goes to forward_from goes to forward_to, once
	 * who sent it is in `flows`; who calls forward_to itself no longer is.
	 */
	/* BEGIN SOLUTION */
	struct tc_flow flow = {};

	source_of(p, flow.address);
	flow.port = ports.source;
	flow.protocol = ports.protocol;
	if (ports.destination == bpf_htons(forward_to))
		bpf_map_delete_elem(&flows, &flow);
	if (ports.destination != bpf_htons(forward_from) || !remember(&flow))
		return;
	set_port(skb, &ports, ports.destination_at, ports.destination,
		 bpf_htons(forward_to));
	count(TC_FORWARDED);
	/* END SOLUTION */
}

/*
 * TC_ACT_UNSPEC lets the programs behind this one have their say: TC_ACT_OK would
 * end the list.
 */
SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
	struct packet p;
	bool set;

	count(TC_INGRESS);
	mirror(skb);
	pop_vlan(skb);
	if (parse_skb(skb, &p) == PACKET_MALFORMED)
		return TC_ACT_UNSPEC;
	mark(skb, &p);
	set = ttl && !between_neighbors(&p);
	if (set && ttl_by_helper)
		set_ttl_by_helper(skb, &p);
	else if (set)
		set_ttl(skb, &p);
	forward(skb, &p);
	return TC_ACT_UNSPEC;
}

/* -- on the way out -------------------------------------------------------- */

/* Takes LENGTH bytes out of a bucket at the time NOW. Was there credit? */
static __always_inline bool take_bytes(struct tc_limit *limit, __u32 length,
				       __u64 now)
{
	bool taken = false;

	/*
	 * EXERCISE 5.5 [3]: since limit->time a ns of credit has come in each ns,
	 * never more than the burst. Who has any may send; it costs as long as the
	 * rate takes for so many bytes, and what is lacking is owed. Two CPUs may be
	 * here at once: hold the lock, and call nothing meanwhile.
	 */
	/* BEGIN SOLUTION */
	__s64 cost = length * SECOND / limit->rate;

	bpf_spin_lock(&limit->lock);
	limit->credit += now - limit->time;
	limit->time = now;
	if (limit->credit > limit->burst)
		limit->credit = limit->burst;
	taken = limit->credit > 0;
	if (taken)
		limit->credit -= cost;
	bpf_spin_unlock(&limit->lock);
	/* END SOLUTION */
	return taken;
}

/* Does its destination get more than it may? */
static __always_inline bool limited(struct __sk_buff *skb,
				    const struct packet *p)
{
	/* Of a packet that the card will cut up wire_len has all headers. */
	__u32 length = skb->wire_len > skb->len ? skb->wire_len : skb->len;
	struct tc_address destination;
	struct tc_limit *limit;

	if (!destination_of(p, destination.bytes))
		return false;
	limit = bpf_map_lookup_elem(&limits, &destination);
	return limit && !take_bytes(limit, length, bpf_ktime_get_ns());
}

/* Sets the six bits of the DSCP, and leaves the two of ECN as they are. */
static __always_inline void set_dscp(struct packet *p, __u8 dscp)
{
	/*
	 * EXERCISE 5.4 [3]: the second byte of an IPv4 header, with its
	 * checksum; in IPv6 across the first two: four bits of version, eight
	 * of traffic class, twenty of flow label.
	 */
	/* BEGIN SOLUTION */
	__be16 *word = p->ipv4 ? (__be16 *)p->ipv4 : (__be16 *)p->ipv6;
	__u16 bits = p->ipv4 ? dscp << 2 : dscp << 6;
	__u16 mask = p->ipv4 ? 0x3f << 2 : 0x3f << 6;
	__be16 new;

	if (!word)
		return;
	new = (*word & ~bpf_htons(mask)) | bpf_htons(bits);
	if (new == *word)
		return;
	if (p->ipv4)
		p->ipv4->check = csum_replace(p->ipv4->check, *word, new);
	*word = new;
	count(TC_DSCP_SET);
	/* END SOLUTION */
}

/* Treats what goes to a known port as `services` has it. */
static __always_inline void classify(struct __sk_buff *skb, struct packet *p,
				     const struct ports *ports)
{
	struct tc_service *service;

	service = bpf_map_lookup_elem(&services, &ports->destination);
	if (!service)
		return;
	if (service->priority) {
		skb->priority = service->priority;
		count(TC_CLASSIFIED);
	}
	if (service->set_dscp)
		set_dscp(p, service->dscp);
}

/* The answers of a forwarded port come from the port that was called. */
static __always_inline void give_back(struct __sk_buff *skb,
				      const struct packet *p,
				      const struct ports *ports)
{
	if (!forward_from)
		return;
	/*
	 * EXERCISE 5.7 [4]: from forward_to, to one who is in `flows`: from
	 * forward_from. Who called forward_to itself is not there.
	 */
	/* BEGIN SOLUTION */
	struct tc_flow flow = {};

	if (ports->source != bpf_htons(forward_to))
		return;
	destination_of(p, flow.address);
	flow.port = ports->destination;
	flow.protocol = ports->protocol;
	if (!bpf_map_lookup_elem(&flows, &flow))
		return;
	set_port(skb, ports, ports->source_at, ports->source,
		 bpf_htons(forward_from));
	count(TC_RETURNED);
	/* END SOLUTION */
}

static __always_inline void push_vlan(struct __sk_buff *skb)
{
	/* EXERCISE 5.8 [2]: bpf_skb_vlan_push(), of the type ETH_P_8021Q. */
	/* BEGIN SOLUTION */
	if (!bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan))
		count(TC_VLAN_PUSHED);
	/* END SOLUTION */
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	struct ports ports;
	struct packet p;

	count(TC_EGRESS);
	if (parse_skb(skb, &p) != PACKET_MALFORMED) {
		if (limited(skb, &p)) {
			count(TC_LIMITED);
			return TC_ACT_SHOT;
		}
		if (ports_of(skb, &p, &ports)) {
			classify(skb, &p, &ports);
			give_back(skb, &p, &ports);
		}
	}
	if (vlan)
		push_vlan(skb);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
