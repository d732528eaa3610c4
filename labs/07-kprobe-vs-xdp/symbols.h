/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's symbols, by name and by address, from /proc/kallsyms. */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct symbol {
	__u64 address;
	const char *name;
	const char
		*module; /* or what else it belongs to: bpf; NULL: the kernel */
	bool is_code;
};

/*
 * Reads them. Returns false, having said why: without privilege all addresses are 0.
 * They stay until the process ends; a second call does nothing.
 */
bool symbols_read(void);

/*
 * Reads those again that are not the kernel's own: modules, programs and trampolines
 * come and go. What was returned of them before is no longer good.
 */
bool symbols_refresh(void);

/* The kernel's own, or all OTHERS; by address; how many, in *COUNT. */
const struct symbol *symbols_all(bool others, size_t *count);

/*
 * Where the symbol NAME is, or 0: there is none, or the kernel does not tell (only
 * root). Of several of that name, the first. Needs no symbols_read(): without, it reads
 * the file as far as that name.
 */
__u64 symbol_address(const char *name);

/* What ADDRESS is in, by the last symbol that begins there or before; or NULL. */
const struct symbol *symbol_of(__u64 address);

/* The name of what ADDRESS is in, and how far in, at *OFFSET; or NULL. */
const char *symbol_at(__u64 address, __u64 *offset);

#endif
