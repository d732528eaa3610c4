// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* stats: what the data plane has counted, as a table or as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "loader.h"
#include "mapsctl.h"
#include "parse.h"
#include "pins.h"
#include "maps.h"

static const char *const protocol_names[PACKET_CLASSES] = {
	[PACKET_OTHER] = "other",
	[PACKET_ARP] = "arp",
	[PACKET_MALFORMED] = "malformed",
	[PACKET_FRAGMENT] = "fragment",
	[PACKET_IP_OTHER] = "ip_other",
	[PACKET_ICMP] = "icmp",
	[PACKET_ICMP6] = "icmp6",
	[PACKET_TCP] = "tcp",
	[PACKET_UDP] = "udp",
};

static const char *const verdict_names[MAPS_VERDICTS] = {
	[MAPS_PASSED] = "passed",
	[MAPS_BLOCKED_PREFIX] = "blocked_prefix",
	[MAPS_BLOCKED_PORT] = "blocked_port",
	[MAPS_LIMITED] = "limited",
};

static void print_table(int fd, const char *title, const char *const *names,
			__u32 count)
{
	printf("%-16s %12s %16s\n", title, "packets", "bytes");
	for (__u32 key = 0; key < count; key++) {
		struct maps_count c = count_of(fd, key);

		printf("%-16s %12llu %16llu\n", names[key], c.packets, c.bytes);
	}
}

static void print_json(int fd, const char *title, const char *const *names,
		       __u32 count, const char *end)
{
	printf("\"%s\":{", title);
	for (__u32 key = 0; key < count; key++) {
		struct maps_count c = count_of(fd, key);

		printf("%s\"%s\":{\"packets\":%llu,\"bytes\":%llu}",
		       key ? "," : "", names[key], c.packets, c.bytes);
	}
	printf("}%s", end);
}

static void print_all(int protocols, int verdicts)
{
	if (options.json) {
		putchar('{');
		print_json(protocols, "protocols", protocol_names,
			   PACKET_CLASSES, ",");
		print_json(verdicts, "verdicts", verdict_names, MAPS_VERDICTS,
			   "}\n");
		return;
	}
	print_table(protocols, "PROTOCOL", protocol_names, PACKET_CLASSES);
	print_table(verdicts, "VERDICT", verdict_names, MAPS_VERDICTS);
}

int stats(int count, char **words)
{
	int protocols = pinned_map("protocols"), verdicts;

	if (protocols < 0)
		return EXIT_FAILURE;
	verdicts = pinned_map("verdicts");
	if (verdicts < 0)
		return EXIT_FAILURE;
	print_all(protocols, verdicts);
	while (options.watch && wait_for(-1, 1000))
		print_all(protocols, verdicts);
	close(protocols);
	close(verdicts);
	return EXIT_SUCCESS;
}
