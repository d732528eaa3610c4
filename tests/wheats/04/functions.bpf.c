// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * maps by another design: functions of BPF, which are called and not copied in.
 * One counts in any map, one looks up in either trie, one takes tokens, round by
 * round in bpf_loop. The facts of a frame are always in a map, of each CPU one,
 * and so are what the stages hand over.
 */
// needs kernel 5.17
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

__u64 events_bucket;
__u64 suppressed;

/* What is known of a frame; its source as the key of a trie has it. */
struct frame {
	__u32 class;
	__u32 length;
	struct maps_prefix6 source; /* of length 0 when there is none */
	struct maps_port port;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frame);
} frames SEC(".maps");

static __noinline struct frame *frame(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&frames, &zero);
}

/* -- functions for several maps ------------------------------------------- */

static __noinline int count(void *map, __u32 key, __u32 length)
{
	struct maps_count *count = bpf_map_lookup_elem(map, &key);

	if (!count)
		return -1;
	count->packets++;
	count->bytes += length;
	return 0;
}

/* Counts a hit of KEY in MAP, which is then blocked. */
static __noinline bool hit(void *map, const void *key)
{
	__u64 *hits = bpf_map_lookup_elem(map, key);

	if (hits)
		__sync_fetch_and_add(hits, 1);
	return hits;
}

/* A token to take: BUCKET is the time at which it is full. */
struct take {
	__u64 *bucket;
	__u64 interval;
	__u64 burst;
	__u64 now;
	__u64 taken;
};

static long try_to_take(__u32 i, struct take *t)
{
	__u64 full = *(volatile __u64 *)t->bucket;
	__u64 missing = full > t->now ? full - t->now : 0;

	if (missing + t->interval > t->burst)
		return 1;
	t->taken = __sync_bool_compare_and_swap(t->bucket, full,
						t->now + missing + t->interval);
	return t->taken;
}

static __noinline __u64 time(void)
{
	return clock ? clock : bpf_ktime_get_coarse_ns();
}

/* -- the questions -------------------------------------------------------- */

static __noinline bool blocked_prefix(struct frame *f)
{
	struct maps_prefix4 key = { .length = 32 };

	if (!f->source.length)
		return false;
	if (f->source.length == 128)
		return hit(&prefixes6, &f->source);
	__builtin_memcpy(key.address, f->source.address + 12, 4);
	return hit(&prefixes4, &key);
}

static __noinline bool blocked_port(struct frame *f)
{
	return hit(&ports, &f->port);
}

static __noinline bool limited(struct frame *f)
{
	struct take take = { .now = time() };
	struct maps_settings *limit;
	__u32 zero = 0;
	__u64 full;

	limit = bpf_map_lookup_elem(&settings, &zero);
	if (!f->source.length || !limit || !limit->interval)
		return false;
	take.interval = limit->interval;
	take.burst = limit->burst;
	take.bucket = bpf_map_lookup_elem(&sources, f->source.address);
	if (!take.bucket) {
		full = take.now + take.interval;
		if (!bpf_map_update_elem(&sources, f->source.address, &full,
					 BPF_NOEXIST))
			return false;
		take.bucket = bpf_map_lookup_elem(&sources, f->source.address);
	}
	if (!take.bucket)
		return false;
	bpf_loop(64, try_to_take, &take, 0);
	return !take.taken;
}

/* -- what comes of it ----------------------------------------------------- */

static __noinline int report(struct frame *f, __u32 verdict)
{
	struct take take = { .bucket = &events_bucket,
			     .interval = 1000000000 / MAPS_EVENT_RATE,
			     .burst = 1000000000,
			     .now = time() };
	struct maps_event *event;

	bpf_loop(64, try_to_take, &take, 0);
	event = take.taken ? bpf_ringbuf_reserve(&events, sizeof(*event), 0)
			   : NULL;
	if (!event) {
		__sync_fetch_and_add(&suppressed, 1);
		return -1;
	}
	event->time = take.now;
	__builtin_memcpy(&event->source, f->source.address, 16);
	event->length = f->length;
	event->port = f->port;
	event->verdict = verdict;
	event->suppressed = __sync_fetch_and_and(&suppressed, 0);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

static __noinline int finish(struct frame *f, __u32 verdict)
{
	count(&protocols, f->class, f->length);
	count(&verdicts, verdict, f->length);
	if (verdict == MAPS_PASSED)
		return XDP_PASS;
	report(f, verdict);
	return XDP_DROP;
}

static __always_inline struct frame *gather(struct xdp_md *ctx)
{
	struct cursor cursor =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct frame *f = frame();
	struct packet p;
	__u32 words[3];

	if (!f)
		return NULL;
	__builtin_memset(f, 0, sizeof(*f));
	f->length = ctx->data_end - ctx->data;
	f->class = parse_packet(&cursor, &p);
	if (p.ipv4) {
		f->source.length = 32;
		f->source.address[10] = f->source.address[11] = 0xff;
		__builtin_memcpy(f->source.address + 12, &p.ipv4->saddr, 4);
	}
	if (p.ipv6) {
		__builtin_memcpy(f->source.address, &p.ipv6->saddr, 16);
		__builtin_memcpy(words, f->source.address, 12);
		f->source.length =
			words[0] || words[1] || words[2] != bpf_htonl(0xffff)
				? 128
				: 32;
	}
	if (p.tcp)
		f->port = (struct maps_port){ IPPROTO_TCP, 0, p.tcp->dest };
	if (p.udp)
		f->port = (struct maps_port){ IPPROTO_UDP, 0, p.udp->dest };
	return f;
}

SEC("xdp")
int maps(struct xdp_md *ctx)
{
	struct frame *f = gather(ctx);
	__u32 verdict = MAPS_PASSED;

	if (!f)
		return XDP_ABORTED;
	if (blocked_prefix(f))
		verdict = MAPS_BLOCKED_PREFIX;
	else if (blocked_port(f))
		verdict = MAPS_BLOCKED_PORT;
	else if (limited(f))
		verdict = MAPS_LIMITED;
	return finish(f, verdict);
}

/* -- the chain ------------------------------------------------------------ */

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

SEC("xdp")
int prefix_stage(struct xdp_md *ctx)
{
	struct frame *f = frame();

	if (!f)
		return XDP_ABORTED;
	if (blocked_prefix(f))
		return finish(f, MAPS_BLOCKED_PREFIX);
	bpf_tail_call(ctx, &stages, MAPS_STAGE_PORT);
	bpf_tail_call(ctx, &stages, MAPS_STAGE_LIMIT);
	return finish(f, MAPS_PASSED);
}

SEC("xdp")
int port_stage(struct xdp_md *ctx)
{
	struct frame *f = frame();

	if (!f)
		return XDP_ABORTED;
	if (blocked_port(f))
		return finish(f, MAPS_BLOCKED_PORT);
	bpf_tail_call(ctx, &stages, MAPS_STAGE_LIMIT);
	return finish(f, MAPS_PASSED);
}

SEC("xdp")
int limit_stage(struct xdp_md *ctx)
{
	struct frame *f = frame();

	if (!f)
		return XDP_ABORTED;
	return finish(f, limited(f) ? MAPS_LIMITED : MAPS_PASSED);
}

SEC("xdp")
int chain(struct xdp_md *ctx)
{
	struct frame *f = gather(ctx);

	if (!f)
		return XDP_ABORTED;
	for (__u32 stage = 0; stage < MAPS_STAGES; stage++)
		bpf_tail_call(ctx, &stages, stage);
	return finish(f, MAPS_PASSED);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
