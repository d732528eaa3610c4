// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which numbers VIPs and backends have. */
#include <string.h>
#include "assign.h"

__u16 find_vip(const struct lb_tables *tables, const struct lb_service *service)
{
	for (int n = 1; n <= LB_VIPS_MAX; n++)
		if (tables->vips[n].vip.number &&
		    !memcmp(&tables->vips[n].service, service,
			    sizeof(*service)))
			return n;
	return 0;
}

/* -- VIPs ----------------------------------------------------------------- */

static __u16 free_vip(const struct lb_tables *old, const struct lb_tables *new)
{
	for (int n = 1; n <= LB_VIPS_MAX; n++)
		if (!old->vips[n].vip.number && !new->vips[n].vip.number)
			return n;
	return 0;
}

/* The number that VIP has now; 0: none was free. */
static __u16 assign_vip(const struct config_vip *vip,
			const struct lb_tables *old, struct lb_tables *new)
{
	__u16 n = find_vip(old, &vip->service);

	if (!n)
		n = free_vip(old, new);
	if (n)
		new->vips[n] = (struct lb_vip_entry){
			.service = vip->service,
			.vip = { .number = n,
				 .mode = vip->mode,
				 .new_flows = vip->new_flows },
		};
	return n;
}

/* -- backends ------------------------------------------------------------- */

static __u16 find_backend(const struct lb_tables *tables, __u16 vip,
			  const struct config_backend *b)
{
	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		const struct lb_backend *other = &tables->backends[n];

		if (other->vip == vip && other->port == b->port &&
		    !memcmp(other->address, b->address, sizeof(b->address)))
			return n;
	}
	return 0;
}

/* A number from FROM on that is free; 0: there is none. */
static __u16 free_backend(const struct lb_tables *old,
			  const struct lb_tables *new, __u16 from)
{
	for (int n = from; n < LB_BACKENDS_MAX; n++)
		if (!old->backends[n].vip && !new->backends[n].vip)
			return n;
	return 0;
}

/* It is what it was. But what is no longer checked cannot be down. */
static void keep_backend(struct lb_backend *now, const struct lb_backend *then,
			 const struct config_backend *b, bool checked)
{
	*now = *then;
	now->weight = b->weight;
	if (now->state == LB_DOWN && !checked)
		now->state = LB_UP;
}

/* It is up until its checks say otherwise: most are. */
static void new_backend(struct lb_backend *now, const struct lb_backend *last,
			const struct config_backend *b, __u16 vip)
{
	*now = (struct lb_backend){
		.port = b->port,
		.vip = vip,
		.generation = last->generation ?: 1,
		.state = LB_UP,
		.weight = b->weight,
	};
	memcpy(now->address, b->address, sizeof(now->address));
}

/* The backends of VIP, which has number N, and had number WAS, or 0. */
static bool assign_backends(const struct config *config,
			    const struct config_vip *vip, __u16 n, __u16 was,
			    const struct lb_tables *old, struct lb_tables *new)
{
	__u16 next = 1;

	for (int i = vip->first; i < vip->first + vip->count; i++) {
		const struct config_backend *b = &config->backends[i];
		__u16 k = was ? find_backend(old, was, b) : 0;

		if (k)
			keep_backend(&new->backends[k], &old->backends[k], b,
				     vip->check.on);
		else if (next && (next = free_backend(old, new, next)))
			new_backend(&new->backends[next], &old->backends[next],
				    b, n);
	}
	return next;
}

/*
 * What is nobody's in NEW. The address stays: a program on another CPU may be
 * about to send there, and has the generation read already, or not yet.
 */
static void leave(const struct lb_tables *old, struct lb_tables *new)
{
	for (int n = 0; n < LB_BACKENDS_MAX; n++) {
		if (new->backends[n].vip)
			continue;
		new->backends[n] = old->backends[n];
		new->backends[n].vip = 0;
		if (old->backends[n].vip)
			new->backends[n].generation++;
	}
}

bool assign(const struct config *config, const struct lb_tables *old,
	    struct lb_tables *new)
{
	bool enough = true;

	memset(new, 0, sizeof(*new));
	for (int i = 0; i < config->vip_count; i++) {
		const struct config_vip *vip = &config->vips[i];
		__u16 was = find_vip(old, &vip->service);
		__u16 n = assign_vip(vip, old, new);

		if (!n || !assign_backends(config, vip, n, was, old, new))
			enough = false;
	}
	leave(old, new);
	return enough;
}
