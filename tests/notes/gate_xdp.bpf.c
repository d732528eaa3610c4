// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Underhood”, the diagram: what XDP drops and what TC drops is lost alike. This
 * drops long frames in XDP, gate_tc in TC; which of them does a packet tap see?
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int gate_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	return data + 200 < end ? XDP_DROP : XDP_PASS;
}
