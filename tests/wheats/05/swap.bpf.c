// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc by another design: a bucket is one number, the time up to which its credit is
 * spent, and it is changed by compare-and-swap; no CPU waits for another. Checksums
 * are those of bpf_csum_diff, a mirror's turns are counted down, a flow knows which
 * port it called, and the mark is looked up last.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "parse.h"
#include "tc.h"

enum {
	TRIES = 16, /* of a CPU that another one is always ahead of */
};

const volatile __u8 ttl;
const volatile bool ttl_by_helper; /* it never is */
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

/* The values: which port was called. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct tc_flow);
	__type(value, __be16);
} flows SEC(".maps");

/* How many packets each CPU is to see until it mirrors one. */
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

/* The packet in SKB, all its headers in one piece. Is it well-formed? */
static __always_inline bool look(struct __sk_buff *skb, struct packet *p)
{
	struct cursor c;

	bpf_skb_pull_data(skb, skb->len < 256 ? skb->len : 256);
	c = cursor_at((void *)(long)skb->data, (void *)(long)skb->data_end);
	c.left = skb->len;
	return parse_packet(&c, p) != PACKET_MALFORMED;
}

/* What both keys begin with: the source or the destination of P, as IPv6 has it. */
static __always_inline bool address_of(const struct packet *p, bool source,
				       __be32 *to)
{
	if (p->ipv6) {
		__builtin_memcpy(to, source ? &p->ipv6->saddr : &p->ipv6->daddr,
				 16);
	} else if (p->ipv4) {
		to[0] = to[1] = 0;
		to[2] = bpf_htonl(0xffff);
		to[3] = source ? p->ipv4->saddr : p->ipv4->daddr;
	}
	return p->ipv4 || p->ipv6;
}

/* The checksum CHECK, when of what it covers the word OLD becomes NEW. */
static __always_inline __sum16 resum(__sum16 check, __be16 old, __be16 new)
{
	__be32 was = old, is = new;
	__u64 sum = bpf_csum_diff(&was, 4, &is, 4, (__u16)~check);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Makes the word at AT, of the IPv4 header IP if there is one, NEW. */
static __always_inline void set_word(struct iphdr *ip, __be16 *at, __be16 new,
				     __u32 counter)
{
	if (*at == new)
		return;
	if (ip)
		ip->check = resum(ip->check, *at, new);
	*at = new;
	count(counter);
}

static __always_inline void set_ttl(const struct packet *p)
{
	__be16 *at;

	if (p->ipv4) {
		at = (__be16 *)&p->ipv4->ttl;
		set_word(p->ipv4, at, bpf_htons(ttl << 8 | p->ipv4->protocol),
			 TC_TTL_SET);
	} else if (p->ipv6) {
		at = (__be16 *)&p->ipv6->nexthdr;
		set_word(NULL, at, bpf_htons(p->ipv6->nexthdr << 8 | ttl),
			 TC_TTL_SET);
	}
}

static __always_inline void set_dscp(const struct packet *p, __u8 dscp)
{
	__be16 *at = p->ipv4 ? (void *)p->ipv4 : (void *)p->ipv6;
	__u16 word;

	if (!at)
		return;
	word = bpf_ntohs(*at);
	if (p->ipv4)
		word = (word & 0xff03) | dscp << 2;
	else
		word = (word & 0xf03f) | dscp << 6;
	set_word(p->ipv4, at, bpf_htons(word), TC_DSCP_SET);
}

static __always_inline void mirror(struct __sk_buff *skb)
{
	__u32 zero = 0, *turn = bpf_map_lookup_elem(&turns, &zero);

	if (!mirror_every || !turn)
		return;
	if (!*turn)
		*turn = mirror_every;
	if (!--*turn && !bpf_clone_redirect(skb, mirror_ifindex, 0))
		count(TC_MIRRORED);
}

/* The ports of P; NULL: it has none. They are where both protocols have them. */
static __always_inline __be16 *ports_of(const struct packet *p)
{
	if (p->tcp)
		return &p->tcp->source;
	return p->udp ? &p->udp->source : NULL;
}

/*
 * Makes the port at AT, of P, NEW. The kernel may have left the checksum to the
 * card: only it knows, so this one is the helper's.
 */
static __always_inline void set_port(struct __sk_buff *skb,
				     const struct packet *p, const __be16 *at,
				     __be16 new)
{
	void *data = (void *)(long)skb->data;
	void *check = p->tcp ? (void *)&p->tcp->check : (void *)&p->udp->check;
	__u32 to = (void *)at - data, sum_at = check - data;
	__u64 none = p->tcp ? 0 : BPF_F_MARK_MANGLED_0;
	__be16 old = *at;

	bpf_skb_store_bytes(skb, to, &new, sizeof(new), 0);
	bpf_l4_csum_replace(skb, sum_at, old, new, sizeof(new) | none);
}

static __always_inline void forward(struct __sk_buff *skb,
				    const struct packet *p)
{
	__be16 *port = ports_of(p), called = bpf_htons(forward_from);
	struct tc_flow flow = {};
	__be32 caller[4] = {};

	if (!forward_from || !port)
		return;
	address_of(p, true, caller);
	__builtin_memcpy(flow.address, caller, 16);
	flow.port = port[0];
	flow.protocol = p->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	if (port[1] == bpf_htons(forward_to))
		bpf_map_delete_elem(&flows, &flow);
	if (port[1] != called ||
	    bpf_map_update_elem(&flows, &flow, &called, BPF_ANY))
		return;
	set_port(skb, p, port + 1, bpf_htons(forward_to));
	count(TC_FORWARDED);
}

static __always_inline void give_back(struct __sk_buff *skb,
				      const struct packet *p)
{
	struct tc_flow flow = {};
	__be16 *port = ports_of(p), *called;
	__be32 caller[4] = {};

	if (!forward_from || !port || port[0] != bpf_htons(forward_to))
		return;
	address_of(p, false, caller);
	__builtin_memcpy(flow.address, caller, 16);
	flow.port = port[1];
	flow.protocol = p->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	called = bpf_map_lookup_elem(&flows, &flow);
	if (!called)
		return;
	set_port(skb, p, port, *called);
	count(TC_RETURNED);
}

SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
	struct tc_prefix key = { .length = 128 };
	__u32 *found = NULL;
	__be32 source[4] = {};
	struct packet p;

	count(TC_INGRESS);
	mirror(skb);
	if (vlan && skb->vlan_present && (skb->vlan_tci & 0xfff) == vlan)
		bpf_skb_vlan_pop(skb);
	if (!look(skb, &p))
		return TC_ACT_UNSPEC;
	if (ttl)
		set_ttl(&p);
	if (address_of(&p, true, source)) {
		__builtin_memcpy(key.address, source, 16);
		found = bpf_map_lookup_elem(&marks, &key);
	}
	forward(skb, &p);
	if (found) {
		skb->mark = *found;
		count(TC_MARKED);
	}
	return TC_ACT_UNSPEC;
}

