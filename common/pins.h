/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A data plane as others find it: its maps and its links are pinned in a folder
 * of bpffs, and stay there when the process that made them ends. A mount of bpffs
 * has one data plane of a name.
 */
#ifndef PINS_H
#define PINS_H

#include <stdbool.h>
#include <linux/types.h>
#include "loader.h"

/*
 * First of all: the data plane is that of the loader LOADER, in the folder
 * /sys/fs/bpf/LOADER; STOPPER is the command that ends it, for messages.
 */
void pins_init(const char *loader, const char *stopper);

/*
 * Makes the folder of the pins, and locks it for this process: only one at a
 * time may load. *MADE tells whether it is new. Returns whether that went well;
 * if not, it has said why.
 */
bool lock_pins(bool *made);

/* Is a data plane attached? If not, or if nobody may know, it has said so. */
bool data_plane_runs(void);

/* The same, without a word. */
bool data_plane_attached(void);

/*
 * Has loading OBJECT pin its maps, or take those that are pinned already instead,
 * with all that is in them.
 */
void pin_maps(struct bpf_object *object);

/*
 * May a program take the place of the one whose link is pinned as LINK, if any, by
 * IFNAME and MODE? If not, it has said why.
 */
bool may_attach(const char *link, const char *ifname, enum xdp_mode mode);

/*
 * Attaches PROG to the interface IFNAME by a link that it pins as LINK, a name that
 * begins with "link"; or, when the data plane is there already, puts PROG in the
 * place of its program, between two frames. Returns the file descriptor of the
 * link; -1, having said why.
 */
int attach_pinned(const struct bpf_program *prog, const char *link,
		  const char *ifname, enum xdp_mode mode);

/* Detaches all links, whoever else holds them, and removes all pins. */
void stop_data_plane(void);

/* Removes the pins that a loader left behind which died; not those of a living one. */
void remove_leftovers(void);

/* How many entries the pinned map NAME has room for; 0: there is none. */
__u32 pinned_entries(const char *name);

/* The file descriptor of the pinned map NAME; -1, having said why. */
int pinned_map(const char *name);

#endif
