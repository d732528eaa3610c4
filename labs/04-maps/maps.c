// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loader of lab 04: attaches the data plane to one interface and pins it, so
 * that it lives as long as the pins do. Kill this process, and frames are filtered
 * as before; start it again, and it takes over what it finds, maps and all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <time.h>
#include <bpf/bpf.h>
#include "counts.h"
#include "event.h"
#include "loader.h"
#include "maps.h"
#include "maps.skel.h"
#include "pins.h"

static struct env {
	struct iface_args xdp;
	bool keep;
	bool chain;
} env;

enum { OPTION_KEEP = 256, OPTION_CHAIN };

static const struct argp_option options[] = {
	{ "keep", OPTION_KEEP, NULL, 0,
	  "leave the data plane running, and end (mapsctl stop ends it)", 0 },
	{ "chain", OPTION_CHAIN, NULL, 0,
	  "ask the questions in a chain of tail calls", 0 },
	{},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPTION_KEEP:
		env.keep = true;
		break;
	case OPTION_CHAIN:
		env.chain = true;
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &env.xdp;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = xdp_args_parser,
	.args_doc = "IFACE",
	.doc = "Filters what arrives on IFACE by rules that mapsctl sets, "
	       "until it is interrupted.",
};

static int on_event(void *ctx, void *data, size_t size)
{
	static __u64 shown;

	print_event(data);
	return ++shown % LOADER_BATCH ? 0 : LOADER_PAUSE;
}

static void print_verdicts(struct maps_bpf *skel)
{
	int fd = bpf_map__fd(skel->maps.verdicts);

	for (__u32 verdict = 0; verdict < MAPS_VERDICTS; verdict++)
		printf("%s%s %llu", verdict ? ", " : "", verdict_name(verdict),
		       sum_counts(fd, verdict).packets);
	putchar('\n');
}

/*
 * Shows drops as they come and, in each second in which frames do, the counters.
 * Returns how the loader is to exit.
 */
static int watch(struct maps_bpf *skel, struct ring_buffer *ring, int link_fd)
{
	time_t last = time(NULL);
	__u64 shown = 0;

	while (wait_for(ring_buffer__epoll_fd(ring), 1000)) {
		ring_buffer__consume(ring);
		if (!xdp_attached(link_fd))
			return fail("detached from %s: the interface is gone, "
				    "or somebody stopped the data plane",
				    env.xdp.ifname);
		if (time(NULL) == last ||
		    all_packets(bpf_map__fd(skel->maps.verdicts)) == shown)
			continue;
		last = time(NULL);
		shown = all_packets(bpf_map__fd(skel->maps.verdicts));
		print_verdicts(skel);
	}
	if (xdp_attached(link_fd))
		stop_data_plane();
	drain(ring);
	print_verdicts(skel);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct ring_buffer *ring = NULL;
	struct maps_bpf *skel = NULL;
	int link_fd = -1, status = EXIT_FAILURE, err;
	bool fresh = false;

	loader_args(&argp, argc, argv);
	loader_init(env.xdp.verbosity);
	pins_init("maps", "mapsctl stop");
	if (!if_nametoindex(env.xdp.ifname)) {
		fail("attach to %s: %s", env.xdp.ifname, strerror(errno));
		goto out;
	}

	skel = maps_bpf__open_opts(loader_open_opts());
	if (!skel) {
		fail("open: %s", strerror(errno));
		goto out;
	}
	if (!lock_pins(&fresh) ||
	    !may_attach("link", env.xdp.ifname, env.xdp.mode))
		goto out;
	pin_maps(skel->obj);

	err = maps_bpf__load(skel);
	if (err) {
		fail_load(err);
		goto out;
	}
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_event, NULL,
				NULL);
	if (!ring) {
		fail("read the ring buffer events: %s", strerror(errno));
		goto out;
	}
	link_fd =
		attach_pinned(env.chain ? skel->progs.chain : skel->progs.maps,
			      "link", env.xdp.ifname, env.xdp.mode);
	if (link_fd < 0)
		goto out;

	say_ready();
	status = env.keep ? EXIT_SUCCESS : watch(skel, ring, link_fd);
out:
	if (fresh && link_fd < 0)
		stop_data_plane(); /* the maps, which loading has pinned */
	if (link_fd >= 0)
		close(link_fd);
	ring_buffer__free(ring);
	maps_bpf__destroy(skel);
	return status;
}
