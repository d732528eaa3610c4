/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's memory, read by a BPF program: for root, /proc/kcore has it too, but not
 * on every kernel.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <linux/types.h>

enum { MEMORY_PIECE = 64 * 1024 };

/* What the program is called with, and what it fills. */
struct memory_wish {
	__u64 address;
	__u64 size; /* in bytes */
};

struct memory_piece {
	__u8 bytes[MEMORY_PIECE];
};

#ifndef __bpf__
#include <stdbool.h>
#include <stddef.h>

/* Loads the program. Returns false, having said why. memory_close() unloads it. */
bool memory_open(void);
void memory_close(void);

/*
 * Copies SIZE bytes of the kernel's memory, of any size, from ADDRESS to TO. Returns
 * 0, or a negative errno: -EFAULT where nothing is mapped.
 */
int memory_read(__u64 address, void *to, size_t size);
#endif

#endif
