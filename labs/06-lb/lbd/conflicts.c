// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What cannot be balanced at once, though each line of the file is right. */
#include <string.h>
#include "complain.h"
#include "conflicts.h"
#include "names.h"

/* Complains of the VIP with that number in CONFIG. */
static bool is_new_vip(const char *path, const struct config *config, int i)
{
	const struct config_vip *vip = &config->vips[i];
	char text[NAME_TEXT];

	for (int j = 0; j < i; j++) {
		const struct config_vip *other = &config->vips[j];

		if (!memcmp(&vip->service, &other->service,
			    sizeof(vip->service)))
			return complain("%s: line %d: %s is a VIP already, "
					"line %d",
					path, vip->line,
					vip_text(&vip->service, text),
					other->line);
	}
	return true;
}

/*
 * A VIP that is a backend would be balanced again, by whoever gets there, and
 * its answers taken for those of a backend.
 */
static bool is_no_vip(const char *path, const struct config *config,
		      const struct config_backend *b)
{
	char text[NAME_TEXT];

	for (int i = 0; i < config->vip_count; i++) {
		const struct config_vip *vip = &config->vips[i];

		if (!memcmp(b->address, vip->service.address,
			    sizeof(b->address)))
			return complain("%s: line %d: %s is the address of a "
					"VIP, line %d; it cannot be a backend",
					path, b->line,
					address_text(b->address, text),
					vip->line);
	}
	return true;
}

static bool same(const struct config_backend *a, const struct config_backend *b)
{
	return a->port == b->port &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

/* Are the backends A and B, of VIP and of a VIP above it or the same, not one? */
static bool are_two(const char *path, const struct config_vip *vip,
		    const struct config_backend *a,
		    const struct config_vip *other,
		    const struct config_backend *b)
{
	char text[NAME_TEXT], other_text[NAME_TEXT];

	if (!same(a, b))
		return true;
	address_text(a->address, text);
	if (vip == other)
		return complain("%s: line %d: %s is a backend of this VIP "
				"already, line %d",
				path, a->line, text, b->line);
	/* Its answers come from one address and port, and become one VIP's. */
	if (vip->mode != LB_NAT || other->mode != LB_NAT ||
	    vip->service.protocol != other->service.protocol)
		return true;
	return complain("%s: line %d: %s has that port for %s already, line "
			"%d: whose a reply is could not be told",
			path, a->line, text,
			vip_text(&other->service, other_text), b->line);
}

static bool is_new_backend(const char *path, const struct config *config, int i,
			   int k)
{
	const struct config_backend *all = config->backends;

	for (int j = 0; j <= i; j++) {
		const struct config_vip *other = &config->vips[j];

		for (int l = other->first; l < other->first + other->count; l++)
			if (l < k && !are_two(path, &config->vips[i], &all[k],
					      other, &all[l]))
				return false;
	}
	return true;
}

bool has_no_conflict(const char *path, const struct config *config)
{
	for (int i = 0; i < config->vip_count; i++) {
		const struct config_vip *vip = &config->vips[i];

		if (!is_new_vip(path, config, i))
			return false;
		for (int k = vip->first; k < vip->first + vip->count; k++)
			if (!is_no_vip(path, config, &config->backends[k]) ||
			    !is_new_backend(path, config, i, k))
				return false;
	}
	return true;
}
