// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * parsing by another design: no pointer into the frame, and no loop of its own.
 * Headers are copied to the stack by bpf_xdp_load_bytes, from offsets that are
 * numbers; bpf_loop steps over VLAN tags and extension headers, which the
 * verifier then follows once each and not once for every one of them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "context.h"
#include "parsing.h"

const volatile __u16 drop_port = 22;
const volatile __u32 sample_every = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PACKET_CLASSES);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} turns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} samples SEC(".maps");

__u64 lost;

/* A walk over a frame, and what it has found so far. */
struct walk {
	struct xdp_md *ctx;
	__u32 at;      /* where the next header begins */
	__u32 end;     /* where the packet ends */
	__u32 next;    /* the type of the next header */
	__u32 steps;   /* how many tags or extensions were stepped over */
	__u32 version; /* of IP */
	__u32 bad;     /* a header was cut */
	__u32 later;   /* this is a later fragment */
	__u32 more;    /* more fragments follow */
	__u16 vlans[2];
	__u32 tags;
	__be16 ports[2];
	__u8 addresses[32]; /* as they stand in the header */
};

/* Copies the SIZE bytes of the next header. Returns 0 when they are there. */
static __always_inline long peek(struct walk *w, void *header, __u32 size)
{
	if (w->at + size > w->end)
		return -1;
	return bpf_xdp_load_bytes(w->ctx, w->at, header, size);
}

static long step_vlan(__u32 i, struct walk *w)
{
	struct vlan_header vlan;

	if (w->next != ETH_P_8021Q && w->next != ETH_P_8021AD)
		return 1;
	w->bad = peek(w, &vlan, sizeof(vlan)) != 0;
	if (w->bad)
		return 1;
	w->vlans[i & 1] = bpf_ntohs(vlan.tci) & 0xfff;
	w->tags = i + 1;
	w->next = bpf_ntohs(vlan.type);
	w->at += sizeof(vlan);
	return 0;
}

