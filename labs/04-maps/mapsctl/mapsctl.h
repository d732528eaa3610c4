/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The commands of mapsctl. Each takes the words behind its name, as many as
 * mapsctl.c has made sure of, and returns how mapsctl is to exit.
 */
#ifndef MAPSCTL_H
#define MAPSCTL_H

#include <stdbool.h>
#include <linux/types.h>

/* The options: which command they belong to, mapsctl.c makes sure of. */
struct options {
	bool json, watch; /* stats */
	__u32 on, off;	  /* guard: packets per second */
	__u32 limit;	  /* guard: of each source, packets per second */
};

extern struct options options;

int block(int count, char **words);
int unblock(int count, char **words);
int block_port(int count, char **words);
int unblock_port(int count, char **words);
int list(int count, char **words);
int load(int count, char **words);
int limit(int count, char **words);
int stats(int count, char **words);
int guard(int count, char **words);
int stop(int count, char **words);

/* The most packets a second that a limit can be: 100 ns from one to the next. */
enum { PPS_MAX = 10000000 };

/*
 * Lets each source send PPS packets a second, BURST at once; PPS 0: no limit.
 * Returns EXIT_FAILURE, having said why, when it cannot.
 */
int set_limit(__u32 pps, __u32 burst);

/* Is there a limit? -1, having said why, when that cannot be known. */
int is_limited(void);

/* The number that TEXT is, from LEAST to MOST; -1, having said so, if it is none. */
long long number(const char *what, const char *text, long long least,
		 long long most);

#endif
