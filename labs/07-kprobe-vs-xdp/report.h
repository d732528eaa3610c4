/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What text says of its trials, on stdout. */
#ifndef REPORT_H
#define REPORT_H

#include "trial.h"

/* What has changed though nothing was attached. */
void print_control(const struct trial *control);

/* Each change of the TRIAL of NAME, and their sum. */
void print_trial(const char *name, const struct trial *trial);

/*
 * The same in a line for programs: NAME, places, bytes, and the instruction where it
 * probes, with tabs between; "-" where there is none.
 */
void print_line(const char *name, const struct trial *trial);

/* All that this kernel has, a row each. */
void print_table(const struct trial trials[WAYS]);

/* What of it was in the driver of the interface IFNAME, by the trial of native XDP. */
void print_driver(const char *ifname, const struct trial *native);

/* What REST, a trial of nothing, says at the end: is every byte back? */
void print_rest(const struct trial *rest);

#endif
