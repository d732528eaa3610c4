/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which backends answer: a TCP connection to each, again and again. */
#ifndef HEALTH_H
#define HEALTH_H

#include "config.h"
#include "state.h"

/*
 * From now on checks the backends in TABLES as CONFIG says, and no others. Those
 * that it knows go on with what it knows of them. CHANGED is told when one is found
 * down, and WHY, or up again, WHY being NULL.
 */
void health_follow(const struct config *config, const struct lb_tables *tables,
		   void (*changed)(__u32 backend, const char *why));

/* Checks nobody any more, and knows nobody. */
void health_forget(void);

/* Have its checks found BACKEND, a number, down? */
bool is_found_down(__u32 backend);

/* Does what is due. Returns in how many milliseconds something is again. */
int health_tick(void);

#endif
