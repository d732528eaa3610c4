// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A program that the verifier refuses, because its licence is not the GPL and a
 * helper asks for that. (An object has one licence, so it is alone here.)
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("?tracepoint/syscalls/sys_enter_execve")
int unlicensed(void *ctx)
{
	char name[16];

	return bpf_probe_read_kernel(name, sizeof(name), ctx);
}

char LICENSE[] SEC("license") = "Proprietary";
