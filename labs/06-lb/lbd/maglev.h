/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring of a VIP, after Maglev (Eisenbud et al., NSDI 2016): each backend has
 * an order of preference among all slots, of its own; by turns each takes the
 * free slot that it likes best, with twice the weight twice as often, until none
 * is free. So each gets its share to the slot, and when one leaves, the others
 * mostly keep what they had.
 *
 * Two things differ from the paper. An order of preference is drawn from a hash,
 * slot by slot, instead of counted off in steps: two backends that count in
 * similar steps meet all the way, and when a third leaves they swap slots. And a
 * backend that is down, or drains, keeps its turns: only what it has so is then
 * given to the others, and no other slot changes hands.
 */
#ifndef MAGLEV_H
#define MAGLEV_H

#include <stdbool.h>
#include "lb.h"

struct maglev_member {
	__be32 address[4];
	__be16 port;
	__u16 weight; /* with 0 it is no member */
	__u16 number; /* what its slots hold */
	bool up;
};

/*
 * Fills RING, of SIZE slots, with the numbers of those of COUNT MEMBERS that are
 * up, or with 0 when none is. Which member gets which slot depends on addresses,
 * ports, weights and who is up alone, so load balancers that know the same
 * members make the same ring. Sorts MEMBERS. Returns false: out of memory.
 */
bool maglev_fill(__u32 *ring, __u32 size, struct maglev_member *members,
		 int count);

#endif
