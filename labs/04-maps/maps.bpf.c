// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * maps: the data plane of a firewall. Of each frame it asks three questions: is
 * its source blocked, is its port blocked, does its source send too much? The
 * answers are in maps, which the control plane changes while frames fly; the
 * program itself knows no address and no port.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "context.h"
#include "parse.h"
#include "maps.h"

enum {
	PREFIXES_MAX = 1 << 20,
	PORTS_MAX = 1024,
	SOURCES_MAX = 1 << 14,
	TRIES = 16, /* to change a bucket that other CPUs change too */
};

#define SECOND 1000000000ULL

/* Frames and bytes of each enum packet_class. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PACKET_CLASSES);
	__type(key, __u32);
	__type(value, struct maps_count);
} protocols SEC(".maps");

/* Frames and bytes of each enum maps_verdict. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAPS_VERDICTS);
	__type(key, __u32);
	__type(value, struct maps_count);
} verdicts SEC(".maps");

/* The blocked prefixes, and how many frames each has blocked. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, PREFIXES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct maps_prefix4);
	__type(value, __u64);
} prefixes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, PREFIXES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct maps_prefix6);
	__type(value, __u64);
} prefixes6 SEC(".maps");

/* The blocked destination ports, and how many frames each has blocked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PORTS_MAX);
	__type(key, struct maps_port);
	__type(value, __u64);
} ports SEC(".maps");

/*
 * The token bucket of each source, as one number: the time at which it will be
 * full again. When there are too many sources, the kernel forgets some, first of
 * all those that were not looked up lately.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOURCES_MAX);
	__type(key, struct maps_source);
	__type(value, __u64);
} sources SEC(".maps");

/* The limit, for the control plane to set. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct maps_settings);
} settings SEC(".maps");

/* Drops, on their way to user space. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/*
 * The time in ns, when a test sets it; 0: the kernel's. All global variables of
 * a section are one map; this one has a section, and so a map, of its own.
 */
__u64 clock SEC(".data.clock");

/* The bucket of the drop events, and how many found it empty. */
__u64 events_bucket;
__u64 suppressed;

/* What the questions are asked about: as much of a frame as they need. */
struct facts {
	__u32 class;
	__u32 length;  /* of the frame, in bytes */
	__u32 version; /* of the source: 4, 6, or 0: there is none */
	struct maps_port port;
	struct maps_source source;
};

/* -- counting ------------------------------------------------------------- */

/* Counts a frame of LENGTH bytes under KEY, in `protocols` or `verdicts`. */
static __always_inline void count(void *map, __u32 key, __u32 length)
{
	/*
	 * EXERCISE 4.1 [2]: one packet more, and its bytes. Each CPU has a
	 * value of its own.
	 */
	/* BEGIN SOLUTION */
	struct maps_count *count = bpf_map_lookup_elem(map, &key);

	if (!count)
		return;
	count->packets++;
	count->bytes += length;
	/* END SOLUTION */
}

/* -- the three questions -------------------------------------------------- */

/* Is the destination port blocked? Counts the frame there if it is. */
static __always_inline bool blocked_port(const struct facts *f)
{
	bool blocked = false;

	/* EXERCISE 4.2 [2]: look f->port up in `ports`; its value counts. */
	/* BEGIN SOLUTION */
	__u64 *hits;

	if (!f->port.protocol)
		return false;
	hits = bpf_map_lookup_elem(&ports, &f->port);
	if (hits)
		__sync_fetch_and_add(hits, 1);
	blocked = hits;
	/* END SOLUTION */
	return blocked;
}

/* Is the source in a blocked prefix? Counts the frame there if it is. */
static __always_inline bool blocked_prefix(const struct facts *f)
{
	bool blocked = false;

	/*
	 * EXERCISE 4.3 [3]: look the source up in `prefixes4` or `prefixes6`,
	 * by f->version, with all its bits; the trie finds the longest prefix
	 * that it is in. The last 4 bytes of f->source are an IPv4 address.
	 */
	/* BEGIN SOLUTION */
	struct maps_prefix4 key4 = { .length = 32 };
	struct maps_prefix6 key6 = { .length = 128 };
	__u64 *hits = NULL;

	if (f->version == 4) {
		__builtin_memcpy(key4.address, f->source.address + 12, 4);
		hits = bpf_map_lookup_elem(&prefixes4, &key4);
	} else if (f->version == 6) {
		__builtin_memcpy(key6.address, f->source.address, 16);
		hits = bpf_map_lookup_elem(&prefixes6, &key6);
	}
	if (hits)
		__sync_fetch_and_add(hits, 1);
	blocked = hits;
	/* END SOLUTION */
	return blocked;
}

