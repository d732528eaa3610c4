/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verifier's log, and what of it a person wants to see. */
#ifndef VERIFIER_H
#define VERIFIER_H

#include <stdbool.h>

/* Where the kernel writes the log. A program of ours needs a few KiB of it. */
extern char verifier_log[1 << 22];

/* Is there a refusal in the log? False when the load failed otherwise. */
bool verifier_refused(void);

/*
 * What stands in the log of a refusal: the line of source that was refused, or an empty
 * string; the verifier's reason, a line; and what that means in plain words, or NULL.
 */
struct refusal {
	char source[128], reason[256];
	const char *meaning;
};

/* Reads it from the log. */
void verifier_read(struct refusal *refusal);

/* Prints on stderr the source line that was refused, and the log's end. */
void verifier_explain(void);

#endif
