// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “eBPF Architecture”, eBPF Programs: “no loops (except bounded loops in newer
 * kernels)”. -DENDLESS takes away the step that leads to the bound.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef ENDLESS
#define STEP ""
#else
#define STEP "%0 += 1"
#endif

SEC("xdp")
int loop(struct xdp_md *ctx)
{
	int n = 0;

#pragma clang loop unroll(disable)
	while (n < 1000)
		asm volatile(STEP : "+r"(n));
	return n;
}
