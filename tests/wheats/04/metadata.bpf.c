// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * maps by another design: the stages hand nothing over in a map. What they need
 * to know travels in front of the frame, as its metadata, and is taken off at the
 * end; each stage names the places behind it, one by one. A bucket is the time up
 * to which its tokens are spent.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "parse.h"
#include "maps.h"

#define SECOND 1000000000ULL

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

/* Metadata may have 32 bytes. */
struct facts {
	struct maps_source source;
	struct maps_port port;
	__u32 length;
	__u16 class;
	__u8 version;
	__u8 handed; /* it is in front of the frame */
};

static __always_inline void count(void *map, __u32 key, __u32 length)
{
	struct maps_count *count = bpf_map_lookup_elem(map, &key);

	if (!count)
		return;
	count->bytes += length;
	count->packets += 1;
}

static __always_inline __u64 now(void)
{
	return clock ? clock : bpf_ktime_get_coarse_ns();
}

/* Spends INTERVAL of the time that lies between *SPENT and NOW, BURST at most. */
static __always_inline bool spend(__u64 *spent, __u64 interval, __u64 burst,
				  __u64 now)
{
	__u64 least = now > burst ? now - burst : 0;

	for (int i = 0; i < 32; i++) {
		__u64 before = *(volatile __u64 *)spent;
		__u64 after = before < least ? least : before;

		if (after + interval > now)
			return false;
		after += interval;
		if (__sync_bool_compare_and_swap(spent, before, after))
			return true;
	}
	return false;
}

static __always_inline void report(const struct facts *f, __u32 verdict)
{
	struct maps_event *event = NULL;
	__u64 time = now();

	if (spend(&events_bucket, SECOND / MAPS_EVENT_RATE, SECOND, time))
		event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&suppressed, 1);
		return;
	}
	event->suppressed = __sync_lock_test_and_set(&suppressed, 0);
	event->verdict = verdict;
	event->port = f->port;
	event->length = f->length;
	event->source = f->source;
	event->time = time;
	bpf_ringbuf_submit(event, 0);
}

/* The last word on a frame, which then goes without its metadata. */
static __always_inline int finish(struct xdp_md *ctx, const struct facts *f,
				  __u32 verdict)
{
	count(&protocols, f->class, f->length);
	count(&verdicts, verdict, f->length);
	if (verdict != MAPS_PASSED)
		report(f, verdict);
	if (f->handed)
		bpf_xdp_adjust_meta(ctx, sizeof(*f));
	return verdict == MAPS_PASSED ? XDP_PASS : XDP_DROP;
}

static __always_inline bool is_mapped(const struct in6_addr *address)
{
	const __be16 *words = address->in6_u.u6_addr16;
	__be16 any = 0;

	for (int i = 0; i < 5; i++)
		any |= words[i];
	return !any && words[5] == 0xffff;
}

static __always_inline struct facts gather(struct xdp_md *ctx)
{
	struct facts f = { .length = ctx->data_end - ctx->data };
	struct cursor cursor =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct packet p;

	f.class = parse_packet(&cursor, &p);
	if (p.ipv4) {
		f.version = 4;
		f.source.address[10] = f.source.address[11] = 0xff;
		__builtin_memcpy(f.source.address + 12, &p.ipv4->saddr, 4);
	}
	if (p.ipv6) {
		__builtin_memcpy(f.source.address, &p.ipv6->saddr, 16);
		f.version = is_mapped(&p.ipv6->saddr) ? 4 : 6;
	}
	if (p.tcp) {
		f.port.protocol = IPPROTO_TCP;
		f.port.port = p.tcp->dest;
	}
	if (p.udp) {
		f.port.protocol = IPPROTO_UDP;
		f.port.port = p.udp->dest;
	}
	return f;
}

/* -- the questions -------------------------------------------------------- */

