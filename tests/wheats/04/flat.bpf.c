// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * maps by another design: one flat function asks all questions, or some of them,
 * where it has just read the frame; no facts are gathered. Each stage of the chain
 * reads the frame anew. Keys and events are made on the stack, and an event is
 * copied into the ring when it is complete.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "parse.h"
#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PACKET_CLASSES);
	__type(key, __u32);
	__type(value, struct maps_count);
} protocols SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAPS_VERDICTS);
	__type(key, __u32);
	__type(value, struct maps_count);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct maps_prefix4);
	__type(value, __u64);
} prefixes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct maps_prefix6);
	__type(value, __u64);
} prefixes6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct maps_port);
	__type(value, __u64);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct maps_source);
	__type(value, __u64);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct maps_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

__u64 clock SEC(".data.clock");

__u64 events_full; /* when their bucket will be full again */
__u64 suppressed;

int prefix_stage(struct xdp_md *ctx);
int port_stage(struct xdp_md *ctx);
int limit_stage(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, MAPS_STAGES);
	__type(key, __u32);
	__array(values, int(struct xdp_md *));
} stages SEC(".maps") = {
	.values = {
		[MAPS_STAGE_PREFIX] = &prefix_stage,
		[MAPS_STAGE_PORT] = &port_stage,
		[MAPS_STAGE_LIMIT] = &limit_stage,
	},
};

/* Puts *FULL off by COST, when it is then no later than LATEST. */
static __always_inline bool put_off(__u64 *full, __u64 cost, __u64 now,
				    __u64 latest)
{
	for (int i = 0; i < 20; i++) {
		__u64 was = *(volatile __u64 *)full, then = was;

		if (then < now)
			then = now;
		then += cost;
		if (then > latest)
			break;
		if (__sync_val_compare_and_swap(full, was, then) == was)
			return true;
	}
	return false;
}

/* Asks the questions whose bits are in ASKED, then the stages from NEXT on. */
static __always_inline int judge(struct xdp_md *ctx, __u32 asked, __u32 next)
{
	__u64 now = clock ? clock : bpf_ktime_get_coarse_ns(), *value, full;
	__u8 *start = (void *)(long)ctx->data,
	     *end = (void *)(long)ctx->data_end;
	struct cursor cursor = cursor_at(start, end);
	struct maps_event event = { .length = end - start };
	struct maps_prefix4 prefix4 = { .length = 32 };
	struct maps_prefix6 prefix6 = { .length = 128 };
	struct maps_settings *limit;
	struct maps_count *count;
	struct packet packet;
	__u32 class, zero = 0, ip = 0;

	class = parse_packet(&cursor, &packet);
	if (packet.ipv4) {
		ip = 4;
		event.source.address[10] = 0xff;
		event.source.address[11] = 0xff;
		__builtin_memcpy(event.source.address + 12, &packet.ipv4->saddr,
				 4);
	} else if (packet.ipv6) {
		__u64 high;

		__builtin_memcpy(&event.source, &packet.ipv6->saddr, 16);
		__builtin_memcpy(&high, event.source.address, 8);
		ip = !high && !event.source.address[8] &&
				     !event.source.address[9] &&
				     event.source.address[10] == 0xff &&
				     event.source.address[11] == 0xff
			     ? 4
			     : 6;
	}
	if (packet.tcp) {
		event.port.protocol = 6;
		event.port.port = packet.tcp->dest;
	} else if (packet.udp) {
		event.port.protocol = 17;
		event.port.port = packet.udp->dest;
	}

	if (asked & 1 << MAPS_STAGE_PREFIX && ip) {
		if (ip == 4) {
			__builtin_memcpy(prefix4.address,
					 event.source.address + 12, 4);
			value = bpf_map_lookup_elem(&prefixes4, &prefix4);
		} else {
			__builtin_memcpy(prefix6.address, &event.source, 16);
			value = bpf_map_lookup_elem(&prefixes6, &prefix6);
		}
		if (value) {
			__sync_fetch_and_add(value, 1);
			event.verdict = MAPS_BLOCKED_PREFIX;
			goto drop;
		}
	}

	if (asked & 1 << MAPS_STAGE_PORT && event.port.protocol) {
		value = bpf_map_lookup_elem(&ports, &event.port);
		if (value) {
			__sync_fetch_and_add(value, 1);
			event.verdict = MAPS_BLOCKED_PORT;
			goto drop;
		}
	}

	limit = bpf_map_lookup_elem(&settings, &zero);
	if (asked & 1 << MAPS_STAGE_LIMIT && ip && limit && limit->interval) {
		value = bpf_map_lookup_elem(&sources, &event.source);
		if (!value) {
			full = now + limit->interval;
			if (!bpf_map_update_elem(&sources, &event.source, &full,
						 BPF_NOEXIST))
				goto pass;
			value = bpf_map_lookup_elem(&sources, &event.source);
		}
		if (value &&
		    !put_off(value, limit->interval, now, now + limit->burst)) {
			event.verdict = MAPS_LIMITED;
			goto drop;
		}
	}

pass:
	for (; next < MAPS_STAGES; next++)
		bpf_tail_call(ctx, &stages, next);
drop:
	count = bpf_map_lookup_elem(&protocols, &class);
	if (count) {
		count->packets++;
		count->bytes += event.length;
	}
	count = bpf_map_lookup_elem(&verdicts, &event.verdict);
	if (count) {
		count->packets++;
		count->bytes += event.length;
	}
	if (event.verdict == MAPS_PASSED)
		return XDP_PASS;

	if (put_off(&events_full, 1000000000 / MAPS_EVENT_RATE, now,
		    now + 1000000000)) {
		event.time = now;
		event.suppressed = __sync_lock_test_and_set(&suppressed, 0);
		if (!bpf_ringbuf_output(&events, &event, sizeof(event), 0))
			return XDP_DROP;
		/* The ring is full: those before it are still not told of. */
		__sync_fetch_and_add(&suppressed, event.suppressed);
	}
	__sync_fetch_and_add(&suppressed, 1);
	return XDP_DROP;
}

SEC("xdp")
int maps(struct xdp_md *ctx)
{
	return judge(ctx, ~0, MAPS_STAGES);
}

SEC("xdp")
int prefix_stage(struct xdp_md *ctx)
{
	return judge(ctx, 1 << MAPS_STAGE_PREFIX, MAPS_STAGE_PORT);
}

SEC("xdp")
int port_stage(struct xdp_md *ctx)
{
	return judge(ctx, 1 << MAPS_STAGE_PORT, MAPS_STAGE_LIMIT);
}

SEC("xdp")
int limit_stage(struct xdp_md *ctx)
{
	return judge(ctx, 1 << MAPS_STAGE_LIMIT, MAPS_STAGES);
}

SEC("xdp")
int chain(struct xdp_md *ctx)
{
	return judge(ctx, 0, MAPS_STAGE_PREFIX);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
