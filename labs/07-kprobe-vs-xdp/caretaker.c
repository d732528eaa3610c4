// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A process that undoes what outlives this one. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "caretaker.h"

enum { END = STDERR_FILENO + 1 }; /* what it has open of the pair's */

/* What it does: it is out of reach of what ends the other, a Ctrl-C too. */
static void watch_over(int end, void (*undo)(void))
{
	char byte = 0;

	setsid();
	/* The other's links are to be gone when the other closes them. */
	dup2(end, END);
	close_range(END + 1, ~0U, 0);
	if (write(END, &byte, 1) == 1)
		while (read(END, &byte, 1) < 0 && errno == EINTR)
			;
	undo();
	_exit(EXIT_SUCCESS);
}

bool caretaker_start(struct caretaker *caretaker, void (*undo)(void))
{
	int ends[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return false;
	caretaker->pid = fork();
	if (!caretaker->pid)
		watch_over(ends[1], undo);
	close(ends[1]);
	caretaker->lifeline = ends[0];
	if (caretaker->pid < 0) {
		caretaker->pid = 0;
		close(caretaker->lifeline);
		return false;
	}
	/* Until it is at its post, it takes time that somebody may measure. */
	if (read(caretaker->lifeline, &byte, 1) == 1)
		return true;
	caretaker_finish(caretaker);
	errno = ECHILD;
	return false;
}

void caretaker_finish(struct caretaker *caretaker)
{
	if (!caretaker->pid)
		return;
	close(caretaker->lifeline);
	waitpid(caretaker->pid, NULL, 0);
	caretaker->pid = 0;
}
