// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the data plane does, as a table for people. */
#include <stdio.h>
#include <string.h>
#include "names.h"
#include "table.h"

enum {
	BAR = 25,      /* the columns of a backend that has all packets */
	WEIGHT = 13,   /* those of "weight 1000" and a gap */
	NARROWEST = 30 /* the first column; IPv6 makes it wider */
};

static int wider(int a, int b)
{
	return a > b ? a : b;
}

/* How wide the first column must be. */
static int name_width(const struct lb_tables *tables)
{
	int width = NARROWEST;
	char text[NAME_TEXT];

	for (int n = 1; n <= LB_VIPS_MAX; n++)
		if (tables->vips[n].vip.number)
			width = wider(
				width,
				2 + strlen(vip_text(&tables->vips[n].service,
						    text)));
	for (int n = 1; n < LB_BACKENDS_MAX; n++)
		if (tables->backends[n].vip)
			width = wider(
				width,
				4 + WEIGHT +
					strlen(backend_text(
						&tables->backends[n], text)));
	return width;
}

static void print_bar(__u64 part, __u64 all)
{
	static const char bar[] = "#########################";
	double share = all ? (double)part / all : 0;

	_Static_assert(sizeof(bar) == BAR + 1, "a full bar");
	printf("  %-*.*s %3.0f %%\n", BAR, (int)(share * BAR + 0.5), bar,
	       share * 100);
}

static void print_backends(const struct lb_snapshot *s, __u32 vip, int width)
{
	char text[NAME_TEXT];
	__u64 all = 0;

	for (int n = 1; n < LB_BACKENDS_MAX; n++)
		if (s->tables.backends[n].vip == vip)
			all += s->backend_counts[n].packets;
	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		const struct lb_backend *b = &s->tables.backends[n];

		if (b->vip != vip)
			continue;
		printf("  %-*sweight %-*u%-8s%12llu", width - 2 - WEIGHT,
		       backend_text(b, text), WEIGHT - 7, b->weight,
		       state_name(b->state) ?: "?",
		       s->backend_counts[n].packets);
		print_bar(s->backend_counts[n].packets, all);
	}
}

/* The name of REASON as one says it: its underscores are blanks. */
static void print_reason(__u32 reason, __u64 count, const char *gap)
{
	char name[32];

	snprintf(name, sizeof(name), "%s", reason_name(reason));
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = ' ';
	printf("%s%s %llu", gap, name, count);
}

void table_print(const struct lb_snapshot *s)
{
	int width = name_width(&s->tables);
	const char *gap = "";
	char text[NAME_TEXT];

	printf("%-*s%-8s%12s%14s%11s\n", width, "VIP", "MODE", "packets",
	       "bytes", "new flows");
	for (__u32 n = 1; n <= LB_VIPS_MAX; n++) {
		const struct lb_vip_entry *entry = &s->tables.vips[n];
		const struct lb_count *count = &s->vip_counts[n];

		if (!entry->vip.number)
			continue;
		printf("%-*s%-8s%12llu%14llu%11llu\n", width,
		       vip_text(&entry->service, text),
		       mode_name(entry->vip.mode) ?: "?", count->packets,
		       count->bytes, count->flows);
		print_backends(s, n, width);
	}
	for (__u32 reason = 0; reason < LB_REASONS; reason++) {
		if (!s->reasons[reason])
			continue;
		print_reason(reason, s->reasons[reason], gap);
		gap = ", ";
	}
	if (*gap)
		putchar('\n');
}
