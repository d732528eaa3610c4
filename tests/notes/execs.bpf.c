// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Week 1, Day 1-2: its hello, loaded by bpftool, is
 * at work. This one counts its runs. Also “eBPF Architecture”, Program Lifecycle.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 runs;

SEC("tracepoint/syscalls/sys_enter_execve")
int execs(void *ctx)
{
	__sync_fetch_and_add(&runs, 1);
	return 0;
}
