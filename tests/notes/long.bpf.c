// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* “eBPF Architecture”, eBPF Programs: “around 100 instructions”. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int long_program(struct xdp_md *ctx)
{
	int n = 0;

	asm volatile(".rept 12000; %0 += 1; .endr" : "+r"(n));
	return n;
}
