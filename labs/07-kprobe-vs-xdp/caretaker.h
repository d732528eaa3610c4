/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process that makes something, and undoes it when this one ends: what is no link
 * outlives who made it, and nobody undoes anything once he is killed.
 */
#ifndef CARETAKER_H
#define CARETAKER_H

#include <sys/types.h>

struct caretaker {
	pid_t pid;    /* 0: there is none */
	int lifeline; /* a socket to it, which only this process holds open */
};

/*
 * Starts a process that calls MAKE, which returns 0 or a negative errno, and UNDO at
 * caretaker_end(), or at the end of this one, however that comes. Returns what MAKE
 * returned, or why there is no such process; then there is nothing to undo.
 */
int caretaker_start(struct caretaker *caretaker, int (*make)(void),
		    void (*undo)(void));

/* Has it undone now, and waits for that. Does nothing when there is no caretaker. */
void caretaker_end(struct caretaker *caretaker);

#endif
