/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the data plane is, for who wants to change it: its maps and its link are
 * pinned in a folder of bpffs, and stay when the process that made them ends.
 */
#ifndef PINS_H
#define PINS_H

#include <linux/types.h>

#define PINS	    "/sys/fs/bpf/maps"
#define PINNED_LINK PINS "/link"

/* The file descriptor of the pinned map NAME; -1, having said why, when there is none. */
int pinned_map(const char *name);

/* Takes all pins away: without another holder the program is detached. */
void unpin_all(void);

/* The sum over all CPUs of the value (two __u64) at KEY of a per-CPU array. */
struct maps_count;
struct maps_count count_of(int map_fd, __u32 key);

#endif
