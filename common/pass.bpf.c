// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Passes everything: what a veth runs so that it takes what its peer's XDP sends. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
