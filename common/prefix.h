/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prefixes of addresses as people write them. */
#ifndef PREFIX_H
#define PREFIX_H

#include <stdbool.h>
#include <linux/types.h>

enum { PREFIX_TEXT = 64 };

/* An address's first bits; the others are 0. IPv4 uses the first 4 bytes. */
struct prefix {
	bool ipv6;
	__u32 length;
	__u8 address[16];
};

/*
 * Reads TEXT, an address or ADDRESS/LENGTH, into P. An IPv4-mapped prefix (of 96
 * bits or more below ::ffff:0:0) becomes the IPv4 prefix that it is, and bits
 * behind the length are cleared; *CHANGED, if not NULL, tells whether P is now
 * another prefix than TEXT says. Returns NULL, or what is wrong with TEXT.
 */
const char *prefix_parse(const char *text, struct prefix *p, bool *changed);

/* Makes P the prefix of its first LENGTH bits, of which it has as many or more. */
void prefix_cut(struct prefix *p, __u32 length);

/* Writes P into TEXT, of PREFIX_TEXT bytes; returns TEXT. */
char *prefix_text(const struct prefix *p, char *text);

#endif
