/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the daemon waits for: its clients, and hundreds of connections that check
 * backends. Nothing else in it ever waits.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <linux/types.h>

/* A file that READY is called for. Who has it keeps it in something greater. */
struct watch {
	int fd; /* -1: none */
	void (*ready)(struct watch *watch);
};

/* First of all. Returns false, having said why, when it cannot. */
bool loop_init(void);

/* The file descriptor that is readable when any of them is ready. */
int loop_fd(void);

/* Watches WATCH for EVENTS, EPOLLIN or EPOLLOUT, until it is closed. */
bool loop_add(struct watch *watch, __u32 events);
void loop_close(struct watch *watch);

/* Calls whoever is ready. Some wait for the next call when there are very many. */
void loop_run(void);

/* Now, in milliseconds of CLOCK_MONOTONIC. */
__u64 now_ms(void);

#endif
