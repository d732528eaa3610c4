/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes the data plane do what the file says. */
#ifndef APPLY_H
#define APPLY_H

#include "config.h"
#include "state.h"

/* What a change came to. */
struct changes {
	int vips, backends; /* that there are now */
	int new, gone;	    /* backends */
};

/*
 * Changes in MAPS what is not as CONFIG says, and nothing else. NOW is what is
 * there then, also when it fails; CHANGES what was changed. Returns false, having
 * complained; a later call mends what is half done.
 */
bool apply(const struct lb_maps *maps, const struct config *config,
	   struct lb_tables *now, struct changes *changes);

#endif
