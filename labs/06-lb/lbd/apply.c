// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes the data plane do what the file says, packet by packet without a gap. The
 * maps are all that is known of what was before, so it does not matter who wrote
 * them, or how far he came. The order is such that whatever a packet finds in one
 * map is in the next one already, or still:
 *
 *     1. new backends       in numbers that no ring and no flow refers to
 *     2. rings              which refer to them, in the place of the old ones
 *     3. replies            of backends that may get a packet from now on
 *     4. vips               those that went, then those that came or changed
 *     5. backends that left since 2. no ring refers to them; with the next
 *                           generation no flow does; and so nobody answers
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "apply.h"
#include "assign.h"
#include "complain.h"
#include "names.h"
#include "rings.h"

/* From what there is to what there shall be. */
struct plan {
	const struct lb_maps *maps;
	struct lb_tables old, new;
};

static bool is_new_vip(const struct plan *p, int n)
{
	return p->new.vips[n].vip.number && !p->old.vips[n].vip.number;
}

static bool is_new(const struct plan *p, int n)
{
	return p->new.backends[n].vip && !p->old.backends[n].vip;
}

static bool has_left(const struct plan *p, int n)
{
	return p->old.backends[n].vip && !p->new.backends[n].vip;
}

/* -- 1. new backends ------------------------------------------------------ */

/* Sets the value at KEY of a per-CPU array to 0. */
static bool clear_count(int fd, __u32 key, const char *map)
{
	int cpus = libbpf_num_possible_cpus();
	struct lb_count *zeroes = calloc(cpus > 0 ? cpus : 1, sizeof(*zeroes));
	bool well = zeroes && !bpf_map_update_elem(fd, &key, zeroes, BPF_ANY);

	free(zeroes);
	return well || complain("clear %s: %s", map, strerror(errno));
}

static bool write_backend(const struct plan *p, __u32 n)
{
	const struct lb_backend *b = &p->new.backends[n];
	char text[NAME_TEXT];

	return !bpf_map_update_elem(p->maps->backends, &n, b, BPF_ANY) ||
	       complain("write backend %s: %s", backend_text(b, text),
			strerror(errno));
}

/* Those that are new, and what is new of the others. */
static bool write_backends(const struct plan *p)
{
	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		if (!p->new.backends[n].vip ||
		    !memcmp(&p->old.backends[n], &p->new.backends[n],
			    sizeof(p->new.backends[n])))
			continue;
		if (is_new(p, n) &&
		    !clear_count(p->maps->backend_counts, n, "backend_counts"))
			return false;
		if (!write_backend(p, n))
			return false;
	}
	return true;
}

/* A new VIP has counted nothing yet. */
static bool clear_vips(const struct plan *p)
{
	const struct lb_window window = {};

	for (__u32 n = 1; n <= LB_VIPS_MAX; n++) {
		if (!is_new_vip(p, n))
			continue;
		if (!clear_count(p->maps->vip_counts, n, "vip_counts"))
			return false;
		if (bpf_map_update_elem(p->maps->new_flows, &n, &window,
					BPF_ANY))
			return complain("clear new_flows: %s", strerror(errno));
	}
	return true;
}

/*
 * A number that was given up must not be given anew while a program may still
 * hold it that read it before: of this, and of what a killed lbd gave up last.
 */
static bool begin_numbers(const struct plan *p)
{
	bool any = false;

	for (int n = 1; n < LB_BACKENDS_MAX && !any; n++)
		any = is_new(p, n) || (n <= LB_VIPS_MAX && is_new_vip(p, n));
	return !any || wait_for_readers(p->maps);
}

/* -- 2. rings ------------------------------------------------------------- */

static bool put_rings(const struct plan *p)
{
	bool which[LB_VIPS_MAX + 1];

	for (int n = 0; n <= LB_VIPS_MAX; n++)
		which[n] = p->new.vips[n].vip.number;
	return rings_put(p->maps, &p->new, which);
}

/* -- 3. replies ----------------------------------------------------------- */

/* What backend N answers from. Is that translated? */
static bool reply_key(const struct lb_tables *tables, int n,
		      struct lb_service *key)
{
	const struct lb_backend *b = &tables->backends[n];
	const struct lb_vip_entry *vip = &tables->vips[b->vip];

	memset(key, 0, sizeof(*key));
	memcpy(key->address, b->address, sizeof(key->address));
	key->port = b->port;
	key->protocol = vip->service.protocol;
	return b->vip && vip->vip.mode == LB_NAT;
}

static bool put_replies(const struct plan *p)
{
	struct lb_service key, there;
	char text[NAME_TEXT];

	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		const struct lb_backend *b = &p->new.backends[n];
		const struct lb_service *vip = &p->new.vips[b->vip].service;

		if (!reply_key(&p->new, n, &key) ||
		    (!bpf_map_lookup_elem(p->maps->replies, &key, &there) &&
		     !memcmp(&there, vip, sizeof(there))))
			continue;
		if (bpf_map_update_elem(p->maps->replies, &key, vip, BPF_ANY))
			return complain("write the reply of %s: %s",
					backend_text(b, text), strerror(errno));
	}
	return true;
}

