// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * lb by another design: functions of BPF, which are called and not copied in, and
 * each of which the verifier reads once. They have no pointer into the packet: what
 * they need is in a struct, with the offsets of the headers, and what they change is
 * stored by a helper. The hash is Toeplitz', as network cards have it. Linux 6.1
 * refuses it: there the verifier does not see that one of the reads is within the packet.
 */
// needs kernel 6.12
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
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

/* What the functions are told of a packet. */
struct facts {
	struct lb_service ends[2]; /* by enum end */
	__u32 ipv4;		   /* 1, or 0: IPv6 */
	__u32 length;		   /* of the IP packet */
	__u32 ip_at, ports_at, check_at;
	__u32 from;		   /* the interface that it came from */
	__u32 udp, opens, closes;  /* what it says of its flow */
	__u32 backend, new_flow;   /* what has been chosen */
	struct lb_service to;	   /* the backend's address and port */
	struct bpf_fib_lookup fib; /* and the way there */
	long result;
};

/* Each CPU has one: they are too large for its stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct facts);
} scratch SEC(".maps");

__noinline int because(__u32 reason, int verdict)
{
	__u64 *n = bpf_map_lookup_elem(&reasons, &reason);

	if (n)
		*n += 1;
	return verdict;
}

/* -- which backend --------------------------------------------------------- */

/* The key of the hash, as Microsoft published it, and every driver has it. */
static const __u32 secret[] = { 0x6d5a56da, 0x255b0ec2, 0x4167253d,
				0x43a38fb0, 0xd0ca2bcb, 0xae7b30b4 };

/* For each bit of FLOW that is set 32 bits of the key, from that bit on. */
__noinline __u32 toeplitz(const struct lb_flow *flow)
{
	__u32 words[5], hash = 0;

	if (!flow)
		return 0;
	__builtin_memcpy(words, flow, sizeof(words));
#pragma unroll
	for (int i = 0; i < 5; i++) {
		__u64 window = (__u64)secret[i] << 32 | secret[i + 1];
		__u32 word = bpf_ntohl(words[i]);

		for (int bit = 0; bit < 32; bit++, window <<= 1, word <<= 1)
			if (word & 1u << 31)
				hash ^= window >> 32;
	}
	return hash;
}

/* May one more flow of VIP be followed? */
__noinline bool is_room(const struct lb_vip *vip)
{
	__u64 second = bpf_ktime_get_coarse_ns() / SECOND, seen;
	struct lb_window *window;
	__u32 number;

	if (!vip || !vip->new_flows)
		return true;
	number = vip->number;
	window = bpf_map_lookup_elem(&new_flows, &number);
	if (!window)
		return true;
	seen = window->second;
	if (seen != second &&
	    __sync_val_compare_and_swap(&window->second, seen, second) == seen)
		window->flows = 0;
	return window->flows < vip->new_flows &&
	       __sync_fetch_and_add(&window->flows, 1) < vip->new_flows;
}

/* Is TRACK's backend, now BACKEND, still right for what F says? */
static __noinline bool is_kept(const struct facts *f,
			       const struct lb_track *track,
			       const struct lb_backend *backend)
{
	if (track->generation != backend->generation)
		return false;
	if (f->udp && backend->state == LB_DOWN)
		return false;
	return f->udp || !f->opens ||
	       (backend->state == LB_UP && backend->weight > 0 &&
		!track->closing);
}

