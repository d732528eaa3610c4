// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * parsing by another design: nothing of the parser in parse.h. One function
 * reads bytes at an offset into the frame, and a second number says where the
 * packet ends; what it finds goes straight into the sample, which is sent from
 * the stack by bpf_ringbuf_output.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
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
	__type(value, __u64);
} turns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} samples SEC(".maps");

__u64 lost;

/* The types of extension headers, a bit each: 0, 43, 44, 51 and 60. */
#define EXTENSIONS                                                             \
	(1ULL << 0 | 1ULL << 43 | 1ULL << 44 | 1ULL << 51 | 1ULL << 60)

/* More than the headers of a packet can have: a bound for the verifier. */
#define FARTHEST 0x7fff

/* The two bytes at BYTE, in host order. */
static __always_inline __u16 word(const __u8 *byte)
{
	return byte[0] << 8 | byte[1];
}

/* What the frame from FRAME to END is; where it comes from goes into S. */
static __always_inline __u8 classify(__u8 *frame, __u8 *end,
				     struct parsing_sample *s)
{
	__u64 size = end - frame, at = 14, rest;
	bool later = false, more = false;
	__u16 type, fragment, port[2];
	__u8 protocol, *byte;

	if (frame + 14 > end)
		return PACKET_MALFORMED;
	type = word(frame + 12);

	for (int i = 0; i < 2; i++) {
		if (type != 0x8100 && type != 0x88a8)
			break;
		byte = frame + at;
		if (byte + 4 > end)
			return PACKET_MALFORMED;
		s->vlans[i] = word(byte) % 4096;
		s->tags = i + 1;
		type = word(byte + 2);
		at += 4;
	}

	byte = frame + at;
	if (type == 0x0806)
		return PACKET_ARP;
	if (type == 0x0800) {
		if (byte + 20 > end || byte[0] >> 4 != 4)
			return PACKET_MALFORMED;
		rest = (byte[0] & 15) * 4;
		s->version = 4;
		__builtin_memcpy(s->source, byte + 12, 4);
		__builtin_memcpy(s->destination, byte + 16, 4);
		if (rest < 20 || word(byte + 2) < rest ||
		    at + word(byte + 2) > size)
			return PACKET_MALFORMED;
		size = at + word(byte + 2);
		at += rest;
		protocol = byte[9];
		more = byte[6] & 0x20;
		later = byte[6] & 0x1f || byte[7];
	} else if (type == 0x86dd) {
		if (byte + 40 > end || byte[0] >> 4 != 6)
			return PACKET_MALFORMED;
		at += 40;
		if (at + word(byte + 4) > size)
			return PACKET_MALFORMED;
		s->version = 6;
		__builtin_memcpy(s->source, byte + 8, 16);
		__builtin_memcpy(s->destination, byte + 24, 16);
		size = at + word(byte + 4);
		protocol = byte[6];

		for (int i = 0; i <= 8 && !later; i++) {
			if (protocol > 63 || !(EXTENSIONS >> protocol & 1))
				break;
			byte = frame + at;
			if (i == 8 || at + 8 > size || byte + 8 > end)
				return PACKET_MALFORMED;
			/* No branches, which the verifier would multiply. */
			rest = byte[1] << (3 - (protocol == 51));
			rest &= -(__u64)(protocol != 44);
			fragment = word(byte + 2) & -(protocol == 44);
			more |= fragment & 1;
			later = fragment & 0xfff8;
			at += 8 + (rest & 0x7ff);
			if (at > size || at > FARTHEST)
				return PACKET_MALFORMED;
			protocol = byte[0];
		}
	} else {
		return PACKET_OTHER;
	}

	if (later)
		return PACKET_FRAGMENT;
	if (protocol == (s->version == 4 ? 1 : 58)) {
		if (at + 8 > size)
			return PACKET_MALFORMED;
		return s->version == 4 ? PACKET_ICMP : PACKET_ICMP6;
	}
	if (protocol != 6 && protocol != 17)
		return PACKET_IP_OTHER;

	byte = frame + at;
	if (at + 8 > size || byte + 8 > end)
		return PACKET_MALFORMED;
	__builtin_memcpy(port, byte, sizeof(port));
	if (protocol == 17) {
		if (word(byte + 4) < 8 || (!more && at + word(byte + 4) > size))
			return PACKET_MALFORMED;
	} else {
		if (at + 20 > size || byte + 20 > end || byte[12] >> 4 < 5 ||
		    at + (byte[12] >> 4) * 4 > size)
			return PACKET_MALFORMED;
	}
	s->source_port = port[0];
	s->destination_port = port[1];
	return protocol == 17 ? PACKET_UDP : PACKET_TCP;
}

SEC("xdp")
int parsing(struct xdp_md *ctx)
{
	__u8 *frame = (void *)(long)ctx->data;
	__u8 *end = (void *)(long)ctx->data_end;
	struct parsing_sample s = {};
	__u32 key, zero = 0;
	__u64 *counter;

	s.class = classify(frame, end, &s);
	s.verdict = XDP_PASS;
	if (s.class == PACKET_TCP && bpf_ntohs(s.destination_port) == drop_port)
		s.verdict = XDP_DROP;

	key = s.class;
	counter = bpf_map_lookup_elem(&packets, &key);
	if (counter)
		*counter += 1;

	counter = bpf_map_lookup_elem(&turns, &zero);
	if (!counter || !sample_every || ++*counter % sample_every)
		return s.verdict;

	s.time = bpf_ktime_get_ns();
	s.length = end - frame;
	for (int i = 0; i < PARSING_SNAP && frame + i + 1 <= end; i++)
		s.bytes[i] = frame[i];
	if (bpf_ringbuf_output(&samples, &s, sizeof(s), 0))
		__sync_fetch_and_add(&lost, 1);
	return s.verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
