// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loader of lab 02: attaches xdp_drop to one interface, in the mode asked
 * for and in no other, and prints how many frames met which verdict.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <netinet/in.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "xdp_drop.h"
#include "xdp_drop.skel.h"

static const struct protocol {
	const char *name;
	int ipv4, ipv6; /* its number in each IP version */
} protocols[] = {
	{ "icmp", IPPROTO_ICMP, IPPROTO_ICMPV6 },
	{ "tcp", IPPROTO_TCP, IPPROTO_TCP },
	{ "udp", IPPROTO_UDP, IPPROTO_UDP },
	{ "all", XDP_DROP_NOTHING, XDP_DROP_NOTHING },
};

#define ALL (&protocols[3])

static struct env {
	struct iface_args xdp;
	const struct protocol *protocol;
	bool answer_pings;
} env = { .xdp.may_offload = true, .protocol = ALL };

static const struct argp_option options[] = {
	{ "protocol", 'p', "NAME", 0,
	  "drop only this IP protocol: icmp, tcp, udp; all (default) drops all",
	  0 },
	{ "echo", 'e', NULL, 0, "answer pings, before anything is dropped", 0 },
	{},
};

static const struct protocol *protocol_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (!strcmp(name, protocols[i].name))
			return &protocols[i];
	return NULL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		env.protocol = protocol_by_name(arg);
		if (!env.protocol)
			argp_error(state,
				   "no protocol '%s': icmp, tcp, udp or all",
				   arg);
		break;
	case 'e':
		env.answer_pings = true;
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
	.doc = "Drops what arrives on IFACE, all of it or one IP protocol, "
	       "until it is interrupted. (-m offload: on the network card "
	       "itself.)",
};

static void set_knobs(struct xdp_drop_bpf *skel)
{
	skel->rodata->drop_all = env.protocol == ALL;
	skel->rodata->drop_ipv4 = env.protocol->ipv4;
	skel->rodata->drop_ipv6 = env.protocol->ipv6;
	skel->rodata->answer_pings = env.answer_pings;
}

/* A card's own program: its driver must know of it before it is loaded. */
static void aim_at_the_card(struct xdp_drop_bpf *skel)
{
	__u32 ifindex = if_nametoindex(env.xdp.ifname);

	bpf_program__set_ifindex(skel->progs.xdp_drop, ifindex);
	bpf_map__set_ifindex(skel->maps.packets, ifindex);
}

static __u32 prog_id(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size);
	return info.id;
}

/* How many frames met VERDICT. */
static __u64 count(struct xdp_drop_bpf *skel, __u32 verdict)
{
	return sum_counters(bpf_map__fd(skel->maps.packets), verdict);
}

static void print_totals(struct xdp_drop_bpf *skel, const char *when)
{
	printf("%s: dropped %llu, passed %llu, sent back %llu, aborted %llu "
	       "(xdp_exception told of %llu)\n",
	       when, count(skel, XDP_DROP), count(skel, XDP_PASS),
	       count(skel, XDP_TX), count(skel, XDP_ABORTED),
	       skel->bss->exceptions);
}

/* Prints the totals each second. Returns how the loader is to exit. */
static int watch(struct xdp_drop_bpf *skel, int link_fd)
{
	char when[32];

	for (int second = 1; wait_for(-1, 1000); second++) {
		if (!xdp_attached(link_fd))
			return fail("detached from %s: the interface is gone, "
				    "or somebody detached the program",
				    env.xdp.ifname);
		snprintf(when, sizeof(when), "%4d s", second);
		print_totals(skel, when);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct xdp_drop_bpf *skel = NULL;
	int link_fd = -1, status = EXIT_FAILURE, err;

	loader_args(&argp, argc, argv);
	loader_init(env.xdp.verbosity);
	if (!if_nametoindex(env.xdp.ifname)) {
		fail("attach to %s: %s", env.xdp.ifname, strerror(errno));
		goto out;
	}

	skel = xdp_drop_bpf__open_opts(loader_open_opts());
	if (!skel) {
		fail("open: %s", strerror(errno));
		goto out;
	}
	set_knobs(skel);
	if (env.xdp.mode == XDP_MODE_OFFLOAD)
		aim_at_the_card(skel);

	err = xdp_drop_bpf__load(skel);
	if (err && env.xdp.mode == XDP_MODE_OFFLOAD) {
		fail("load into %s: %s (its driver runs no programs on the "
		     "card: -m native)",
		     env.xdp.ifname, strerror(-err));
		goto out;
	}
	if (err) {
		fail_load(err);
		goto out;
	}
	skel->bss->own_id = prog_id(skel->progs.xdp_drop);

	skel->links.xdp_exceptions =
		bpf_program__attach(skel->progs.xdp_exceptions);
	if (!skel->links.xdp_exceptions) {
		fail("attach to xdp_exception: %s", strerror(errno));
		goto out;
	}
	link_fd =
		attach_xdp(skel->progs.xdp_drop, env.xdp.ifname, env.xdp.mode);
	if (link_fd < 0)
		goto out;

	say_ready();
	status = watch(skel, link_fd);
	close(link_fd);
	link_fd = -1;
	print_totals(skel, " total");
out:
	if (link_fd >= 0)
		close(link_fd);
	xdp_drop_bpf__destroy(skel);
	return status;
}
