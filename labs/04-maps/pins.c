// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The data plane as others find it: its pins. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include "pins.h"

static const char *pins_hint(int err)
{
	if (geteuid())
		return " (this needs root: sudo)";
	return (err == EPERM || err == ENOENT) && access(PINS, F_OK)
		       ? " (is bpffs mounted there?)"
		       : "";
}

/* Locks the folder until the process ends. Returns 0, or what is in the way. */
static int lock_folder(void)
{
	int fd = open(PINS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* FD stays open: the lock goes with it. */
	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
}

bool lock_pins(bool *made)
{
	bool new = !mkdir(PINS, 0700);
	int err = !new &&errno != EEXIST ? errno : lock_folder();

	*made = new && !err;
	if (err == EWOULDBLOCK)
		fail("pin to " PINS ": another maps holds the data plane "
		     "(with --keep it would not)");
	else if (err)
		fail("pin to " PINS ": %s%s", strerror(err), pins_hint(err));
	return !err;
}

/* -- the link ------------------------------------------------------------- */

/* What the kernel says of the link FD, in INFO. Is its interface still there? */
static bool attached(int fd, struct bpf_link_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return !bpf_obj_get_info_by_fd(fd, info, &size) && info->xdp.ifindex;
}

bool data_plane_runs(void)
{
	int fd = bpf_obj_get(PINNED_LINK);
	bool runs = fd >= 0 && xdp_attached(fd);

	if (fd < 0 && errno != ENOENT)
		fail("open " PINNED_LINK ": %s%s", strerror(errno),
		     pins_hint(errno));
	else if (!runs)
		fail("no data plane is running: maps IFACE starts one");
	if (fd >= 0)
		close(fd);
	return runs;
}

/* Is the program of LINK on IFNAME here, in MODE? If not, it has said so. */
static bool fits(const struct bpf_link_info *link, const char *ifname,
		 enum xdp_mode mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, there);

	/* An interface's number is not enough: each namespace has its own. */
	if (bpf_xdp_query(if_nametoindex(ifname), 0, &there) ||
	    there.prog_id != link->prog_id) {
		fail("attach to %s: the data plane is on another interface "
		     "already (mapsctl stop ends it)",
		     ifname);
		return false;
	}
	if ((there.attach_mode == XDP_ATTACHED_SKB) !=
	    (mode == XDP_MODE_GENERIC)) {
		fail("attach to %s: the data plane is there in the other mode "
		     "(mapsctl stop ends it)",
		     ifname);
		return false;
	}
	return true;
}

/* The pinned link, and what the kernel says of it; -1: nothing is attached. */
static int open_link(struct bpf_link_info *link)
{
	int fd = bpf_obj_get(PINNED_LINK);

	if (fd < 0 || attached(fd, link))
		return fd;
	close(fd); /* its interface is gone */
	return -1;
}

bool may_attach(const char *ifname, enum xdp_mode mode)
{
	struct bpf_link_info link;
	int fd = open_link(&link);
	bool may = fd < 0 || fits(&link, ifname, mode);

	if (fd >= 0)
		close(fd);
	return may;
}

/* Puts PROG in the place of the program of the link FD, which goes on as FD. */
static int take_over(int fd, const struct bpf_program *prog, const char *ifname)
{
	if (!bpf_link_update(fd, bpf_program__fd(prog), NULL)) {
		tell("took over the data plane on %s", ifname);
		return fd;
	}
	fail("take over the data plane on %s: %s", ifname, strerror(errno));
	close(fd);
	return -1;
}

int attach_pinned(const struct bpf_program *prog, const char *ifname,
		  enum xdp_mode mode)
{
	struct bpf_link_info link;
	int fd = open_link(&link);

	if (fd >= 0)
		return take_over(fd, prog, ifname);
	unlink(PINNED_LINK);
	fd = attach_xdp(prog, ifname, mode);
	if (fd < 0 || !bpf_obj_pin(fd, PINNED_LINK))
		return fd;
	fail("pin to " PINNED_LINK ": %s", strerror(errno));
	close(fd);
	return -1;
}

void stop_data_plane(void)
{
	int fd = bpf_obj_get(PINNED_LINK);
	struct dirent *entry;
	char path[512];
	DIR *dir;

	if (fd >= 0) { /* first: no frame meets half a firewall */
		bpf_link_detach(fd);
		close(fd);
	}
	dir = opendir(PINS);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), PINS "/%s", entry->d_name);
		unlink(path);
	}
	closedir(dir);
	rmdir(PINS);
}

void remove_leftovers(void)
{
	if (!lock_folder())
		stop_data_plane();
}

/* -- the maps ------------------------------------------------------------- */

void pin_maps(struct bpf_object *object)
{
	struct bpf_map *map;
	char path[256];

	bpf_object__for_each_map (map, object) {
		if (bpf_map__is_internal(map))
			continue; /* global variables: their names have a dot */
		snprintf(path, sizeof(path), PINS "/%s", bpf_map__name(map));
		bpf_map__set_pin_path(map, path);
	}
}

int pinned_map(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), PINS "/%s", name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		fail("open %s: %s%s", path, strerror(errno), pins_hint(errno));
	return fd;
}

struct maps_count sum_counts(int map_fd, __u32 key)
{
	__u64 sums[2];

	sum_values(map_fd, key, sums, 2);
	return (struct maps_count){ .packets = sums[0], .bytes = sums[1] };
}

__u64 all_packets(int verdicts_fd)
{
	__u64 sum = 0;

	for (__u32 verdict = 0; verdict < MAPS_VERDICTS; verdict++)
		sum += sum_counts(verdicts_fd, verdict).packets;
	return sum;
}
