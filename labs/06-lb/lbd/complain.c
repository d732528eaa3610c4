// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the daemon fails to do, kept for whoever asked for it. */
#include <stdio.h>
#include <string.h>
#include "complain.h"

enum { COMPLAINTS = 2048 }; /* bytes; what comes after that is on stderr only */

static char kept[COMPLAINTS];

static void keep(const char *text)
{
	size_t length = strlen(kept);

	snprintf(kept + length, sizeof(kept) - length, "%s%s",
		 length ? "\n" : "", text);
}

void keep_complaints(void)
{
	overhear_failures(keep);
}

const char *take_complaints(void)
{
	static char taken[COMPLAINTS];

	strcpy(taken, kept);
	kept[0] = '\0';
	return taken;
}
