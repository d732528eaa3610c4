/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verifier's log, and what of it a person wants to see. */
#ifndef VERIFIER_H
#define VERIFIER_H

#include <stdbool.h>

/* Where the kernel writes the log. A program of ours needs a few KiB of it. */
extern char verifier_log[1 << 22];

/* Is there a refusal in the log? False when the load failed otherwise. */
bool verifier_refused(void);

/* Prints on stderr the source line that was refused, and the log's end. */
void verifier_explain(void);

#endif
