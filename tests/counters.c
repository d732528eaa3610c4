// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * counters MAP…: prints what the pinned maps count, a line `MAP KEY COUNT…` each,
 * with a COUNT for each 8 bytes of a value; MAP is the last part of the path. Of a
 * map with a copy per CPU, COUNT is the sum; a key of 4 bytes is a number, any
 * other is shown in hex. A map that cannot be walked, as a ring buffer, or whose
 * values are not of such counts is left out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum { MOST_CPUS = 4096, MOST_KEY = 256, MOST_COUNTS = 8 };

static __u64 values[MOST_CPUS * MOST_COUNTS];

static bool counts(const struct bpf_map_info *info)
{
	return info->type != BPF_MAP_TYPE_RINGBUF &&
	       info->value_size % 8 == 0 &&
	       info->value_size <= MOST_COUNTS * 8 &&
	       info->key_size <= MOST_KEY;
}

static bool is_per_cpu(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       info->type == BPF_MAP_TYPE_PERCPU_HASH ||
	       info->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static void print_key(const unsigned char *key, __u32 size)
{
	if (size == 4) {
		printf(" %u", *(const __u32 *)key);
		return;
	}
	putchar(' ');
	for (__u32 i = 0; i < size; i++)
		printf("%02x", key[i]);
}

static void print_counters(const char *name, int fd,
			   const struct bpf_map_info *info, int cpus)
{
	unsigned char key[MOST_KEY] __attribute__((aligned(8)));
	__u32 counts = info->value_size / 8;
	void *before = NULL;

	while (!bpf_map_get_next_key(fd, before, key)) {
		before = key;
		if (bpf_map_lookup_elem(fd, key, values))
			continue; /* gone in the meantime */
		for (__u32 i = counts; is_per_cpu(info) && i < cpus * counts;
		     i++)
			values[i % counts] += values[i];
		printf("%s", name);
		print_key(key, info->key_size);
		for (__u32 i = 0; i < counts; i++)
			printf(" %llu", values[i]);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 1 || cpus > MOST_CPUS)
		return EXIT_FAILURE;
	for (int i = 1; i < argc; i++) {
		struct bpf_map_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_obj_get(argv[i]);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size)) {
			fprintf(stderr, "counters: %s: %s\n", argv[i],
				strerror(errno));
			return EXIT_FAILURE;
		}
		if (counts(&info))
			print_counters(strrchr(argv[i], '/') + 1, fd, &info,
				       cpus);
	}
	return EXIT_SUCCESS;
}
