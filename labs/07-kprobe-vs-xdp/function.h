/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which function of this kernel to probe. */
#ifndef FUNCTION_H
#define FUNCTION_H

#include <bpf/libbpf.h>

/*
 * The function to probe: NAME, or with NULL the first of a list that this kernel has,
 * since the compiler inlines, clones and renames as it likes. It is called once for
 * each IPv4 packet that arrives for this machine, and its first argument, by the
 * kernel's own type information, is a struct sk_buff *. Returns NULL, having said why,
 * when there is none; in *BTF_ID the number of its type.
 */
const char *find_function(const char *name, __u32 *btf_id);

/*
 * Where after FUNCTION's first byte its first instruction of its own begins, behind
 * what the kernel keeps there for ftrace: the kernel refuses a probe PROG at an offset
 * where no instruction begins. Returns a negative errno when it refuses all.
 */
int find_offset(const struct bpf_program *prog, const char *function);

#endif
