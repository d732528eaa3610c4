/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two programs at the traffic-control hooks of an interface, in one of two ways:
 * as filters of a clsact queueing discipline, which stay until somebody removes
 * them; or by tcx links (Linux 6.6), which go with the process that holds them.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <bpf/libbpf.h>

enum tc_way {
	TC_WAY_ANY, /* tcx if the kernel has it, else clsact */
	TC_WAY_CLSACT,
	TC_WAY_TCX,
};

/* The way that TEXT names (clsact, tcx), or -1; and its name. */
int tc_way_by_name(const char *text);
const char *tc_way_name(enum tc_way way);

/*
 * Attaches INGRESS and EGRESS to the interface IFNAME; programs that are there stay.
 * Ours run behind other tcx programs, which all run before any filter; among
 * filters, before those whose preference the kernel has chosen. Returns the way that
 * was taken; -1, having said why, and with nothing left behind.
 */
int tc_attach(const char *ifname, enum tc_way way,
	      const struct bpf_program *ingress,
	      const struct bpf_program *egress);

/* Are both still attached? Not when the interface went, or somebody removed one. */
bool tc_attached(void);

/*
 * Detaches both; and removes the queueing discipline, if tc_attach() made it and
 * no filter of somebody else is in it by now. (Else it stays, and is empty when that
 * one has gone. It does nothing then.)
 */
void tc_detach(void);

#endif
