/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's habit of making a jump of a probe's breakpoint, which is a trap. It is
 * one switch for the whole kernel.
 */
#ifndef OPTIMIZATION_H
#define OPTIMIZATION_H

#include <stdbool.h>

/* Does this kernel make such jumps at all? It does on x86-64, and not on arm64. */
bool can_optimize(void);

/*
 * Switches it off, if it is on, until restore_optimization() or the end of this process,
 * however that comes. Returns false, with errno, when it cannot.
 */
bool stop_optimization(void);

/* Switches it on again, if stop_optimization() has switched it off. */
void restore_optimization(void);

#endif
