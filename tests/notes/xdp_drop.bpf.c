// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Week 1, Day 3-4: xdp_drop.c is complete as it stands;
 * and Common Commands: `ip link set` attaches it.
 */
SEC("xdp")
int xdp_drop_all(struct xdp_md *ctx)
{
	return XDP_DROP;
}
