// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What lab 04 costs: its own functions, each behind a program that does nothing
 * else, and beside them what else one might have done.
 */
#include "../../labs/04-maps/maps.bpf.c" // NOLINT(bugprone-suspicious-include)
#include "bench.h"

enum {
	SETUP_AT_ONCE = 256, /* prefixes, for the verifier follows each */
	WEYL = 0x9e3779b1,   /* odd: its multiples visit every number once */
};

/* What a frame would have told: in a map, so that the compiler knows none of it. */
struct facts known = {
	.class = PACKET_TCP,
	.length = 54,
	.version = 4,
	.port = { .protocol = IPPROTO_TCP, .port = bpf_htons(22) },
	.source.address = { [10] = 0xff, [11] = 0xff, 10, 0, 1, 1 },
};

/* What gather() takes out of the frame. */
struct facts gathered;

/* -- floors --------------------------------------------------------------- */

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* -- counting ------------------------------------------------------------- */

SEC("xdp")
int count_array(struct xdp_md *ctx)
{
	count(&protocols, known.class, known.length);
	return XDP_PASS;
}

/* The same by a hash that all CPUs share. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PACKET_CLASSES);
	__type(key, __u32);
	__type(value, struct maps_count);
} shared SEC(".maps");

SEC("xdp")
int count_hash(struct xdp_md *ctx)
{
	struct maps_count *count = bpf_map_lookup_elem(&shared, &known.class);

	if (!count)
		return XDP_ABORTED;
	__sync_fetch_and_add(&count->packets, 1);
	__sync_fetch_and_add(&count->bytes, known.length);
	return XDP_PASS;
}

/* -- the three questions -------------------------------------------------- */

