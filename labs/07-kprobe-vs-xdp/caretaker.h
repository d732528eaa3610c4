/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process that undoes what outlives this one, which may be killed: no link, which the
 * kernel takes back by itself.
 */
#ifndef CARETAKER_H
#define CARETAKER_H

#include <stdbool.h>
#include <sys/types.h>

struct caretaker {
	pid_t pid;    /* 0: there is none */
	int lifeline; /* a socket to it, which only this process holds open */
};

/*
 * Starts a process that calls UNDO at caretaker_finish(), or at the end of this one,
 * however that comes. Returns false, with errno, when it cannot.
 */
bool caretaker_start(struct caretaker *caretaker, void (*undo)(void));

/* Has it done now, and waits for that. Does nothing when there is none. */
void caretaker_finish(struct caretaker *caretaker);

#endif
