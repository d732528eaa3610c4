// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * lb by another design: IPv4 and IPv6 have a function each, from the headers to the
 * verdict, and both directions are in it; keys are made where they are used, and
 * checksums changed word by word. The hash is that of MurmurHash3's end, and the
 * slot the rest of a division. Only errors of ICMP have their tuple.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "csum.h"
#include "icmp.h"
#include "lb.h"
#include "parse.h"
#include "tunnel.h"

/* From system headers that a BPF program cannot include. */
enum { AF_INET = 2, AF_INET6 = 10 };

#define SECOND 1000000000ULL

/* The knob: how many slots each ring has, a prime number. */
const volatile __u32 ring_size = LB_RING_SIZE;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * LB_VIPS_MAX); /* VIPs, and their addresses */
	__type(key, struct lb_service);
	__type(value, struct lb_vip);
} vips SEC(".maps");

/* Slot by slot the number of a backend; 0: nobody. The loader sets the size. */
struct ring {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_RING_SIZE);
	__type(key, __u32);
	__type(value, __u32);
} empty_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_VIPS_MAX + 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct lb_backend);
} backends SEC(".maps");

/* Which backend a flow is followed to. A full one forgets who has been quiet. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LB_FLOWS);
	__type(key, struct lb_flow);
	__type(value, struct lb_track);
} flows SEC(".maps");

/* The VIP that a backend answers for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LB_BACKENDS_MAX);
	__type(key, struct lb_service);
	__type(value, struct lb_service);
} replies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_VIPS_MAX + 1);
	__type(key, __u32);
	__type(value, struct lb_window);
} new_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_VIPS_MAX + 1);
	__type(key, __u32);
	__type(value, struct lb_count);
} vip_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct lb_count);
} backend_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_REASONS);
	__type(key, __u32);
	__type(value, __u64);
} reasons SEC(".maps");

static __always_inline int because(__u32 reason, int verdict)
{
	__u64 *n = bpf_map_lookup_elem(&reasons, &reason);

	if (n)
		++*n;
	return verdict;
}

/* -- words ----------------------------------------------------------------- */

/* Each bit of HASH moves each bit of the result. */
static __always_inline __u32 stirred(__u32 hash)
{
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}

/* A word of an address, at WORD, becomes NEW, and each of the checksums knows. */
static __always_inline void set_word(__be32 *word, __be32 new, __sum16 *ip,
				     __sum16 *l4)
{
	__be16 was[2] = { *word & 0xffff, *word >> 16 },
	       is[2] = { new & 0xffff, new >> 16 };

	*word = new;
	for (int i = 0; i < 2; i++) {
		if (ip)
			*ip = csum_replace(*ip, was[i], is[i]);
		*l4 = csum_replace(*l4, was[i], is[i]);
	}
}

/* The transport header of a packet. */
struct transport {
	__be16 *source, *destination;
	__sum16 *check;
	__u32 tcp; /* 1, or 0: UDP */
	__u32 opens, closes;
};

static __always_inline bool transport_of(const struct packet *p,
					 struct transport *l4)
{
	if (p->tcp)
		*l4 = (struct transport){
			.source = &p->tcp->source,
			.destination = &p->tcp->dest,
			.check = &p->tcp->check,
			.tcp = 1,
			.opens = p->tcp->syn && !p->tcp->ack,
			.closes = p->tcp->fin || p->tcp->rst,
		};
	else if (p->udp)
		*l4 = (struct transport){
			.source = &p->udp->source,
			.destination = &p->udp->dest,
			.check = &p->udp->check,
			.opens = 1,
		};
	else
		return false;
	opaque(l4->tcp);
	return true;
}

/* The checksum of L4 is CHECK from now on, if it has had one. */
static __always_inline void set_check(struct transport *l4, __sum16 check)
{
	if (l4->tcp)
		*l4->check = check;
	else if (*l4->check)
		*l4->check = check ? check : 0xffff;
}

/* -- who gets it ----------------------------------------------------------- */

static __always_inline void add(struct lb_count *n, __u64 bytes, bool fresh)
{
	if (!n)
		return;
	n->flows += fresh;
	n->bytes += bytes;
	n->packets += 1;
}

/* May one more flow be followed? Who comes first in a second empties the window. */
static __always_inline bool has_room(const struct lb_vip *vip)
{
	__u64 now = bpf_ktime_get_ns() / SECOND, last, n;
	__u32 number = vip->number;
	struct lb_window *window;

	if (vip->new_flows == 0)
		return true;
	window = bpf_map_lookup_elem(&new_flows, &number);
	if (!window)
		return true;
	last = window->second;
	if (last < now &&
	    __sync_bool_compare_and_swap(&window->second, last, now))
		__sync_lock_test_and_set(&window->flows, 0);
	if (window->flows >= vip->new_flows)
		return false;
	n = __sync_fetch_and_add(&window->flows, 1);
	return n < vip->new_flows;
}

