// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc by another design: functions of BPF, which are called and not copied in. One
 * parses the packet, and leaves in a map, of each CPU one, where its headers are;
 * the others look at the packet anew from there. A bucket gets its credit by
 * another function than the one that takes it.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "csum.h"
#include "parse.h"
#include "tc.h"

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

/* What a function is told of the packet. */
struct facts {
	__u32 version; /* of IP, 0: it is none */
	__u32 ip_at, ports_at, check_at;
	struct tc_prefix source; /* the key of its mark */
	struct tc_address destination;
	struct tc_flow caller, called; /* as the flow of a caller, either way */
	__u32 turn; /* how many packets there were since one was mirrored */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct facts);
} scratch SEC(".maps");

static __noinline int count(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		++*n;
	return 0;
}

static __always_inline struct facts *facts_of_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

/* -- what there is to know ---------------------------------------------------- */

static __always_inline void map_ipv4(__u8 *to, __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

static __always_inline void note_ip(struct facts *f, const struct packet *p,
				    void *start)
{
	f->source.length = 128;
	if (p->ipv4) {
		f->version = 4;
		f->ip_at = (void *)p->ipv4 - start;
		map_ipv4(f->source.address, p->ipv4->saddr);
		map_ipv4(f->destination.bytes, p->ipv4->daddr);
	} else if (p->ipv6) {
		f->version = 6;
		f->ip_at = (void *)p->ipv6 - start;
		__builtin_memcpy(f->source.address, &p->ipv6->saddr, 16);
		__builtin_memcpy(f->destination.bytes, &p->ipv6->daddr, 16);
	}
}

static __always_inline void note_ports(struct facts *f, const struct packet *p,
				       void *start)
{
	if (p->tcp) {
		f->ports_at = (void *)p->tcp - start;
		f->check_at = (void *)&p->tcp->check - start;
		f->caller.port = p->tcp->source;
		f->called.port = p->tcp->dest;
		f->caller.protocol = f->called.protocol = IPPROTO_TCP;
	} else if (p->udp) {
		f->ports_at = (void *)p->udp - start;
		f->check_at = (void *)&p->udp->check - start;
		f->caller.port = p->udp->source;
		f->called.port = p->udp->dest;
		f->caller.protocol = f->called.protocol = IPPROTO_UDP;
	}
	__builtin_memcpy(f->caller.address, f->source.address, 16);
	__builtin_memcpy(f->called.address, f->destination.bytes, 16);
}

/* Gathers the facts of the packet in SKB. Returns 0 when it is well-formed. */
__noinline int gather(struct __sk_buff *skb)
{
	struct facts *f = facts_of_cpu();
	__u32 turn, length = skb->len;
	struct cursor c;
	struct packet p;
	void *start;

	if (!f || bpf_skb_pull_data(skb, length < 256 ? length : 256))
		return -1;
	turn = f->turn;
	__builtin_memset(f, 0, sizeof(*f));
	f->turn = turn;
	start = (void *)(long)skb->data;
	c = cursor_at(start, (void *)(long)skb->data_end);
	c.left = length;
	if (parse_packet(&c, &p) == PACKET_MALFORMED)
		return -1;
	note_ip(f, &p, start);
	note_ports(f, &p, start);
	return 0;
}

/* -- what is done to it ------------------------------------------------------- */

/* The word at OFFSET, as far as headers reach; NULL: it is not there. */
static __always_inline __be16 *word_at(struct __sk_buff *skb, __u32 offset)
{
	__be16 *word = (void *)(long)skb->data + (offset & 0xff);

	return word + 1 <= (__be16 *)(long)skb->data_end ? word : NULL;
}

/* Makes the word of the IP header that is so far into it NEW, where MASK has bits. */
__noinline int set_word(struct __sk_buff *skb, __u32 offset, __u32 mask,
			__u32 new)
{
	struct facts *f = facts_of_cpu();
	__be16 *at, *check, word;

	at = f ? word_at(skb, f->ip_at + offset) : NULL;
	check = f ? word_at(skb, f->ip_at + 10) : NULL;
	if (!at || !check)
		return 0;
	word = (*at & ~bpf_htons(mask)) | bpf_htons(new);
	if (word == *at)
		return 0;
	if (f->version == 4)
		*check = csum_replace(*check, *at, word);
	*at = word;
	return 1;
}

static __noinline int set_ttl(struct __sk_buff *skb)
{
	struct facts *f = facts_of_cpu();
	int done = 0;

	if (f && f->version == 4)
		done = set_word(skb, 8, 0xff00, ttl << 8);
	else if (f && f->version == 6)
		done = set_word(skb, 6, 0x00ff, ttl);
	return done ? count(TC_TTL_SET) : 0;
}

static __noinline int set_dscp(struct __sk_buff *skb, __u8 dscp)
{
	struct facts *f = facts_of_cpu();
	__u32 shift = f && f->version == 4 ? 2 : 6;

	return set_word(skb, 0, 0x3f << shift, dscp << shift)
		       ? count(TC_DSCP_SET)
		       : 0;
}

/* Makes the first port, or the second one, TO. */
static __noinline int set_port(struct __sk_buff *skb, __u32 which, __u32 to)
{
	struct facts *f = facts_of_cpu();
	__be16 old, new = bpf_htons(to);
	__u64 flags = sizeof(new);
	__u32 where;

	if (!f)
		return 0;
	where = f->ports_at + which * sizeof(new);
	old = which ? f->called.port : f->caller.port;
	if (f->called.protocol == IPPROTO_UDP)
		flags |= BPF_F_MARK_MANGLED_0;
	bpf_l4_csum_replace(skb, f->check_at, old, new, flags);
	return bpf_skb_store_bytes(skb, where, &new, sizeof(new), 0);
}

static __noinline int forward(struct __sk_buff *skb)
{
	struct facts *f = facts_of_cpu();
	const __u8 one = 1;

	if (!f || !forward_from || !f->ports_at)
		return 0;
	if (f->called.port == bpf_htons(forward_to))
		bpf_map_delete_elem(&flows, &f->caller);
	if (f->called.port != bpf_htons(forward_from) ||
	    bpf_map_update_elem(&flows, &f->caller, &one, BPF_ANY))
		return 0;
	set_port(skb, 1, forward_to);
	return count(TC_FORWARDED);
}

static __noinline int give_back(struct __sk_buff *skb)
{
	struct facts *f = facts_of_cpu();

	if (!f || !forward_from || !f->ports_at ||
	    f->caller.port != bpf_htons(forward_to) ||
	    !bpf_map_lookup_elem(&flows, &f->called))
		return 0;
	set_port(skb, 0, forward_from);
	return count(TC_RETURNED);
}

__noinline int mark(struct __sk_buff *skb)
{
	struct facts *f = facts_of_cpu();
	__u32 *found;

	if (!f || !f->version)
		return 0;
	found = bpf_map_lookup_elem(&marks, &f->source);
	if (!found)
		return 0;
	skb->mark = *found;
	return count(TC_MARKED);
}

static __noinline int mirror(struct __sk_buff *skb)
{
	struct facts *f = facts_of_cpu();

	if (!mirror_every || !f)
		return 0;
	f->turn++;
	if (f->turn != mirror_every)
		return 0;
	f->turn = 0;
	return bpf_clone_redirect(skb, mirror_ifindex, 0) ? 0
							  : count(TC_MIRRORED);
}

SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
	count(TC_INGRESS);
	mirror(skb);
	if (vlan && skb->vlan_present && (skb->vlan_tci & 0xfff) == vlan)
		bpf_skb_vlan_pop(skb);
	if (gather(skb))
		return TC_ACT_UNSPEC;
	mark(skb);
	if (ttl)
		set_ttl(skb);
	forward(skb);
	return TC_ACT_UNSPEC;
}

