// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “eBPF Architecture”, eBPF Verifier: the verifier refuses this for its
 * uninitialized pointer.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tracepoint/syscalls/sys_enter_execve")
int invalid_program(void *ctx)
{
	int *ptr;
	return *ptr;
}
