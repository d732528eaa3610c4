/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the daemon has to complain of is for its own stderr, and for whoever asked
 * it to do what went wrong: `lbd reload` shows the line of the file as well.
 */
#ifndef COMPLAIN_H
#define COMPLAIN_H

#include <stdbool.h>

/* Says it as fail() does, and keeps it. Returns false: that is how it went. */
bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* All that has been complained of since the last call, a line each; or "". */
const char *take_complaints(void);

#endif
