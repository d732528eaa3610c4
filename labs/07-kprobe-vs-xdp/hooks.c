// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The ways to hook on to a packet's path. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include "function.h"
#include "caretaker.h"
#include "hooks.h"
#include "memory.h"
#include "optimization.h"
#include "symbols.h"

/* In enum bpf_attach_type since Linux 6.6; older headers do not have it. */
#define TCX_INGRESS ((enum bpf_attach_type)46)

static struct kprobe_vs_xdp_bpf *skel;
static const char *function;
static __u64 entry;	    /* where it begins */
static int ifindex, offset; /* a negative errno: no probe at an offset */

/* What is attached: a file descriptor, or a link; of clsact neither. */
static int fds[WAYS];
static struct bpf_link *links[WAYS];
static struct caretaker clsact_caretaker;

static const enum hook way_hooks[WAYS] = {
	[WAY_XDP_NATIVE] = HOOK_XDP,
	[WAY_XDP_GENERIC] = HOOK_XDP,
	[WAY_TCX] = HOOK_TC,
	[WAY_CLSACT] = HOOK_TC,
	[WAY_RAW_TP] = HOOK_RAW_TP,
	[WAY_TRACEPOINT] = HOOK_TRACEPOINT,
	[WAY_FENTRY] = HOOK_FENTRY,
	[WAY_FEXIT] = HOOK_FEXIT,
	[WAY_KPROBE_MULTI] = HOOK_KPROBE_MULTI,
	[WAY_KPROBE] = HOOK_KPROBE,
	[WAY_KPROBE_JUMP] = HOOK_KPROBE_OFFSET,
	[WAY_KPROBE_INT3] = HOOK_KPROBE_OFFSET,
	[WAY_KRETPROBE] = HOOK_KRETPROBE,
};

enum hook way_hook(enum way way)
{
	return way_hooks[way];
}

const char *probed_function(void)
{
	return function;
}

int probed_offset(void)
{
	return offset;
}

static struct bpf_program *program(enum way way)
{
	struct bpf_program *const programs[HOOKS] = {
		[HOOK_XDP] = skel->progs.on_xdp,
		[HOOK_TC] = skel->progs.on_tc,
		[HOOK_RAW_TP] = skel->progs.on_raw_tp,
		[HOOK_TRACEPOINT] = skel->progs.on_tracepoint,
		[HOOK_FENTRY] = skel->progs.on_fentry,
		[HOOK_FEXIT] = skel->progs.on_fexit,
		[HOOK_KPROBE] = skel->progs.on_kprobe,
		[HOOK_KPROBE_OFFSET] = skel->progs.on_offset,
		[HOOK_KRETPROBE] = skel->progs.on_kretprobe,
		[HOOK_KPROBE_MULTI] = skel->progs.on_kprobe_multi,
	};

	return programs[way_hooks[way]];
}

/* -- what of it this kernel takes ------------------------------------------ */

/* Does the kernel load a program of this type? Two instructions tell. */
static bool loads(enum bpf_prog_type type, enum bpf_attach_type attach_type,
		  __u32 function_id)
{
	const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = attach_type,
		    .attach_btf_id = function_id);
	int fd = bpf_prog_load(type, "probe", "GPL", instructions, 2, &options);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* One program that is refused would fail all: those are left out. */
static void choose_programs(__u32 function_id)
{
	bool trampolines =
		loads(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, function_id);

	bpf_program__set_autoload(skel->progs.on_fentry, trampolines);
	bpf_program__set_autoload(skel->progs.on_fexit, trampolines);
	if (trampolines) {
		bpf_program__set_attach_target(skel->progs.on_fentry, 0,
					       function);
		bpf_program__set_attach_target(skel->progs.on_fexit, 0,
					       function);
	}
	bpf_program__set_autoload(
		skel->progs.on_kprobe_multi,
		loads(BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0));
}

/* The network namespace that this process is in, by inode number. */
static __u32 own_netns(void)
{
	struct stat st = {};

	stat("/proc/self/ns/net", &st);
	return st.st_ino;
}

