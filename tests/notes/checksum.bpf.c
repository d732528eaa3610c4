// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Packet Corruption: the solution is bpf_l3_csum_replace()
 * and bpf_l4_csum_replace(). A program in SECTION calls HELPER, one of these.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC(SECTION)
int checksum(void *ctx)
{
	return HELPER(ctx, 24, 0, 0, 2);
}
