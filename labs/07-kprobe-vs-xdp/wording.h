/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A change of the kernel's code in words, which come from its bytes alone. */
#ifndef WORDING_H
#define WORDING_H

#include "changes.h"

enum { WORDS_MOST = 256 };

struct words {
	char place[WORDS_MOST]; /* ip_local_deliver+0x4 */
	char bytes[WORDS_MOST]; /* 0f 1f 44 00 00 -> e8 37 9a 1c 3f */
	char what[WORDS_MOST];	/* nop -> call ftrace_trampoline (ftrace) */
	char brief
		[WORDS_MOST]; /* the same without names: nop -> call (ftrace) */
};

/*
 * Says COUNT of them, while they are so: of a call to what came with the change the
 * kernel knows the name as long as it is there. May read the symbols again. Needs
 * patches_read().
 */
void changes_in_words(const struct change *changes, int count,
		      struct words *words);

#endif
