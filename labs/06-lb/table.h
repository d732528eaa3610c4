/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the data plane does, as a table for people. */
#ifndef TABLE_H
#define TABLE_H

#include "state.h"

/*
 * Prints a line for each VIP and one for each of its backends, with the share of
 * its VIP's packets that it got, and last what else became of packets, if any.
 */
void table_print(const struct lb_snapshot *snapshot);

#endif
