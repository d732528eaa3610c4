// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * parsing by another design: the frame is a dynptr, and each header a slice of
 * it. The kernel checks at run time what the cursor of parse.h proves at load:
 * no pointer is compared, and offsets need no bounds.
 */
// needs kernel 6.4
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "parsing.h"

/* What vmlinux.h would declare. A slice is copied to BUFFER when it must be. */
extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags,
			       struct bpf_dynptr *frame) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *frame, __u32 offset,
			      void *buffer, __u32 size) __ksym;

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

/* Room for a header that does not lie in one piece. */
union header {
	struct ethhdr eth;
	struct vlan_header vlan;
	struct iphdr ipv4;
	struct ipv6hdr ipv6;
	struct ipv6_fragment extension;
	struct icmp_header icmp;
	struct tcphdr tcp;
	struct udphdr udp;
};

/* What is still to be read of a packet: from AT to END, both offsets. */
struct part {
	__u32 at;
	__u32 end;
};

/* Steps over SIZE bytes, a constant: a slice, or NULL when there are fewer. */
static __always_inline void *slice(const struct bpf_dynptr *frame,
				   struct part *part, union header *room,
				   __u32 size)
{
	__u32 at = part->at;

	if (size > part->end - at)
		return NULL;
	part->at += size;
	return bpf_dynptr_slice(frame, at, room, size);
}

/* Steps over SIZE bytes unseen. Returns false when there are fewer. */
static __always_inline bool skip(struct part *part, __u32 size)
{
	if (size > part->end - part->at)
		return false;
	part->at += size;
	return true;
}

/* How many bytes an extension of this type and length has; 0: it is none. */
static __always_inline __u32 extension_size(int type, __u8 length)
{
	if (type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING ||
	    type == IPPROTO_DSTOPTS)
		return (length + 1) * 8;
	if (type == IPPROTO_AH)
		return (length + 2) * 4;
	return type == IPPROTO_FRAGMENT ? 8 : 0;
}

/* Steps over the extensions. Returns what is behind them, or -1. */
static __always_inline int upper(const struct bpf_dynptr *frame,
				 struct part *part, int next, bool *later,
				 bool *more)
{
	struct ipv6_fragment *e;
	union header room;

	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		if (*later || !extension_size(next, 0))
			return next;
		e = slice(frame, part, &room, sizeof(*e));
		if (!e || !skip(part, extension_size(next, e->reserved) - 8))
			return -1;
		if (next == IPPROTO_FRAGMENT) {
			*later = e->field & bpf_htons(IPV6_OFFSET);
			*more |= e->field & bpf_htons(IPV6_MORE);
		}
		next = e->next;
	}
	return *later || !extension_size(next, 0) ? next : -1;
}

