// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * verified PROGRAM…: prints `NAME INSTRUCTIONS` for each pinned program: how many
 * instructions the verifier followed, over all paths, until it believed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_obj_get(argv[i]);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size)) {
			fprintf(stderr, "verified: %s: %s\n", argv[i],
				strerror(errno));
			return EXIT_FAILURE;
		}
		printf("%s %u\n", info.name, info.verified_insns);
	}
	return EXIT_SUCCESS;
}
