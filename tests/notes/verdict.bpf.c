// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, XDP Return Codes: “XDP_ABORTED: verifier will
 * reject”. The verdict is given with -DVERDICT.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int verdict(struct xdp_md *ctx)
{
	return VERDICT;
}