static __always_inline bool blocked_prefix(const struct facts *f)
{
	struct maps_prefix4 key4 = { .length = 32 };
	struct maps_prefix6 key6 = { .length = 128 };
	__u64 *hits = NULL;

	__builtin_memcpy(key4.address, f->source.address + 12, 4);
	__builtin_memcpy(key6.address, f->source.address, 16);
	switch (f->version) {
	case 4:
		hits = bpf_map_lookup_elem(&prefixes4, &key4);
		break;
	case 6:
		hits = bpf_map_lookup_elem(&prefixes6, &key6);
		break;
	}
	if (!hits)
		return false;
	__sync_fetch_and_add(hits, 1);
	return true;
}

static __always_inline bool blocked_port(const struct facts *f)
{
	__u64 *hits = bpf_map_lookup_elem(&ports, &f->port);

	if (!hits)
		return false;
	__sync_fetch_and_add(hits, 1);
	return true;
}

static __always_inline bool limited(const struct facts *f)
{
	struct maps_settings *limit;
	__u64 time = now(), *spent, first;
	__u32 zero = 0;

	limit = bpf_map_lookup_elem(&settings, &zero);
	if (!limit || !limit->interval || !f->version)
		return false;
	spent = bpf_map_lookup_elem(&sources, &f->source);
	if (spent)
		return !spend(spent, limit->interval, limit->burst, time);

	first = (time > limit->burst ? time - limit->burst : 0) +
		limit->interval;
	if (!bpf_map_update_elem(&sources, &f->source, &first, BPF_NOEXIST))
		return false;
	spent = bpf_map_lookup_elem(&sources, &f->source);
	return spent && !spend(spent, limit->interval, limit->burst, time);
}

SEC("xdp")
int maps(struct xdp_md *ctx)
{
	struct facts f = gather(ctx);

	if (blocked_prefix(&f))
		return finish(ctx, &f, MAPS_BLOCKED_PREFIX);
	if (blocked_port(&f))
		return finish(ctx, &f, MAPS_BLOCKED_PORT);
	if (limited(&f))
		return finish(ctx, &f, MAPS_LIMITED);
	return finish(ctx, &f, MAPS_PASSED);
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

/* Copies what is in front of the frame to F; false when nothing is. */
static __always_inline bool handed_over(struct xdp_md *ctx, struct facts *f)
{
	struct facts *meta = (void *)(long)ctx->data_meta;

	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return false;
	*f = *meta;
	return true;
}

SEC("xdp")
int prefix_stage(struct xdp_md *ctx)
{
	struct facts f;

	if (!handed_over(ctx, &f))
		return XDP_ABORTED;
	if (blocked_prefix(&f))
		return finish(ctx, &f, MAPS_BLOCKED_PREFIX);
	bpf_tail_call_static(ctx, &stages, MAPS_STAGE_PORT);
	bpf_tail_call_static(ctx, &stages, MAPS_STAGE_LIMIT);
	return finish(ctx, &f, MAPS_PASSED);
}

SEC("xdp")
int port_stage(struct xdp_md *ctx)
{
	struct facts f;

	if (!handed_over(ctx, &f))
		return XDP_ABORTED;
	if (blocked_port(&f))
		return finish(ctx, &f, MAPS_BLOCKED_PORT);
	bpf_tail_call_static(ctx, &stages, MAPS_STAGE_LIMIT);
	return finish(ctx, &f, MAPS_PASSED);
}

SEC("xdp")
int limit_stage(struct xdp_md *ctx)
{
	struct facts f;

	if (!handed_over(ctx, &f))
		return XDP_ABORTED;
	return finish(ctx, &f, limited(&f) ? MAPS_LIMITED : MAPS_PASSED);
}

SEC("xdp")
int chain(struct xdp_md *ctx)
{
	struct facts f = gather(ctx), *meta;

	f.handed = !bpf_xdp_adjust_meta(ctx, -(int)sizeof(f));
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	*meta = f;
	bpf_tail_call_static(ctx, &stages, MAPS_STAGE_PREFIX);
	bpf_tail_call_static(ctx, &stages, MAPS_STAGE_PORT);
	bpf_tail_call_static(ctx, &stages, MAPS_STAGE_LIMIT);
	return finish(ctx, &f, MAPS_PASSED);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
