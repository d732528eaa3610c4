// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* status: what the data plane does, as a table or as JSON. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include "control.h"
#include "lbd.h"
#include "loader.h"
#include "names.h"
#include "pins.h"
#include "table.h"

static struct lb_snapshot snapshot;
static struct lb_shares shares;

static void print_count(const struct lb_count *count)
{
	printf("\"packets\":%llu,\"bytes\":%llu,\"flows\":%llu", count->packets,
	       count->bytes, count->flows);
}

static void print_backend(__u32 n)
{
	const struct lb_backend *b = &snapshot.tables.backends[n];
	char text[NAME_TEXT];

	printf("{\"number\":%u,\"address\":\"%s\",", n,
	       address_text(b->address, text));
	if (b->port)
		printf("\"port\":%u,", ntohs(b->port));
	printf("\"generation\":%u,\"state\":\"%s\",\"weight\":%u,",
	       b->generation, state_name(b->state) ?: "?", b->weight);
	print_count(&snapshot.backend_counts[n]);
	printf(",\"open_flows\":%u,\"slots\":%u}", shares.open[n],
	       shares.slots[n]);
}

static void print_vip(__u32 number)
{
	const struct lb_vip_entry *entry = &snapshot.tables.vips[number];
	const char *gap = "";
	char text[NAME_TEXT];

	printf("{\"number\":%u,\"address\":\"%s\",\"port\":%u,"
	       "\"protocol\":\"%s\",\"mode\":\"%s\",\"new_flows_limit\":%u,",
	       number, address_text(entry->service.address, text),
	       ntohs(entry->service.port),
	       protocol_name(entry->service.protocol),
	       mode_name(entry->vip.mode) ?: "?", entry->vip.new_flows);
	print_count(&snapshot.vip_counts[number]);
	printf(",\"backends\":[");
	for (__u32 n = 1; n < LB_BACKENDS_MAX; n++) {
		if (snapshot.tables.backends[n].vip != number)
			continue;
		fputs(gap, stdout);
		print_backend(n);
		gap = ",";
	}
	printf("]}");
}

static void print_json(void)
{
	const char *gap = "";

	printf("{\"daemon\":%s,\"ring_size\":%u,\"vips\":[",
	       daemon_runs() ? "true" : "false", shares.ring_size);
	for (__u32 n = 1; n <= LB_VIPS_MAX; n++) {
		if (!snapshot.tables.vips[n].vip.number)
			continue;
		fputs(gap, stdout);
		print_vip(n);
		gap = ",";
	}
	printf("],\"reasons\":{");
	for (__u32 reason = 0; reason < LB_REASONS; reason++)
		printf("%s\"%s\":%llu", reason ? "," : "", reason_name(reason),
		       snapshot.reasons[reason]);
	printf("}}\n");
}

static bool show(void)
{
	struct lb_maps maps;
	bool well;

	if (!data_plane_runs() || !maps_open(&maps))
		return false;
	well = state_read(&maps, &snapshot) &&
	       (!options.json || shares_read(&maps, &snapshot.tables, &shares));
	maps_close(&maps);
	if (!well)
		return false;
	if (options.json) {
		print_json();
		return true;
	}
	table_print(&snapshot);
	if (!daemon_runs())
		printf("no lbd runs here: nobody checks the backends\n");
	return true;
}

int status(void)
{
	bool well = show();

	while (well && options.watch && !ferror(stdout) && wait_for(-1, 1000))
		well = show();
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
