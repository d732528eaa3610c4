/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What lbd does: the daemon, and its commands. Each returns how lbd is to exit. */
#ifndef LBD_H
#define LBD_H

#include <stdbool.h>

/* The options: which command they belong to, lbd.c makes sure of. */
struct options {
	const char *file; /* the daemon */
	bool json, watch; /* status */
	bool no_wait;	  /* drain */
	int quiet;	  /* drain: seconds */
};

extern struct options options;

/* The daemon: keeps the data plane as the file says, until it is interrupted. */
int serve(const char *path);

int drain_backend(const char *backend);
int status(void);

#endif