struct kprobe_vs_xdp_bpf *hooks_load(const struct hooks_options *options)
{
	__u32 function_id;
	int err;

	ifindex = if_nametoindex(options->ifname);
	if (!ifindex) {
		fail("attach to %s: %s", options->ifname, strerror(errno));
		return NULL;
	}
	if (!memory_open())
		return NULL;
	function = find_function(options->function, &function_id);
	if (!function)
		return NULL;
	entry = symbol_address(function);
	skel = kprobe_vs_xdp_bpf__open_opts(loader_open_opts());
	if (!skel) {
		fail("open: %s", strerror(errno));
		return NULL;
	}
	skel->rodata->ifindex = ifindex;
	skel->rodata->netns = own_netns();
	skel->rodata->bare = options->bare;
	choose_programs(function_id);
	err = kprobe_vs_xdp_bpf__load(skel);
	if (err) {
		fail_load(err);
		hooks_unload();
		return NULL;
	}
	offset = find_offset(skel->progs.on_offset, function);
	return skel;
}

void hooks_unload(void)
{
	for (int way = 0; way < WAYS; way++)
		way_detach(way);
	kprobe_vs_xdp_bpf__destroy(skel);
	skel = NULL;
	memory_close();
}

/* -- the ways -------------------------------------------------------------- */

/* Why the kernel said ERR, a positive errno, to WAY. */
static const char *reason(enum way way, int err)
{
	static char text[128];
	const char *hint = "";

	if (err == ENOENT)
		hint = " (this kernel was built without kprobes)";
	else if (err == EPERM)
		hint = " (lockdown, or no privilege)";
	else if (way == WAY_XDP_NATIVE && err == EOPNOTSUPP)
		hint = " (the driver has no native XDP)";
	snprintf(text, sizeof(text), "%s%s", strerror(err), hint);
	return text;
}

static const char *keep_fd(enum way way, int fd)
{
	if (fd < 0)
		return reason(way, -fd);
	fds[way] = fd;
	return NULL;
}

static const char *attach_xdp_link(enum way way)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = way == WAY_XDP_NATIVE ? XDP_FLAGS_DRV_MODE
						   : XDP_FLAGS_SKB_MODE);

	return keep_fd(way, bpf_link_create(bpf_program__fd(program(way)),
					    ifindex, BPF_XDP, &options));
}

static const char *attach_tcx(enum way way)
{
	int fd = bpf_link_create(bpf_program__fd(program(way)), ifindex,
				 TCX_INGRESS, NULL);

	return fd == -EINVAL ? "needs Linux 6.6" : keep_fd(way, fd);
}

static int make_clsact(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS);

	/* What somebody else has there is an error, and not ours to remove. */
	return bpf_tc_hook_create(&hook);
}

/* Its filters go with it. */
static void remove_clsact(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	bpf_tc_hook_destroy(&hook);
}

/* There is no link that would hold it: it would outlive us. */
static const char *attach_clsact(enum way way)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter,
		    .prog_fd = bpf_program__fd(program(way)));
	int err =
		caretaker_start(&clsact_caretaker, make_clsact, remove_clsact);

	if (!err)
		err = bpf_tc_attach(&hook, &filter);
	if (!err)
		return NULL;
	way_detach(way);
	return reason(way, -err);
}

#define INT3 0xcc /* of x86-64; a kernel for arm64 makes no jumps */

static bool is_breakpoint(void)
{
	__u8 first = INT3;

	memory_read(entry + offset, &first, 1);
	return first == INT3;
}

static const char *keep_link(enum way way, struct bpf_link *link)
{
	if (!link)
		return reason(way, errno);
	links[way] = link;
	return NULL;
}

/* The program itself says where. */
static const char *attach_link(enum way way)
{
	if (bpf_program__fd(program(way)) < 0)
		return "this kernel does not load such programs";
	return keep_link(way, bpf_program__attach(program(way)));
}

