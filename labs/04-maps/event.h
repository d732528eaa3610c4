/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Drop events, and the names of what they tell. */
#ifndef EVENT_H
#define EVENT_H

#include "maps.h"

/* What VERDICT is called: passed, blocked_prefix …; "?" when there is none such. */
const char *verdict_name(__u32 verdict);

/* Prints EVENT on stdout, a line, with its time in seconds since boot. */
void print_event(const struct maps_event *event);

#endif
