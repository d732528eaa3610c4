/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What bench and the BPF objects that it times agree on. An object NN-NAME.bpf.c
 * says in two tables what is to be measured: `cases`, in the section
 * BENCH_CASES, and `ratios`, in BENCH_RATIOS.
 */
#ifndef BENCH_H
#define BENCH_H

#include <linux/types.h>

#define BENCH_CASES  ".rodata.cases"
#define BENCH_RATIOS ".rodata.ratios"

/* A target, in nanoseconds or as a ratio. No floating point in an object. */
#define BENCH_TARGET(number) ((__u32)(1000 * (number)))

enum {
	BENCH_KNOBS = 3, /* of a case, at most */
	/*
	 * How often what is timed runs in one go; the frame that is compared is
	 * that of the last of these. So many that the call itself, of some 0.2 ms,
	 * whatever it runs, is a nanosecond a run, which comes off with the floor;
	 * and that caches are filled by the first.
	 */
	BENCH_RUNS = 200000,
};

/*
 * What the constant NAME of the object, `const volatile`, is to be; or of the map
 * NAME, how many entries it may have.
 */
struct bench_knob {
	char name[16]; /* "": none */
	__u64 value;
};

/*
 * One program to be timed. What is printed is its cost above that of FLOOR, a
 * program with the same verdict that does nothing else.
 */
struct bench_case {
	char what[56];	  /* its line in the table; ratios go by it too */
	char program[16]; /* the name of what is timed */
	char floor[16];
	/*
	 * Runs instead of both, and tail-calls what is timed by
	 * bench_under_test; it restores what they change, or picks a flow.
	 */
	char driver[16];
	/*
	 * A tc program that fills the maps, and is called until it returns 0. A
	 * case shares its maps with those only that have the same setup and knobs.
	 */
	char setup[16];
	struct bench_knob knobs[BENCH_KNOBS];
	char frame[32];	 /* in tests/packets; "": ipv4-tcp22 */
	char output[32]; /* the frame that it makes of it; "": the same */
	__u32 verdict;
	__u32 at_most; /* BENCH_TARGET(nanoseconds); 0: no target */
};

/* The cost of the case OF divided by that of the case TO. */
struct bench_ratio {
	char what[56]; /* its line in the table */
	char of[56], to[56];
	__u32 at_least, at_most; /* BENCH_TARGET(ratio); 0: no target */
};

#ifdef __bpf__

/* Where bench puts what it times, for a driver to call. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_under_test SEC(".maps");

#endif

#endif
