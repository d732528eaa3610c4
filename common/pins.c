// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A data plane as others find it: its pins. */
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

static const char *loader, *stopper;
static char folder[64];

void pins_init(const char *loader_name, const char *stop_command)
{
	loader = loader_name;
	stopper = stop_command;
	snprintf(folder, sizeof(folder), "/sys/fs/bpf/%s", loader);
}

/* The path of the pin NAME; it holds until the next call. */
static const char *path_of(const char *name)
{
	static char path[sizeof(folder) + 256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *pins_hint(int err)
{
	if (geteuid())
		return " (this needs root: sudo)";
	return (err == EPERM || err == ENOENT) && access(folder, F_OK)
		       ? " (is bpffs mounted there?)"
		       : "";
}

/* Locks the folder until the process ends. Returns 0, or what is in the way. */
static int lock_folder(void)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* FD stays open: the lock goes with it. */
	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
}

bool lock_pins(bool *made)
{
	bool new = !mkdir(folder, 0700);
	int err = !new &&errno != EEXIST ? errno : lock_folder();

	*made = new && !err;
	if (err == EWOULDBLOCK)
		fail("pin to %s: another %s holds the data plane (with --keep "
		     "it would not)",
		     folder, loader);
	else if (err)
		fail("pin to %s: %s%s", folder, strerror(err), pins_hint(err));
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

/*
 * Calls VISIT with the path of each pin whose name begins with PREFIX, until it
 * returns true, and returns whether it did; false too when there is no folder.
 */
static bool any_pin(const char *prefix, bool (*visit)(const char *path))
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' &&
			!strncmp(entry->d_name, prefix, strlen(prefix)) &&
			visit(path_of(entry->d_name));
	closedir(dir);
	return found;
}

static bool is_attached(const char *path)
{
	int fd = bpf_obj_get(path);
	bool is = fd >= 0 && xdp_attached(fd);

	if (fd >= 0)
		close(fd);
	return is;
}

bool data_plane_attached(void)
{
	return any_pin("link", is_attached);
}

bool data_plane_runs(void)
{
	if (access(folder, X_OK) && errno != ENOENT)
		fail("open %s: %s%s", folder, strerror(errno),
		     pins_hint(errno));
	else if (data_plane_attached())
		return true;
	else
		fail("no data plane is running: %s IFACE starts one", loader);
	return false;
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
		     "already (%s ends it)",
		     ifname, stopper);
		return false;
	}
	if ((there.attach_mode == XDP_ATTACHED_SKB) !=
	    (mode == XDP_MODE_GENERIC)) {
		fail("attach to %s: the data plane is there in the other mode "
		     "(%s ends it)",
		     ifname, stopper);
		return false;
	}
	return true;
}

/* The link pinned as NAME, and what the kernel says of it; -1: it is not attached. */
static int open_link(const char *name, struct bpf_link_info *link)
{
	int fd = bpf_obj_get(path_of(name));

	if (fd < 0 || attached(fd, link))
		return fd;
	close(fd); /* its interface is gone */
	return -1;
}

bool may_attach(const char *name, const char *ifname, enum xdp_mode mode)
{
	struct bpf_link_info link;
	int fd = open_link(name, &link);
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

int attach_pinned(const struct bpf_program *prog, const char *name,
		  const char *ifname, enum xdp_mode mode)
{
	struct bpf_link_info link;
	int fd = open_link(name, &link);

	if (fd >= 0)
		return take_over(fd, prog, ifname);
	unlink(path_of(name));
	fd = attach_xdp(prog, ifname, mode);
	if (fd < 0 || !bpf_obj_pin(fd, path_of(name)))
		return fd;
	fail("pin to %s: %s", path_of(name), strerror(errno));
	close(fd);
	return -1;
}

static bool detach_link(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	return false;
}

static bool remove_pin(const char *path)
{
	unlink(path);
	return false;
}

void stop_data_plane(void)
{
	any_pin("link", detach_link); /* first: no frame meets half of it */
	any_pin("", remove_pin);
	rmdir(folder);
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

	bpf_object__for_each_map (map, object)
		if (!bpf_map__is_internal(map)) /* their names have a dot */
			bpf_map__set_pin_path(map, path_of(bpf_map__name(map)));
}

__u32 pinned_entries(const char *name)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd = bpf_obj_get(path_of(name));

	if (fd < 0)
		return 0;
	bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	return info.max_entries;
}

int pinned_map(const char *name)
{
	int fd = bpf_obj_get(path_of(name));

	if (fd < 0)
		fail("open %s: %s%s", path_of(name), strerror(errno),
		     pins_hint(errno));
	return fd;
}
