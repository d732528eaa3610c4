/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Backends as a command names them. */
#ifndef WHO_H
#define WHO_H

#include "state.h"

struct who {
	__be32 address[4];
	__be16 port; /* 0: whatever it is */
};

/*
 * Reads TEXT, as 10.0.6.11, 10.0.6.11:8080, fd00:6::11 or [fd00:6::11]:8080, into
 * WHO. Returns NULL, or what is wrong with it.
 */
const char *who_parse(const char *text, struct who *who);

/*
 * Is the backend with that NUMBER in TABLES one that WHO names? Its port is that of
 * its VIP where it has none of its own.
 */
bool is_named(const struct who *who, const struct lb_tables *tables,
	      __u32 number);

#endif
