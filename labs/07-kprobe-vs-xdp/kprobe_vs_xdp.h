/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs of lab 07 and their loader agree on. */
#ifndef KPROBE_VS_XDP_H
#define KPROBE_VS_XDP_H

#include <linux/types.h>

/* The hooks, and so the keys of the map `counts`: one program each. */
enum hook {
	HOOK_XDP,
	HOOK_TC,
	HOOK_RAW_TP,
	HOOK_TRACEPOINT,
	HOOK_FENTRY,
	HOOK_FEXIT,
	HOOK_KPROBE,	    /* at a function's first instruction */
	HOOK_KPROBE_OFFSET, /* at a later one */
	HOOK_KRETPROBE,
	HOOK_KPROBE_MULTI,
	HOOKS
};

/* What has come by a hook. */
struct hook_count {
	__u64 packets;
	__u64 bytes; /* as that hook sees them; when a function returns: none */
};

_Static_assert(sizeof(struct hook_count) == 16, "no implicit padding");

/* A histogram of times: slot N counts those from 2^N to 2^(N+1) - 1 ns. */
enum { HISTOGRAM_SLOTS = 32 };

#endif
