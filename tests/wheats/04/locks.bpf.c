// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * maps by another design: a bucket is how many tokens it has, in nanoseconds of
 * their rate so that no fraction is lost, and at what time it had them. Both are
 * changed under a lock. No LRU map may hold locks: they are a map of their own,
 * and some sources share one.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "parse.h"
#include "maps.h"

enum {
	LOCKS = 256, /* of the sources; behind them the one of the events */
};

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

struct bucket {
	__u64 tokens; /* in ns: a token is worth the interval */
	__u64 time;   /* when it had them */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct maps_source);
	__type(value, struct bucket);
} sources SEC(".maps");

struct lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LOCKS + 1);
	__type(key, __u32);
	__type(value, struct lock);
} locks SEC(".maps");

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

/* The bucket of the events. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bucket);
} told SEC(".maps");

__u64 clock SEC(".data.clock");

__u64 suppressed;

struct facts {
	__u32 class;
	__u32 length;
	__u32 version;
	struct maps_port port;
	union {
		struct maps_source source;
		__u32 words[4];
	};
};

static __always_inline void count(void *map, __u32 key, __u32 length)
{
	struct maps_count *count = bpf_map_lookup_elem(map, &key);

	if (count) {
		__sync_fetch_and_add(&count->packets, 1);
		__sync_fetch_and_add(&count->bytes, length);
	}
}

static __always_inline bool hit(__u64 *hits)
{
	if (hits)
		__sync_fetch_and_add(hits, 1);
	return hits;
}

static __always_inline bool blocked_port(const struct facts *f)
{
	return hit(bpf_map_lookup_elem(&ports, &f->port));
}

static __always_inline bool blocked_prefix(const struct facts *f)
{
	struct maps_prefix6 key = { .length = 128 };

	if (f->version == 4) {
		/* Shorter, but it begins in the same way. */
		key.length = 32;
		__builtin_memcpy(key.address, &f->words[3], 4);
		return hit(bpf_map_lookup_elem(&prefixes4, &key));
	}
	__builtin_memcpy(key.address, &f->source, 16);
	return f->version && hit(bpf_map_lookup_elem(&prefixes6, &key));
}

static __always_inline bool take_token(struct bucket *bucket, __u32 lock_key,
				       __u64 interval, __u64 burst, __u64 now)
{
	struct lock *lock = bpf_map_lookup_elem(&locks, &lock_key);
	bool taken;

	if (!lock)
		return false;
	bpf_spin_lock(&lock->lock);
	if (now > bucket->time) {
		bucket->tokens += now - bucket->time;
		bucket->time = now;
	}
	if (bucket->tokens > burst)
		bucket->tokens = burst;
	taken = bucket->tokens >= interval;
	if (taken)
		bucket->tokens -= interval;
	bpf_spin_unlock(&lock->lock);
	return taken;
}

static __always_inline __u64 time(void)
{
	return clock ? clock : bpf_ktime_get_coarse_ns();
}

static __always_inline bool limited(const struct facts *f)
{
	struct bucket *bucket, fresh;
	struct maps_settings *limit;
	__u32 zero = 0, lock;

	limit = bpf_map_lookup_elem(&settings, &zero);
	if (!f->version || !limit || !limit->interval)
		return false;
	bucket = bpf_map_lookup_elem(&sources, &f->source);
	if (!bucket) {
		fresh.tokens = limit->burst - limit->interval;
		fresh.time = time();
		if (!bpf_map_update_elem(&sources, &f->source, &fresh,
					 BPF_NOEXIST))
			return false;
		bucket = bpf_map_lookup_elem(&sources, &f->source);
	}
	lock = f->words[0] ^ f->words[1] ^ f->words[2] ^ f->words[3];
	lock = (lock * 0x9e3779b1) >> 24;
	return bucket &&
	       !take_token(bucket, lock, limit->interval, limit->burst, time());
}

