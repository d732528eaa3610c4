/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is in the maps, in words. */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include "lb.h"

enum { NAME_TEXT = 64 }; /* room for an address, a port and a protocol */

/* NULL for a number that has no name. */
const char *mode_name(__u32 mode);
const char *state_name(__u32 state);
const char *reason_name(__u32 reason);

/* "tcp" or "udp". */
const char *protocol_name(__u8 protocol);

/* Is ADDRESS an IPv4 address, ::ffff:a.b.c.d? */
bool is_ipv4(const __be32 *address);

/* Each writes into TEXT, of NAME_TEXT bytes, and returns it. */
char *address_text(const __be32 *address, char *text); /* 10.0.6.100 */
char *vip_text(const struct lb_service *vip,
	       char *text); /* 10.0.6.100 80/tcp */
char *backend_text(const struct lb_backend *b, char *text); /* 10.0.6.11 8080 */

#endif
