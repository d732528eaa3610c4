// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loader of lab 06: attaches the load balancer to interfaces, and pins it, so
 * that it lives as long as the pins do. It knows no VIP and no backend: lbd does.
 * Kill this process, and packets are balanced as before; start it again, and it
 * takes over what it finds, flows and all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include "lb.h"
#include "lb.skel.h"
#include "loader.h"
#include "pins.h"
#include "state.h"
#include "table.h"

static struct env {
	struct iface_args xdp;
	__u32 ring_size,
		flows; /* 0: as the data plane has it, or the default */
	bool keep;
} env = { .xdp.may_be_many = true };

enum { OPTION_KEEP = 256, RING_MAX = 1 << 20, FLOWS_MAX = 1 << 24 };

static const struct argp_option options[] = {
	{ "ring", 'r', "SLOTS", 0,
	  "slots of each VIP's ring, a prime number (default: 65537)", 0 },
	{ "flows", 'f', "N", 0, "flows that are followed (default: 65536)", 0 },
	{ "keep", OPTION_KEEP, NULL, 0,
	  "leave the data plane running, and end (lbd stop ends it)", 0 },
	{},
};

static bool is_prime(__u32 n)
{
	for (__u32 d = 2; d * d <= n; d++)
		if (n % d == 0)
			return false;
	return n > 1;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	long long n;

	switch (key) {
	case 'r':
		n = parse_number(arg, 2, RING_MAX);
		if (n < 0 || !is_prime(n))
			argp_error(state,
				   "no ring of '%s' slots: a prime number up "
				   "to %d, as 4093 or 65537",
				   arg, RING_MAX);
		env.ring_size = n;
		break;
	case 'f':
		n = parse_number(arg, 1, FLOWS_MAX);
		if (n < 0)
			argp_error(state, "no number of flows '%s': 1 to %d",
				   arg, FLOWS_MAX);
		env.flows = n;
		break;
	case OPTION_KEEP:
		env.keep = true;
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
	.args_doc = "IFACE...",
	.doc = "Balances what arrives on each IFACE for the VIPs that lbd "
	       "knows, until it is interrupted.",
};

/* -- the interfaces -------------------------------------------------------- */

static int link_fds[LOADER_IFACES];

/* The name of the pin of the link on IFNAME; no dot may be in it. */
static const char *link_name(const char *ifname)
{
	static char name[IF_NAMESIZE + sizeof("link_")];

	snprintf(name, sizeof(name), "link_%s", ifname);
	for (char *c = name; *c; c++)
		if (*c == '.')
			*c = '_';
	return name;
}

/* May the program be attached to all of them? If not, it has said why. */
static bool may_attach_all(void)
{
	for (int i = 0; i < env.xdp.count; i++) {
		const char *ifname = env.xdp.ifnames[i];

		if (!if_nametoindex(ifname)) {
			fail("attach to %s: %s", ifname, strerror(errno));
			return false;
		}
		if (!may_attach(link_name(ifname), ifname, env.xdp.mode))
			return false;
	}
	return true;
}

/* Returns whether it is now attached to all of them; if not, it has said why. */
static bool attach_all(const struct bpf_program *prog)
{
	for (int i = 0; i < env.xdp.count; i++) {
		const char *ifname = env.xdp.ifnames[i];

		link_fds[i] = attach_pinned(prog, link_name(ifname), ifname,
					    env.xdp.mode);
		if (link_fds[i] < 0)
			return false;
	}
	return true;
}

static bool all_attached(void)
{
	for (int i = 0; i < env.xdp.count; i++)
		if (!xdp_attached(link_fds[i])) {
			fail("detached from %s: the interface is gone, or "
			     "somebody stopped the data plane",
			     env.xdp.ifnames[i]);
			return false;
		}
	return true;
}

/* Does the kernel forward at all, what comes in on IFNAME over IP version VERSION? */
static bool forwards(const char *ifname, const char *version)
{
	char path[128];
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/forwarding",
		 version, ifname);
	file = fopen(path, "r");
	c = file ? fgetc(file) : '1';
	if (file)
		fclose(file);
	return c != '0';
}

