// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How good the rings of lab 06 are, over 200,000 flows: how evenly they spread
 * flows, and how many they move that need not move when a backend leaves. Each
 * figure is the worst over several sets of backends. Says what missed its target.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include "hash.h"
#include "lbd/maglev.h"

enum { FLOWS = 200000, SETS = 20, MOST = 4096, SLOTS_MAX = 65537 };

static struct maglev_member members[MOST];
static __u32 hashes[FLOWS]; /* of the flows */
static __u32 before[SLOTS_MAX], after[SLOTS_MAX];
static int missed;

/* Clients of a few networks, with ports as a kernel gives them, to one VIP. */
static void make_flows(void)
{
	for (int i = 0; i < FLOWS; i++) {
		struct lb_flow flow = { .port = htons(32768 + i % 28232),
					.vip = 1 };
		__u32 client = htonl(0xc0000200 + i % 5000);

		flow.address[2] = htonl(0xffff);
		flow.address[3] = client;
		hashes[i] = flow_hash(&flow);
	}
}

/* Set number SET of COUNT backends: neighbours in a subnet, as they are in life. */
static void make_members(int set, int count)
{
	for (int i = 0; i < count; i++) {
		__u32 address = htonl(0x0a000000 + (set << 16) + 11 + i);

		members[i] = (struct maglev_member){ .port = htons(8080),
						     .weight = 1,
						     .number = i + 1,
						     .up = true };
		members[i].address[2] = htonl(0xffff);
		members[i].address[3] = address;
	}
}

static void fill(__u32 *ring, __u32 size, int count)
{
	if (!maglev_fill(ring, size, members, count))
		exit(EXIT_FAILURE);
}

/* The place of the member with that number. (The ring's maker sorts them.) */
static int place_of(int number, int count)
{
	int place = 0;

	while (place < count && members[place].number != number)
		place++;
	return place;
}

static void judge(const char *what, int count, __u32 size, double is,
		  double limit)
{
	printf("%-44s %4d backends, %5u slots: %8.4f (limit %g)\n", what, count,
	       size, is, limit);
	if (is <= limit)
		return;
	fprintf(stderr, "quality: %s misses its limit\n", what);
	missed++;
}

static void keep_worst(double *worst, double figure)
{
	if (figure > *worst)
		*worst = figure;
}

/* The greatest number of flows, or of slots, of a backend to the mean of all. */
static double imbalance(const __u32 *ring, __u32 size, int count, bool flows)
{
	int loads[MOST + 1] = {}, most = 0, all = flows ? FLOWS : size;

	for (int i = 0; i < all; i++)
		loads[ring[flows ? slot_of(hashes[i], size) : (__u32)i]]++;
	for (int n = 1; n <= count; n++)
		if (loads[n] > most)
			most = loads[n];
	return (double)most * count / all;
}

/* The share, in %, of the flows of others than GONE that change their backend. */
static double needless(__u32 size, __u32 gone)
{
	int stay = 0, moved = 0;

	for (int i = 0; i < FLOWS; i++) {
		__u32 slot = slot_of(hashes[i], size);

		stay += before[slot] != gone;
		moved += before[slot] != gone && before[slot] != after[slot];
	}
	return 100.0 * moved / stay;
}

/* COUNT backends: even, then one is down, then it is out of the file as well. */
static void try_size(__u32 size, int count, double limit_slots,
		     double limit_down, double limit_left)
{
	double slots = 0, flows = 0, down = 0, left = 0;

	for (int set = 0; set < SETS; set++) {
		int gone = 1 + set % count, place;

		make_members(set, count);
		fill(before, size, count);
		keep_worst(&slots, imbalance(before, size, count, false));
		keep_worst(&flows, imbalance(before, size, count, true));

		place = place_of(gone, count);
		members[place].up = false;
		fill(after, size, count);
		keep_worst(&down, needless(size, gone));
		/* With one fewer the mean is greater. */
		keep_worst(&slots, imbalance(after, size, count, false) *
					   (count - 1) / count);

		members[place] = members[count - 1];
		fill(after, size, count - 1);
		keep_worst(&left, needless(size, gone));
	}
	judge("slots, most / mean", count, size, slots, limit_slots);
	if (count <= 100)
		judge("flows, most / mean", count, size, flows,
		      count <= 10 ? 1.05 : 1.15);
	judge("moved needlessly, one down, %", count, size, down, limit_down);
	judge("moved needlessly, one left, %", count, size, left, limit_left);
}

/* Weights 1, 2 and 4: how far the worst is from its share, in % of it. */
static void try_weights(__u32 size)
{
	static const int weights[] = { 1, 2, 4 };
	double worst = 0;

	for (int set = 0; set < SETS; set++) {
		int loads[4] = {};

		make_members(set, 3);
		for (int i = 0; i < 3; i++)
			members[i].weight = weights[i];
		fill(before, size, 3);
		for (int i = 0; i < FLOWS; i++)
			loads[before[slot_of(hashes[i], size)]]++;
		for (int i = 0; i < 3; i++) {
			double share = FLOWS * weights[i] / 7.0;

			keep_worst(&worst,
				   100 * (loads[i + 1] > share
						  ? loads[i + 1] / share - 1
						  : 1 - loads[i + 1] / share));
		}
	}
	judge("weights 1:2:4, off their share, %", 3, size, worst, 2);
}

/* Neither the order of the members nor their numbers make another ring. */
static void try_order(__u32 size, int count)
{
	make_members(0, count);
	fill(before, size, count);
	for (int i = 0; i < count; i++) {
		struct maglev_member m = members[i];
		int other = (i * 7919 + 3) % count;

		members[i] = members[other];
		members[other] = m;
	}
	for (int i = 0; i < count; i++)
		members[i].number = count + 1 - members[i].number;
	fill(after, size, count);
	for (__u32 i = 0; i < size; i++)
		if (before[i] + after[i] != (__u32)count + 1) {
			fprintf(stderr, "quality: the order decides\n");
			missed++;
			return;
		}
}

/* Who has no weight, or is not up, has no slot; with nobody all are 0. */
static void try_nobody(__u32 size)
{
	make_members(0, 2);
	members[0].weight = 0;
	members[1].up = false;
	fill(before, size, 2);
	fill(after, size, 0);
	for (__u32 i = 0; i < size; i++)
		if (before[i] || after[i]) {
			fprintf(stderr, "quality: nobody has a slot\n");
			missed++;
			return;
		}
}

static void try_time(__u32 size, int count, int heaviest)
{
	struct timespec start, end;

	make_members(0, count);
	members[0].weight = heaviest;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	fill(before, size, count);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	printf("made in %.1f ms: %d backends, %u slots, weights 1 to %d\n",
	       (end.tv_sec - start.tv_sec) * 1e3 +
		       (end.tv_nsec - start.tv_nsec) / 1e6,
	       count, size, heaviest);
}

int main(void)
{
	make_flows();
	try_size(65537, 2, 1.001, 0, 0.5);
	try_size(65537, 10, 1.02, 0, 0.5);
	try_size(65537, 100, 1.02, 0, 1);
	try_size(65537, 500, 1.05, 0, 1);
	try_size(4093, 10, 1.05, 0, 2);
	try_size(4093, 100, 1.1, 0, 4);
	try_weights(65537);
	try_weights(4093);
	try_order(4093, 100);
	try_nobody(4093);
	try_time(65537, 10, 1);
	try_time(65537, 500, 1);
	try_time(65537, MOST, 1);
	try_time(65537, MOST, 1000);
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}