static const char *attach_kprobe(enum way way)
{
	LIBBPF_OPTS(bpf_kprobe_opts, entry, .retprobe = way == WAY_KRETPROBE);
	LIBBPF_OPTS(bpf_kprobe_multi_opts, multi, .syms = &function, .cnt = 1);

	if (bpf_program__fd(program(way)) < 0)
		return "this kernel does not load such programs";
	if (way == WAY_KPROBE_MULTI)
		return keep_link(way, bpf_program__attach_kprobe_multi_opts(
					      program(way), NULL, &multi));
	return keep_link(way, bpf_program__attach_kprobe_opts(
				      program(way), function, &entry));
}

static const char *attach_offset(enum way way)
{
	LIBBPF_OPTS(bpf_kprobe_opts, options, .offset = offset);

	if (offset < 0)
		return reason(WAY_KPROBE, -offset);
	return keep_link(way, bpf_program__attach_kprobe_opts(
				      program(way), function, &options));
}

/* The kernel makes the jump later, once every task has been off the CPU. */
static const char *attach_jump(enum way way)
{
	enum { SECONDS = 10, STEP = 10 /* ms */ };
	const char *wrong;

	if (!can_optimize())
		return "this kernel makes no jump of a breakpoint (it has no "
		       "debug.kprobes-optimization)";
	wrong = attach_offset(way);
	if (wrong)
		return wrong;
	for (int i = 0; is_breakpoint() && i < SECONDS * 1000 / STEP; i++)
		wait_for(-1, STEP);
	if (!is_breakpoint())
		return NULL;
	way_detach(way);
	return "it has stayed a breakpoint for 10 s (debug.kprobes-"
	       "optimization?)";
}

static const char *attach_int3(enum way way)
{
	const char *wrong;

	if (offset < 0)
		return reason(WAY_KPROBE, -offset);
	if (!stop_optimization())
		return "debug.kprobes-optimization cannot be switched off";
	wrong = attach_offset(way);
	if (wrong)
		restore_optimization();
	return wrong;
}

/* -- all of them ----------------------------------------------------------- */

static const struct {
	const char *name;
	const char *(*attach)(enum way way);
} ways[WAYS] = {
	[WAY_XDP_NATIVE] = { "XDP, native", attach_xdp_link },
	[WAY_XDP_GENERIC] = { "XDP, generic", attach_xdp_link },
	[WAY_TCX] = { "tc, tcx", attach_tcx },
	[WAY_CLSACT] = { "tc, clsact", attach_clsact },
	[WAY_RAW_TP] = { "raw tracepoint", attach_link },
	[WAY_TRACEPOINT] = { "tracepoint", attach_link },
	[WAY_FENTRY] = { "fentry", attach_link },
	[WAY_FEXIT] = { "fexit", attach_link },
	[WAY_KPROBE_MULTI] = { "kprobe.multi", attach_kprobe },
	[WAY_KPROBE] = { "kprobe, ftrace", attach_kprobe },
	[WAY_KPROBE_JUMP] = { "kprobe, jump", attach_jump },
	[WAY_KPROBE_INT3] = { "kprobe, int3", attach_int3 },
	[WAY_KRETPROBE] = { "kretprobe", attach_kprobe },
};

const char *way_name(enum way way)
{
	return ways[way].name;
}

const char *way_attach(enum way way)
{
	return ways[way].attach(way);
}

bool way_attached(enum way way)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (way == WAY_CLSACT)
		return clsact_caretaker.pid;
	/* A link of an interface outlives it, with the interface number 0. */
	if (fds[way])
		return !bpf_obj_get_info_by_fd(fds[way], &info, &size) &&
		       info.xdp.ifindex;
	return links[way];
}

void way_detach(enum way way)
{
	if (fds[way])
		close(fds[way]);
	bpf_link__destroy(links[way]);
	if (way == WAY_CLSACT)
		caretaker_end(&clsact_caretaker);
	if (way == WAY_KPROBE_INT3)
		restore_optimization();
	fds[way] = 0;
	links[way] = NULL;
}
