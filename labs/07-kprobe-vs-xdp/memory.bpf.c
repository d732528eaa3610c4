// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * memory: a piece of the kernel's memory, for user space. It runs when it is called,
 * and is attached to nothing.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "memory.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct memory_piece);
} pieces SEC(".maps");

/* Returns 0, or the negative errno of the read: there may be nothing mapped. */
SEC("syscall")
int memory(struct memory_wish *wish)
{
	__u32 zero = 0, size = wish->size;
	struct memory_piece *piece = bpf_map_lookup_elem(&pieces, &zero);

	if (!piece || size > sizeof(piece->bytes))
		return -1;
	return bpf_probe_read_kernel(piece->bytes, size,
				     (const void *)wish->address);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
