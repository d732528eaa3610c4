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
 * What the log of a refusal says. The source is the line of C that was refused, or an
 * empty string when the log names none. The reason is one line, and never empty. The
 * meaning is that reason in plain words, or NULL when this file knows none.
 */
struct refusal {
	char source[128], reason[256];
	const char *meaning;
};

/* Fills REFUSAL from LOG, whichever kernel wrote it. Cannot fail. */
void verifier_read(const char *log, struct refusal *refusal);

/*
 * Explains LOG on stderr: the source line, the reason, its meaning and where to read
 * more, the last instructions, and what the kernel itself explains (since Linux 7.3).
 */
void verifier_explain(const char *log);

#endif
