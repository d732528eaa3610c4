/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the hooks cost, and how that is shown. */
#ifndef BILL_H
#define BILL_H

#include <stdbool.h>
#include "figures.h"
#include "hooks.h"

/* What one way costs. */
struct cost {
	struct figures figures; /* of each round, for one packet */
	double least; /* that a packet took in a batch, with its path if any */
	unsigned long long seen; /* packets that were measured */
	char missing[128]; /* why this kernel does not have it, or empty */
};

struct bill {
	struct cost ways[WAYS];
	struct cost alone; /* the XDP program, without a packet's path */
	struct cost path;  /* that path, with no hook: all of what it costs */
};

/* What a nanosecond of this machine's clock is. */
enum unit {
	UNIT_NS,
	UNIT_EMULATED_NS, /* as long as an emulator takes, which is no processor */
	UNIT_INSTRUCTION, /* an emulator's clock that counts them */
};

enum unit clock_unit(void);

/* Prints BILL, in UNIT, as a table with what to think of it. Sorts its figures. */
void print_bill(struct bill *bill, enum unit unit);

/* The same for programs: lines "NAME\tmedian\tlow\thigh\tunit\tleast" of what was measured. */
void print_bill_as_tsv(struct bill *bill, enum unit unit);

#endif
