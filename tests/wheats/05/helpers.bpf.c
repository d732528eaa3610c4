// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc by another design: no pointer into the packet. All that is to be known of it
 * is gathered first, by bpf_skb_load_bytes from offsets, which no helper makes
 * stale. One function changes some bits of a word of the IP header, be they the
 * TTL or the DSCP; one changes a port, in either direction.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "parse.h"
#include "tc.h"

const volatile __u8 ttl;
const volatile bool ttl_by_helper; /* it always is */
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

static __always_inline void count(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		++*n;
}

/* One end of what a packet goes between. */
struct end {
	__u8 address[16];
	__be16 port;
};

/* A packet, as far as it has been read. */
struct walk {
	struct __sk_buff *skb;
	__u32 at;	/* where the next header begins */
	__u32 end;	/* where the packet ends */
	__u32 ip_at;	/* where IP begins */
	__u32 ports_at; /* where the ports are; 0: there are none */
	__u8 version;	/* of IP; 0: it is none */
	__u8 protocol;	/* when there are ports */
	bool more;	/* more fragments follow */
	bool later;	/* this is a later one */
	struct end source, destination;
};

/* Copies the SIZE bytes of the next header. Are there so many? */
static __always_inline bool load(struct walk *w, void *to, __u32 size)
{
	if (size > w->end - w->at ||
	    bpf_skb_load_bytes(w->skb, w->at, to, size))
		return false;
	w->at += size;
	return true;
}

/* Steps over SIZE bytes. Are there so many? */
static __always_inline bool skip(struct walk *w, __u32 size)
{
	if (size > w->end - w->at)
		return false;
	w->at += size;
	return true;
}

static __always_inline bool walk_transport(struct walk *w, __u8 protocol)
{
	__u8 icmp = w->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	__u32 at = w->at;
	struct tcphdr tcp;
	struct udphdr udp;

	if (w->later)
		return true;
	if (protocol == IPPROTO_TCP) {
		if (!load(w, &tcp, sizeof(tcp)) || tcp.doff < 5 ||
		    !skip(w, (tcp.doff - 5) * 4))
			return false;
		w->source.port = tcp.source;
		w->destination.port = tcp.dest;
	} else if (protocol == IPPROTO_UDP) {
		if (!load(w, &udp, sizeof(udp)) || bpf_ntohs(udp.len) < 8 ||
		    (!w->more && !skip(w, bpf_ntohs(udp.len) - 8)))
			return false;
		w->source.port = udp.source;
		w->destination.port = udp.dest;
	} else {
		return protocol != icmp || skip(w, 8);
	}
	w->ports_at = at;
	w->protocol = protocol;
	return true;
}

static __always_inline void map_ipv4(__u8 *to, __be32 address)
{
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

static __always_inline bool walk_ipv4(struct walk *w)
{
	__u32 left = w->end - w->at, header, total;
	struct iphdr ip;

	w->ip_at = w->at;
	if (!load(w, &ip, sizeof(ip)))
		return false;
	header = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (ip.version != 4 || header < sizeof(ip) || total < header ||
	    total > left)
		return false;
	w->end = w->ip_at + total;
	w->at = w->ip_at + header;
	w->version = 4;
	w->later = ip.frag_off & bpf_htons(IPV4_OFFSET);
	w->more = ip.frag_off & bpf_htons(IPV4_MORE);
	map_ipv4(w->source.address, ip.saddr);
	map_ipv4(w->destination.address, ip.daddr);
	return walk_transport(w, ip.protocol);
}

static __always_inline bool walk_ipv6(struct walk *w)
{
	struct ipv6_fragment extension;
	struct ipv6hdr ip;
	__u8 next;

	w->ip_at = w->at;
	if (!load(w, &ip, sizeof(ip)) || ip.version != 6 ||
	    bpf_ntohs(ip.payload_len) > w->end - w->at)
		return false;
	w->end = w->at + bpf_ntohs(ip.payload_len);
	w->version = 6;
	__builtin_memcpy(w->source.address, &ip.saddr, 16);
	__builtin_memcpy(w->destination.address, &ip.daddr, 16);
	next = ip.nexthdr;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(next); i++) {
		__u32 unit = extensions[next] & 0xf;

		if (!load(w, &extension, sizeof(extension)) ||
		    !skip(w, extension.reserved * unit))
			return false;
		if (next == IPPROTO_FRAGMENT) {
			w->later = extension.field & bpf_htons(IPV6_OFFSET);
			w->more |= !!(extension.field & bpf_htons(IPV6_MORE));
		}
		next = extension.next;
		if (w->later)
			return true;
	}
	return !is_extension(next) && walk_transport(w, next);
}

