// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * drain: the daemon takes a backend out of its rings; here we wait until the flows
 * that it has are closed. Some never are (a client dies, UDP has no end), so that
 * no packet has come for long is as good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "control.h"
#include "lbd.h"
#include "loader.h"
#include "loop.h"
#include "state.h"
#include "who.h"

enum { PAUSE = 250 }; /* milliseconds from one count of the flows to the next */

/* What is known of the backends that drain; there may be one in several VIPs. */
struct progress {
	int backends;	/* that are still there */
	bool undrained; /* one of them is not to drain any more */
	__u32 open;	/* flows */
	__u64 packets;	/* so many have come */
	__u64 last;	/* and the last of them was seen then */
};

static struct lb_snapshot snapshot;

/* How far the backends have come that WHO names. */
static bool look(const struct lb_maps *maps, const struct who *who,
		 struct progress *p)
{
	static __u32 open[LB_BACKENDS_MAX];
	__u64 packets = 0;

	memset(open, 0, sizeof(open));
	if (!state_read(maps, &snapshot) ||
	    !flows_count(maps, &snapshot.tables, open))
		return false;
	p->backends = p->open = 0;
	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		if (!is_named(who, &snapshot.tables, n))
			continue;
		p->backends++;
		p->open += open[n];
		packets += snapshot.backend_counts[n].packets;
		p->undrained |=
			snapshot.tables.backends[n].state != LB_DRAINING;
	}
	if (packets != p->packets)
		p->last = now_ms();
	p->packets = packets;
	return true;
}

/* Says how many flows are open: on a terminal in place, else when it changes. */
static void show(const struct progress *p, bool last)
{
	static __u32 shown = ~0U;

	if (isatty(STDOUT_FILENO))
		printf("\r%u flows are open \b%s", p->open, last ? "\n" : "");
	else if (p->open && p->open != shown)
		printf("%u flows are open\n", p->open);
	fflush(stdout);
	shown = p->open;
}

/* Is there nothing to wait for any more? Then it has said so, and how that is in *STATUS. */
static bool is_over(const char *name, const struct progress *p, int *status)
{
	bool quiet = now_ms() - p->last >= options.quiet * 1000ULL;
	bool over = !p->backends || p->undrained || !p->open || quiet;

	show(p, over);
	*status = EXIT_SUCCESS;
	if (!p->backends)
		printf("%s is no backend any more\n", name);
	else if (p->undrained)
		*status = fail("drain %s: somebody has undrained it", name);
	else if (!p->open)
		printf("%s is drained\n", name);
	else if (quiet)
		printf("%s is drained: no packet has come for %d s\n", name,
		       options.quiet);
	return over;
}

static int watch_flows(const char *name, const struct who *who,
		       const struct lb_maps *maps)
{
	struct progress p = { .last = now_ms() };
	__u64 before, took;
	int status;

	do {
		before = now_ms();
		if (!look(maps, who, &p))
			return EXIT_FAILURE;
		if (is_over(name, &p, &status))
			return status;
		took = now_ms() - before;
		/* Counting a million flows takes time: not all of ours. */
	} while (wait_for(-1, PAUSE + 4 * took));
	show(&p, true);
	return fail("drain %s: interrupted; it stays draining, with %u flows "
		    "open",
		    name, p.open);
}

int drain_backend(const char *name)
{
	char request[CONTROL_TEXT];
	struct lb_maps maps;
	struct who who;
	int status;

	snprintf(request, sizeof(request), "drain %s", name);
	status = control_ask(request);
	if (status || options.no_wait || who_parse(name, &who))
		return status;
	if (!maps_open(&maps))
		return EXIT_FAILURE;
	status = watch_flows(name, &who, &maps);
	maps_close(&maps);
	return status;
}
