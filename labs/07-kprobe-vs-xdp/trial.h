/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One way of hooking on, tried twice: what code changes while it is attached, whether
 * the same changes again, and whether all is back when it is detached. The kernel patches
 * its code for others, too, at any time: what is not so both times is noise.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "changes.h"
#include "hooks.h"
#include "wording.h"

enum { CHANGES_MOST = 64 };

struct trial {
	char missing[WORDS_MOST]; /* why this kernel lacks it; or empty */
	struct change changes[CHANGES_MOST];
	struct words words[CHANGES_MOST];
	int count;			/* of changes */
	int bytes;			/* that differ, in all of them */
	int noise;			/* changes that came but once */
	bool back;			/* all of them, once detached */
	enum instruction_kind at_probe; /* while attached, where it probes */
};

/* Is WAY's program attached to the function that is probed? */
bool way_probes(enum way way);

/* Tries WAY. Returns false when it cannot, having said why, or is interrupted. */
bool try_way(enum way way, struct trial *trial);

/*
 * Nothing is attached, and for a while all should be as it was at the beginning, by name
 * at least: else TRIAL is not back. What is another becomes its changes. Returns like
 * try_way().
 */
bool try_nothing(struct trial *trial);

#endif
