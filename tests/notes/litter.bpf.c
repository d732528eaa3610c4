// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fills its stack with the byte LITTER, then hands over, by a tail call, to a program
 * that finds it there: the stack is the same.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} next SEC(".maps");

SEC("xdp")
int litter(struct xdp_md *ctx)
{
	volatile __u8 stack[504];

	for (int i = 0; i < (int)sizeof(stack); i++)
		stack[i] = LITTER;
	bpf_tail_call(ctx, &next, 0);
	return XDP_ABORTED;
}
