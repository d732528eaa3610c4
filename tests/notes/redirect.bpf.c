// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “Module 11: eBPF Networking Stack Visual Guide”, Device-to-Device Redirect: sends all
 * that comes to interface number 5, whether there is one or not.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int redirect_to_veth(struct xdp_md *ctx)
{
	int target_ifindex = 5;

	return bpf_redirect(target_ifindex, 0);
}
