// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Both Have Registration APIs: XDP programs are
 * attached by bpf_prog_attach(prog_fd, target_fd, BPF_XDP, 0).
 *
 *     xdp_attach OBJECT IFACE     tries that, then bpf_link_create, and says what
 *                                 came of each
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static void tell(const char *call, int result)
{
	const char *what = "attached";

	if (result == -EINVAL)
		what = "EINVAL";
	else if (result < 0)
		what = strerror(-result);
	printf("%s: %s\n", call, what);
}

int main(int argc, char **argv)
{
	int ifindex = if_nametoindex(argc == 3 ? argv[2] : ""), fd;
	struct bpf_object *object;

	object = bpf_object__open(argc == 3 ? argv[1] : "");
	if (!object || bpf_object__load(object))
		return 1;
	fd = bpf_program__fd(bpf_object__next_program(object, NULL));

	tell("bpf_prog_attach", bpf_prog_attach(fd, ifindex, BPF_XDP, 0));
	tell("bpf_link_create", bpf_link_create(fd, ifindex, BPF_XDP, NULL));
	return 0;
}
