// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The ring of a VIP, after Maglev. */
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "maglev.h"

/* How far a member has come. */
struct turn {
	__u32 seed[2]; /* what its preferences are drawn from */
	__u32 drawn;   /* so many of them */
	__u32 credit;  /* with enough of it, it may take a slot */
};

/* What order the turns have: any will do, as long as all have the same. */
static int compare(const void *a, const void *b)
{
	const struct maglev_member *x = a, *y = b;
	int order = memcmp(x->address, y->address, sizeof(x->address));

	return order ? order : memcmp(&x->port, &y->port, sizeof(x->port));
}

static __u32 seed(const struct maglev_member *m, __u16 which)
{
	struct lb_flow key = { .port = m->port, .vip = which };

	memcpy(key.address, m->address, sizeof(key.address));
	return flow_hash(&key);
}

/* The slot that it likes best of those that it has not been asked for yet. */
static __u32 next_slot(struct turn *turn, __u32 size)
{
	return slot_of(mix_last(turn->seed[0], turn->seed[1], turn->drawn++),
		       size);
}

static void take_slot(__u32 *ring, __u32 size, struct turn *turn, __u32 number)
{
	__u32 slot;

	do
		slot = next_slot(turn, size);
	while (ring[slot]);
	ring[slot] = number;
}

static bool takes_part(const struct maglev_member *m, bool only_up)
{
	return m->weight && (m->up || !only_up);
}

/* Gets the turns ready. Returns the greatest weight; 0: nobody takes part. */
static __u32 begin(struct turn *turns, const struct maglev_member *members,
		   int count, bool only_up)
{
	__u32 greatest = 0;

	for (int i = 0; i < count; i++) {
		turns[i] = (struct turn){ .seed = { seed(&members[i], 0),
						    seed(&members[i], 1) } };
		if (takes_part(&members[i], only_up) &&
		    members[i].weight > greatest)
			greatest = members[i].weight;
	}
	return greatest;
}

/* Fills RING with all members, or with those that are up. */
static void fill(__u32 *ring, __u32 size, const struct maglev_member *members,
		 int count, struct turn *turns, bool only_up)
{
	__u32 greatest = begin(turns, members, count, only_up), taken = 0;

	memset(ring, 0, size * sizeof(*ring));
	while (greatest && taken < size) {
		/* A round: the heaviest have a turn in each, others in some. */
		for (int i = 0; i < count && taken < size; i++) {
			if (!takes_part(&members[i], only_up))
				continue;
			turns[i].credit += members[i].weight;
			if (turns[i].credit < greatest)
				continue;
			turns[i].credit -= greatest;
			take_slot(ring, size, &turns[i], members[i].number);
			taken++;
		}
	}
}

/* Gives the slots in RING of members that are not up to who has them in OTHER. */
static void give_away(__u32 *ring, const __u32 *other, __u32 size,
		      const struct maglev_member *members, int count)
{
	static bool up[LB_BACKENDS_MAX];

	for (int i = 0; i < count; i++)
		up[members[i].number] = members[i].up;
	for (__u32 slot = 0; slot < size; slot++)
		if (!ring[slot] || !up[ring[slot]])
			ring[slot] = other[slot];
}

bool maglev_fill(__u32 *ring, __u32 size, struct maglev_member *members,
		 int count)
{
	struct turn *turns = calloc(count + 1, sizeof(*turns));
	__u32 *other = malloc(size * sizeof(*other));
	bool well = turns && other;

	if (well) {
		qsort(members, count, sizeof(*members), compare);
		fill(ring, size, members, count, turns, false);
		fill(other, size, members, count, turns, true);
		give_away(ring, other, size, members, count);
	}
	free(turns);
	free(other);
	return well;
}
