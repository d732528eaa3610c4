/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules that tc's options give, until there are maps to put them into:
 * what has this mark, that class, that limit.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

struct tc_bpf;

/*
 * Each reads an option's TEXT: PREFIX=MARK, PORT=DSCP, PORT=MAJOR:MINOR,
 * ADDRESS=BYTES[,BURST]. Returns NULL, or what is wrong with it.
 */
const char *add_mark(char *text);
const char *add_dscp(char *text);
const char *add_class(char *text);
const char *add_limit(char *text);

/* Puts all of them into the maps. Returns EXIT_FAILURE, having said why. */
int apply_rules(const struct tc_bpf *skel);

#endif