/* Gathers in W what there is to know of the packet in SKB. Is it well-formed? */
static __always_inline bool gather(struct __sk_buff *skb, struct walk *w)
{
	struct vlan_header tag;
	struct ethhdr eth;
	__be16 type;

	*w = (struct walk){ .skb = skb, .end = skb->len };
	if (!load(w, &eth, sizeof(eth)))
		return false;
	type = eth.h_proto;
	for (int i = 0; i < VLANS_MAX && is_vlan(type); i++) {
		if (!load(w, &tag, sizeof(tag)))
			return false;
		type = tag.type;
	}
	if (type == bpf_htons(ETH_P_IP))
		return walk_ipv4(w);
	return type != bpf_htons(ETH_P_IPV6) || walk_ipv6(w);
}

/*
 * Makes those bits that are in MASK, of the word that is so far into the IP header,
 * those of BITS. The checksum follows. Were they others?
 */
static __always_inline bool set_bits(const struct walk *w, __u32 offset,
				     __u16 mask, __u16 bits)
{
	__u32 at = w->ip_at + offset;
	__be16 old, new;

	if (bpf_skb_load_bytes(w->skb, at, &old, 2))
		return false;
	new = (old & ~bpf_htons(mask)) | bpf_htons(bits);
	if (new == old)
		return false;
	if (w->version == 4)
		bpf_l3_csum_replace(w->skb,
				    w->ip_at + offsetof(struct iphdr, check),
				    old, new, 2);
	bpf_skb_store_bytes(w->skb, at, &new, 2,
			    w->version == 6 ? BPF_F_RECOMPUTE_CSUM : 0);
	return true;
}

static __always_inline bool set_ttl(const struct walk *w)
{
	if (w->version == 4)
		return set_bits(w, 8, 0xff00, ttl << 8);
	return w->version == 6 && set_bits(w, 6, 0x00ff, ttl);
}

static __always_inline bool set_dscp(const struct walk *w, __u8 dscp)
{
	__u8 shift = w->version == 4 ? 2 : 6;

	return set_bits(w, 0, 0x3f << shift, dscp << shift);
}

/* Changes a port of W, the one that is so far behind the first. */
static __always_inline void set_port(const struct walk *w, __u32 offset,
				     __be16 old, __u16 to)
{
	__be16 new = bpf_htons(to);

	if (w->protocol == IPPROTO_TCP)
		bpf_l4_csum_replace(
			w->skb, w->ports_at + offsetof(struct tcphdr, check),
			old, new, sizeof(new));
	else
		bpf_l4_csum_replace(
			w->skb, w->ports_at + offsetof(struct udphdr, check),
			old, new, sizeof(new) | BPF_F_MARK_MANGLED_0);
	bpf_skb_store_bytes(w->skb, w->ports_at + offset, &new, 2, 0);
}

/* The flow of W whose caller is END. */
static __always_inline struct tc_flow flow_of(const struct walk *w,
					      const struct end *end)
{
	struct tc_flow flow = { .port = end->port, .protocol = w->protocol };

	__builtin_memcpy(flow.address, end->address, 16);
	return flow;
}

