/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the frame of an XDP or tc program begins and ends.
 *
 * <linux/bpf.h> declares ctx->data and ctx->data_end as numbers of 32 bits. The verifier turns a load of
 * one into a load of a pointer of 64 bits. A compiler that uses 32-bit registers (-mcpu=v3) does not know
 * that: when it runs out of registers, it saves the 32 bits on the stack, and the verifier refuses half a
 * pointer ("invalid size of register spill"). The loads here are assembly, so the compiler sees a
 * pointer and saves all 64 bits.
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <stddef.h>

/*
 * The first byte of the frame, and the first byte behind it. CTX is the program's argument, a
 * struct xdp_md * or a struct __sk_buff *. A helper that moves or resizes the frame makes both stale:
 * call these again after it.
 */
#define frame_start(ctx) context_pointer(ctx, data)
#define frame_end(ctx)	 context_pointer(ctx, data_end)

#define context_pointer(ctx, field)                                            \
	({                                                                     \
		void *pointer;                                                 \
                                                                               \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                          \
			     : "=r"(pointer)                                   \
			     : "r"(ctx),                                       \
			       "i"(offsetof(typeof(*(ctx)), field)));          \
		pointer;                                                       \
	})

#endif
