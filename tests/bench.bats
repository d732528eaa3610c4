#!/usr/bin/env bats
# The measuring tool, on programs made for it: what it looks at, and what it says.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
	make -s build/bench
	cat >"$BATS_FILE_TMPDIR/bench.c" <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "bench.h"

		const volatile unsigned short port;
		const volatile unsigned char ttl;
		unsigned rest = 3;
		SEC("tc") int set_up(struct __sk_buff *skb) { return --rest > 0; }
		SEC("tc") int refuse(struct __sk_buff *skb) { return 2; }

		/* ipv4-tcp22 and ipv4-version-6 differ in their bytes 14 and 24. */
		static __always_inline unsigned char *bytes(struct xdp_md *ctx)
		{
			unsigned char *data = (void *)(long)ctx->data;

			return (void *)(data + 25) > (void *)(long)ctx->data_end ? 0 : data;
		}

		SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }
		SEC("xdp") int drop(struct xdp_md *ctx) { return XDP_DROP; }
		SEC("xdp") int toggle(struct xdp_md *ctx)
		{
			unsigned char *data = bytes(ctx);

			if (!data)
				return XDP_ABORTED;
			data[14] ^= 0x45 ^ 0x65;
			data[24] ^= 0x54 ^ 0x34;
			return XDP_PASS;
		}
		SEC("xdp") int ready(struct xdp_md *ctx) { return rest ? XDP_DROP : XDP_PASS; }
		SEC("xdp") int turned(struct xdp_md *ctx) { return port == 0x1234 && ttl == 5 ? XDP_PASS : XDP_DROP; }
		struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__type(key, int);
			__type(value, int);
		} things SEC(".maps");

		SEC("xdp") int two_things(struct xdp_md *ctx)
		{
			int a = 1, b = 2;

			return bpf_map_update_elem(&things, &a, &a, BPF_ANY) ||
				bpf_map_update_elem(&things, &b, &b, BPF_ANY) ? XDP_DROP : XDP_PASS;
		}
		int runs;
		SEC("xdp") int toggle_last(struct xdp_md *ctx)
		{
			if (++runs < BENCH_RUNS)
				return XDP_PASS;
			runs = 0;
			return toggle(ctx);
		}
		SEC("xdp") int clock_1(struct xdp_md *ctx) { return bpf_ktime_get_ns() ? XDP_PASS : XDP_DROP; }
		SEC("xdp") int clock_16(struct xdp_md *ctx)
		{
			for (int i = 0; i < 16; i++)
				if (!bpf_ktime_get_ns())
					return XDP_DROP;
			return XDP_PASS;
		}
		SEC("xdp") int driver(struct xdp_md *ctx)
		{
			unsigned char *data = bytes(ctx);

			if (!data)
				return XDP_ABORTED;
			data[14] = 0x45;
			data[24] = 0x54;
			bpf_tail_call(ctx, &bench_under_test, 0);
			return XDP_ABORTED;
		}

		#define PASSES .floor = "pass", .verdict = XDP_PASS
		const struct bench_case cases[] SEC(BENCH_CASES) = {
			{ "one", "clock_1", PASSES, .at_most = 1 },
			{ "many", "clock_16", PASSES, .at_most = BENCH_TARGET(9e5) },
			{ "nothing", "pass", .floor = "clock_1", .verdict = XDP_PASS },
			CASE
		};
		const struct bench_ratio ratios[] SEC(BENCH_RATIOS) = {
			{ .what = "many to one", .of = "many", .to = "one", .at_least = BENCH_TARGET(2) },
			{ .what = "one to nothing", .of = "one", .to = "nothing" },
			{ .what = "one to many", .of = "one", .to = "many", .at_least = BENCH_TARGET(2) },
		};
		char LICENSE[] SEC("license") = "Dual BSD/GPL";
	END
}

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# bench CASE: times it, and those that the ratios are of.
bench() {
	clang -target bpf -mcpu=v3 -O2 -g -Itests/bench -idirafter "/usr/include/$(gcc -print-multiarch)" \
		-DCASE="$1" -c "$BATS_FILE_TMPDIR/bench.c" -o "$BATS_TEST_TMPDIR/bench.o"
	build/bench "$BATS_TEST_TMPDIR/bench.o" 1
}

