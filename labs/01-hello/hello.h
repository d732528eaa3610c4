/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What hello.bpf.c and hello.c agree on. */
#ifndef HELLO_H
#define HELLO_H

#include <linux/types.h>

#define HELLO_COMM     16 /* the kernel's TASK_COMM_LEN */
#define HELLO_FILENAME 256
#define HELLO_GREETING 32

/* One execve. The numbers are in host byte order. */
struct hello_event {
	__u32 pid;	       /* as the initial PID namespace counts */
	__u32 uid;	       /* as the initial user namespace counts */
	__u32 netns;	       /* inode number of the network namespace */
	char comm[HELLO_COMM]; /* who calls: its name before the execve */
	char filename[HELLO_FILENAME]; /* what it wants to run, or its start */
};

_Static_assert(sizeof(struct hello_event) == 12 + HELLO_COMM + HELLO_FILENAME,
	       "no padding: what is not written would be stale memory");

#endif
