// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads the maps. Those that say what is configured are small, or are read in a
 * few system calls; of the counters only those that somebody has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "pins.h"
#include "state.h"

enum { BATCH = 4096 }; /* flows to a system call */

static bool wrong(const char *map)
{
	fail("read %s: %s", map, strerror(errno));
	return false;
}

/* -- the maps themselves -------------------------------------------------- */

static const char *const names[] = {
	"vips",	   "rings",	 "empty_ring",	   "backends", "flows",
	"replies", "vip_counts", "backend_counts", "reasons",  "new_flows"
};

enum { MAPS = sizeof(names) / sizeof(names[0]) };

_Static_assert(sizeof(struct lb_maps) == MAPS * sizeof(int), "a name each");

bool maps_open(struct lb_maps *maps)
{
	int *fds = &maps->vips;

	for (int i = 0; i < MAPS; i++) {
		fds[i] = pinned_map(names[i]);
		if (fds[i] >= 0)
			continue;
		while (i--)
			close(fds[i]);
		return false;
	}
	return true;
}

void maps_close(struct lb_maps *maps)
{
	for (int i = 0; i < MAPS; i++)
		close((&maps->vips)[i]);
}

/* -- what is configured --------------------------------------------------- */

static bool vips_read(int fd, struct lb_tables *tables)
{
	struct lb_service key, *before = NULL;
	struct lb_vip vip;

	while (!bpf_map_get_next_key(fd, before, &key)) {
		before = &key;
		/* An address alone, or what somebody has deleted just now. */
		if (bpf_map_lookup_elem(fd, &key, &vip) || !vip.number ||
		    vip.number > LB_VIPS_MAX)
			continue;
		tables->vips[vip.number].service = key;
		tables->vips[vip.number].vip = vip;
	}
	return errno == ENOENT || wrong("vips");
}

bool tables_read(const struct lb_maps *maps, struct lb_tables *tables)
{
	static __u32 keys[LB_BACKENDS_MAX];
	__u32 count = LB_BACKENDS_MAX, position;

	memset(tables, 0, sizeof(*tables));
	if (!vips_read(maps->vips, tables))
		return false;
	/* ENOENT: that was the last part of it. */
	return !bpf_map_lookup_batch(maps->backends, NULL, &position, keys,
				     tables->backends, &count, NULL) ||
	       errno == ENOENT || wrong("backends");
}

/* -- what is counted ------------------------------------------------------ */

static struct lb_count sum_count(int fd, __u32 key)
{
	__u64 sums[3];

	sum_values(fd, key, sums, 3);
	return (struct lb_count){ sums[0], sums[1], sums[2] };
}

bool state_read(const struct lb_maps *maps, struct lb_snapshot *snapshot)
{
	const struct lb_tables *tables = &snapshot->tables;

	memset(snapshot, 0, sizeof(*snapshot));
	if (!tables_read(maps, &snapshot->tables))
		return false;
	for (__u32 n = 0; n <= LB_VIPS_MAX; n++)
		if (tables->vips[n].vip.number)
			snapshot->vip_counts[n] =
				sum_count(maps->vip_counts, n);
	for (__u32 n = 0; n < LB_BACKENDS_MAX; n++)
		if (tables->backends[n].vip)
			snapshot->backend_counts[n] =
				sum_count(maps->backend_counts, n);
	for (__u32 reason = 0; reason < LB_REASONS; reason++)
		snapshot->reasons[reason] = sum_counters(maps->reasons, reason);
	return true;
}

/* -- flows ---------------------------------------------------------------- */

bool flows_count(const struct lb_maps *maps, const struct lb_tables *tables,
		 __u32 *open)
{
	static struct lb_flow flows[BATCH];
	static struct lb_track tracks[BATCH];
	__u32 position, count;
	void *from = NULL;
	int err;

	do {
		count = BATCH;
		err = bpf_map_lookup_batch(maps->flows, from, &position, flows,
					   tracks, &count, NULL);
		if (err && errno != ENOENT)
			return wrong("flows");
		from = &position;
		for (__u32 i = 0; i < count; i++) {
			__u16 n = tracks[i].backend % LB_BACKENDS_MAX;

			open[n] += !tracks[i].closing &&
				   tracks[i].generation ==
					   tables->backends[n].generation;
		}
	} while (!err);
	return true;
}

/* -- rings ---------------------------------------------------------------- */

__u32 ring_slots(const struct lb_maps *maps)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (!bpf_obj_get_info_by_fd(maps->empty_ring, &info, &size))
		return info.max_entries;
	wrong("empty_ring");
	return 0;
}

bool ring_read(const struct lb_maps *maps, __u32 vip, __u32 *ring, __u32 size)
{
	__u32 *keys, id, position, count = size;
	int fd, err;

	memset(ring, 0, size * sizeof(*ring));
	if (bpf_map_lookup_elem(maps->rings, &vip, &id))
		return errno == ENOENT || wrong("rings");
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return errno == ENOENT || wrong("rings"); /* just replaced */
	keys = malloc(size * sizeof(*keys));
	err = keys ? bpf_map_lookup_batch(fd, NULL, &position, keys, ring,
					  &count, NULL)
		   : -1;
	if (err && errno == ENOENT)
		err = 0; /* that was the last part of it */
	free(keys);
	close(fd);
	return !err || wrong("a ring");
}

static bool slots_count(const struct lb_maps *maps,
			const struct lb_tables *tables,
			struct lb_shares *shares)
{
	__u32 *ring = malloc(shares->ring_size * sizeof(*ring));
	bool well = ring != NULL;

	for (__u32 vip = 1; well && vip <= LB_VIPS_MAX; vip++) {
		if (!tables->vips[vip].vip.number)
			continue;
		well = ring_read(maps, vip, ring, shares->ring_size);
		for (__u32 i = 0; well && i < shares->ring_size; i++)
			if (ring[i] && ring[i] < LB_BACKENDS_MAX)
				shares->slots[ring[i]]++;
	}
	free(ring);
	return well;
}

bool shares_read(const struct lb_maps *maps, const struct lb_tables *tables,
		 struct lb_shares *shares)
{
	memset(shares, 0, sizeof(*shares));
	shares->ring_size = ring_slots(maps);
	return shares->ring_size && slots_count(maps, tables, shares) &&
	       flows_count(maps, tables, shares->open);
}
