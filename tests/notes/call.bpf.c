// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* “eBPF Architecture”, eBPF Programs: “no function calls (except helpers)”. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static __noinline int twice(int n)
{
	asm volatile("%0 += %0" : "+r"(n));
	return n;
}

SEC("xdp")
int call(struct xdp_md *ctx)
{
	return twice(21);
}
