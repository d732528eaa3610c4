/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prefixes and ports as the keys of the maps. */
#ifndef KEYS_H
#define KEYS_H

#include "maps.h"
#include "prefix.h"

enum { PORT_TEXT = 16 };

/* The key of P in `prefixes4` or `prefixes6`, in KEY: either has room. */
void prefix_key(const struct prefix *p, struct maps_prefix6 *key);

/* Reads TEXT, as 23/tcp or 53/udp, into P. Returns NULL, or what is wrong with it. */
const char *port_parse(const char *text, struct maps_port *p);

/* Writes P into TEXT, of PORT_TEXT bytes; returns TEXT. */
char *port_text(const struct maps_port *p, char *text);

#endif