static bool wants_reply(const struct lb_tables *tables,
			const struct lb_service *key)
{
	struct lb_service other;

	for (int n = 1; n < LB_BACKENDS_MAX; n++)
		if (tables->backends[n].port == key->port &&
		    reply_key(tables, n, &other) &&
		    !memcmp(&other, key, sizeof(other)))
			return true;
	return false;
}

/* -- 4. VIPs -------------------------------------------------------------- */

/* The key of the address alone of VIP: fragments have no more. */
static struct lb_service alone(const struct lb_service *vip)
{
	struct lb_service address = {};

	memcpy(address.address, vip->address, sizeof(address.address));
	return address;
}

static bool wants_vip(const struct lb_tables *tables,
		      const struct lb_service *key)
{
	for (int n = 1; n <= LB_VIPS_MAX; n++) {
		const struct lb_vip_entry *vip = &tables->vips[n];
		struct lb_service address = alone(&vip->service);

		if (vip->vip.number &&
		    (!memcmp(key, &vip->service, sizeof(*key)) ||
		     !memcmp(key, &address, sizeof(*key))))
			return true;
	}
	return false;
}

static bool write_vip(const struct plan *p, const struct lb_vip_entry *vip)
{
	const struct lb_service address = alone(&vip->service);
	const struct lb_vip none = {};
	char text[NAME_TEXT];

	/* The address first: what lbd is killed after is then mended by the next. */
	return (!bpf_map_update_elem(p->maps->vips, &address, &none, BPF_ANY) &&
		!bpf_map_update_elem(p->maps->vips, &vip->service, &vip->vip,
				     BPF_ANY)) ||
	       complain("write VIP %s: %s", vip_text(&vip->service, text),
			strerror(errno));
}

static bool write_vips(const struct plan *p)
{
	for (int n = 1; n <= LB_VIPS_MAX; n++) {
		const struct lb_vip_entry *vip = &p->new.vips[n];

		if (vip->vip.number &&
		    memcmp(&p->old.vips[n], vip, sizeof(*vip)) != 0 &&
		    !write_vip(p, vip))
			return false;
	}
	return true;
}

/* Deletes from the MAP FD what TABLES do not want there. */
static bool delete_others(int fd, const char *map,
			  const struct lb_tables *tables,
			  bool (*wants)(const struct lb_tables *tables,
					const struct lb_service *key))
{
	struct lb_service key, next;
	int end = bpf_map_get_next_key(fd, NULL, &next);

	while (!end) {
		key = next;
		end = bpf_map_get_next_key(fd, &key, &next);
		if (!wants(tables, &key) && bpf_map_delete_elem(fd, &key) &&
		    errno != ENOENT)
			return complain("delete from %s: %s", map,
					strerror(errno));
	}
	return true;
}

/* -- 5. backends that left ------------------------------------------------ */

static bool release_backends(const struct plan *p)
{
	for (int n = 1; n < LB_BACKENDS_MAX; n++)
		if (has_left(p, n) && !write_backend(p, n))
			return false;
	return true;
}

static bool remove_rings(const struct plan *p)
{
	__u32 id;

	for (__u32 n = 1; n <= LB_VIPS_MAX; n++)
		if (!p->new.vips[n].vip.number &&
		    !bpf_map_lookup_elem(p->maps->rings, &n, &id) &&
		    !ring_remove(p->maps, n))
			return false;
	return true;
}

/* -- all ------------------------------------------------------------------ */

static bool carry_out(const struct plan *p)
{
	return begin_numbers(p) && clear_vips(p) && write_backends(p) &&
	       put_rings(p) && put_replies(p) &&
	       delete_others(p->maps->vips, "vips", &p->new, wants_vip) &&
	       write_vips(p) && release_backends(p) &&
	       delete_others(p->maps->replies, "replies", &p->new,
			     wants_reply) &&
	       remove_rings(p);
}

static void count_changes(const struct plan *p, struct changes *changes)
{
	changes->vips = changes->backends = 0;
	for (int n = 1; n <= LB_VIPS_MAX; n++)
		changes->vips += p->new.vips[n].vip.number != 0;
	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		changes->backends += p->new.backends[n].vip != 0;
		changes->new += is_new(p, n);
		changes->gone += has_left(p, n);
	}
}

bool apply(const struct lb_maps *maps, const struct config *config,
	   struct lb_tables *now, struct changes *changes)
{
	static struct plan p;
	bool enough = false, well = true;

	*changes = (struct changes){};
	p.maps = maps;
	/*
	 * With too few numbers for those that come beside those that go: first as
	 * many as there is room for. Then the others have gone.
	 */
	for (int times = 0; well && !enough && times < 2; times++) {
		if (!tables_read(maps, &p.old))
			return complain("nothing is changed");
		enough = assign(config, &p.old, &p.new);
		well = carry_out(&p);
		count_changes(&p, changes);
	}
	return tables_read(maps, now) && well;
}
