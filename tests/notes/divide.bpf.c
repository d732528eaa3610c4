// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “eBPF Architecture”, Runtime Checks: what is left to run time. The divisor is
 * known only then.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

volatile __u32 divisor;

SEC("xdp")
int divide(struct xdp_md *ctx)
{
	return 100 + 7 / divisor;
}