/*
 * Takes LENGTH bytes out of LIMIT. Was there credit? The bucket's time is moved on,
 * its credit never is: so many ns before that time is what is spent.
 */
static __always_inline bool take_bytes(struct tc_limit *limit, __u32 length)
{
	__s64 cost = length * 1000000000ULL / limit->rate;
	__s64 now = bpf_ktime_get_ns();

	for (int i = 0; i < TRIES; i++) {
		__u64 old = *(volatile __u64 *)&limit->time;
		__s64 spent = old - limit->credit;

		if (spent < now - limit->burst)
			spent = now - limit->burst;
		if (spent >= now)
			return false;
		if (__sync_val_compare_and_swap(&limit->time, old,
						spent + cost + limit->credit) ==
		    old)
			return true;
	}
	return false;
}

static __always_inline bool limited(struct __sk_buff *skb,
				    const struct packet *p)
{
	struct tc_limit *limit;
	__be32 destination[4] = {};

	if (!address_of(p, false, destination))
		return false;
	limit = bpf_map_lookup_elem(&limits, destination);
	return limit && !take_bytes(limit, skb->len);
}

static __always_inline void classify(struct __sk_buff *skb,
				     const struct packet *p)
{
	__be16 *port = ports_of(p), to;
	struct tc_service *service;

	if (!port)
		return;
	to = port[1];
	service = bpf_map_lookup_elem(&services, &to);
	if (service && service->priority) {
		skb->priority = service->priority;
		count(TC_CLASSIFIED);
	}
	if (service && service->set_dscp)
		set_dscp(p, service->dscp);
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	struct packet p;

	count(TC_EGRESS);
	if (look(skb, &p)) {
		if (limited(skb, &p)) {
			count(TC_LIMITED);
			return TC_ACT_SHOT;
		}
		classify(skb, &p);
		give_back(skb, &p);
	}
	if (vlan && !bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan))
		count(TC_VLAN_PUSHED);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
