/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A histogram of times, drawn as bcc's tools draw theirs. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

/*
 * Prints the HISTOGRAM_SLOTS numbers of the per-CPU array of MAP_FD, from the first
 * slot that is not 0 to the last, under TITLE; nothing when all are 0.
 */
void print_histogram(const char *title, int map_fd);

#endif
