// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* “eBPF Architecture”, the map as printed: u32 and u64 are the kernel's own names. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} my_map SEC(".maps");