/* How many bytes an extension header of this type and length has; 0: none. */
static __always_inline __u32 size_of(__u32 type, __u32 length)
{
	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (length + 1) * 8;
	case IPPROTO_AH:
		return (length + 2) * 4;
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static long step_extension(__u32 i, struct walk *w)
{
	struct ipv6_fragment e;
	__u32 size;

	if (w->later || !size_of(w->next, 0))
		return 1;
	/* At the ninth we are only to see that it is one too many. */
	w->bad = i == EXTENSIONS_MAX || peek(w, &e, sizeof(e));
	if (w->bad)
		return 1;
	size = size_of(w->next, e.reserved);
	w->bad = size > w->end - w->at;
	if (w->bad)
		return 1;
	if (w->next == IPPROTO_FRAGMENT) {
		w->later = (bpf_ntohs(e.field) & IPV6_OFFSET) != 0;
		w->more |= bpf_ntohs(e.field) & IPV6_MORE;
	}
	w->next = e.next;
	w->at += size;
	return 0;
}

/* Steps over an IPv4 header. Returns 0 when it can be one. */
static __always_inline int step_ipv4(struct walk *w)
{
	struct iphdr ip;
	__u32 field;

	if (peek(w, &ip, sizeof(ip)) || ip.version != 4)
		return -1;
	w->version = 4;
	__builtin_memcpy(w->addresses, &ip.saddr, 8);
	if (ip.ihl < 5 || ip.ihl * 4 > bpf_ntohs(ip.tot_len) ||
	    bpf_ntohs(ip.tot_len) > w->end - w->at)
		return -1;
	w->end = w->at + bpf_ntohs(ip.tot_len);
	w->at += ip.ihl * 4;
	w->next = ip.protocol;
	field = bpf_ntohs(ip.frag_off);
	w->later = (field & IPV4_OFFSET) != 0;
	w->more = (field & IPV4_MORE) != 0;
	return 0;
}

/* Steps over an IPv6 header and its extensions. Returns 0 when all can be. */
static __always_inline int step_ipv6(struct walk *w)
{
	struct ipv6hdr ip;

	if (peek(w, &ip, sizeof(ip)) || ip.version != 6)
		return -1;
	w->version = 6;
	__builtin_memcpy(w->addresses, &ip.saddr, 32);
	w->at += sizeof(ip);
	if (bpf_ntohs(ip.payload_len) > w->end - w->at)
		return -1;
	w->end = w->at + bpf_ntohs(ip.payload_len);
	w->next = ip.nexthdr;
	bpf_loop(EXTENSIONS_MAX + 1, step_extension, w, 0);
	return w->bad ? -1 : 0;
}

static __always_inline enum packet_class read_tcp(struct walk *w)
{
	struct tcphdr tcp;

	if (peek(w, &tcp, sizeof(tcp)) || tcp.doff < 5 ||
	    tcp.doff * 4U > w->end - w->at)
		return PACKET_MALFORMED;
	w->ports[0] = tcp.source;
	w->ports[1] = tcp.dest;
	return PACKET_TCP;
}

static __always_inline enum packet_class read_udp(struct walk *w)
{
	struct udphdr udp;

	if (peek(w, &udp, sizeof(udp)) || bpf_ntohs(udp.len) < sizeof(udp) ||
	    (!w->more && bpf_ntohs(udp.len) > w->end - w->at))
		return PACKET_MALFORMED;
	w->ports[0] = udp.source;
	w->ports[1] = udp.dest;
	return PACKET_UDP;
}

static __always_inline enum packet_class classify(struct walk *w)
{
	struct icmp_header icmp;
	struct ethhdr eth;

	if (peek(w, &eth, sizeof(eth)))
		return PACKET_MALFORMED;
	w->at = sizeof(eth);
	w->next = bpf_ntohs(eth.h_proto);
	bpf_loop(VLANS_MAX, step_vlan, w, 0);
	if (w->bad)
		return PACKET_MALFORMED;

	switch (w->next) {
	case ETH_P_ARP:
		return PACKET_ARP;
	case ETH_P_IP:
		if (step_ipv4(w))
			return PACKET_MALFORMED;
		break;
	case ETH_P_IPV6:
		if (step_ipv6(w))
			return PACKET_MALFORMED;
		break;
	default:
		return PACKET_OTHER;
	}

	if (w->later)
		return PACKET_FRAGMENT;
	if (w->next == IPPROTO_TCP)
		return read_tcp(w);
	if (w->next == IPPROTO_UDP)
		return read_udp(w);
	if (w->next == (w->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
		if (peek(w, &icmp, sizeof(icmp)))
			return PACKET_MALFORMED;
		return w->version == 4 ? PACKET_ICMP : PACKET_ICMP6;
	}
	return PACKET_IP_OTHER;
}

static __always_inline void sample(struct walk *w, __u32 class, int verdict)
{
	__u32 size = w->version == 4 ? 4 : 16, zero = 0, length;
	struct parsing_sample *s;
	__u32 *turn = bpf_map_lookup_elem(&turns, &zero);

	if (!sample_every || !turn)
		return;
	*turn += 1;
	if (*turn < sample_every)
		return;
	*turn = 0;

	s = bpf_ringbuf_reserve(&samples, sizeof(*s), 0);
	if (!s) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	length = frame_end(w->ctx) - frame_start(w->ctx);
	*s = (struct parsing_sample){
		.time = bpf_ktime_get_ns(),
		.length = length,
		.class = class,
		.verdict = verdict,
		.version = w->version,
		.tags = w->tags,
		.vlans = { w->vlans[0], w->vlans[1] },
		.source_port = w->ports[0],
		.destination_port = w->ports[1],
	};
	if (size == 4) {
		__builtin_memcpy(s->source, w->addresses, 4);
		__builtin_memcpy(s->destination, w->addresses + 4, 4);
	} else {
		__builtin_memcpy(s->source, w->addresses, 16);
		__builtin_memcpy(s->destination, w->addresses + 16, 16);
	}
	/* Whole, or byte by byte what there is of it. */
	if (bpf_xdp_load_bytes(w->ctx, 0, s->bytes, PARSING_SNAP))
		for (__u32 i = 0; i < PARSING_SNAP && i < length; i++)
			bpf_xdp_load_bytes(w->ctx, i, s->bytes + i, 1);
	bpf_ringbuf_submit(s, 0);
}

SEC("xdp")
int parsing(struct xdp_md *ctx)
{
	struct walk walk = { .ctx = ctx,
			     .end = frame_end(ctx) - frame_start(ctx) };
	__u32 class = classify(&walk);
	int verdict = XDP_PASS;
	__u64 *counter;

	if (class == PACKET_TCP && walk.ports[1] == bpf_htons(drop_port))
		verdict = XDP_DROP;
	counter = bpf_map_lookup_elem(&packets, &class);
	if (counter)
		__sync_fetch_and_add(counter, 1);
	sample(&walk, class, verdict);
	return verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
