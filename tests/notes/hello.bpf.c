// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Week 1, Day 1-2: hello.bpf.c is complete as it
 * stands. -DGPL gives it a licence.
 */
SEC("tracepoint/syscalls/sys_enter_execve")
int hello(void *ctx)
{
	bpf_printk("Hello BPF!");
	return 0;
}

#ifdef GPL
char LICENSE[] SEC("license") = "GPL";
#endif
