// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, limiting reads by `return -EAGAIN` in a program at a kprobe:
 * here it is to keep packets from being delivered.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define EAGAIN 11

__u64 calls;

SEC("kprobe/ip_local_deliver")
int refuse(void *ctx)
{
	__sync_fetch_and_add(&calls, 1);
	return -EAGAIN;
}

char LICENSE[] SEC("license") = "GPL";
