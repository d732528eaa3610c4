// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The TC side of gate_xdp: see there. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int gate_tc(struct __sk_buff *skb)
{
	return skb->len > 200 ? TC_ACT_SHOT : TC_ACT_OK;
}
