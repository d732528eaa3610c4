// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pins of the data plane, as both its loader and mapsctl use them. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "loader.h"
#include "maps.h"
#include "pins.h"

int pinned_map(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), PINS "/%s", name);
	fd = bpf_obj_get(path);
	if (fd < 0 && errno == ENOENT)
		fail("no data plane is running (%s is not there): maps IFACE "
		     "starts one",
		     path);
	else if (fd < 0)
		fail("open %s: %s%s", path, strerror(errno),
		     errno == EPERM || errno == EACCES ? " (sudo)" : "");
	return fd;
}

void unpin_all(void)
{
	struct dirent *entry;
	char path[512];
	DIR *dir;

	unlink(PINNED_LINK); /* first: no frame meets half a firewall */
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

struct maps_count count_of(int map_fd, __u32 key)
{
	int cpus = libbpf_num_possible_cpus();
	struct maps_count counts[cpus > 0 ? cpus : 1], sum = {};

	if (bpf_map_lookup_elem(map_fd, &key, counts))
		return sum;
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += counts[cpu].packets;
		sum.bytes += counts[cpu].bytes;
	}
	return sum;
}
