// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc by another design: the packet is a dynptr, and each header a slice of it, or a
 * copy where it does not lie in one piece; nothing is pulled. What is changed is
 * written back through the dynptr. The kernel checks at run time what the cursor of
 * parse.h proves at load.
 */
// needs kernel 6.4
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "csum.h"
#include "parse.h"
#include "tc.h"

/* What vmlinux.h would declare. A slice is copied to BUFFER when it must be. */
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *frame) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *frame, __u32 offset,
			      void *buffer, __u32 size) __ksym;

const volatile __u8 ttl;
const volatile bool ttl_by_helper; /* for both there is one way */
const volatile __u16 forward_from, forward_to;
const volatile __u32 mirror_every, mirror_ifindex;
const volatile __u16 vlan;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TC_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct tc_prefix);
	__type(value, __u32);
} marks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be16);
	__type(value, struct tc_service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct tc_address);
	__type(value, struct tc_limit);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct tc_flow);
	__type(value, __u8);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} turns SEC(".maps");

/* Room for a header that does not lie in one piece. */
union header {
	struct ethhdr eth;
	struct vlan_header vlan;
	struct iphdr ipv4;
	struct ipv6hdr ipv6;
	struct ipv6_fragment extension;
	struct tcphdr tcp;
	struct udphdr udp;
};

/* A packet of which the part from AT to END, both offsets, is still to be read. */
struct view {
	struct bpf_dynptr frame;
	__u32 at, end;
	__u32 ip_at, version;	  /* of IP; version 0: it is none */
	__u32 ports_at, protocol; /* of TCP or UDP; protocol 0: it is neither */
	bool more, later;	  /* fragments follow; this is a later one */
	__u8 source[16], destination[16];
	__be16 ports[2];
};

static __always_inline void count(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		++*n;
}

/* -- reading ------------------------------------------------------------------ */

/* Steps over SIZE bytes, a constant: a slice, or NULL when there are fewer. */
static __always_inline void *slice(struct view *v, union header *room,
				   __u32 size)
{
	__u32 at = v->at;

	if (size > v->end - at)
		return NULL;
	v->at += size;
	return bpf_dynptr_slice(&v->frame, at, room, size);
}

/* Steps over SIZE bytes unseen. Returns false when there are fewer. */
static __always_inline bool skip(struct view *v, __u32 size)
{
	if (size > v->end - v->at)
		return false;
	v->at += size;
	return true;
}

static __always_inline bool view_transport(struct view *v, __u8 protocol)
{
	union header room;
	struct tcphdr *tcp;
	struct udphdr *udp;

	if (v->later)
		return true;
	v->ports_at = v->at;
	if (protocol == IPPROTO_TCP) {
		tcp = slice(v, &room, sizeof(*tcp));
		if (!tcp || tcp->doff < 5 || !skip(v, (tcp->doff - 5) * 4))
			return false;
		v->ports[0] = tcp->source;
		v->ports[1] = tcp->dest;
	} else if (protocol == IPPROTO_UDP) {
		udp = slice(v, &room, sizeof(*udp));
		if (!udp || bpf_ntohs(udp->len) < 8 ||
		    (!v->more && !skip(v, bpf_ntohs(udp->len) - 8)))
			return false;
		v->ports[0] = udp->source;
		v->ports[1] = udp->dest;
	} else {
		return protocol != (v->version == 4 ? IPPROTO_ICMP
						    : IPPROTO_ICMPV6) ||
		       skip(v, sizeof(struct icmp_header));
	}
	v->protocol = protocol;
	return true;
}

