// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “eBPF Architecture”, Attachment Methods: bpf_program__attach attaches a program.
 *
 *     attach OBJECT PATH     loads the first program in OBJECT, attaches it, and
 *                            pins program and attachment as PATH and PATH-link
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *prog;
	struct bpf_link *link;
	char path[256];

	libbpf_set_print(NULL);
	object = bpf_object__open(argc == 3 ? argv[1] : "");
	if (!object || bpf_object__load(object))
		return 1;
	prog = bpf_object__next_program(object, NULL);
	if (bpf_program__pin(prog, argv[2]))
		return 1;

	link = bpf_program__attach(prog);
	if (!link) {
		puts(errno == EOPNOTSUPP ? "EOPNOTSUPP" : strerror(errno));
		return 0;
	}
	snprintf(path, sizeof(path), "%s-link", argv[2]);
	if (bpf_link__pin(link, path))
		return 1;
	puts("attached");
	return 0;
}
