// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * lb by another design: FNV-1a, byte by byte, chooses the slot, as the rest of a
 * division; checksums are those of bpf_csum_diff; and a VIP's window is one number,
 * which is changed by compare-and-swap, so that the second and the count in it are
 * never of two minds.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "csum.h"
#include "hash.h"
#include "icmp.h"
#include "lb.h"
#include "parse.h"
#include "tunnel.h"
#include "tuple.h"

/* From system headers that a BPF program cannot include. */
enum { AF_INET = 2, AF_INET6 = 10 };

#define SECOND 1000000000ULL

enum {
	TRIES = 16, /* of a CPU that another one is always ahead of */
};

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

/* -- counting -------------------------------------------------------------- */

/* Counts VERDICT's reason, and returns VERDICT. */
static __always_inline int because(__u32 reason, int verdict)
{
	__u64 *n = bpf_map_lookup_elem(&reasons, &reason);

	if (n)
		(*n)++;
	return verdict;
}

/* Counts a packet of BYTES at KEY of MAP, `vip_counts` or `backend_counts`. */
static __always_inline void count(void *map, __u32 key, __u64 bytes,
				  bool new_flow)
{
	struct lb_count *n = bpf_map_lookup_elem(map, &key);

	if (n)
		*n = (struct lb_count){ .packets = n->packets + 1,
					.bytes = n->bytes + bytes,
					.flows = n->flows + new_flow };
}

/* -- which VIP ------------------------------------------------------------- */

/* That END of T as the maps have it, in KEY. */
static __always_inline void service_of(const struct tuple *t, enum end end,
				       struct lb_service *key)
{
	*key = (struct lb_service){};
	read_address(t, end, key->address);
	key->port = *t->port[end];
	key->protocol = t->tcp ? IPPROTO_TCP : IPPROTO_UDP;
}

/* The VIP that is that END of T; NULL: it is none. */
static __always_inline struct lb_vip *find_vip(const struct tuple *t,
					       enum end end)
{
	struct lb_service key;

	service_of(t, end, &key);
	return bpf_map_lookup_elem(&vips, &key);
}

/* Is P sent to an address that has a VIP, on whatever port? */
static __always_inline bool is_vip_address(const struct packet *p)
{
	struct lb_service key = {};

	return destination_of(p, key.address) &&
	       bpf_map_lookup_elem(&vips, &key);
}

/* -- which backend --------------------------------------------------------- */

/* What step three finds: a backend, by its number too; NULL: nobody. */
struct choice {
	struct lb_backend *backend;
	__u32 number;
	bool new_flow; /* which is followed from now on */
};

static __always_inline bool choose(struct choice *choice, __u32 number)
{
	choice->number = number;
	choice->backend = bpf_map_lookup_elem(&backends, &number);
	choice->new_flow = false;
	return number && choice->backend;
}

/* The flow between VIP and the client, who is that END of T, in FLOW. */
static __always_inline void flow_of(const struct tuple *t, enum end client,
				    const struct lb_vip *vip,
				    struct lb_flow *flow)
{
	read_address(t, client, flow->address);
	flow->port = *t->port[client];
	flow->vip = vip->number;
	flow->zero = 0;
}

