// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's habit of making a jump of a probe's breakpoint. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include "optimization.h"

#define SWITCH "/proc/sys/debug/kprobes-optimization"

static pid_t guard;  /* the process that waits for our end, or 0 */
static int lifeline; /* a pipe to it, which only this process holds open */

/* Is it on? -1: nobody can tell, with errno. */
static int is_on(void)
{
	int fd = open(SWITCH, O_RDONLY | O_CLOEXEC);
	char digit;
	ssize_t got = fd >= 0 ? read(fd, &digit, 1) : -1;

	if (fd >= 0)
		close(fd);
	return got == 1 ? digit == '1' : -1;
}

static bool turn(char digit)
{
	int fd = open(SWITCH, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, &digit, 1) == 1;

	if (fd >= 0)
		close(fd);
	return written;
}

/* What the guard does: it is out of reach of what ends the other, a Ctrl-C too. */
static void watch_over(int parents_end)
{
	char byte;

	setsid();
	while (read(parents_end, &byte, 1) < 0 && errno == EINTR)
		;
	turn('1');
	_exit(EXIT_SUCCESS);
}

static bool post_guard(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return false;
	guard = fork();
	if (!guard) {
		close(ends[1]);
		watch_over(ends[0]);
	}
	close(ends[0]);
	lifeline = ends[1];
	if (guard > 0)
		return true;
	guard = 0;
	close(lifeline);
	return false;
}

bool stop_optimization(void)
{
	int on = is_on();

	if (on <= 0)
		return !on;
	if (!post_guard())
		return false;
	if (turn('0'))
		return true;
	restore_optimization();
	return false;
}

void restore_optimization(void)
{
	if (!guard)
		return;
	close(lifeline);
	waitpid(guard, NULL, 0);
	guard = 0;
}