/* Chooses a backend of VIP for its client, CLIENT of F. Returns whether there is one. */
__noinline bool choose(struct facts *f, const struct lb_vip *vip, int client)
{
	struct lb_track *track, new = {};
	struct lb_backend *backend;
	__u32 number, slot, *there;
	struct lb_flow flow = {};
	void *ring;

	if (!f || !vip)
		return false;
	__builtin_memcpy(flow.address, f->ends[client & 1].address, 16);
	flow.port = f->ends[client & 1].port;
	flow.vip = vip->number;
	track = bpf_map_lookup_elem(&flows, &flow);
	if (track) {
		f->backend = number = track->backend;
		backend = bpf_map_lookup_elem(&backends, &number);
		if (number && backend && is_kept(f, track, backend)) {
			if (f->closes)
				track->closing = 1;
			goto chosen;
		}
	}
	number = vip->number;
	ring = bpf_map_lookup_elem(&rings, &number);
	if (!ring)
		return false;
	slot = toeplitz(&flow) % ring_size;
	there = bpf_map_lookup_elem(ring, &slot);
	if (!there || !*there)
		return false;
	f->backend = number = *there;
	backend = bpf_map_lookup_elem(&backends, &number);
	if (!backend)
		return false;
	if (!f->opens && !f->udp)
		goto chosen;
	if (!track && !is_room(vip)) {
		because(LB_UNFOLLOWED, 0);
		goto chosen;
	}
	new.backend = number;
	new.generation = backend->generation;
	bpf_map_update_elem(&flows, &flow, &new, BPF_ANY);
	f->new_flow = 1;
chosen:
	__builtin_memcpy(f->to.address, backend->address, 16);
	f->to.port = backend->port;
	return true;
}

static __noinline int count(void *map, __u32 key, __u64 bytes, __u32 new_flow)
{
	struct lb_count *n = bpf_map_lookup_elem(map, &key);

	if (n) {
		n->packets++;
		n->bytes += bytes;
		n->flows += new_flow;
	}
	return 0;
}

/* -- rewriting ------------------------------------------------------------- */

/* Adds DIFFERENCE to the checksum AT that offset. Returns what it is now. */
__noinline int change_sum(struct xdp_md *ctx, __u32 at, __u32 difference,
			  int none)
{
	__u64 sum;
	__u16 check;

	if (bpf_xdp_load_bytes(ctx, at, &check, sizeof(check)))
		return -1;
	if (none && !check)
		return 0;
	sum = (__u64)difference + (__u16)~check;
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	check = ~(sum + (sum >> 16));
	if (none && !check)
		check = 0xffff;
	return bpf_xdp_store_bytes(ctx, at, &check, sizeof(check));
}

/* That END of the packet becomes NEW. Returns 0, or an error. */
__noinline int rewrite(struct xdp_md *ctx, const struct facts *f, int end,
		       const struct lb_service *new)
{
	__be32 old_words[5] = {}, new_words[5] = {};
	__u32 difference, address_at;

	if (!f || !new)
		return -1;
	end &= 1;
	__builtin_memcpy(old_words, f->ends[end].address, 16);
	__builtin_memcpy(new_words, new->address, 16);
	difference = bpf_csum_diff(old_words, 16, new_words, 16, 0);
	if (f->ipv4) {
		address_at = f->ip_at + (end == SOURCE ? 12 : 16);
		bpf_xdp_store_bytes(ctx, address_at, &new_words[3], 4);
		change_sum(ctx, f->ip_at + 10, difference, 0);
	} else {
		address_at = f->ip_at + (end == SOURCE ? 8 : 24);
		bpf_xdp_store_bytes(ctx, address_at, new_words, 16);
	}
	old_words[4] = f->ends[end].port;
	new_words[4] = new->port;
	difference = bpf_csum_diff(old_words, 20, new_words, 20, 0);
	change_sum(ctx, f->check_at, difference, f->udp);
	return bpf_xdp_store_bytes(ctx, f->ports_at + 2 * end, &new_words[4],
				   2);
}

/* -- the way --------------------------------------------------------------- */

