/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which numbers VIPs and backends have. Who stays keeps its own, and a backend its
 * generation and its state: so flows, which know numbers and generations, go on.
 */
#ifndef ASSIGN_H
#define ASSIGN_H

#include "config.h"
#include "state.h"

/*
 * Finds out what of CONFIG is in OLD, gives what is not a number that is nobody's
 * in OLD, and says in NEW what there shall be. Backends that leave have the next
 * generation there. Returns false when too few numbers are free; then NEW has
 * those for whom there is one, and leaves out the others.
 */
bool assign(const struct config *config, const struct lb_tables *old,
	    struct lb_tables *new);

/* The VIP of that service in TABLES: its number, or 0. */
__u16 find_vip(const struct lb_tables *tables,
	       const struct lb_service *service);

#endif