/*
 * Takes a token out of BUCKET at the time NOW; false when there is none. A
 * bucket is the time at which it will be full again, and each token taken puts
 * that off by INTERVAL. It is empty when it would be full only after BURST.
 * All are in nanoseconds.
 */
static __always_inline bool take_token(__u64 *bucket, __u64 interval,
				       __u64 burst, __u64 now)
{
	bool taken = true;

	/*
	 * EXERCISE 4.4 [4]: a bucket whose time has come is full, and not
	 * fuller. Other CPUs take tokens too: change it with
	 * __sync_val_compare_and_swap(), and when somebody was faster, try
	 * again, TRIES times.
	 */
	/* BEGIN SOLUTION */
	taken = false;
	for (int i = 0; i < TRIES && !taken; i++) {
		__u64 full = *(volatile __u64 *)bucket;
		__u64 later = (full > now ? full : now) + interval;

		if (later - now > burst)
			return false;
		taken = __sync_val_compare_and_swap(bucket, full, later) ==
			full;
	}
	/* END SOLUTION */
	return taken;
}

/* The kernel's clock that is read fastest: it moves with the timer's tick. */
static __always_inline __u64 time(void)
{
	return clock ? clock : bpf_ktime_get_coarse_ns();
}

/* Does the source send more than the settings allow? */
static __always_inline bool limited(const struct facts *f)
{
	__u32 zero = 0;
	struct maps_settings *limit = bpf_map_lookup_elem(&settings, &zero);
	__u64 now, full, *bucket;

	if (!f->version || !limit || !limit->interval)
		return false;
	now = time();
	bucket = bpf_map_lookup_elem(&sources, &f->source);
	if (!bucket) {
		/*
		 * A new source has a full bucket, without this frame's token.
		 * It is not looked up again: the kernel takes what was never
		 * looked up for the first to forget.
		 */
		full = now + limit->interval;
		if (!bpf_map_update_elem(&sources, &f->source, &full,
					 BPF_NOEXIST))
			return false;
		/* No room, or another CPU was faster: then its bucket it is. */
		bucket = bpf_map_lookup_elem(&sources, &f->source);
	}
	return bucket &&
	       !take_token(bucket, limit->interval, limit->burst, now);
}

/* -- what comes of it ----------------------------------------------------- */

/* Tells user space of a drop, but never of more than MAPS_EVENT_RATE a second. */
static __always_inline void report(const struct facts *f, __u32 verdict)
{
	/*
	 * EXERCISE 4.5 [2]: take a token out of events_bucket, which holds those
	 * of a second, MAPS_EVENT_RATE. Without a token, or without room in the
	 * ring, count the event as suppressed; else send it, with the count of
	 * those suppressed before it, which begins anew.
	 */
	/* BEGIN SOLUTION */
	struct maps_event *event = NULL;
	__u64 now = time();

	if (take_token(&events_bucket, SECOND / MAPS_EVENT_RATE, SECOND, now))
		event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&suppressed, 1);
		return;
	}
	event->time = now;
	event->source = f->source;
	event->length = f->length;
	event->port = f->port;
	event->verdict = verdict;
	event->suppressed = __sync_lock_test_and_set(&suppressed, 0);
	bpf_ringbuf_submit(event, 0);
	/* END SOLUTION */
}

/* Counts a frame as what it was and what became of it, and tells of a drop. */
static __always_inline int finish(const struct facts *f, __u32 verdict)
{
	count(&protocols, f->class, f->length);
	count(&verdicts, verdict, f->length);
	if (verdict == MAPS_PASSED)
		return XDP_PASS;
	report(f, verdict);
	return XDP_DROP;
}

