// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hold PID PROGRAMS MAPS: pins what the process PID has file descriptors of, each
 * program as PROGRAMS/NAME and each map as MAPS/NAME; of the name of a map of
 * global variables only what follows the last dot. (bpftool could, but it looks for
 * the processes of all programs of the machine each time, which takes long.)
 */
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

/* Pins the object that FD refers to in FOLDER, if it is not there yet. */
static void pin(int fd, const char *folder, const char *name)
{
	const char *dot = strrchr(name, '.');
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, dot ? dot + 1 : name);
	if (access(path, F_OK) && bpf_obj_pin(fd, path))
		error(EXIT_FAILURE, errno, "%s", path);
}

static void pin_program(__u32 id, const char *folder)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		error(EXIT_FAILURE, errno, "program %u", id);
	pin(fd, folder, info.name);
	close(fd);
}

static void pin_map(__u32 id, const char *folder)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		error(EXIT_FAILURE, errno, "map %u", id);
	pin(fd, folder, info.name);
	close(fd);
}

/* What the kernel tells of one file descriptor. */
static void look_at(const char *path, char **folders)
{
	FILE *file = fopen(path, "r");
	char line[256];
	__u32 id;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "prog_id: %u", &id) == 1)
			pin_program(id, folders[0]);
		else if (sscanf(line, "map_id: %u", &id) == 1)
			pin_map(id, folders[1]);
	}
	if (file)
		fclose(file);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *all;

	if (argc != 4)
		error(2, 0, "usage: hold PID PROGRAMS MAPS");
	snprintf(path, sizeof(path), "/proc/%s/fdinfo", argv[1]);
	all = opendir(path);
	if (!all)
		error(EXIT_FAILURE, errno, "%s", path);
	while ((entry = readdir(all))) {
		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", argv[1],
			 entry->d_name);
		look_at(path, argv + 2);
	}
	closedir(all);
	return EXIT_SUCCESS;
}
