/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's code, its own and its modules', and what changes in it: two copies are
 * compared, and bytes that differ become the instructions that they belong to.
 */
#ifndef CHANGES_H
#define CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include "decode.h"

/* An instruction that is another than it was. */
struct change {
	__u64 address;
	int size;  /* of the longer of the two, in bytes */
	int bytes; /* of these, that differ */
	__u8 before[INSTRUCTION_MOST], after[INSTRUCTION_MOST];
};

/*
 * Finds all code that there is now, and takes a copy of it. Needs symbols_read() and
 * memory_open(). Returns false, having said why; code_close() frees it all.
 */
bool code_open(void);
void code_close(void);

/* How many bytes that is, and in how many modules besides the kernel. */
size_t code_size(void);
int code_modules(void);

/* Is ADDRESS in it? What is not has come later: a trampoline, a program. */
bool is_code(__u64 address);

/*
 * Takes a copy, and puts into CHANGES what is others than in the remembered one, at
 * most MOST. Returns how many, or a negative errno.
 */
int code_compare(struct change *changes, int most);

/* The last copy is what code_compare() compares with from now on. */
void code_remember(void);

/* Reads CHANGE's place again: what is after is what is there now. */
int change_refresh(struct change *change);

/*
 * Does CHANGE's call or jump go where it went before, by name? Of a small function that
 * a header has, each part of the kernel has a copy of its own.
 */
bool change_is_nominal(const struct change *change);

/* Is CHANGE's place as it was before, or by name so? */
bool change_undone(const struct change *change);

#endif