/* bpf_fib_lookup() finds no way on a host that is no router: the usual surprise. */
static void warn_unless_router(void)
{
	for (int i = 0; i < env.xdp.count; i++) {
		const char *ifname = env.xdp.ifnames[i];

		if (!forwards(ifname, "ipv4"))
			fail("%s does not forward IPv4, so no packet will: "
			     "sysctl net.ipv4.ip_forward=1",
			     ifname);
		if (!forwards(ifname, "ipv6"))
			fail("%s does not forward IPv6, so no packet will: "
			     "sysctl net.ipv6.conf.all.forwarding=1",
			     ifname);
	}
}

/* -- the phases ------------------------------------------------------------ */

/*
 * Maps that are taken over keep their sizes. Is SIZE, of the map NAME, what is there,
 * or whatever is, or else by DEFAULT? If not, it has said so.
 */
static bool settle_size(const char *name, __u32 *size, __u32 by_default)
{
	__u32 there = pinned_entries(name);

	if (there && *size && there != *size) {
		fail("take over the data plane: its map %s has %u entries, not "
		     "%u (lbd stop ends it)",
		     name, there, *size);
		return false;
	}
	if (!*size)
		*size = there ?: by_default;
	return true;
}

/*
 * Sets what the program reads as constants, and how large its maps are. Returns
 * whether that went well; if not, it has said why. (All rings are as large as the
 * one that the map of rings is made with, so the verifier knows their size. That
 * one is given as a file: libbpf before 1.3 cannot resize the declared one.)
 */
static bool set_knobs(struct lb_bpf *skel)
{
	int ring;

	if (!settle_size("empty_ring", &env.ring_size, LB_RING_SIZE) ||
	    !settle_size("flows", &env.flows, LB_FLOWS))
		return false;
	ring = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ring", sizeof(__u32),
			      sizeof(__u32), env.ring_size, NULL);

	if (ring < 0 || bpf_map__set_inner_map_fd(skel->maps.rings, ring)) {
		fail("make a ring of %u slots: %s%s", env.ring_size,
		     strerror(errno),
		     geteuid() ? " (loading BPF needs root: sudo)" : "");
		return false;
	}
	bpf_map__set_max_entries(skel->maps.empty_ring, env.ring_size);
	bpf_map__set_max_entries(skel->maps.flows, env.flows);
	skel->rodata->ring_size = env.ring_size;
	return true;
}

/*
 * Shows what is balanced, when it is not what was shown last. Returns false, having
 * said why, when it cannot be read.
 */
static bool show(const struct lb_maps *maps)
{
	static struct lb_snapshot now, last;

	if (!state_read(maps, &now))
		return false;
	if (!memcmp(&now, &last, sizeof(now)))
		return true;
	last = now;
	table_print(&now);
	fflush(stdout);
	return true;
}

/*
 * Shows it each second, and ends the data plane when that is asked for. Returns how
 * the loader is to exit.
 */
static int watch(void)
{
	struct lb_maps maps;

	if (!maps_open(&maps))
		return EXIT_FAILURE;
	while (wait_for(-1, 1000))
		if (!all_attached() || !show(&maps))
			return EXIT_FAILURE;
	stop_data_plane();
	show(&maps);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct lb_bpf *skel = NULL;
	int status = EXIT_FAILURE, err;
	bool fresh = false, attached = false;

	loader_args(&argp, argc, argv);
	loader_init(env.xdp.verbosity);
	pins_init("lb", "lbd stop");

	skel = lb_bpf__open_opts(loader_open_opts());
	if (!skel) {
		fail("open: %s", strerror(errno));
		goto out;
	}
	if (!may_attach_all() || !lock_pins(&fresh) || !set_knobs(skel))
		goto out;
	pin_maps(skel->obj);

	err = lb_bpf__load(skel);
	if (err) {
		fail_load(err);
		goto out;
	}
	attached = attach_all(skel->progs.lb);
	if (!attached)
		goto out;
	warn_unless_router();

	say_ready();
	status = env.keep ? EXIT_SUCCESS : watch();
out:
	if (fresh && !attached)
		stop_data_plane(); /* the maps, which loading has pinned */
	lb_bpf__destroy(skel);
	return status;
}
