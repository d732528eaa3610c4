// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Memory Access Pattern: struct xdp_md has members
 * `void *data, *data_end`. -DPOINTERS reads them as such.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

_Static_assert(sizeof(struct xdp_md) == 6 * sizeof(__u32), "six numbers");

#ifdef POINTERS
struct context {
	void *data;
	void *data_end;
};
#else
#define context xdp_md
#endif

SEC("xdp")
int program(struct context *ctx)
{
	return ctx->data == ctx->data_end ? XDP_DROP : XDP_PASS;
}
