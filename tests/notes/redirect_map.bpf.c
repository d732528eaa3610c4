// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, Using DEVMAP for Efficient Redirect.
 * It leaves open which slot a packet is for: SLOT, as printed empty. FLAGS, as printed
 * 0, say what becomes of packets for an empty slot.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef FLAGS
#define FLAGS 0
#endif

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} tx_ports SEC(".maps");

SEC("xdp")
int redirect_map(struct xdp_md *ctx)
{
	__u32 port = SLOT;

	return bpf_redirect_map(&tx_ports, port, FLAGS);
}