/* Is it an IPv4 address, ::ffff:a.b.c.d? Nobody gets round its rules by IPv6. */
static __always_inline bool is_mapped(const struct in6_addr *address)
{
	const __be32 *words = address->in6_u.u6_addr32;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

/* Takes the facts out of a frame, which is not looked at again. */
static __always_inline void gather(struct xdp_md *ctx, struct facts *f)
{
	struct cursor cursor = cursor_at(frame_start(ctx), frame_end(ctx));
	struct packet p;

	__builtin_memset(f, 0, sizeof(*f));
	f->length = frame_end(ctx) - frame_start(ctx);
	f->class = parse_packet(&cursor, &p);
	if (p.ipv4) {
		f->version = 4;
		f->source.address[10] = f->source.address[11] = 0xff;
		__builtin_memcpy(f->source.address + 12, &p.ipv4->saddr, 4);
	} else if (p.ipv6) {
		__builtin_memcpy(f->source.address, &p.ipv6->saddr, 16);
		f->version = is_mapped(&p.ipv6->saddr) ? 4 : 6;
	}
	if (p.tcp) {
		f->port.protocol = IPPROTO_TCP;
		f->port.port = p.tcp->dest;
	} else if (p.udp) {
		f->port.protocol = IPPROTO_UDP;
		f->port.port = p.udp->dest;
	}
}

SEC("xdp")
int maps(struct xdp_md *ctx)
{
	struct facts facts;

	gather(ctx, &facts);
	if (blocked_prefix(&facts))
		return finish(&facts, MAPS_BLOCKED_PREFIX);
	if (blocked_port(&facts))
		return finish(&facts, MAPS_BLOCKED_PORT);
	if (limited(&facts))
		return finish(&facts, MAPS_LIMITED);
	return finish(&facts, MAPS_PASSED);
}

/* -- the same, as a chain of tail calls ----------------------------------- */

/* What a stage leaves for the next: a CPU has one frame at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct facts);
} handovers SEC(".maps");

/*
 * EXERCISE 4.6 [3]: a map `stages`, of the type BPF_MAP_TYPE_PROG_ARRAY, with the
 * programs prefix_stage, port_stage and limit_stage by their enum maps_stage.
 * Each asks its question of the facts handed over, and finishes the frame or
 * goes on with the next stage. A place in `stages` that is empty is passed over.
 */
/* BEGIN SOLUTION */
int prefix_stage(struct xdp_md *ctx);
int port_stage(struct xdp_md *ctx);
int limit_stage(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, MAPS_STAGES);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} stages SEC(".maps") = {
	.values = {
		[MAPS_STAGE_PREFIX] = &prefix_stage,
		[MAPS_STAGE_PORT] = &port_stage,
		[MAPS_STAGE_LIMIT] = &limit_stage,
	},
};

static __always_inline struct facts *handed_over(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&handovers, &zero);
}

/*
 * Goes on with the first stage from STAGE on that is there, and does not come
 * back: a tail call comes back only from an empty place.
 */
static __always_inline int go_on(struct xdp_md *ctx, const struct facts *f,
				 __u32 stage)
{
	for (; stage < MAPS_STAGES; stage++)
		bpf_tail_call(ctx, &stages, stage);
	return finish(f, MAPS_PASSED);
}

SEC("xdp")
int prefix_stage(struct xdp_md *ctx)
{
	struct facts *f = handed_over();

	if (f && blocked_prefix(f))
		return finish(f, MAPS_BLOCKED_PREFIX);
	return f ? go_on(ctx, f, MAPS_STAGE_PORT) : XDP_ABORTED;
}

SEC("xdp")
int port_stage(struct xdp_md *ctx)
{
	struct facts *f = handed_over();

	if (f && blocked_port(f))
		return finish(f, MAPS_BLOCKED_PORT);
	return f ? go_on(ctx, f, MAPS_STAGE_LIMIT) : XDP_ABORTED;
}

SEC("xdp")
int limit_stage(struct xdp_md *ctx)
{
	struct facts *f = handed_over();

	if (f && limited(f))
		return finish(f, MAPS_LIMITED);
	return f ? go_on(ctx, f, MAPS_STAGES) : XDP_ABORTED;
}
/* END SOLUTION */

SEC("xdp")
int chain(struct xdp_md *ctx)
{
	int verdict = XDP_ABORTED;

	/* EXERCISE 4.6 [3]: hand the facts over, and go on with the stages. */
	/* BEGIN SOLUTION */
	struct facts *f = handed_over();

	if (f) {
		gather(ctx, f);
		verdict = go_on(ctx, f, MAPS_STAGE_PREFIX);
	}
	/* END SOLUTION */
	return verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
