/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How commands reach the daemon: by a Unix socket with a name that is no file, so
 * nothing is left when it dies, and one in each network namespace. A request is
 * one message, and so is the answer: a letter, y or n, and what there is to say.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stddef.h>

enum { CONTROL_TEXT = 2048 }; /* the longest request or answer */

/*
 * The daemon's side: from now on HANDLE does what the REQUEST of a client says, and
 * puts into ANSWER, of CONTROL_TEXT bytes, what there is to say of it. Returns
 * false, having said why, when it cannot: another daemon is here, for one.
 */
bool control_listen(bool (*handle)(const char *request, char *answer));

/* Hangs up on clients that say nothing. Once in a while. */
void control_tick(void);

/*
 * The client's side: has the daemon do what REQUEST says, and says the answer.
 * Returns EXIT_SUCCESS or EXIT_FAILURE.
 */
int control_ask(const char *request);

/* Does a daemon run in this network namespace? */
bool daemon_runs(void);

#endif
