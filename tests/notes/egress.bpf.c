// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, XDP Context Structure:
 * “egress_ifindex: for XDP_REDIRECT”. MEMBER is read by a program in SECTION.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC(SECTION)
int egress(struct xdp_md *ctx)
{
	return ctx->MEMBER ? XDP_PASS : XDP_DROP;
}