# says PATTERN…: a line for each.
says() {
	local pattern

	for pattern; do grep -qE "$pattern" <<<"$output" || { echo "no line '$pattern' in:" "$output" && false; }; done
}

@test "bench: a target is met or missed, and neither is a failure" {
	run -0 bench ''
	says '^one .* [0-9.]+  at most 0.001: MISSED$' '^many .* at most 900000: met$' \
		'^one to nothing  +too cheap to divide by$' \
		'^many to one  +[0-9.]+ .*  at least 2: met$' '^one to many  +0.[0-9]+ .* at least 2: MISSED$'
}

@test "bench: a wrong verdict, of the program or of its floor, is told and is a failure" {
	run -1 bench '{ "program", "drop", PASSES }'
	says 'bench: program: drop: verdict 1, expected 2$' '^program  +not measured$' '^many to one .*: met$'
	run -1 bench '{ "floor", "pass", .floor = "drop", .verdict = XDP_PASS }'
	says 'bench: floor: drop: verdict 1, expected 2$' '^floor  +not measured$'
}

@test "bench: a wrong frame is a failure" {
	run -1 bench '{ "case", "pass", PASSES, .output = "ipv4-version-6" }'
	says 'bench: case: pass: it made another frame$' '^case  +not measured$'
	run -1 bench '{ "case", "pass", PASSES, .frame = "ipv4-no-such" }'
	says 'there is no such frame$'
}

@test "bench: a driver restores the frame before each run" {
	run -0 bench '{ "case", "toggle", PASSES, .driver = "driver", .output = "ipv4-version-6" }'
	run -1 bench '{ "case", "toggle", PASSES, .driver = "driver" }'
	says 'bench: case: toggle: it made another frame$'
	# Without one it is toggled an even number of times.
	run -1 bench '{ "case", "toggle", PASSES, .output = "ipv4-version-6" }'
	says 'bench: case: toggle: it made another frame$'
}

@test "bench: maps are filled until it is done, and for those cases only" {
	run -0 bench '{ "case", "ready", PASSES, .setup = "set_up" }'
	run -1 bench '{ "case", "ready", PASSES }'
	says 'bench: case: ready: verdict 1, expected 2$'
	run -1 bench '{ "case", "ready", PASSES, .setup = "refuse" }'
	says 'bench: refuse returned 2$'
}

@test "bench: knobs are set before the load, each in its size, and for those cases only" {
	run -0 bench '{ "case", "turned", PASSES, .knobs = { { "port", 0x1234 }, { "ttl", 5 } } }'
	run -1 bench '{ "all", "turned", PASSES, .knobs = { { "ttl", 5 }, { "port", 0x1234 } } }, { "none", "turned", PASSES }'
	says '^all  +-?[0-9]' 'bench: none: turned: verdict 1, expected 2$'
	run -1 bench '{ "case", "turned", PASSES, .knobs = { { "absent", 5 } } }'
	says 'bench: there is no knob absent$'
}

@test "bench: a knob may be how many entries a map has" {
	run -0 bench '{ "case", "two_things", PASSES, .knobs = { { "things", 2 } } }'
	run -1 bench '{ "case", "two_things", PASSES }'
	says 'bench: case: two_things: verdict 1, expected 2$'
}

@test "bench: BENCH_RUNS is how often it runs a program" {
	run -0 bench '{ "case", "toggle_last", PASSES, .output = "ipv4-version-6" }'
}

@test "bench: the network of lab 06 has a way to its backend, for lb" {
	run -0 tests/bench/06-lb.net ip route get 10.0.1.2 from 10.0.0.1 iif veth0
	says '^10.0.1.2 from 10.0.0.1 dev veth1 '
}

@test "bench: what is not there is said" {
	run -1 bench '{ "case", "absent", PASSES }'
	says 'bench: there is no program absent$'
	run -2 build/bench
	says 'usage: bench OBJECT'
	run -1 build/bench build/absent.o
	says 'bench: open build/absent.o: No such file'
	run -1 tests/bench/run 99
	says '^bench: nothing is measured of lab 99$'
}
