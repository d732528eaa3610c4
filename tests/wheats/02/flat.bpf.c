// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * xdp_drop by another design: one flat function with early returns. No header
 * structures: bytes are read at their offsets, a word is put together from two
 * of them, and the checksum is RFC 1624's equation written out in host order.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "xdp_drop.h"

const volatile bool drop_all = true;
const volatile bool answer_pings;
const volatile int drop_ipv4 = XDP_DROP_NOTHING;
const volatile int drop_ipv6 = XDP_DROP_NOTHING;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_DROP_VERDICTS);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

__u32 own_id;
__u64 exceptions;

static __always_inline void swap(__u8 *a, __u8 *b, int size)
{
	for (int i = 0; i < size; i++) {
		__u8 byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* The type goes from REQUEST to REPLY, and the checksum with it. */
static __always_inline void turn(__u8 *echo, __u8 request, __u8 reply)
{
	__u32 sum = (__u16) ~(echo[2] << 8 | echo[3]);

	sum += (__u16) ~(request << 8);
	sum += reply << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	echo[0] = reply;
	echo[2] = sum >> 8;
	echo[3] = sum;
}

static __always_inline int verdict_on(struct xdp_md *ctx)
{
	__u8 *frame = (void *)(long)ctx->data, *echo;
	__u8 *end = (void *)(long)ctx->data_end;
	int otherwise = drop_all ? XDP_DROP : XDP_PASS;
	__u16 ethertype;

	if (frame + 14 > end)
		return drop_all ? XDP_DROP : XDP_ABORTED;
	ethertype = frame[12] << 8 | frame[13];

	if (ethertype == 0x0800) {
		if (frame + 34 > end)
			return drop_all ? XDP_DROP : XDP_ABORTED;
		if (frame[23] == drop_ipv4)
			otherwise = XDP_DROP;
		if (!answer_pings || frame[23] != 1 || (frame[0] & 1))
			return otherwise;
		if (frame[14] % 16 < 5 || (frame[20] & 0x3f) || frame[21])
			return otherwise;
		echo = frame + 14 + frame[14] % 16 * 4;
		if (echo + 8 > end || echo[0] != 8 || echo[1])
			return otherwise;
		turn(echo, 8, 0);
		swap(frame + 26, frame + 30, 4);
	} else if (ethertype == 0x86dd) {
		if (frame + 54 > end)
			return drop_all ? XDP_DROP : XDP_ABORTED;
		if (frame[20] == drop_ipv6)
			otherwise = XDP_DROP;
		if (!answer_pings || frame[20] != 58 || (frame[0] & 1))
			return otherwise;
		echo = frame + 54;
		if (echo + 8 > end || echo[0] != 128 || echo[1])
			return otherwise;
		turn(echo, 128, 129);
		swap(frame + 22, frame + 38, 16);
	} else {
		return otherwise;
	}
	swap(frame, frame + 6, 6);
	return XDP_TX;
}

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	__u32 verdict = verdict_on(ctx);
	__u64 *counter = bpf_map_lookup_elem(&packets, &verdict);

	if (!counter)
		return XDP_ABORTED;
	*counter += 1;
	return verdict;
}

struct bpf_prog_aux {
	__u32 id;
} __attribute__((preserve_access_index));

struct bpf_prog {
	struct bpf_prog_aux *aux;
} __attribute__((preserve_access_index));

SEC("raw_tp/xdp_exception")
int xdp_exceptions(struct bpf_raw_tracepoint_args *ctx)
{
	const struct bpf_prog *aborter = (void *)ctx->args[1];

	if (BPF_CORE_READ(aborter, aux, id) == own_id)
		__sync_fetch_and_add(&exceptions, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