static __always_inline void map_ipv4(__u8 *to, __be32 address)
{
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

static __always_inline bool view_ipv4(struct view *v)
{
	__u32 left = v->end - v->at, total, header;
	union header room;
	struct iphdr *ip;

	v->ip_at = v->at;
	ip = slice(v, &room, sizeof(*ip));
	if (!ip || ip->version != 4)
		return false;
	total = bpf_ntohs(ip->tot_len);
	header = ip->ihl * 4;
	if (header < sizeof(*ip) || total < header || total > left)
		return false;
	v->version = 4;
	v->at = v->ip_at + header;
	v->end = v->ip_at + total;
	v->later = ip->frag_off & bpf_htons(IPV4_OFFSET);
	v->more = ip->frag_off & bpf_htons(IPV4_MORE);
	map_ipv4(v->source, ip->saddr);
	map_ipv4(v->destination, ip->daddr);
	return view_transport(v, ip->protocol);
}

static __always_inline bool view_ipv6(struct view *v)
{
	struct ipv6_fragment *e;
	union header room;
	struct ipv6hdr *ip;
	__u8 next;

	v->ip_at = v->at;
	ip = slice(v, &room, sizeof(*ip));
	if (!ip || ip->version != 6 ||
	    bpf_ntohs(ip->payload_len) > v->end - v->at)
		return false;
	v->version = 6;
	v->end = v->at + bpf_ntohs(ip->payload_len);
	__builtin_memcpy(v->source, &ip->saddr, 16);
	__builtin_memcpy(v->destination, &ip->daddr, 16);
	next = ip->nexthdr;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(next); i++) {
		e = slice(v, &room, sizeof(*e));
		if (!e || !skip(v, e->reserved * (extensions[next] & 0xf)))
			return false;
		if (next == IPPROTO_FRAGMENT) {
			v->later = e->field & bpf_htons(IPV6_OFFSET);
			v->more |= !!(e->field & bpf_htons(IPV6_MORE));
		}
		next = e->next;
		if (v->later)
			return true;
	}
	return !is_extension(next) && view_transport(v, next);
}

/* Reads the packet in SKB, whose dynptr V has. Is it well-formed? */
static __always_inline bool view(struct __sk_buff *skb, struct view *v)
{
	struct vlan_header *tag;
	union header room;
	struct ethhdr *eth;
	__be16 type;

	v->end = skb->len;
	eth = slice(v, &room, sizeof(*eth));
	if (!eth)
		return false;
	type = eth->h_proto;
	for (int i = 0; i < VLANS_MAX && is_vlan(type); i++) {
		tag = slice(v, &room, sizeof(*tag));
		if (!tag)
			return false;
		type = tag->type;
	}
	if (type == bpf_htons(ETH_P_IP))
		return view_ipv4(v);
	return type != bpf_htons(ETH_P_IPV6) || view_ipv6(v);
}

/* -- writing ------------------------------------------------------------------ */

/*
 * Makes the word of the IP header that is so far into it NEW, where MASK has bits;
 * the checksum follows. Was it another?
 */
static __always_inline bool set_word(struct view *v, __u32 offset, __u16 mask,
				     __u16 new)
{
	__u32 check_at = v->ip_at + offsetof(struct iphdr, check);
	__be16 was, is;
	__sum16 check;

	if (bpf_dynptr_read(&was, 2, &v->frame, v->ip_at + offset, 0))
		return false;
	is = (was & ~bpf_htons(mask)) | bpf_htons(new);
	if (is == was)
		return false;
	if (v->version == 4) {
		bpf_dynptr_read(&check, 2, &v->frame, check_at, 0);
		check = csum_replace(check, was, is);
		bpf_dynptr_write(&v->frame, check_at, &check, 2, 0);
	}
	bpf_dynptr_write(&v->frame, v->ip_at + offset, &is, 2, 0);
	return true;
}

static __always_inline bool set_ttl(struct view *v)
{
	if (v->version == 4)
		return set_word(v, 8, 0xff00, ttl << 8);
	return v->version == 6 && set_word(v, 6, 0x00ff, ttl);
}

static __always_inline bool set_dscp(struct view *v, __u8 dscp)
{
	return v->version == 4 ? set_word(v, 0, 0x3f << 2, dscp << 2)
			       : set_word(v, 0, 0x3f << 6, dscp << 6);
}

/* Makes port number WHICH, 0 or 1, NEW: its checksum may be left to the card. */
static __always_inline void set_port(struct __sk_buff *skb, struct view *v,
				     __u32 which, __be16 new)
{
	__u32 check_at = v->ports_at + offsetof(struct tcphdr, check);
	__u64 flags = 2;

	if (v->protocol == IPPROTO_UDP) {
		check_at = v->ports_at + offsetof(struct udphdr, check);
		flags |= BPF_F_MARK_MANGLED_0;
	}
	bpf_l4_csum_replace(skb, check_at, v->ports[which], new, flags);
	bpf_dynptr_write(&v->frame, v->ports_at + 2 * which, &new, 2, 0);
}

/* -- the programs ------------------------------------------------------------- */

