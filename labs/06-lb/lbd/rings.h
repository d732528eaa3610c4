/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts new rings in the place of old ones. */
#ifndef RINGS_H
#define RINGS_H

#include "state.h"

/*
 * Makes the rings of those VIPs that WHICH, by number, names what TABLES say, and
 * puts those that are not so yet in their places. When it returns, no packet finds
 * its way by an old one any more. Returns false, having complained.
 */
bool rings_put(const struct lb_maps *maps, const struct lb_tables *tables,
	       const bool *which);

/* Removes the ring of the VIP with that number, which nobody has any more. */
bool ring_remove(const struct lb_maps *maps, __u32 vip);

/*
 * Waits until no program runs that began before this call: what it may have read
 * from a map before that, a number say, it no longer holds.
 */
bool wait_for_readers(const struct lb_maps *maps);

#endif