/*
 * The backend for FLOW, with its number in NUMBER. TCP, OPENS and CLOSES say what
 * the packet is; FRESH becomes whether a flow begins with it.
 */
static __always_inline struct lb_backend *
pick(const struct lb_vip *vip, const struct lb_flow *flow, bool tcp, bool opens,
     bool closes, __u32 *number, bool *fresh)
{
	struct lb_track *track = bpf_map_lookup_elem(&flows, flow), begun = {};
	__u32 ring_number = vip->number, hash = flow->vip, slot, *found;
	struct lb_backend *backend;
	void *ring;

	*fresh = false;
	if (track) {
		*number = track->backend;
		backend = bpf_map_lookup_elem(&backends, number);
		if (!backend || *number == 0 ||
		    backend->generation != track->generation)
			goto choose;
		if (tcp && opens &&
		    (track->closing || backend->state != LB_UP ||
		     backend->weight == 0))
			goto choose;
		if (!tcp && opens && backend->state == LB_DOWN)
			goto choose;
		if (closes && !track->closing)
			track->closing = true;
		return backend;
	}
choose:
	for (int i = 0; i < 4; i++)
		hash = stirred(hash * 5 + flow->address[i]);
	slot = stirred(hash * 5 + flow->port) % ring_size;
	ring = bpf_map_lookup_elem(&rings, &ring_number);
	if (!ring)
		return NULL;
	found = bpf_map_lookup_elem(ring, &slot);
	if (!found || *found == 0)
		return NULL;
	*number = *found;
	backend = bpf_map_lookup_elem(&backends, number);
	if (!backend || !opens)
		return backend;
	if (!track && !has_room(vip)) {
		because(LB_UNFOLLOWED, 0);
		return backend;
	}
	begun.backend = *number;
	begun.generation = backend->generation;
	bpf_map_update_elem(&flows, flow, &begun, BPF_ANY);
	*fresh = true;
	return backend;
}

/* -- the way there --------------------------------------------------------- */

