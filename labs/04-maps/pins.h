/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data plane as others find it: its maps and its link are pinned in a folder
 * of bpffs, and stay there when the process that made them ends. A mount of bpffs
 * has one data plane.
 */
#ifndef PINS_H
#define PINS_H

#include <stdbool.h>
#include <linux/types.h>
#include "loader.h"
#include "maps.h"

#define PINS	    "/sys/fs/bpf/maps"
#define PINNED_LINK PINS "/link"

/*
 * Makes the folder of the pins, and locks it for this process: only one at a
 * time may load. *MADE tells whether it is new. Returns whether that went well;
 * if not, it has said why.
 */
bool lock_pins(bool *made);

/* Is a data plane attached? If not, or if nobody may know, it has said so. */
bool data_plane_runs(void);

/*
 * Has loading OBJECT pin its maps, or take those that are pinned already instead,
 * with all that is in them.
 */
void pin_maps(struct bpf_object *object);

/*
 * May a program take the place of the one that is attached, if any, by IFNAME and
 * MODE? If not, it has said why.
 */
bool may_attach(const char *ifname, enum xdp_mode mode);

/*
 * Attaches PROG to the interface IFNAME by a link that it pins; or, when the data
 * plane is there already, puts PROG in the place of its program, between two
 * frames. Returns the file descriptor of the link; -1, having said why.
 */
int attach_pinned(const struct bpf_program *prog, const char *ifname,
		  enum xdp_mode mode);

/* Detaches the program, whoever else holds its link, and removes all pins. */
void stop_data_plane(void);

/* Removes the pins that a loader left behind which died; not those of a living one. */
void remove_leftovers(void);

/* The file descriptor of the pinned map NAME; -1, having said why. */
int pinned_map(const char *name);

/*
 * The value at KEY of the per-CPU array of struct maps_count that MAP_FD refers
 * to, summed over all possible CPUs; zeroes if it cannot be read.
 */
struct maps_count sum_counts(int map_fd, __u32 key);

/* All packets so far, whatever became of them, of the map `verdicts`. */
__u64 all_packets(int verdicts_fd);

#endif
