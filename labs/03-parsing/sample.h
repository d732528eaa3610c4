/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the loader does with a sample: show it, and keep it in a file. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stdbool.h>
#include "parsing.h"

/*
 * Prints S as one line on stdout: the time of day, the class, VLAN ids, from where
 * to where, the length in bytes, and whether it was dropped.
 */
void print_sample(const struct parsing_sample *s);

/*
 * Opens the capture file PATH for writing, in the format of pcap; what it held
 * is lost. Returns false, having said why, when that cannot be done.
 */
bool open_capture(const char *path);

/*
 * Appends S to the capture file, if one is open. Each sample is handed to
 * the kernel at once: the file of a loader that was killed is whole as well.
 */
void capture(const struct parsing_sample *s);

/* Closes the capture file. Returns false, having said so, if it is incomplete. */
bool close_capture(void);

#endif
