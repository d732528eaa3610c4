// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loader of lab 03: attaches parsing to one interface, prints the samples
 * that it sends, and at the end how many frames there were of which class.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "parsing.h"
#include "parsing.skel.h"
#include "sample.h"

static struct env {
	struct iface_args xdp;
	const char *path; /* of the capture file */
	__u16 port;
	__u32 sample_every;
} env = { .port = 22 };

static const struct argp_option options[] = {
	{ "port", 'p', "PORT", 0, "drop TCP to this port (default: 22)", 0 },
	{ "sample", 's', "N", 0, "show one frame of N (default: 0, none)", 0 },
	{ "write", 'w', "FILE", 0,
	  "write the samples to FILE, for tcpdump and Wireshark", 0 },
	{},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		if (parse_number(arg, 1, 65535) < 0)
			argp_error(state, "no port '%s': 1 to 65535", arg);
		env.port = parse_number(arg, 1, 65535);
		break;
	case 's':
		if (parse_number(arg, 0, UINT32_MAX) < 0)
			argp_error(state, "one frame of '%s': 0 to %u", arg,
				   UINT32_MAX);
		env.sample_every = parse_number(arg, 0, UINT32_MAX);
		break;
	case 'w':
		if (!strcmp(arg, "-"))
			argp_error(state, "-w wants a file: stdout shows the "
					  "samples");
		env.path = arg;
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &env.xdp;
		break;
	case ARGP_KEY_SUCCESS:
		if (env.path && !env.sample_every)
			argp_error(state, "-w writes samples: give -s too");
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
	.doc = "Classifies what arrives on IFACE, and drops TCP to one port, "
	       "until it is interrupted.",
};

static int on_sample(void *ctx, void *data, size_t size)
{
	static __u64 shown;

	print_sample(data);
	capture(data);
	return ++shown % LOADER_BATCH ? 0 : LOADER_PAUSE;
}

/* Shows samples as they come. Returns how the loader is to exit. */
static int show_samples(struct ring_buffer *ring, int link_fd)
{
	while (wait_for(ring_buffer__epoll_fd(ring), 1000)) {
		ring_buffer__consume(ring);
		if (!xdp_attached(link_fd))
			return fail("detached from %s: the interface is gone, "
				    "or somebody detached the program",
				    env.xdp.ifname);
	}
	return EXIT_SUCCESS;
}

static void print_classes(struct parsing_bpf *skel)
{
	printf("%-10s %10s\n", "CLASS", "FRAMES");
	for (__u32 key = 0; key < PACKET_CLASSES; key++)
		printf("%-10s %10llu\n", packet_class_name(key),
		       sum_counters(bpf_map__fd(skel->maps.packets), key));
	if (skel->bss->lost)
		printf("%llu samples were lost: the ring was full\n",
		       skel->bss->lost);
}

int main(int argc, char **argv)
{
	struct ring_buffer *ring = NULL;
	struct parsing_bpf *skel = NULL;
	int link_fd = -1, status = EXIT_FAILURE, err;

	loader_args(&argp, argc, argv);
	loader_init(env.xdp.verbosity);
	if (!if_nametoindex(env.xdp.ifname)) {
		fail("attach to %s: %s", env.xdp.ifname, strerror(errno));
		goto out;
	}

	skel = parsing_bpf__open_opts(loader_open_opts());
	if (!skel) {
		fail("open: %s", strerror(errno));
		goto out;
	}
	skel->rodata->drop_port = env.port;
	skel->rodata->sample_every = env.sample_every;

	err = parsing_bpf__load(skel);
	if (err) {
		fail_load(err);
		goto out;
	}
	ring = ring_buffer__new(bpf_map__fd(skel->maps.samples), on_sample,
				NULL, NULL);
	if (!ring) {
		fail("read the ring buffer samples: %s", strerror(errno));
		goto out;
	}
	link_fd = attach_xdp(skel->progs.parsing, env.xdp.ifname, env.xdp.mode);
	if (link_fd < 0)
		goto out;
	if (env.path && !open_capture(env.path))
		goto out;

	say_ready();
	status = show_samples(ring, link_fd);
	close(link_fd);
	link_fd = -1;
	drain(ring);
	print_classes(skel);
out:
	if (!close_capture())
		status = EXIT_FAILURE;
	if (link_fd >= 0)
		close(link_fd);
	ring_buffer__free(ring);
	parsing_bpf__destroy(skel);
	return status;
}
