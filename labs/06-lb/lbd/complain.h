/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the daemon fails to do is for its own stderr, and for whoever asked for it:
 * `lbd reload` shows the line of the file that is wrong as well.
 */
#ifndef COMPLAIN_H
#define COMPLAIN_H

#include <stdlib.h>
#include "loader.h"

/* fail() for functions that return whether all went well: false. */
#define complain(...) (fail(__VA_ARGS__) == EXIT_SUCCESS)

/* From now on all that fail() says is kept. */
void keep_complaints(void);

/* What was kept since the last call, a line each; or "". */
const char *take_complaints(void);

#endif
