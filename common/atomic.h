/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * __sync_fetch_and_add() with a result, on 64 bits, in version 2 of the BPF instruction set. The kernel has the
 * instruction since Linux 5.12. clang up to 19 uses it; clang from 20 on refuses it before version 3 ("Invalid usage of the XADD
 * return value"), but its assembler knows it. The Makefile includes this file in every BPF program.
 */
#ifndef ATOMIC_H
#define ATOMIC_H

#if __clang_major__ >= 20 && !defined(__BPF_FEATURE_ALU32)
/*
 * Adds VALUE to the number at POINTER. Returns what was there before. On 32 bits it is the compiler's own function,
 * without a result.
 */
#define __sync_fetch_and_add(pointer, value)                                   \
	__builtin_choose_expr(sizeof(*(pointer)) == 8,                         \
			      fetch_and_add((void *)(pointer), (value)),       \
			      __sync_fetch_and_add((pointer), (value)))

static inline __attribute__((always_inline)) unsigned long long
fetch_and_add(void *pointer, unsigned long long value)
{
	asm volatile("%0 = atomic_fetch_add((u64 *)(%1 + 0), %0)"
		     : "+r"(value)
		     : "r"(pointer)
		     : "memory");
	return value;
}
#endif

#endif
