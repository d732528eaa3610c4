// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* stats: what the data plane has counted, as a table or as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "counts.h"
#include "event.h"
#include "loader.h"
#include "mapsctl.h"
#include "maps.h"
#include "parse.h"
#include "pins.h"

/* Two maps are counted by a key that has a name. */
typedef const char *name_of(__u32 key);

static void print_table(int fd, const char *title, name_of *name, __u32 count)
{
	printf("%-16s %12s %16s\n", title, "packets", "bytes");
	for (__u32 key = 0; key < count; key++) {
		struct maps_count c = sum_counts(fd, key);

		printf("%-16s %12llu %16llu\n", name(key), c.packets, c.bytes);
	}
}

static void print_json(int fd, const char *title, name_of *name, __u32 count,
		       const char *end)
{
	printf("\"%s\":{", title);
	for (__u32 key = 0; key < count; key++) {
		struct maps_count c = sum_counts(fd, key);

		printf("%s\"%s\":{\"packets\":%llu,\"bytes\":%llu}",
		       key ? "," : "", name(key), c.packets, c.bytes);
	}
	printf("}%s", end);
}

static void print_all(int protocols, int verdicts)
{
	if (options.json) {
		putchar('{');
		print_json(protocols, "protocols", packet_class_name,
			   PACKET_CLASSES, ",");
		print_json(verdicts, "verdicts", verdict_name, MAPS_VERDICTS,
			   "}\n");
		return;
	}
	print_table(protocols, "PROTOCOL", packet_class_name, PACKET_CLASSES);
	print_table(verdicts, "VERDICT", verdict_name, MAPS_VERDICTS);
}

int stats(int count, char **words)
{
	int protocols = pinned_map("protocols"), verdicts;
	int status = EXIT_SUCCESS;

	if (protocols < 0)
		return EXIT_FAILURE;
	verdicts = pinned_map("verdicts");
	if (verdicts < 0)
		return EXIT_FAILURE;
	print_all(protocols, verdicts);
	while (!status && options.watch && !ferror(stdout) &&
	       wait_for(-1, 1000))
		if (data_plane_runs())
			print_all(protocols, verdicts);
		else
			status = EXIT_FAILURE;
	close(protocols);
	close(verdicts);
	return status;
}
