/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What kprobe_vs_xdp can do besides counting: a file each. */
#ifndef COMMANDS_H
#define COMMANDS_H

/* Each reads its own command line, of which argv[0] is its name, and returns how to exit. */
int cost_main(int argc, char **argv);
int text_main(int argc, char **argv);
int safety_main(int argc, char **argv);

#endif
