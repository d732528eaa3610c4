/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the data plane holds and has counted, as it stands in the maps: whoever
 * wants to know it needs no other process.
 */
#ifndef STATE_H
#define STATE_H

#include <stdbool.h>
#include "lb.h"

/* File descriptors of the maps, by their names. */
struct lb_maps {
	int vips, rings, empty_ring, backends, flows, replies;
	int vip_counts, backend_counts, reasons, new_flows;
};

/* A VIP, with what `vips` says of it. */
struct lb_vip_entry {
	struct lb_service service;
	struct lb_vip vip;
};

/* What is configured, by number. */
struct lb_tables {
	struct lb_vip_entry vips[LB_VIPS_MAX + 1];   /* vip.number 0: none */
	struct lb_backend backends[LB_BACKENDS_MAX]; /* vip 0: none */
};

/* The same, with all that has been counted: enough for the table. */
struct lb_snapshot {
	struct lb_tables tables;
	struct lb_count vip_counts[LB_VIPS_MAX + 1];
	struct lb_count backend_counts[LB_BACKENDS_MAX];
	__u64 reasons[LB_REASONS];
};

/* What takes longer to count. */
struct lb_shares {
	__u32 ring_size;
	__u32 slots[LB_BACKENDS_MAX]; /* of the ring of its VIP */
	__u32 open[LB_BACKENDS_MAX];  /* flows that nobody has begun to close */
};

/* Opens the pinned maps. Returns false, having said why, when one is not there. */
bool maps_open(struct lb_maps *maps);
void maps_close(struct lb_maps *maps);

/*
 * Each reads one of them, and returns false, having said why, when it cannot.
 * All bytes of a result are set, so memcmp() tells whether two are the same.
 */
bool tables_read(const struct lb_maps *maps, struct lb_tables *tables);
bool state_read(const struct lb_maps *maps, struct lb_snapshot *snapshot);
bool shares_read(const struct lb_maps *maps, const struct lb_tables *tables,
		 struct lb_shares *shares);

/* Adds to OPEN, by number, the open flows of the backends in TABLES. */
bool flows_count(const struct lb_maps *maps, const struct lb_tables *tables,
		 __u32 *open);

/*
 * The ring of the VIP with that number, as it is in place, into RING, of SIZE
 * slots: zeroes when there is none.
 */
bool ring_read(const struct lb_maps *maps, __u32 vip, __u32 *ring, __u32 size);

/* How many slots each ring has; 0, having said why, when that cannot be known. */
__u32 ring_slots(const struct lb_maps *maps);

#endif
