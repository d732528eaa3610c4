// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that counts itself, and calls itself by tail calls for as long as it may. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} self SEC(".maps");

__u64 runs;

SEC("xdp")
int tail(struct xdp_md *ctx)
{
	runs++;
	bpf_tail_call(ctx, &self, 0);
	return XDP_PASS;
}