/* The class of what follows IP; its ports go into S. */
static __always_inline __u8 transport(const struct bpf_dynptr *frame,
				      struct part *part, int protocol,
				      bool more, struct parsing_sample *s)
{
	union header room;
	struct tcphdr *tcp;
	struct udphdr *udp;

	if (protocol == IPPROTO_TCP) {
		tcp = slice(frame, part, &room, sizeof(*tcp));
		if (!tcp || tcp->doff < 5 || !skip(part, (tcp->doff - 5) * 4))
			return PACKET_MALFORMED;
		s->source_port = tcp->source;
		s->destination_port = tcp->dest;
		return PACKET_TCP;
	}
	if (protocol == IPPROTO_UDP) {
		udp = slice(frame, part, &room, sizeof(*udp));
		if (!udp || bpf_ntohs(udp->len) < 8 ||
		    (!more && !skip(part, bpf_ntohs(udp->len) - 8)))
			return PACKET_MALFORMED;
		s->source_port = udp->source;
		s->destination_port = udp->dest;
		return PACKET_UDP;
	}
	if (protocol != (s->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return PACKET_IP_OTHER;
	if (!skip(part, sizeof(struct icmp_header)))
		return PACKET_MALFORMED;
	return s->version == 4 ? PACKET_ICMP : PACKET_ICMP6;
}

static __always_inline __u8 internet4(const struct bpf_dynptr *frame,
				      struct part *part,
				      struct parsing_sample *s)
{
	__u32 begin = part->at, total, header;
	union header room;
	struct iphdr *ip = slice(frame, part, &room, sizeof(*ip));

	if (!ip || ip->version != 4)
		return PACKET_MALFORMED;
	total = bpf_ntohs(ip->tot_len);
	header = ip->ihl * 4;
	if (header < sizeof(*ip) || total < header || total > part->end - begin)
		return PACKET_MALFORMED;
	s->version = 4;
	__builtin_memcpy(s->source, &ip->saddr, 4);
	__builtin_memcpy(s->destination, &ip->daddr, 4);
	part->at = begin + header;
	part->end = begin + total;
	if (ip->frag_off & bpf_htons(IPV4_OFFSET))
		return PACKET_FRAGMENT;
	return transport(frame, part, ip->protocol,
			 ip->frag_off & bpf_htons(IPV4_MORE), s);
}

static __always_inline __u8 internet6(const struct bpf_dynptr *frame,
				      struct part *part,
				      struct parsing_sample *s)
{
	bool later = false, more = false;
	union header room;
	struct ipv6hdr *ip = slice(frame, part, &room, sizeof(*ip));
	int next;

	if (!ip || ip->version != 6 ||
	    bpf_ntohs(ip->payload_len) > part->end - part->at)
		return PACKET_MALFORMED;
	part->end = part->at + bpf_ntohs(ip->payload_len);
	s->version = 6;
	__builtin_memcpy(s->source, &ip->saddr, 16);
	__builtin_memcpy(s->destination, &ip->daddr, 16);
	next = upper(frame, part, ip->nexthdr, &later, &more);
	if (next < 0)
		return PACKET_MALFORMED;
	if (later)
		return PACKET_FRAGMENT;
	return transport(frame, part, next, more, s);
}

/* What FRAME is; what a sample tells of it goes into S. */
static __always_inline __u8 classify(const struct bpf_dynptr *frame,
				     struct parsing_sample *s)
{
	struct part rest = { .end = s->length };
	union header room;
	struct ethhdr *eth = slice(frame, &rest, &room, sizeof(*eth));
	struct vlan_header *vlan;
	__be16 type;

	if (!eth)
		return PACKET_MALFORMED;
	type = eth->h_proto;
	for (int i = 0; i < VLANS_MAX; i++) {
		if (type != bpf_htons(ETH_P_8021Q) &&
		    type != bpf_htons(ETH_P_8021AD))
			break;
		vlan = slice(frame, &rest, &room, sizeof(*vlan));
		if (!vlan)
			return PACKET_MALFORMED;
		s->vlans[i] = bpf_ntohs(vlan->tci) & 0xfff;
		s->tags = i + 1;
		type = vlan->type;
	}
	switch (bpf_ntohs(type)) {
	case ETH_P_ARP:
		return PACKET_ARP;
	case ETH_P_IP:
		return internet4(frame, &rest, s);
	case ETH_P_IPV6:
		return internet6(frame, &rest, s);
	}
	return PACKET_OTHER;
}

/* Is it this frame's turn to be a sample? */
static __always_inline bool has_turn(void)
{
	__u32 zero = 0, *turn = bpf_map_lookup_elem(&turns, &zero);

	if (!turn || !sample_every)
		return false;
	*turn = (*turn + 1) % sample_every;
	return *turn == 0;
}

/* Sends S, which lacks only the bytes. */
static __always_inline void send(const struct bpf_dynptr *frame,
				 const struct parsing_sample *s)
{
	__u32 size = s->length < PARSING_SNAP ? s->length : PARSING_SNAP;
	struct bpf_dynptr record;
	struct parsing_sample *sent;

	/* A dynptr of the ring must be submitted or discarded, even if none. */
	if (bpf_ringbuf_reserve_dynptr(&samples, sizeof(*s), 0, &record)) {
		__sync_fetch_and_add(&lost, 1);
		bpf_ringbuf_discard_dynptr(&record, 0);
		return;
	}
	bpf_dynptr_write(&record, 0, (void *)s, sizeof(*s), 0);
	sent = bpf_dynptr_data(&record, 0, sizeof(*sent));
	if (sent) {
		size = ((size - 1) & (PARSING_SNAP - 1)) + 1;
		bpf_dynptr_read(sent->bytes, size, frame, 0, 0);
	}
	bpf_ringbuf_submit_dynptr(&record, 0);
}

SEC("xdp")
int parsing(struct xdp_md *ctx)
{
	struct parsing_sample s = {};
	struct bpf_dynptr frame;
	__u64 *counter;
	__u32 class;

	if (bpf_dynptr_from_xdp(ctx, 0, &frame))
		return XDP_ABORTED;
	s.time = bpf_ktime_get_ns();
	s.length = ctx->data_end - ctx->data;
	class = classify(&frame, &s);
	s.class = class;
	s.verdict = XDP_PASS;
	if (class == PACKET_TCP && s.destination_port == bpf_htons(drop_port))
		s.verdict = XDP_DROP;

	counter = bpf_map_lookup_elem(&packets, &class);
	if (counter)
		++*counter;
	if (has_turn())
		send(&frame, &s);
	return s.verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
