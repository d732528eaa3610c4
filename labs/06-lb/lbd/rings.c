// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Puts new rings in the place of old ones. A ring is never changed: a packet finds
 * its way by the old one or by the new one, both of which are whole. For the same
 * reason the kernel, when a map in `rings` is replaced, returns only after an RCU
 * grace period, in which each program that runs has come to its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "complain.h"
#include "maglev.h"
#include "rings.h"

/* New rings that wait to be put in their places, all at once. */
struct batch {
	__u32 count;
	__u32 vips[LB_VIPS_MAX];
	int fds[LB_VIPS_MAX];
};

/* The ring of the VIP with that number, by TABLES, into RING, of SIZE slots. */
static bool make(const struct lb_tables *tables, __u32 vip, __u32 *ring,
		 __u32 size)
{
	static struct maglev_member members[LB_BACKENDS_MAX];
	int count = 0;

	for (__u32 n = 1; n < LB_BACKENDS_MAX; n++) {
		const struct lb_backend *b = &tables->backends[n];

		if (b->vip != vip)
			continue;
		members[count] = (struct maglev_member){
			.port = b->port,
			.weight = b->weight,
			.number = n,
			.up = b->state == LB_UP,
		};
		memcpy(members[count++].address, b->address, 16);
	}
	return maglev_fill(ring, size, members, count);
}

/* A map of RING, made as the data plane's own rings are; -1: it has complained. */
static int make_map(const struct lb_maps *maps, const __u32 *ring, __u32 size)
{
	__u32 *slots = malloc(size * sizeof(*slots)), count = size;
	struct bpf_map_info info = {};
	__u32 info_size = sizeof(info);
	int fd = -1;

	for (__u32 i = 0; slots && i < size; i++)
		slots[i] = i;
	if (slots &&
	    !bpf_obj_get_info_by_fd(maps->empty_ring, &info, &info_size)) {
		LIBBPF_OPTS(bpf_map_create_opts, options,
			    .map_flags = info.map_flags);

		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ring", sizeof(__u32),
				    sizeof(__u32), size, &options);
	}
	if (fd >= 0 && bpf_map_update_batch(fd, slots, ring, &count, NULL)) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		fail("make a ring: %s", strerror(errno));
	free(slots);
	return fd;
}

/* Adds the ring of that VIP to BATCH, unless it is in its place already. */
static bool prepare(const struct lb_maps *maps, const struct lb_tables *tables,
		    __u32 vip, __u32 size, struct batch *batch)
{
	__u32 *old = malloc(size * sizeof(*old));
	__u32 *new = malloc(size * sizeof(*new));
	bool well = old && new &&make(tables, vip, new, size);
	int fd;

	if (!well)
		fail("make a ring: out of memory");
	else if (!ring_read(maps, vip, old, size))
		well = false;
	else if (memcmp(old, new, size * sizeof(*old)) != 0) {
		fd = make_map(maps, new, size);
		well = fd >= 0;
		if (well) {
			batch->vips[batch->count] = vip;
			batch->fds[batch->count++] = fd;
		}
	}
	free(old);
	free(new);
	return well;
}

bool rings_put(const struct lb_maps *maps, const struct lb_tables *tables,
	       const bool *which)
{
	__u32 size = ring_slots(maps), count;
	struct batch batch = {};
	bool well = size != 0;

	for (__u32 vip = 1; well && vip <= LB_VIPS_MAX; vip++)
		if (which[vip])
			well = prepare(maps, tables, vip, size, &batch);
	count = batch.count;
	/* All in one system call, for it waits once then. */
	if (well && count &&
	    bpf_map_update_batch(maps->rings, batch.vips, batch.fds, &count,
				 NULL))
		well = complain("put ring %u in its place: %s",
				batch.vips[count < batch.count ? count : 0],
				strerror(errno));
	for (__u32 i = 0; i < batch.count; i++)
		close(batch.fds[i]);
	return well;
}

bool ring_remove(const struct lb_maps *maps, __u32 vip)
{
	return !bpf_map_delete_elem(maps->rings, &vip) || errno == ENOENT ||
	       complain("remove ring %u: %s", vip, strerror(errno));
}

/* By replacing a ring, of number 0, which is no VIP's. */
bool wait_for_readers(const struct lb_maps *maps)
{
	__u32 nobody = 0;

	return !bpf_map_update_elem(maps->rings, &nobody, &maps->empty_ring,
				    BPF_ANY) ||
	       complain("wait for a grace period: %s", strerror(errno));
}
