/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The time that a program takes for a packet, by BPF_PROG_TEST_RUN, and what to
 * make of several such numbers.
 */
#ifndef TIMING_H
#define TIMING_H

#include <linux/types.h>

enum { FRAME_MOST = 2048 };

struct frame {
	unsigned char bytes[FRAME_MOST];
	__u32 length;
};

/* A program to be timed, and what it must do. */
struct timed {
	int fd;
	const struct frame *in, *out;
	__u32 verdict;
};

/* Several numbers in short. */
struct figure {
	double median, lowest, highest;
};

/* Keeps this thread on one CPU, whose number it returns; -1: that failed. */
int pin(void);

/*
 * Has the program run very often, and leaves in *NS the CPU time of one run.
 * Returns NULL, or in words what is wrong: with the call, the verdict, the frame.
 */
const char *time_runs(const struct timed *program, double *ns);

/* What the N numbers at X come to. */
struct figure figure_of(const double *x, int n);

#endif