SEC("xdp")
int ask_port(struct xdp_md *ctx)
{
	return blocked_port(&known) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int ask_prefix(struct xdp_md *ctx)
{
	return blocked_prefix(&known) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int ask_limit(struct xdp_md *ctx)
{
	return limited(&known) ? XDP_DROP : XDP_PASS;
}

/* What limited() cannot do without: the bucket, and the time. */
SEC("xdp")
int lru_coarse(struct xdp_md *ctx)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	__u64 *bucket = bpf_map_lookup_elem(&sources, &known.source);

	return bucket && now ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int lru_exact(struct xdp_md *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 *bucket = bpf_map_lookup_elem(&sources, &known.source);

	return bucket && now ? XDP_PASS : XDP_ABORTED;
}

__u64 bucket;

SEC("xdp")
int token(struct xdp_md *ctx)
{
	return take_token(&bucket, 1, SECOND, 1) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int tell(struct xdp_md *ctx)
{
	report(&known, MAPS_LIMITED);
	return XDP_DROP;
}

SEC("xdp")
int facts_of(struct xdp_md *ctx)
{
	gather(ctx, &gathered);
	return XDP_PASS;
}

/* -- tail calls ----------------------------------------------------------- */

int tail_calls_1(struct xdp_md *ctx);
int tail_calls_2(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__array(values, int(struct xdp_md *));
} trivial SEC(".maps") = {
	.values = { &pass, &tail_calls_1, &tail_calls_2 },
};

SEC("xdp")
int tail_calls_1(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &trivial, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int tail_calls_2(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &trivial, 1);
	return XDP_ABORTED;
}

SEC("xdp")
int tail_calls_3(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &trivial, 2);
	return XDP_ABORTED;
}

/* -- prefixes, and sources in them ---------------------------------------- */

/*
 * Address number N of a random-looking series. All have one bit set among their
 * first 24: whoever has it cleared is in none of the prefixes made of them.
 */
static __always_inline __be32 scattered(__u32 n)
{
	return bpf_htonl(n * WEYL | 0x100);
}

__u32 added;  /* prefixes, so far */
__u32 picked; /* sources, so far */

/* Blocks more prefixes, of 24 to 32 bits, until there are COUNT. */
static __always_inline int add_prefixes(__u32 count)
{
	struct maps_prefix4 prefix = {};
	__u64 hits = 0;
	__be32 address;

	for (int i = 0; i < SETUP_AT_ONCE && added < count; i++) {
		address = scattered(added);
		prefix.length = 24 + added % 9;
		__builtin_memcpy(prefix.address, &address, sizeof(address));
		if (bpf_map_update_elem(&prefixes4, &prefix, &hits, BPF_ANY))
			return 2;
		added++;
	}
	return added < count;
}

SEC("tc")
int prefixes_1k(struct __sk_buff *skb)
{
	return add_prefixes(1000);
}

SEC("tc")
int prefixes_16k(struct __sk_buff *skb)
{
	return add_prefixes(16000);
}

SEC("tc")
int prefixes_1m(struct __sk_buff *skb)
{
	return add_prefixes(1000000);
}

/* Asks of a source that is in prefix number N, or would be but for a bit. */
static __always_inline int from(struct xdp_md *ctx, __u32 n, bool inside)
{
	__be32 address = scattered(n);

	if (!inside)
		address &= ~bpf_htonl(0x100);
	__builtin_memcpy(known.source.address + 12, &address, sizeof(address));
	bpf_tail_call(ctx, &bench_under_test, 0);
	return XDP_ABORTED;
}

/* A number of a prefix, far from the last. */
static __always_inline __u32 pick(void)
{
	return picked++ * WEYL % (added ? added : 1);
}

SEC("xdp")
int from_inside(struct xdp_md *ctx)
{
	return from(ctx, pick(), true);
}

SEC("xdp")
int from_outside(struct xdp_md *ctx)
{
	return from(ctx, pick(), false);
}

SEC("xdp")
int from_one(struct xdp_md *ctx)
{
	return from(ctx, added / 2, true);
}

/* -- other contents of the maps ------------------------------------------- */

/* What is counted, and a port that is blocked. */
SEC("tc")
int entries(struct __sk_buff *skb)
{
	struct maps_count none = {};
	__u64 hits = 0;

	return bpf_map_update_elem(&shared, &known.class, &none, BPF_ANY) ||
	       bpf_map_update_elem(&ports, &known.port, &hits, BPF_ANY);
}

/* A limit that no source reaches, and two sources: `known`, and the frame's. */
SEC("tc")
int limit(struct __sk_buff *skb)
{
	struct maps_settings high = { .interval = 1, .burst = SECOND };
	struct maps_source source = {
		.address = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 },
	};
	__u64 full = 0;
	__u32 zero = 0;

	return bpf_map_update_elem(&settings, &zero, &high, BPF_ANY) ||
	       bpf_map_update_elem(&sources, &known.source, &full, BPF_ANY) ||
	       bpf_map_update_elem(&sources, &source, &full, BPF_ANY);
}

/* -- what is measured ----------------------------------------------------- */

#define PASSES .floor = "pass", .verdict = XDP_PASS
#define DROPS  .floor = "drop", .verdict = XDP_DROP

/* In the cases that bear a function's name it is the lab's own, called alone. */
const struct bench_case cases[] SEC(BENCH_CASES) = {
	{ "count(), a per-CPU array", "count_array", PASSES,
	  .at_most = BENCH_TARGET(2) },
	{ "the same in a hash, by atomic adds", "count_hash", PASSES,
	  .setup = "entries" },

	{ "blocked_port(): yes", "ask_port", DROPS, .setup = "entries",
	  .at_most = BENCH_TARGET(26) },
	{ "blocked_port(): no", "ask_port", PASSES },

	{ "blocked_prefix(): no, there is none", "ask_prefix", PASSES },

	{ "blocked_prefix(): yes, of 1 K; one source", "ask_prefix", DROPS,
	  .driver = "from_one", .setup = "prefixes_1k" },
	{ "blocked_prefix(): yes, of 1 K; random sources", "ask_prefix", DROPS,
	  .driver = "from_inside", .setup = "prefixes_1k" },
	{ "blocked_prefix(): no, of 1 K; random sources", "ask_prefix", PASSES,
	  .driver = "from_outside", .setup = "prefixes_1k" },

	{ "blocked_prefix(): yes, of 16 K; one source", "ask_prefix", DROPS,
	  .driver = "from_one", .setup = "prefixes_16k" },
	{ "blocked_prefix(): yes, of 16 K; random sources", "ask_prefix", DROPS,
	  .driver = "from_inside", .setup = "prefixes_16k" },
	{ "blocked_prefix(): no, of 16 K; random sources", "ask_prefix", PASSES,
	  .driver = "from_outside", .setup = "prefixes_16k" },

	{ "blocked_prefix(): yes, of 1 M; one source", "ask_prefix", DROPS,
	  .driver = "from_one", .setup = "prefixes_1m" },
	{ "blocked_prefix(): yes, of 1 M; random sources", "ask_prefix", DROPS,
	  .driver = "from_inside", .setup = "prefixes_1m" },
	{ "blocked_prefix(): no, of 1 M; random sources", "ask_prefix", PASSES,
	  .driver = "from_outside", .setup = "prefixes_1m" },

	{ "limited(): no", "ask_limit", PASSES, .setup = "limit" },
	{ "LRU hit, coarse clock", "lru_coarse", PASSES, .setup = "limit" },
	{ "LRU hit, exact clock", "lru_exact", PASSES, .setup = "limit" },
	{ "take_token()", "token", PASSES },
	{ "report(), without a token", "tell", DROPS },

	{ "gather()", "facts_of", PASSES },
	{ "maps, no rules", "maps", PASSES },
	{ "maps, a limit", "maps", PASSES, .setup = "limit" },
	{ "chain, no rules", "chain", PASSES },
	{ "chain, a limit", "chain", PASSES, .setup = "limit" },
	{ "1 tail call", "tail_calls_1", PASSES },
	{ "2 tail calls", "tail_calls_2", PASSES },
	{ "3 tail calls", "tail_calls_3", PASSES },
};

const struct bench_ratio ratios[] SEC(BENCH_RATIOS) = {
	{ .what = "counting: a hash to a per-CPU array",
	  .of = "the same in a hash, by atomic adds",
	  .to = "count(), a per-CPU array",
	  .at_least = BENCH_TARGET(10) },
	{ .what = "limited() to its LRU hit and clock",
	  .of = "limited(): no",
	  .to = "LRU hit, coarse clock",
	  .at_most = BENCH_TARGET(1.15) },
	{ .what = "an LRU hit and the exact clock to the coarse one",
	  .of = "LRU hit, exact clock",
	  .to = "LRU hit, coarse clock" },
	{ .what = "chain to maps, no rules",
	  .of = "chain, no rules",
	  .to = "maps, no rules" },
	{ .what = "chain to maps, a limit",
	  .of = "chain, a limit",
	  .to = "maps, a limit" },
};
