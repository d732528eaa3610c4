/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The few instructions that the kernel patches into its code, or away. */
#ifndef DECODE_H
#define DECODE_H

#include <linux/types.h>

enum instruction_kind {
	INSTRUCTION_OTHER, /* code that nobody here decodes */
	INSTRUCTION_NOP,
	INSTRUCTION_CALL,
	INSTRUCTION_JMP,
	INSTRUCTION_INT3, /* a breakpoint */
	INSTRUCTION_RET,
	INSTRUCTIONS
};

enum { INSTRUCTION_MOST = 8 }; /* bytes that decode() is given */

struct instruction {
	enum instruction_kind kind;
	int size;     /* in bytes; 0: not known */
	__u64 target; /* of a call, or of a jump */
};

/* The instruction that the INSTRUCTION_MOST bytes at BYTES begin with, at ADDRESS. */
struct instruction decode(const __u8 *bytes, __u64 address);

/* "nop", "call" … */
const char *instruction_name(enum instruction_kind kind);

#endif
