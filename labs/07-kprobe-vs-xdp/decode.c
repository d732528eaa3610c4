// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The few instructions that the kernel patches. Of each: which bits of its first eight
 * bytes, read as one little-endian number, say that it is it, and where in them the
 * distance stands that a call or a jump goes.
 */
#include <string.h>
#include "decode.h"

static const struct pattern {
	__u64 mask, value;
	enum instruction_kind kind;
	int size;
	int shift, width; /* the bits of the distance */
} patterns[] = {
#ifdef __x86_64__
	/* 0f 1f 44 00 00 */
	{ 0xffffffffff, 0x0000441f0f, INSTRUCTION_NOP, 5, 0, 0 },
	{ 0xffff, 0x9066, INSTRUCTION_NOP, 2, 0, 0 },
	{ 0xff, 0xe8, INSTRUCTION_CALL, 5, 8, 32 },
	{ 0xff, 0xe9, INSTRUCTION_JMP, 5, 8, 32 },
	{ 0xff, 0xeb, INSTRUCTION_JMP, 2, 8, 8 },
	{ 0xff, 0xcc, INSTRUCTION_INT3, 1, 0, 0 },
	{ 0xff, 0xc3, INSTRUCTION_RET, 1, 0, 0 },
#else /* arm64 */
	{ 0xffffffff, 0xd503201f, INSTRUCTION_NOP, 4, 0, 0 },
	{ 0xfc000000, 0x94000000, INSTRUCTION_CALL, 4, 0, 26 }, /* bl */
	{ 0xfc000000, 0x14000000, INSTRUCTION_JMP, 4, 0, 26 },	/* b */
	{ 0xffe0001f, 0xd4200000, INSTRUCTION_INT3, 4, 0, 0 },	/* brk */
	{ 0xffffffff, 0xd65f03c0, INSTRUCTION_RET, 4, 0, 0 },
#endif
};

/* A distance is counted in these, and from the instruction's end or its start. */
#ifdef __x86_64__
enum { UNIT = 1, FROM_END = 1 };
#else
enum { UNIT = 4, FROM_END = 0 };
#endif

static __u64 target_of(const struct pattern *pattern, __u64 word, __u64 address)
{
	__s64 distance;

	if (!pattern->width)
		return 0;
	distance = (__s64)(word << (64 - pattern->width - pattern->shift)) >>
		   (64 - pattern->width);
	return address + (FROM_END ? pattern->size : 0) + distance * UNIT;
}

struct instruction decode(const __u8 *bytes, __u64 address)
{
	struct instruction unknown = { .kind = INSTRUCTION_OTHER };
	__u64 word;

	memcpy(&word, bytes, sizeof(word));
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if ((word & patterns[i].mask) == patterns[i].value)
			return (struct instruction){
				.kind = patterns[i].kind,
				.size = patterns[i].size,
				.target =
					target_of(&patterns[i], word, address),
			};
	return unknown;
}

const char *instruction_name(enum instruction_kind kind)
{
	static const char *const names[INSTRUCTIONS] = {
		[INSTRUCTION_OTHER] = "code", [INSTRUCTION_NOP] = "nop",
		[INSTRUCTION_CALL] = "call",  [INSTRUCTION_JMP] = "jmp",
		[INSTRUCTION_INT3] = "int3",  [INSTRUCTION_RET] = "ret",
	};

	return names[kind];
}
