// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loader of lab 04: attaches the data plane to one interface and pins it. It
 * lives as long as the pins do: kill this process, and frames are filtered as
 * before; start it again, and it takes over what it finds, maps and all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "maps.h"
#include "maps.skel.h"
#include "pins.h"

static struct env {
	const char *ifname;
	enum xdp_mode mode;
	bool keep;
	int verbosity;
} env = { .mode = XDP_MODE_NATIVE };

enum { OPTION_KEEP = 256 };

static const struct argp_option options[] = {
	{ "mode", 'm', "MODE", 0, "native (default) or generic", 0 },
	{ "keep", OPTION_KEEP, NULL, 0,
	  "leave the data plane running, and end (mapsctl stop ends it)", 0 },
	{ "verbose", 'v', NULL, 0, "say what is done; -vv: libbpf's log too",
	  0 },
	{},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'm':
		env.mode = xdp_mode_by_name(arg);
		if (env.mode != XDP_MODE_NATIVE && env.mode != XDP_MODE_GENERIC)
			argp_error(state, "no mode '%s': native or generic",
				   arg);
		break;
	case OPTION_KEEP:
		env.keep = true;
		break;
	case 'v':
		env.verbosity++;
		break;
	case ARGP_KEY_ARG:
		if (env.ifname)
			argp_error(state, "one interface only, not also '%s'",
				   arg);
		env.ifname = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which interface?");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "IFACE",
	.doc = "Filters what arrives on IFACE by rules that mapsctl sets, "
	       "until it is interrupted.",
};

/* Has each map pinned, or takes the one that is pinned already. */
static int pin_maps(struct maps_bpf *skel)
{
	struct bpf_map *map;
	char path[256];

	if (mkdir(PINS, 0700) && errno != EEXIST)
		return fail("pin to " PINS ": %s%s", strerror(errno),
			    errno == ENOENT || errno == EPERM
				    ? " (is bpffs mounted there?)"
				    : "");
	bpf_object__for_each_map (map, skel->obj) {
		if (bpf_map__is_internal(map))
			continue; /* global variables: their names have a dot */
		snprintf(path, sizeof(path), PINS "/%s", bpf_map__name(map));
		bpf_map__set_pin_path(map, path);
	}
	return 0;
}

/* The name of the interface that the pinned link LINK_FD is on, in IFNAME. */
static bool link_is_on(int link_fd, char *ifname)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(link_fd, &info, &size) &&
	       if_indextoname(info.xdp.ifindex, ifname);
}

/*
 * Attaches the program: by the pinned link when there is one, in whose place it
 * steps between two frames; else by a new one, which it pins. Returns the file
 * descriptor of the link; -1, having said why.
 */
static int attach(struct maps_bpf *skel)
{
	char ifname[IF_NAMESIZE];
	int fd = bpf_obj_get(PINNED_LINK);

	if (fd >= 0 && !link_is_on(fd, ifname)) {
		close(fd); /* its interface is gone */
		unlink(PINNED_LINK);
		fd = -1;
	}
	if (fd >= 0) {
		if (strcmp(ifname, env.ifname)) {
			fail("attach to %s: the data plane is on %s already "
			     "(mapsctl stop ends it)",
			     env.ifname, ifname);
			return close(fd), -1;
		}
		if (!bpf_link_update(fd, bpf_program__fd(skel->progs.maps),
				     NULL))
			return fd;
		fail("take over the data plane on %s: %s", ifname,
		     strerror(errno));
		return close(fd), -1;
	}
	fd = attach_xdp(skel->progs.maps, env.ifname, env.mode);
	if (fd >= 0 && bpf_obj_pin(fd, PINNED_LINK)) {
		fail("pin to " PINNED_LINK ": %s", strerror(errno));
		return close(fd), -1;
	}
	return fd;
}

static void print_counts(struct maps_bpf *skel, const char *when)
{
	static const char *const names[MAPS_VERDICTS] = { "passed", "prefix",
							  "port", "limited" };

	printf("%s:", when);
	for (__u32 verdict = 0; verdict < MAPS_VERDICTS; verdict++)
		printf("%s %s %llu", verdict ? "," : "", names[verdict],
		       count_of(bpf_map__fd(skel->maps.verdicts), verdict)
			       .packets);
	putchar('\n');
}

/* Shows the counters each second. Returns how the loader is to exit. */
static int watch(struct maps_bpf *skel, int link_fd)
{
	char when[32];

	for (int second = 1; wait_for(-1, 1000); second++) {
		if (!xdp_attached(link_fd))
			return fail("detached from %s: the interface is gone, "
				    "or somebody detached the program",
				    env.ifname);
		snprintf(when, sizeof(when), "%4d s", second);
		print_counts(skel, when);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct maps_bpf *skel = NULL;
	int link_fd = -1, status = EXIT_FAILURE, err;

	loader_args(&argp, argc, argv);
	loader_init(env.verbosity);
	if (!if_nametoindex(env.ifname)) {
		fail("attach to %s: %s", env.ifname, strerror(errno));
		goto out;
	}

	skel = maps_bpf__open_opts(loader_open_opts());
	if (!skel) {
		fail("open: %s", strerror(errno));
		goto out;
	}
	if (pin_maps(skel))
		goto out;
	err = maps_bpf__load(skel);
	if (err) {
		fail_load(err);
		goto out;
	}
	link_fd = attach(skel);
	if (link_fd < 0)
		goto out;

	say_ready();
	if (env.keep) {
		status = EXIT_SUCCESS;
		goto out;
	}
	status = watch(skel, link_fd);
	print_counts(skel, " total");
	unpin_all();
out:
	if (link_fd >= 0)
		close(link_fd);
	maps_bpf__destroy(skel);
	return status;
}