/* Looks up how the packet gets to the address of TO. Is there a way at all? */
__noinline bool find_way(struct xdp_md *ctx, struct facts *f,
			 const struct lb_service *to)
{
	if (!f || !to)
		return false;
	__builtin_memset(&f->fib, 0, sizeof(f->fib));
	f->fib.ifindex = f->from;
	f->fib.tot_len = f->length;
	if (f->ipv4) {
		f->fib.family = AF_INET;
		f->fib.ipv4_src = f->ends[SOURCE].address[3];
		f->fib.ipv4_dst = to->address[3];
	} else {
		f->fib.family = AF_INET6;
		__builtin_memcpy(f->fib.ipv6_src, f->ends[SOURCE].address, 16);
		__builtin_memcpy(f->fib.ipv6_dst, to->address, 16);
	}
	f->result = bpf_fib_lookup(ctx, &f->fib, sizeof(f->fib), 0);
	return f->result == BPF_FIB_LKUP_RET_SUCCESS ||
	       f->result == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       f->result == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/* One router further. Returns whether the packet has lived that long. */
__noinline bool age(struct xdp_md *ctx, const struct facts *f)
{
	__u8 old[4] = {}, new[4] = {};
	__u32 at;

	if (!f)
		return false;
	at = f->ip_at + (f->ipv4 ? 8 : 7);
	if (bpf_xdp_load_bytes(ctx, at, old, 1) || old[0] < 2)
		return false;
	new[0] = old[0] - 1;
	if (f->ipv4)
		change_sum(ctx, f->ip_at + 10,
			   bpf_csum_diff((void *)old, 4, (void *)new, 4, 0), 0);
	return !bpf_xdp_store_bytes(ctx, at, new, 1);
}

/* The verdict, once the way has been looked up; STACK where only the stack can go. */
__noinline int go(struct xdp_md *ctx, const struct facts *f, int stack)
{
	__u8 macs[2][ETH_ALEN];

	if (!f)
		return XDP_DROP;
	switch (f->result) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return because(LB_NO_NEIGHBOR, stack);
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return because(LB_TOO_LONG, stack);
	default:
		return because(LB_NO_ROUTE, XDP_DROP);
	}
	if (!age(ctx, f))
		return because(LB_EXPIRED, XDP_DROP);
	__builtin_memcpy(macs[0], f->fib.dmac, ETH_ALEN);
	__builtin_memcpy(macs[1], f->fib.smac, ETH_ALEN);
	bpf_xdp_store_bytes(ctx, 0, macs, sizeof(macs));
	if (f->fib.ifindex == f->from)
		return XDP_TX;
	return bpf_redirect(f->fib.ifindex, 0);
}

/* -- packets --------------------------------------------------------------- */

/* What the IP header of P says, in F. */
static __always_inline void note_ip(struct xdp_md *ctx, const struct packet *p,
				    struct facts *f)
{
	void *data = frame_start(ctx);

	f->from = ctx->ingress_ifindex;
	source_of(p, f->ends[SOURCE].address);
	destination_of(p, f->ends[DESTINATION].address);
	if (p->ipv4) {
		f->ipv4 = 1;
		f->ip_at = (void *)p->ipv4 - data;
		f->length = bpf_ntohs(p->ipv4->tot_len);
	} else if (p->ipv6) {
		f->ipv4 = 0;
		f->ip_at = (void *)p->ipv6 - data;
		f->length = 40 + bpf_ntohs(p->ipv6->payload_len);
	}
}

/* What the transport header of P says, in F. Returns false when there is none. */
static __always_inline bool
note_transport(struct xdp_md *ctx, const struct packet *p, struct facts *f)
{
	void *data = frame_start(ctx);
	__u8 protocol;

	if (p->tcp) {
		protocol = IPPROTO_TCP;
		f->ends[SOURCE].port = p->tcp->source;
		f->ends[DESTINATION].port = p->tcp->dest;
		f->ports_at = (void *)p->tcp - data;
		f->check_at = f->ports_at + 16;
		f->opens = p->tcp->syn && !p->tcp->ack;
		f->closes = p->tcp->fin || p->tcp->rst;
	} else if (p->udp) {
		protocol = IPPROTO_UDP;
		f->udp = 1;
		f->ends[SOURCE].port = p->udp->source;
		f->ends[DESTINATION].port = p->udp->dest;
		f->ports_at = (void *)p->udp - data;
		f->check_at = f->ports_at + 6;
	} else {
		return false;
	}
	f->ends[SOURCE].protocol = f->ends[DESTINATION].protocol = protocol;
	return true;
}

/* Sends P to the backend in F, in a packet to it. */
static __always_inline int tunnel(struct xdp_md *ctx, struct packet *p,
				  struct facts *f, const __be32 *to)
{
	if (!age(ctx, f))
		return because(LB_EXPIRED, XDP_DROP);
	if (!encapsulate(ctx, p, f->ipv4, to))
		return because(LB_NO_ROUTE, XDP_DROP);
	note_ip(ctx, p, f);
	find_way(ctx, f, &f->to);
	return go(ctx, f, XDP_PASS);
}

