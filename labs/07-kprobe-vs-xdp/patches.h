/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel patches its code for, by its own tables: a static key is a branch
 * that nothing is compared for, a static call goes to an address that is in no variable.
 */
#ifndef PATCHES_H
#define PATCHES_H

#include <stdbool.h>
#include <linux/types.h>

enum patch_kind {
	PATCH_NONE, /* no table has the place: ftrace, a probe */
	PATCH_STATIC_KEY,
	PATCH_STATIC_CALL,
};

/*
 * Reads the tables. A kernel whose symbols do not say where they are has none: then
 * all is PATCH_NONE. Needs symbols_read() and memory_open().
 */
void patches_read(void);

/* What is at ADDRESS; and the symbol of its key, at *KEY, or NULL where none is known. */
enum patch_kind patch_at(__u64 address, const char **key);

#endif