/* -- on the way out ----------------------------------------------------------- */

/* The credit of LIMIT, whose lock is held, once that of the time up to NOW is in. */
static __always_inline __s64 fill(struct tc_limit *limit, __u64 now)
{
	__s64 credit = limit->credit + (__s64)(now - limit->time);

	limit->time = now;
	limit->credit = credit < limit->burst ? credit : limit->burst;
	return limit->credit;
}

/* Does the destination get more than it may? Returns 1 or 0. */
__noinline int limited(struct __sk_buff *skb)
{
	struct facts *f = facts_of_cpu();
	struct tc_limit *limit;
	__u64 now, length = skb->len;
	__s64 cost;
	int over;

	if (!f || !f->version)
		return 0;
	limit = bpf_map_lookup_elem(&limits, &f->destination);
	if (!limit)
		return 0;
	cost = length * 1000000000 / limit->rate;
	now = bpf_ktime_get_ns();
	bpf_spin_lock(&limit->lock);
	over = fill(limit, now) <= 0;
	limit->credit -= over ? 0 : cost;
	bpf_spin_unlock(&limit->lock);
	return over;
}

static __noinline int classify(struct __sk_buff *skb)
{
	struct facts *f = facts_of_cpu();
	struct tc_service *service;

	if (!f || !f->ports_at)
		return 0;
	service = bpf_map_lookup_elem(&services, &f->called.port);
	if (!service)
		return 0;
	if (service->priority) {
		skb->priority = service->priority;
		count(TC_CLASSIFIED);
	}
	return service->set_dscp ? set_dscp(skb, service->dscp) : 0;
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	count(TC_EGRESS);
	if (!gather(skb)) {
		if (limited(skb)) {
			count(TC_LIMITED);
			return TC_ACT_SHOT;
		}
		classify(skb);
		give_back(skb);
	}
	if (vlan && !bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan))
		count(TC_VLAN_PUSHED);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