static __always_inline int to_backend(struct xdp_md *ctx, struct packet *p,
				      struct facts *f, const struct lb_vip *vip)
{
	__u64 bytes = frame_end(ctx) - frame_start(ctx);
	bool is_way;

	if (!choose(f, vip, SOURCE))
		return because(LB_NO_BACKEND, XDP_DROP);
	count(&vip_counts, vip->number, bytes, f->new_flow);
	count(&backend_counts, f->backend, bytes, f->new_flow);
	if (vip->mode == LB_IPIP)
		return tunnel(ctx, p, f, f->to.address);
	is_way = find_way(ctx, f, &f->to);
	if (vip->mode == LB_DSR)
		return go(ctx, f, XDP_DROP);
	if (is_way)
		rewrite(ctx, f, DESTINATION, &f->to);
	return go(ctx, f, XDP_PASS);
}

static __always_inline int to_client(struct xdp_md *ctx, struct facts *f)
{
	struct lb_service *vip =
		bpf_map_lookup_elem(&replies, &f->ends[SOURCE]);

	if (!vip || !find_way(ctx, f, &f->ends[DESTINATION]))
		return XDP_PASS;
	because(LB_REPLY, 0);
	rewrite(ctx, f, SOURCE, vip);
	return go(ctx, f, XDP_PASS);
}

static __always_inline int on_icmp_error(struct xdp_md *ctx, struct cursor *c,
					 struct packet *p, struct facts *f)
{
	struct packet quoted;
	struct lb_vip *vip;
	struct tuple t;
	bool is_way;

	if (!parse_quote(c, p, &quoted) || !find_tuple(&quoted, &t) ||
	    !is_sent_back(p, &t))
		return XDP_PASS;
	for (int end = SOURCE; end <= DESTINATION; end++) {
		read_address(&t, end, f->ends[end].address);
		f->ends[end].port = *t.port[end];
		f->ends[end].protocol = t.tcp ? IPPROTO_TCP : IPPROTO_UDP;
	}
	vip = bpf_map_lookup_elem(&vips, &f->ends[SOURCE]);
	if (!vip)
		return XDP_PASS;
	if (!choose(f, vip, DESTINATION))
		return because(LB_NO_BACKEND, XDP_DROP);
	because(LB_ICMP_ERROR, 0);
	note_ip(ctx, p, f);
	if (vip->mode == LB_IPIP)
		return tunnel(ctx, p, f, f->to.address);
	is_way = find_way(ctx, f, &f->to);
	if (vip->mode == LB_DSR)
		return go(ctx, f, XDP_DROP);
	if (is_way)
		translate_error(p, &quoted, &t, f->to.address, f->to.port);
	return go(ctx, f, XDP_PASS);
}

SEC("xdp")
int lb(struct xdp_md *ctx)
{
	struct cursor c = cursor_at(frame_start(ctx), frame_end(ctx));
	struct lb_service address = {};
	enum packet_class class;
	struct facts *f;
	__u32 zero = 0;
	struct lb_vip *vip;
	struct packet p;

	f = bpf_map_lookup_elem(&scratch, &zero);
	if (!f)
		return XDP_PASS;
	__builtin_memset(f, 0, sizeof(*f));
	class = parse_packet(&c, &p);
	settle(&p);
	if (class == PACKET_MALFORMED)
		return XDP_PASS;
	destination_of(&p, address.address);
	vip = bpf_map_lookup_elem(&vips, &address);
	if (p.more_fragments || p.fragment_offset)
		return vip ? because(LB_FRAGMENT, XDP_DROP) : XDP_PASS;
	if (class == PACKET_ICMP || class == PACKET_ICMP6) {
		if (is_icmp_error(&p))
			return on_icmp_error(ctx, &c, &p, f);
		if (!vip || !is_ping(&p))
			return XDP_PASS;
		make_ping_reply(&p);
		return because(LB_PING, XDP_TX);
	}
	note_ip(ctx, &p, f);
	if (!note_transport(ctx, &p, f))
		return XDP_PASS;
	vip = bpf_map_lookup_elem(&vips, &f->ends[DESTINATION]);
	return vip ? to_backend(ctx, &p, f, vip) : to_client(ctx, f);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
