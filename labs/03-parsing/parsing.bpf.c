// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * parsing: says of each frame what it is, drops TCP to one port however it is
 * wrapped, and shows one frame of N to user space. The walk from header to
 * header is common/parse.h; here is what is done with what it finds.
 *
 * A filter does not drop what it does not understand: the malformed pass, and
 * are counted.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "context.h"
#include "parse.h"
#include "parsing.h"

/* The knobs: the loader sets them, and at load they become constants. */
const volatile __u16 drop_port = 22;   /* TCP to it is dropped */
const volatile __u32 sample_every = 0; /* one frame of so many; 0: none */

/* How many frames there were of which class. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PACKET_CLASSES);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

/* How many frames this CPU has seen since its last sample. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} turns SEC(".maps");

/* The samples, on their way to user space. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} samples SEC(".maps");

/* How many samples found that ring full. */
__u64 lost;

/* Is this the frame of each sample_every whose turn it is to be a sample? */
static __always_inline bool is_sampled(void)
{
	bool sampled = false;

	/*
	 * EXERCISE 3.8 [3]: count this CPU's frames in the map `turns`; every
	 * sample_every-th is a sample, and with 0 none is.
	 */
	/* BEGIN SOLUTION */
	__u32 zero = 0, *turn;

	if (!sample_every)
		return false;
	turn = bpf_map_lookup_elem(&turns, &zero);
	if (turn && ++*turn >= sample_every) {
		*turn = 0;
		sampled = true;
	}
	/* END SOLUTION */
	return sampled;
}

/* Copies into S what P has of addresses and ports. */
static __always_inline void fill_flow(struct parsing_sample *s,
				      const struct packet *p)
{
	if (p->ipv4) {
		s->version = 4;
		__builtin_memcpy(s->source, &p->ipv4->saddr, 4);
		__builtin_memcpy(s->destination, &p->ipv4->daddr, 4);
	} else if (p->ipv6) {
		s->version = 6;
		__builtin_memcpy(s->source, &p->ipv6->saddr, 16);
		__builtin_memcpy(s->destination, &p->ipv6->daddr, 16);
	}
	if (p->tcp) {
		s->source_port = p->tcp->source;
		s->destination_port = p->tcp->dest;
	} else if (p->udp) {
		s->source_port = p->udp->source;
		s->destination_port = p->udp->dest;
	}
}

/* Copies into S the first bytes of the frame, as many as there are. */
static __always_inline void fill_bytes(struct parsing_sample *s,
				       struct xdp_md *ctx)
{
	__u32 size = s->length < PARSING_SNAP ? s->length : PARSING_SNAP;

	/* The mask changes nothing, but shows the verifier a size of 1 to 64. */
	size = ((size - 1) & (PARSING_SNAP - 1)) + 1;
	bpf_xdp_load_bytes(ctx, 0, s->bytes, size);
}

/* Sends user space a sample of the frame. */
static __always_inline void sample(struct xdp_md *ctx, const struct packet *p,
				   enum packet_class class, int verdict)
{
	/*
	 * EXERCISE 3.8 [3], continued: reserve a struct parsing_sample in the
	 * ring, set all of it (fill_flow() and fill_bytes() do their part),
	 * submit it. When the ring is full, count it as lost.
	 */
	/* BEGIN SOLUTION */
	struct parsing_sample *s = bpf_ringbuf_reserve(&samples, sizeof(*s), 0);

	if (!s) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	__builtin_memset(s, 0, sizeof(*s));
	s->time = bpf_ktime_get_ns();
	s->length = frame_end(ctx) - frame_start(ctx);
	s->class = class;
	s->verdict = verdict;
	s->tags = p->tags;
	s->vlans[0] = p->vlans[0];
	s->vlans[1] = p->vlans[1];
	fill_flow(s, p);
	fill_bytes(s, ctx);
	bpf_ringbuf_submit(s, 0);
	/* END SOLUTION */
}

/* What is to happen to a frame of this kind. */
static __always_inline int verdict_on(const struct packet *p)
{
	int verdict = XDP_PASS;

	/* EXERCISE 3.7 [1]: drop TCP to drop_port, which is in host byte order. */
	/* BEGIN SOLUTION */
	if (p->tcp && p->tcp->dest == bpf_htons(drop_port))
		verdict = XDP_DROP;
	/* END SOLUTION */
	return verdict;
}

SEC("xdp")
int parsing(struct xdp_md *ctx)
{
	struct cursor cursor = cursor_at(frame_start(ctx), frame_end(ctx));
	struct packet packet;
	__u32 class = parse_packet(&cursor, &packet);
	int verdict = verdict_on(&packet);
	__u64 *counter = bpf_map_lookup_elem(&packets, &class);

	if (counter)
		(*counter)++;
	if (is_sampled())
		sample(ctx, &packet, class, verdict);
	return verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
