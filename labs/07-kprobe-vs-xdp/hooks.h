/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ways to hook on to a packet's path: each can be attached and detached by itself,
 * and whatever a kernel lacks is known with its reason.
 */
#ifndef HOOKS_H
#define HOOKS_H

#include <stdbool.h>
#include "kprobe_vs_xdp.h"
#include "loader.h"
#include "kprobe_vs_xdp.skel.h"

enum way {
	WAY_XDP_NATIVE,
	WAY_XDP_GENERIC,
	WAY_TCX,
	WAY_CLSACT,
	WAY_RAW_TP,
	WAY_TRACEPOINT,
	WAY_FENTRY,
	WAY_FEXIT,
	WAY_KPROBE_MULTI,
	WAY_KPROBE,	 /* at the function's entry, where ftrace is */
	WAY_KPROBE_JUMP, /* at an offset, a jump */
	WAY_KPROBE_INT3, /* at an offset, a breakpoint */
	WAY_KRETPROBE,
	WAYS
};

/* What hooks_load() is told. */
struct hooks_options {
	const char *ifname;
	const char *function; /* to probe; NULL: the first that is found */
	bool bare;	      /* the programs count, and do nothing else */
};

/*
 * Loads the programs, as many as this kernel takes. Returns the skeleton, which is
 * open until hooks_unload(); NULL, having said why.
 */
struct kprobe_vs_xdp_bpf *hooks_load(const struct hooks_options *options);
void hooks_unload(void);

/* The function that is probed; and where in it, at an offset. */
const char *probed_function(void);
int probed_offset(void);

/* WAY's name, as a table has it; and the hook whose counter its program moves. */
const char *way_name(enum way way);
enum hook way_hook(enum way way);

/*
 * Attaches WAY's program, and waits until it is as WAY says: the kernel makes a jump of
 * a breakpoint when it has time. Returns NULL, or why this cannot be had here, in words
 * that stay good until the next call.
 */
const char *way_attach(enum way way);

/* Is it still attached? Not when the interface went. */
bool way_attached(enum way way);

/* Detaches it, if it is attached. */
void way_detach(enum way way);

#endif
