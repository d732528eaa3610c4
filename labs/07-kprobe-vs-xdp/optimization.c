// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's habit of making a jump of a probe's breakpoint. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "caretaker.h"
#include "optimization.h"

#define SWITCH "/proc/sys/debug/kprobes-optimization"

static struct caretaker caretaker;

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

static int switch_off(void)
{
	return turn('0') ? 0 : -errno;
}

static void switch_on(void)
{
	turn('1');
}

/* A kernel that never makes jumps has no switch. */
bool can_optimize(void)
{
	return access(SWITCH, F_OK) == 0;
}

bool stop_optimization(void)
{
	int on = can_optimize() ? is_on() : 0;

	if (on <= 0)
		return !on;
	errno = -caretaker_start(&caretaker, switch_off, switch_on);
	return !errno;
}

void restore_optimization(void)
{
	caretaker_end(&caretaker);
}