static __always_inline bool only_for_stack(long result)
{
	return result == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       result == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/* The verdict on P, for which RESULT is what FIB has become. */
static __always_inline int leave(struct xdp_md *ctx, struct packet *p,
				 const struct bpf_fib_lookup *fib, long result,
				 int stack)
{
	struct ethhdr *eth = p->eth;
	__be16 was, is;

	if (only_for_stack(result))
		return because(result == BPF_FIB_LKUP_RET_NO_NEIGH
				       ? LB_NO_NEIGHBOR
				       : LB_TOO_LONG,
			       stack);
	if (result)
		return because(LB_NO_ROUTE, XDP_DROP);
	if (p->ipv4) {
		if (p->ipv4->ttl < 2)
			return because(LB_EXPIRED, XDP_DROP);
		__builtin_memcpy(&was, &p->ipv4->ttl, 2);
		p->ipv4->ttl--;
		__builtin_memcpy(&is, &p->ipv4->ttl, 2);
		p->ipv4->check = csum_replace(p->ipv4->check, was, is);
	} else {
		if (!p->ipv6 || p->ipv6->hop_limit < 2)
			return because(LB_EXPIRED, XDP_DROP);
		p->ipv6->hop_limit--;
	}
	for (int i = 0; i < ETH_ALEN; i++) {
		eth->h_source[i] = fib->smac[i];
		eth->h_dest[i] = fib->dmac[i];
	}
	return fib->ifindex == ctx->ingress_ifindex
		       ? XDP_TX
		       : bpf_redirect(fib->ifindex, 0);
}

static __always_inline long way4(struct xdp_md *ctx, const struct iphdr *ip,
				 __be32 to, struct bpf_fib_lookup *fib)
{
	*fib = (struct bpf_fib_lookup){
		.family = AF_INET,
		.tot_len = bpf_ntohs(ip->tot_len),
		.ifindex = ctx->ingress_ifindex,
		.ipv4_src = ip->saddr,
		.ipv4_dst = to,
	};
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

static __always_inline long way6(struct xdp_md *ctx, const struct ipv6hdr *ip,
				 const __be32 *to, struct bpf_fib_lookup *fib)
{
	*fib = (struct bpf_fib_lookup){
		.family = AF_INET6,
		.tot_len = bpf_ntohs(ip->payload_len) + 40,
		.ifindex = ctx->ingress_ifindex,
	};
	for (int i = 0; i < 4; i++) {
		fib->ipv6_src[i] = ip->saddr.s6_addr32[i];
		fib->ipv6_dst[i] = to[i];
	}
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

/* Sends P in a packet to TO, by whichever IP version it has. */
static __always_inline int tunnel(struct xdp_md *ctx, struct packet *p,
				  __u64 ipv4, const __be32 *to)
{
	struct bpf_fib_lookup fib;
	long result;

	if (ipv4) {
		struct iphdr *ip = p->ipv4;
		__be16 was, is;

		if (!ip || ip->ttl < 2)
			return because(LB_EXPIRED, XDP_DROP);
		__builtin_memcpy(&was, &ip->ttl, 2);
		ip->ttl--;
		__builtin_memcpy(&is, &ip->ttl, 2);
		ip->check = csum_replace(ip->check, was, is);
	} else {
		if (!p->ipv6 || p->ipv6->hop_limit < 2)
			return because(LB_EXPIRED, XDP_DROP);
		p->ipv6->hop_limit--;
	}
	if (!encapsulate(ctx, p, ipv4, to))
		return because(LB_NO_ROUTE, XDP_DROP);
	if (ipv4)
		result = way4(ctx, p->ipv4, to[3], &fib);
	else
		result = way6(ctx, p->ipv6, to, &fib);
	return leave(ctx, p, &fib, result, XDP_PASS);
}

/* -- IPv4 ------------------------------------------------------------------ */

static __always_inline int on_ipv4(struct xdp_md *ctx, struct packet *p,
				   struct transport *l4)
{
	__u8 protocol = l4->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	struct lb_service key = { .address = { 0, 0, bpf_htonl(0xffff) },
				  .protocol = protocol },
			  *from;
	__u64 bytes = frame_end(ctx) - frame_start(ctx);
	struct lb_flow flow = { .address = { 0, 0, bpf_htonl(0xffff) } };
	struct iphdr *ip = p->ipv4;
	struct lb_backend *backend;
	struct bpf_fib_lookup fib;
	__sum16 check = *l4->check;
	struct lb_vip *vip;
	__u32 number;
	bool fresh;
	long result;

	key.address[3] = ip->daddr;
	key.port = *l4->destination;
	vip = bpf_map_lookup_elem(&vips, &key);
	if (!vip) {
		key.address[3] = ip->saddr;
		key.port = *l4->source;
		from = bpf_map_lookup_elem(&replies, &key);
		if (!from)
			return XDP_PASS;
		result = way4(ctx, ip, ip->daddr, &fib);
		if (result && !only_for_stack(result))
			return XDP_PASS; /* it is for this host */
		set_word(&ip->saddr, from->address[3], &ip->check, &check);
		check = csum_replace(check, *l4->source, from->port);
		*l4->source = from->port;
		set_check(l4, check);
		because(LB_REPLY, 0);
		return leave(ctx, p, &fib, result, XDP_PASS);
	}

	flow.address[3] = ip->saddr;
	flow.port = *l4->source;
	flow.vip = vip->number;
	backend = pick(vip, &flow, l4->tcp, l4->opens, l4->closes, &number,
		       &fresh);
	if (!backend)
		return because(LB_NO_BACKEND, XDP_DROP);
	add(bpf_map_lookup_elem(&backend_counts, &number), bytes, fresh);
	number = vip->number;
	add(bpf_map_lookup_elem(&vip_counts, &number), bytes, fresh);
	if (vip->mode == LB_IPIP)
		return tunnel(ctx, p, 1, backend->address);

	result = way4(ctx, ip, backend->address[3], &fib);
	if (vip->mode == LB_DSR)
		return leave(ctx, p, &fib, result, XDP_DROP);
	if (!result || only_for_stack(result)) {
		set_word(&ip->daddr, backend->address[3], &ip->check, &check);
		check = csum_replace(check, *l4->destination, backend->port);
		*l4->destination = backend->port;
		set_check(l4, check);
	}
	return leave(ctx, p, &fib, result, XDP_PASS);
}

/* -- IPv6 ------------------------------------------------------------------ */

static __always_inline int on_ipv6(struct xdp_md *ctx, struct packet *p,
				   struct transport *l4)
{
	__u8 protocol = l4->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	struct lb_service key = { .protocol = protocol }, *from;
	__u64 bytes = frame_end(ctx) - frame_start(ctx);
	struct ipv6hdr *ip = p->ipv6;
	struct lb_backend *backend;
	struct bpf_fib_lookup fib;
	__sum16 check = *l4->check;
	struct lb_flow flow = {};
	struct lb_vip *vip;
	__u32 number;
	bool fresh;
	long result;

	__builtin_memcpy(key.address, &ip->daddr, 16);
	key.port = *l4->destination;
	vip = bpf_map_lookup_elem(&vips, &key);
	if (!vip) {
		__builtin_memcpy(key.address, &ip->saddr, 16);
		key.port = *l4->source;
		from = bpf_map_lookup_elem(&replies, &key);
		if (!from)
			return XDP_PASS;
		result = way6(ctx, ip, ip->daddr.s6_addr32, &fib);
		if (result && !only_for_stack(result))
			return XDP_PASS;
		for (int i = 0; i < 4; i++)
			set_word(&ip->saddr.s6_addr32[i], from->address[i],
				 NULL, &check);
		check = csum_replace(check, *l4->source, from->port);
		*l4->source = from->port;
		set_check(l4, check);
		because(LB_REPLY, 0);
		return leave(ctx, p, &fib, result, XDP_PASS);
	}

	__builtin_memcpy(flow.address, &ip->saddr, 16);
	flow.port = *l4->source;
	flow.vip = vip->number;
	backend = pick(vip, &flow, l4->tcp, l4->opens, l4->closes, &number,
		       &fresh);
	if (!backend)
		return because(LB_NO_BACKEND, XDP_DROP);
	add(bpf_map_lookup_elem(&backend_counts, &number), bytes, fresh);
	number = vip->number;
	add(bpf_map_lookup_elem(&vip_counts, &number), bytes, fresh);
	if (vip->mode == LB_IPIP)
		return tunnel(ctx, p, 0, backend->address);

	result = way6(ctx, ip, backend->address, &fib);
	if (vip->mode == LB_DSR)
		return leave(ctx, p, &fib, result, XDP_DROP);
	if (!result || only_for_stack(result)) {
		for (int i = 0; i < 4; i++)
			set_word(&ip->daddr.s6_addr32[i], backend->address[i],
				 NULL, &check);
		check = csum_replace(check, *l4->destination, backend->port);
		*l4->destination = backend->port;
		set_check(l4, check);
	}
	return leave(ctx, p, &fib, result, XDP_PASS);
}

/* -- ICMP ------------------------------------------------------------------ */

static __always_inline int on_error(struct xdp_md *ctx, struct cursor *c,
				    struct packet *p)
{
	struct lb_service key = {};
	struct lb_backend *backend;
	struct bpf_fib_lookup fib;
	struct packet quoted;
	struct lb_flow flow = {};
	struct lb_vip *vip;
	struct tuple t;
	__u32 number;
	bool fresh;
	long result;

	if (!parse_quote(c, p, &quoted) || !find_tuple(&quoted, &t) ||
	    !is_sent_back(p, &t))
		return XDP_PASS;
	read_address(&t, SOURCE, key.address);
	key.port = *t.port[SOURCE];
	key.protocol = t.tcp ? IPPROTO_TCP : IPPROTO_UDP;
	vip = bpf_map_lookup_elem(&vips, &key);
	if (!vip)
		return XDP_PASS;
	read_address(&t, DESTINATION, flow.address);
	flow.port = *t.port[DESTINATION];
	flow.vip = vip->number;
	backend = pick(vip, &flow, true, false, false, &number, &fresh);
	if (!backend)
		return because(LB_NO_BACKEND, XDP_DROP);
	because(LB_ICMP_ERROR, 0);
	if (vip->mode == LB_IPIP)
		return tunnel(ctx, p, t.ipv4, backend->address);
	if (t.ipv4)
		result = way4(ctx, p->ipv4, backend->address[3], &fib);
	else
		result = way6(ctx, p->ipv6, backend->address, &fib);
	if (vip->mode == LB_DSR)
		return leave(ctx, p, &fib, result, XDP_DROP);
	if (!result || only_for_stack(result))
		translate_error(p, &quoted, &t, backend->address,
				backend->port);
	return leave(ctx, p, &fib, result, XDP_PASS);
}

/* Has the address that P is bound for a VIP? */
static __always_inline bool has_vip(const struct packet *p)
{
	struct lb_service key = {};

	return destination_of(p, key.address) &&
	       bpf_map_lookup_elem(&vips, &key);
}

SEC("xdp")
int lb(struct xdp_md *ctx)
{
	void *data = frame_start(ctx), *end = frame_end(ctx);
	struct cursor c = cursor_at(data, end);
	enum packet_class class;
	struct transport l4;
	struct packet p;

	class = parse_packet(&c, &p);
	settle(&p);
	if (class == PACKET_MALFORMED)
		return XDP_PASS;
	if (p.more_fragments || p.fragment_offset)
		return has_vip(&p) ? because(LB_FRAGMENT, XDP_DROP) : XDP_PASS;
	if (class == PACKET_ICMP || class == PACKET_ICMP6) {
		if (is_icmp_error(&p))
			return on_error(ctx, &c, &p);
		if (!is_ping(&p) || !has_vip(&p))
			return XDP_PASS;
		make_ping_reply(&p);
		return because(LB_PING, XDP_TX);
	}
	if (!transport_of(&p, &l4))
		return XDP_PASS;
	if (p.ipv4)
		return on_ipv4(ctx, &p, &l4);
	if (p.ipv6)
		return on_ipv6(ctx, &p, &l4);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