/* The flow of the caller at ADDRESS, who has port number WHICH. */
static __always_inline struct tc_flow flow_of(const struct view *v,
					      const __u8 *address, __u32 which)
{
	struct tc_flow flow = { .port = v->ports[which],
				.protocol = v->protocol };

	__builtin_memcpy(flow.address, address, 16);
	return flow;
}

static __always_inline void forward(struct __sk_buff *skb, struct view *v)
{
	struct tc_flow flow = flow_of(v, v->source, 0);
	const __u8 one = 1;

	if (!forward_from || !v->protocol)
		return;
	if (v->ports[1] == bpf_htons(forward_to))
		bpf_map_delete_elem(&flows, &flow);
	if (v->ports[1] != bpf_htons(forward_from) ||
	    bpf_map_update_elem(&flows, &flow, &one, BPF_ANY))
		return;
	set_port(skb, v, 1, bpf_htons(forward_to));
	count(TC_FORWARDED);
}

static __always_inline void give_back(struct __sk_buff *skb, struct view *v)
{
	struct tc_flow flow = flow_of(v, v->destination, 1);

	if (!forward_from || v->ports[0] != bpf_htons(forward_to) ||
	    !bpf_map_lookup_elem(&flows, &flow))
		return;
	set_port(skb, v, 0, bpf_htons(forward_from));
	count(TC_RETURNED);
}

static __always_inline void mark(struct __sk_buff *skb, const struct view *v)
{
	struct tc_prefix key = { .length = 128 };
	__u32 *found;

	__builtin_memcpy(key.address, v->source, 16);
	found = v->version ? bpf_map_lookup_elem(&marks, &key) : NULL;
	if (found) {
		skb->mark = *found;
		count(TC_MARKED);
	}
}

static __always_inline void mirror(struct __sk_buff *skb)
{
	__u32 zero = 0, *turn = bpf_map_lookup_elem(&turns, &zero);

	if (!mirror_every || !turn)
		return;
	*turn = *turn + 1 < mirror_every ? *turn + 1 : 0;
	if (!*turn && !bpf_clone_redirect(skb, mirror_ifindex, 0))
		count(TC_MIRRORED);
}

SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
	struct view v = {};

	count(TC_INGRESS);
	mirror(skb);
	if (vlan && skb->vlan_present && (skb->vlan_tci & 0xfff) == vlan)
		bpf_skb_vlan_pop(skb);
	if (bpf_dynptr_from_skb(skb, 0, &v.frame) || !view(skb, &v))
		return TC_ACT_UNSPEC;
	mark(skb, &v);
	if (ttl && set_ttl(&v))
		count(TC_TTL_SET);
	forward(skb, &v);
	return TC_ACT_UNSPEC;
}

static __always_inline bool limited(struct __sk_buff *skb, const struct view *v)
{
	struct tc_address destination;
	struct tc_limit *limit;
	__s64 cost, credit;
	__u64 now;

	__builtin_memcpy(&destination, v->destination, 16);
	limit = v->version ? bpf_map_lookup_elem(&limits, &destination) : NULL;
	if (!limit)
		return false;
	cost = skb->len * 1000000000ULL / limit->rate;
	now = bpf_ktime_get_ns();
	bpf_spin_lock(&limit->lock);
	credit = limit->credit + (__s64)(now - limit->time);
	if (credit > limit->burst)
		credit = limit->burst;
	limit->credit = credit > 0 ? credit - cost : credit;
	limit->time = now;
	bpf_spin_unlock(&limit->lock);
	return credit <= 0;
}

static __always_inline void classify(struct __sk_buff *skb, struct view *v)
{
	struct tc_service *service;

	service = bpf_map_lookup_elem(&services, &v->ports[1]);
	if (service && service->priority) {
		skb->priority = service->priority;
		count(TC_CLASSIFIED);
	}
	if (service && service->set_dscp && set_dscp(v, service->dscp))
		count(TC_DSCP_SET);
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	struct view v = {};

	count(TC_EGRESS);
	if (!bpf_dynptr_from_skb(skb, 0, &v.frame) && view(skb, &v)) {
		if (limited(skb, &v)) {
			count(TC_LIMITED);
			return TC_ACT_SHOT;
		}
		if (v.protocol) {
			classify(skb, &v);
			give_back(skb, &v);
		}
	}
	if (vlan && !bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan))
		count(TC_VLAN_PUSHED);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
