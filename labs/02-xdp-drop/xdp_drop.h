/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What xdp_drop.bpf.c and xdp_drop.c agree on. */
#ifndef XDP_DROP_H
#define XDP_DROP_H

/* The map `packets` has a counter per verdict: XDP_ABORTED 0 to XDP_REDIRECT 4. */
#define XDP_DROP_VERDICTS 5

/* The knob of the IP protocol to drop, when it names none. */
#define XDP_DROP_NOTHING -1

#endif
