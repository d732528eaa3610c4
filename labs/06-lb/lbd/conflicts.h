/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What cannot be balanced at once, though each line of the file is right. */
#ifndef CONFLICTS_H
#define CONFLICTS_H

#include "config.h"

/* Can all of CONFIG, read from PATH, be? If not, it has complained of the line. */
bool has_no_conflict(const char *path, const struct config *config);

#endif