static __always_inline void report(const struct facts *f, __u32 verdict)
{
	__u64 now = time();
	struct maps_event *event;
	struct bucket *bucket;
	__u32 zero = 0;

	bucket = bpf_map_lookup_elem(&told, &zero);
	if (!bucket ||
	    !take_token(bucket, LOCKS, SECOND / MAPS_EVENT_RATE, SECOND, now)) {
		__sync_fetch_and_add(&suppressed, 1);
		return;
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&suppressed, 1);
		return;
	}
	*event = (struct maps_event){
		.time = now,
		.source = f->source,
		.length = f->length,
		.port = f->port,
		.verdict = verdict,
		.suppressed = __sync_fetch_and_and(&suppressed, 0),
	};
	bpf_ringbuf_submit(event, 0);
}

static __always_inline int finish(const struct facts *f, __u32 verdict)
{
	count(&protocols, f->class, f->length);
	count(&verdicts, verdict, f->length);
	if (verdict != MAPS_PASSED)
		report(f, verdict);
	return verdict == MAPS_PASSED ? XDP_PASS : XDP_DROP;
}

static __always_inline void gather(struct xdp_md *ctx, struct facts *f)
{
	struct cursor cursor =
		cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct packet p;

	__builtin_memset(f, 0, sizeof(*f));
	f->length = ctx->data_end - ctx->data;
	f->class = parse_packet(&cursor, &p);
	if (p.ipv6) {
		__builtin_memcpy(&f->source, &p.ipv6->saddr, 16);
		f->version = 6;
		if (!f->words[0] && !f->words[1] &&
		    f->words[2] == bpf_htonl(0xffff))
			f->version = 4;
	}
	if (p.ipv4) {
		f->words[2] = bpf_htonl(0xffff);
		f->words[3] = p.ipv4->saddr;
		f->version = 4;
	}
	if (p.tcp)
		f->port = (struct maps_port){ IPPROTO_TCP, 0, p.tcp->dest };
	if (p.udp)
		f->port = (struct maps_port){ IPPROTO_UDP, 0, p.udp->dest };
}

static __always_inline __u32 judge(const struct facts *f)
{
	if (blocked_prefix(f))
		return MAPS_BLOCKED_PREFIX;
	if (blocked_port(f))
		return MAPS_BLOCKED_PORT;
	return limited(f) ? MAPS_LIMITED : MAPS_PASSED;
}

SEC("xdp")
int maps(struct xdp_md *ctx)
{
	struct facts facts;

	gather(ctx, &facts);
	return finish(&facts, judge(&facts));
}

/* The facts of the frame that this CPU has, and what comes behind this stage. */
struct handed {
	struct facts facts;
	__u32 next;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct handed);
} handovers SEC(".maps");

int prefix_stage(struct xdp_md *ctx);
int port_stage(struct xdp_md *ctx);
int limit_stage(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, MAPS_STAGES);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} stages SEC(".maps") = {
	.values = { prefix_stage, port_stage, limit_stage },
};

/* The place is noted before the call: a stage knows from there what is next. */
static __always_inline int go_on(struct xdp_md *ctx, struct handed *h)
{
	for (int i = 0; i < MAPS_STAGES && h->next < MAPS_STAGES; i++)
		bpf_tail_call(ctx, &stages, h->next++);
	return finish(&h->facts, MAPS_PASSED);
}

static __always_inline struct handed *handed_over(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&handovers, &zero);
}

SEC("xdp")
int prefix_stage(struct xdp_md *ctx)
{
	struct handed *h = handed_over();

	if (!h)
		return XDP_ABORTED;
	return blocked_prefix(&h->facts)
		       ? finish(&h->facts, MAPS_BLOCKED_PREFIX)
		       : go_on(ctx, h);
}

SEC("xdp")
int port_stage(struct xdp_md *ctx)
{
	struct handed *h = handed_over();

	if (!h)
		return XDP_ABORTED;
	return blocked_port(&h->facts) ? finish(&h->facts, MAPS_BLOCKED_PORT)
				       : go_on(ctx, h);
}

SEC("xdp")
int limit_stage(struct xdp_md *ctx)
{
	struct handed *h = handed_over();

	if (!h)
		return XDP_ABORTED;
	return limited(&h->facts) ? finish(&h->facts, MAPS_LIMITED)
				  : go_on(ctx, h);
}

SEC("xdp")
int chain(struct xdp_md *ctx)
{
	struct handed *h = handed_over();

	if (!h)
		return XDP_ABORTED;
	gather(ctx, &h->facts);
	h->next = MAPS_STAGE_PREFIX;
	return go_on(ctx, h);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
