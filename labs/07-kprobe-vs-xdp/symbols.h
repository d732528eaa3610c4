/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's symbols, by name and by address, from /proc/kallsyms. */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdbool.h>
#include <linux/types.h>

/*
 * Where the symbol NAME is, or 0: there is none, or the kernel does not tell (only
 * root). Of several of that name, the first. It reads as far as that.
 */
__u64 symbol_address(const char *name);

/*
 * Reads all, for symbol_at(). Returns false, having said why: without privilege all
 * addresses are 0. They stay until the process ends; a second call does nothing.
 */
bool symbols_read(void);

/* The name of what ADDRESS is in, and how far in, at *OFFSET; or NULL. */
const char *symbol_at(__u64 address, __u64 *offset);

#endif
