// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * probe KIND [INTERFACE]: does this kernel load, and attach, a BPF program of
 * that kind? Only trying tells: a version says nothing of how the kernel was
 * configured, nor of what a lockdown or a container takes away. The program is
 * two raw instructions, so no clang is needed; it is gone when this exits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#if LIBBPF_MAJOR_VERSION < 1
#error "libbpf 1.0 or newer is needed"
#endif

#define KERNEL_FUNCTION "vfs_read" /* in every kernel, and never inlined */

/* -- attach: each returns 0 or more, or a negative errno ------------------- */

static int attach_nowhere(int prog, int ifindex)
{
	(void)prog;
	(void)ifindex;
	return 0;
}

/* As the labs do: by a link, and in native mode. */
static int attach_xdp(int prog, int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);

	return bpf_link_create(prog, ifindex, BPF_XDP, &options);
}

static int attach_tc(int prog, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = prog);
	int err = bpf_tc_hook_create(&hook);

	return err && err != -EEXIST ? err : bpf_tc_attach(&hook, &options);
}

static int attach_raw_tracepoint(int prog, int ifindex)
{
	(void)ifindex;
	return bpf_raw_tracepoint_open("sys_enter", prog);
}

/* A program that was loaded for one function needs no name of it. */
static int attach_fentry(int prog, int ifindex)
{
	(void)ifindex;
	return bpf_raw_tracepoint_open(NULL, prog);
}

static int read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	int number, fields;

	if (!file)
		return -errno;
	fields = fscanf(file, "%d", &number);
	fclose(file);
	return fields == 1 ? number : -EIO;
}

static int attach_perf_event(int prog, struct perf_event_attr *attr)
{
	int event;

	attr->size = sizeof(*attr);
	event = syscall(SYS_perf_event_open, attr, -1, 0, -1,
			PERF_FLAG_FD_CLOEXEC);
	if (event < 0 || ioctl(event, PERF_EVENT_IOC_SET_BPF, prog))
		return -errno;
	return event;
}

static int attach_tracepoint(int prog, int ifindex)
{
	int id = read_number("/sys/kernel/tracing/events/syscalls/"
			     "sys_enter_execve/id");
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.config = id };

	(void)ifindex;
	return id < 0 ? id : attach_perf_event(prog, &attr);
}

static int attach_kprobe(int prog, int ifindex)
{
	int type = read_number("/sys/bus/event_source/devices/kprobe/type");
	struct perf_event_attr attr = { .type = type,
					.config1 = (long)KERNEL_FUNCTION };

	(void)ifindex;
	return type < 0 ? type : attach_perf_event(prog, &attr);
}

/* -- the kinds -------------------------------------------------------------- */

static const struct kind {
	const char *name;
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	int (*attach)(int prog, int ifindex);
} kinds[] = {
	{ "bpf", BPF_PROG_TYPE_SOCKET_FILTER, 0, attach_nowhere },
	{ "xdp", BPF_PROG_TYPE_XDP, BPF_XDP, attach_xdp },
	{ "tc", BPF_PROG_TYPE_SCHED_CLS, 0, attach_tc },
	{ "tracepoint", BPF_PROG_TYPE_TRACEPOINT, 0, attach_tracepoint },
	{ "raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, attach_raw_tracepoint },
	{ "kprobe", BPF_PROG_TYPE_KPROBE, 0, attach_kprobe },
	{ "fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, attach_fentry },
};

static const struct kind *kind_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static int load(const struct kind *kind)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = kind->attach_type);
	int function;

	if (kind->type == BPF_PROG_TYPE_TRACING) {
		function = libbpf_find_vmlinux_btf_id(KERNEL_FUNCTION,
						      kind->attach_type);
		if (function < 0)
			return function;
		options.attach_btf_id = function;
	}
	return bpf_prog_load(kind->type, "probe", "GPL", program, 2, &options);
}

static int fail(const char *action, int err)
{
	printf("%s: %s\n", action, strerror(-err));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc > 1 ? kind_by_name(argv[1]) : NULL;
	int prog, err;

	if (!kind) {
		fprintf(stderr, "usage: %s KIND [INTERFACE]\n", argv[0]);
		return 2;
	}
	libbpf_set_print(NULL);
	prog = load(kind);
	if (prog < 0)
		return fail("load", prog);
	err = kind->attach(prog, argc > 2 ? if_nametoindex(argv[2]) : 0);
	if (err < 0)
		return fail("attach", err);
	return EXIT_SUCCESS;
}
