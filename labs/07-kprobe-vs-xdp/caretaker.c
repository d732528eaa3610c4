// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A process that makes something, and undoes it when this one ends. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "caretaker.h"

enum { LIFELINE = STDERR_FILENO + 1 }; /* at the caretaker's end */

/* What it does: it is out of reach of what ends the other, a Ctrl-C too. */
static void take_care(int end, int (*make)(void), void (*undo)(void))
{
	char byte;
	int err;

	setsid();
	/* The other's links are to be gone when the other closes them. */
	dup2(end, LIFELINE);
	close_range(LIFELINE + 1, ~0U, 0);
	err = make();
	(void)!write(LIFELINE, &err, sizeof(err));
	if (err)
		_exit(EXIT_FAILURE);
	while (read(LIFELINE, &byte, 1) < 0 && errno == EINTR)
		;
	undo();
	_exit(EXIT_SUCCESS);
}

int caretaker_start(struct caretaker *caretaker, int (*make)(void),
		    void (*undo)(void))
{
	int ends[2], err = -ECHILD; /* it died */

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	caretaker->pid = fork();
	if (!caretaker->pid)
		take_care(ends[1], make, undo);
	close(ends[1]);
	caretaker->lifeline = ends[0];
	if (caretaker->pid < 0) {
		err = -errno;
		caretaker->pid = 0;
		close(caretaker->lifeline);
		return err;
	}
	(void)!read(caretaker->lifeline, &err, sizeof(err));
	if (err)
		caretaker_end(caretaker);
	return err;
}

void caretaker_end(struct caretaker *caretaker)
{
	if (!caretaker->pid)
		return;
	close(caretaker->lifeline);
	waitpid(caretaker->pid, NULL, 0);
	caretaker->pid = 0;
}
