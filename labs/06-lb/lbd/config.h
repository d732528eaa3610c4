/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file that says what is balanced:
 *
 *     vip 10.0.6.100 80/tcp nat new-flows 1000    # at most so many a second
 *       backend 10.0.6.11 8080 weight 2
 *       backend 10.0.6.12 8080
 *       check interval 0.5 fall 3 rise 2          # or: check none
 *     vip fd00:6::100 53/udp dsr
 *       backend fd00:6::11
 *
 * A backend, and a check, is of the VIP above it.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include "lb.h"

enum { LB_WEIGHT_MAX = 1000 };

/* How the backends of a VIP are checked: by a TCP connection to each. */
struct config_check {
	bool on;	  /* if not, what comes of it is ignored */
	__be16 port;	  /* 0: that of the backend, or of the VIP */
	int interval;	  /* milliseconds, like the next */
	int timeout;	  /* for one; no other begins meanwhile */
	__u32 fall, rise; /* so many in a row make it down, or up again */
	int line;	  /* where the file says so; 0: nowhere */
};

struct config_backend {
	__be32 address[4];
	__be16 port; /* 0 unless the VIP's mode is nat */
	__u16 weight;
	int line;
};

struct config_vip {
	struct lb_service service;
	enum lb_mode mode;
	__u32 new_flows;
	struct config_check check;
	int first, count; /* its part of the backends */
	int line;
};

struct config {
	int vip_count, backend_count;
	struct config_vip vips[LB_VIPS_MAX];
	struct config_backend backends[LB_BACKENDS_MAX];
};

/*
 * Reads the file PATH. Returns what it says, for free(); or NULL, having
 * complained of the first thing that is wrong, with its line.
 */
struct config *config_read(const char *path);

#endif
