// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the daemon waits for: one epoll, which wait_for() of the loaders can wait for. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "loader.h"
#include "loop.h"

enum { AT_ONCE = 1024 }; /* then others have a turn: who is late, a signal */

static int epoll = -1;

bool loop_init(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		fail("epoll: %s", strerror(errno));
	return epoll >= 0;
}

int loop_fd(void)
{
	return epoll;
}

bool loop_add(struct watch *watch, __u32 events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return !epoll_ctl(epoll, EPOLL_CTL_ADD, watch->fd, &event);
}

void loop_close(struct watch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd); /* and epoll forgets it */
	watch->fd = -1;
}

void loop_run(void)
{
	struct epoll_event event;
	struct watch *watch;

	/* One by one, so that none is of a file that the one before it closed. */
	for (int i = 0; i < AT_ONCE; i++) {
		if (epoll_wait(epoll, &event, 1, 0) != 1)
			return;
		watch = event.data.ptr;
		watch->ready(watch);
	}
}

__u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}