/* Fowler, Noll and Vo's hash: each byte in turn, and a prime number. */
static __always_inline __u32 fnv1a(const void *data, __u32 length)
{
	const __u8 *byte = data;
	__u32 hash = 2166136261;

	for (__u32 i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * 16777619;
	return hash;
}

/* The number of the backend that VIP's ring has for FLOW; 0: nobody. */
static __always_inline __u32 from_ring(const struct lb_flow *flow)
{
	__u32 slot = fnv1a(flow, sizeof(*flow)) % ring_size;
	__u32 vip = flow->vip, *number;
	void *ring;

	ring = bpf_map_lookup_elem(&rings, &vip);
	if (!ring)
		return 0;
	number = bpf_map_lookup_elem(ring, &slot);
	return number ? *number : 0;
}

/* What P says of the flow that it belongs to. */
struct signs {
	__u64 udp;    /* any datagram may be the first one */
	__u64 opens;  /* TCP's SYN */
	__u64 closes; /* FIN or RST */
};

static __always_inline struct signs signs_of(const struct packet *p,
					     const struct tuple *t)
{
	struct signs signs = { .udp = !t->tcp };

	if (t->tcp) {
		signs.opens = p->tcp->syn && !p->tcp->ack;
		signs.closes = p->tcp->fin || p->tcp->rst;
	}
	return signs;
}

static __always_inline bool takes_new_flows(const struct lb_backend *backend)
{
	return backend->state == LB_UP && backend->weight;
}

/*
 * May a packet with these SIGNS, of a flow that is followed to BACKEND by TRACK, go
 * there still? Else another is chosen.
 */
static __always_inline bool may_stay(const struct signs *signs,
				     const struct lb_track *track,
				     const struct lb_backend *backend)
{
	bool stays = signs->udp ? backend->state != LB_DOWN
		     : signs->opens
			     ? !track->closing && takes_new_flows(backend)
			     : true;

	return stays && backend->generation == track->generation;
}

/*
 * May VIP follow one more flow in this second? In the upper half of window->flows is
 * the second, in the lower half how many there were; nothing else is used.
 */
static __always_inline bool may_follow(const struct lb_vip *vip)
{
	__u64 second = bpf_ktime_get_coarse_ns() / SECOND, was, n;
	__u32 number = vip->number;
	struct lb_window *window = bpf_map_lookup_elem(&new_flows, &number);

	if (!vip->new_flows || !window)
		return true;
	for (int i = 0; i < TRIES; i++) {
		was = window->flows;
		n = was >> 32 == (__u32)second ? (__u32)was : 0;
		if (n >= vip->new_flows)
			return false;
		if (__sync_val_compare_and_swap(&window->flows, was,
						second << 32 | (n + 1)) == was)
			return true;
	}
	return false;
}

/*
 * From now on FLOW goes where CHOICE says. TRACK is what there is of it already, or
 * NULL; it is replaced, not written to: another flow may have its place by now.
 */
static __always_inline void follow(const struct lb_vip *vip,
				   const struct lb_flow *flow,
				   struct lb_track *track,
				   struct choice *choice)
{
	if (!track && !may_follow(vip)) {
		because(LB_UNFOLLOWED, 0);
		return;
	}
	choice->new_flow = true;
	struct lb_track new = { .backend = choice->number,
				.generation = choice->backend->generation };

	bpf_map_update_elem(&flows, flow, &new, BPF_ANY);
}

/* What is known of FLOW. */
static __always_inline struct lb_track *find_track(const struct lb_flow *flow)
{
	struct lb_track *track = NULL;

	track = bpf_map_lookup_elem(&flows, flow);
	return track;
}

/* The backend that a flow is followed to by TRACK, in CHOICE. Is there one? */
static __always_inline bool choose_known(const struct signs *signs,
					 const struct lb_track *track,
					 struct choice *choice)
{
	return track && choose(choice, track->backend) &&
	       may_stay(signs, track, choice->backend);
}

/*
 * The backend that a packet with these SIGNS, of FLOW to VIP, goes to, in CHOICE. Is
 * there one?
 */
static __always_inline bool choose_backend(const struct signs *signs,
					   const struct lb_vip *vip,
					   const struct lb_flow *flow,
					   struct choice *choice)
{
	struct lb_track *track = find_track(flow);

	if (choose_known(signs, track, choice)) {
		if (signs->closes)
			track->closing = 1;
		return true;
	}
	if (!choose(choice, from_ring(flow)))
		return false;
	if (signs->opens || signs->udp)
		follow(vip, flow, track, choice);
	return true;
}

/* -- rewriting ------------------------------------------------------------- */

/* The checksum CHECK after a change of what it covers by DIFFERENCE. */
static __always_inline __sum16 folded(__sum16 check, __u32 difference)
{
	__u64 sum = (__u64)difference + (__u16)~check;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/*
 * That END of P, whose tuple is T, becomes ADDRESS and PORT, and every checksum that
 * covers them is as right, or as wrong, as it was.
 */
static __always_inline void translate(struct packet *p, struct tuple *t,
				      enum end end, const __be32 *address,
				      __be16 port)
{
	bool summed = t->tcp || *t->check;
	__be32 old[5], new[5];

	read_address(t, end, old);
	old[4] = *t->port[end];
	__builtin_memcpy(new, address, 16);
	new[4] = port;
	put_address(t, end, address);
	*t->port[end] = port;
	/* What comes before an IPv4 address is the same in both. */
	if (t->ipv4)
		p->ipv4->check = folded(p->ipv4->check,
					bpf_csum_diff(old, 16, new, 16, 0));
	if (!summed)
		return;
	*t->check = folded(*t->check, bpf_csum_diff(old, 20, new, 20, 0));
	if (!t->tcp && !*t->check)
		*t->check = 0xffff;
}

/* -- the next hop ---------------------------------------------------------- */

/* How a packet goes on. */
struct hop {
	struct bpf_fib_lookup fib;
	__u32 from; /* the interface that it came from */
	long result; /* BPF_FIB_LKUP_RET_…; 0 when all is known, less than 0: an error */
};

/* Looks up how P gets to the address TO, in HOP. */
static __always_inline void next_hop(struct xdp_md *ctx, const struct packet *p,
				     const __be32 *to, struct hop *hop)
{
	struct bpf_fib_lookup *fib = &hop->fib;

	*hop = (struct hop){ .from = ctx->ingress_ifindex,
			     .result = BPF_FIB_LKUP_RET_NOT_FWDED };
	fib->ifindex = hop->from;
	if (p->ipv4) {
		fib->family = AF_INET;
		fib->tot_len = bpf_ntohs(p->ipv4->tot_len);
		fib->ipv4_src = p->ipv4->saddr;
		fib->ipv4_dst = to[3];
	} else if (p->ipv6) {
		fib->family = AF_INET6;
		fib->tot_len =
			sizeof(*p->ipv6) + bpf_ntohs(p->ipv6->payload_len);
		__builtin_memcpy(fib->ipv6_src, &p->ipv6->saddr, 16);
		__builtin_memcpy(fib->ipv6_dst, to, 16);
	}
	hop->result = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

/* As every router does: one less. Returns false when none is left. */
static __always_inline bool lower_ttl(struct packet *p)
{
	struct iphdr *ip = p->ipv4;
	__be16 *word, old;

	if (ip && ip->ttl > 1) {
		word = (__be16 *)&ip->ttl;
		old = *word;
		ip->ttl--;
		ip->check = csum_replace(ip->check, old, *word);
		return true;
	}
	if (p->ipv6 && p->ipv6->hop_limit > 1) {
		p->ipv6->hop_limit--;
		return true;
	}
	return false;
}

/* Is there a way, though perhaps one that only the network stack can go? */
static __always_inline bool is_way(const struct hop *hop)
{
	return hop->result == BPF_FIB_LKUP_RET_SUCCESS ||
	       hop->result == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       hop->result == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/*
 * Sends P on by HOP. When only the stack can, the verdict is STACK. Returns the
 * verdict.
 */
static __always_inline int forward(struct packet *p, struct hop *hop, int stack)
{
	if (hop->result == BPF_FIB_LKUP_RET_NO_NEIGH)
		return because(LB_NO_NEIGHBOR, stack);
	if (hop->result == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return because(LB_TOO_LONG, stack);
	if (hop->result != BPF_FIB_LKUP_RET_SUCCESS)
		return because(LB_NO_ROUTE, XDP_DROP);
	if (!lower_ttl(p))
		return because(LB_EXPIRED, XDP_DROP);
	__builtin_memcpy(p->eth->h_dest, hop->fib.dmac, ETH_ALEN);
	__builtin_memcpy(p->eth->h_source, hop->fib.smac, ETH_ALEN);
	if (hop->fib.ifindex != hop->from)
		return bpf_redirect(hop->fib.ifindex, 0);
	return XDP_TX;
}

/* -- packets with ports ---------------------------------------------------- */

/*
 * Sends P, whose tuple is T, to BACKEND in the way of VIP. In an ICMP error T is that
 * of the packet QUOTED; else QUOTED is NULL.
 */
static __always_inline int deliver(struct xdp_md *ctx, struct packet *p,
				   struct tuple *t, struct packet *quoted,
				   const struct lb_vip *vip,
				   const struct lb_backend *backend)
{
	__u32 mode = vip->mode;
	struct hop hop;

	if (mode == LB_IPIP) {
		if (!lower_ttl(p))
			return because(LB_EXPIRED, XDP_DROP);
		if (!encapsulate(ctx, p, t->ipv4, backend->address))
			return because(LB_NO_ROUTE, XDP_DROP);
	}
	next_hop(ctx, p, backend->address, &hop);
	/* The stack would send it to the VIP, not to this backend. */
	if (mode == LB_DSR)
		return forward(p, &hop, XDP_DROP);
	if (mode == LB_NAT && is_way(&hop)) {
		if (quoted)
			translate_error(p, quoted, t, backend->address,
					backend->port);
		else
			translate(p, t, DESTINATION, backend->address,
				  backend->port);
	}
	return forward(p, &hop, XDP_PASS);
}

/* A client's packet to VIP. */
static __always_inline int to_backend(struct xdp_md *ctx, struct packet *p,
				      struct tuple *t, const struct lb_vip *vip)
{
	struct signs signs = signs_of(p, t);
	__u64 bytes = frame_end(ctx) - frame_start(ctx);
	struct choice choice;
	struct lb_flow flow;

	flow_of(t, SOURCE, vip, &flow);
	if (!choose_backend(&signs, vip, &flow, &choice))
		return because(LB_NO_BACKEND, XDP_DROP);
	count(&vip_counts, vip->number, bytes, choice.new_flow);
	count(&backend_counts, choice.number, bytes, choice.new_flow);
	return deliver(ctx, p, t, NULL, vip, choice.backend);
}

/* What is not for a VIP: perhaps it is the answer of a backend. */
static __always_inline int to_client(struct xdp_md *ctx, struct packet *p,
				     struct tuple *t)
{
	int verdict = XDP_PASS;

	struct lb_service from, *vip;
	struct hop hop;
	__be32 client[4];

	service_of(t, SOURCE, &from);
	vip = bpf_map_lookup_elem(&replies, &from);
	if (!vip)
		return XDP_PASS;
	read_address(t, DESTINATION, client);
	next_hop(ctx, p, client, &hop);
	if (!is_way(&hop))
		return XDP_PASS;
	translate(p, t, SOURCE, vip->address, vip->port);
	because(LB_REPLY, 0);
	verdict = forward(p, &hop, XDP_PASS);
	return verdict;
}

/* -- ICMP ------------------------------------------------------------------ */

/* An error about an answer of a VIP goes to the backend that gave it. */
static __always_inline int on_icmp_error(struct xdp_md *ctx, struct cursor *c,
					 struct packet *p)
{
	const struct signs none = {};
	struct packet quoted;
	struct choice choice;
	struct lb_flow flow;
	struct lb_vip *vip;
	struct tuple t;

	if (!parse_quote(c, p, &quoted) || !find_tuple(&quoted, &t) ||
	    !is_sent_back(p, &t))
		return XDP_PASS;
	vip = find_vip(&t, SOURCE);
	if (!vip)
		return XDP_PASS;
	flow_of(&t, DESTINATION, vip, &flow);
	if (!choose_backend(&none, vip, &flow, &choice))
		return because(LB_NO_BACKEND, XDP_DROP);

	because(LB_ICMP_ERROR, 0);
	return deliver(ctx, p, &t, &quoted, vip, choice.backend);
}

static __always_inline int on_icmp(struct xdp_md *ctx, struct cursor *c,
				   struct packet *p)
{
	if (is_icmp_error(p))
		return on_icmp_error(ctx, c, p);
	if (!is_ping(p) || !is_vip_address(p))
		return XDP_PASS;
	make_ping_reply(p);
	return because(LB_PING, XDP_TX);
}

/* -- all packets ----------------------------------------------------------- */

SEC("xdp")
int lb(struct xdp_md *ctx)
{
	struct cursor c = cursor_at(frame_start(ctx), frame_end(ctx));
	enum packet_class class;
	struct lb_vip *vip;
	struct packet p;
	struct tuple t;

	class = parse_packet(&c, &p);
	settle(&p);
	if (class == PACKET_MALFORMED)
		return XDP_PASS;
	/* Of a datagram in pieces only the first has the ports. */
	if (p.more_fragments || p.fragment_offset)
		return is_vip_address(&p) ? because(LB_FRAGMENT, XDP_DROP)
					  : XDP_PASS;
	if (class == PACKET_ICMP || class == PACKET_ICMP6)
		return on_icmp(ctx, &c, &p);
	if (!find_tuple(&p, &t))
		return XDP_PASS;
	vip = find_vip(&t, DESTINATION);
	return vip ? to_backend(ctx, &p, &t, vip) : to_client(ctx, &p, &t);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