static __always_inline void forward(const struct walk *w)
{
	struct tc_flow flow = flow_of(w, &w->source);
	__u8 zero = 0;

	if (!forward_from || !w->ports_at)
		return;
	if (bpf_ntohs(w->destination.port) == forward_to)
		bpf_map_delete_elem(&flows, &flow);
	if (bpf_ntohs(w->destination.port) != forward_from ||
	    bpf_map_update_elem(&flows, &flow, &zero, BPF_ANY))
		return;
	set_port(w, 2, w->destination.port, forward_to);
	count(TC_FORWARDED);
}

static __always_inline void give_back(const struct walk *w)
{
	struct tc_flow flow = flow_of(w, &w->destination);

	if (!forward_from || bpf_ntohs(w->source.port) != forward_to ||
	    !bpf_map_lookup_elem(&flows, &flow))
		return;
	set_port(w, 0, w->source.port, forward_from);
	count(TC_RETURNED);
}

static __always_inline void mark(const struct walk *w)
{
	struct tc_prefix key = { .length = 128 };
	__u32 *found;

	if (!w->version)
		return;
	__builtin_memcpy(key.address, w->source.address, 16);
	found = bpf_map_lookup_elem(&marks, &key);
	if (found) {
		w->skb->mark = *found;
		count(TC_MARKED);
	}
}

static __always_inline void mirror(struct __sk_buff *skb)
{
	__u32 zero = 0, *turn = bpf_map_lookup_elem(&turns, &zero);

	if (!mirror_every || !turn)
		return;
	*turn = (*turn + 1) % mirror_every;
	if (!*turn && !bpf_clone_redirect(skb, mirror_ifindex, 0))
		count(TC_MIRRORED);
}

SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
	struct walk w;

	count(TC_INGRESS);
	mirror(skb);
	if (vlan && skb->vlan_present && (skb->vlan_tci & 0xfff) == vlan)
		bpf_skb_vlan_pop(skb);
	if (!gather(skb, &w))
		return TC_ACT_UNSPEC;
	mark(&w);
	if (ttl && set_ttl(&w))
		count(TC_TTL_SET);
	forward(&w);
	return TC_ACT_UNSPEC;
}

/* How much credit a bucket has at the time NOW. */
static __always_inline __s64 credit_at(const struct tc_limit *limit, __u64 now)
{
	__s64 missing = limit->burst - limit->credit;
	__s64 since = now - limit->time;

	return since < missing ? limit->credit + since : limit->burst;
}

static __always_inline bool limited(const struct walk *w)
{
	struct tc_address destination;
	struct tc_limit *limit;
	__u64 now, cost;
	bool dropped;

	__builtin_memcpy(&destination, w->destination.address, 16);
	limit = w->version ? bpf_map_lookup_elem(&limits, &destination) : NULL;
	if (!limit)
		return false;
	cost = w->skb->len * 1000000000ULL / limit->rate;
	now = bpf_ktime_get_ns();
	bpf_spin_lock(&limit->lock);
	limit->credit = credit_at(limit, now);
	limit->time = now;
	dropped = limit->credit <= 0;
	if (!dropped)
		limit->credit -= cost;
	bpf_spin_unlock(&limit->lock);
	return dropped;
}

static __always_inline void classify(const struct walk *w)
{
	struct tc_service *service;

	service = bpf_map_lookup_elem(&services, &w->destination.port);
	if (!service)
		return;
	if (service->priority) {
		w->skb->priority = service->priority;
		count(TC_CLASSIFIED);
	}
	if (service->set_dscp && set_dscp(w, service->dscp))
		count(TC_DSCP_SET);
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	struct walk w;

	count(TC_EGRESS);
	if (gather(skb, &w)) {
		if (limited(&w)) {
			count(TC_LIMITED);
			return TC_ACT_SHOT;
		}
		if (w.ports_at) {
			classify(&w);
			give_back(&w);
		}
	}
	if (vlan && !bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan))
		count(TC_VLAN_PUSHED);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
