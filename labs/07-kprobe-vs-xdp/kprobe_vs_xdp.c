// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loader of lab 07: hooks on to the path of the packets that arrive on an
 * interface, in every way that this kernel has, and counts them by each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "commands.h"
#include "histogram.h"
#include "hooks.h"
#include "loader.h"

static struct env {
	struct iface_args xdp;
	const char *function;
	bool some, chosen[HOOKS]; /* only those, if only some */
} env;

static bool was_attached[WAYS];

static const struct argp_option options[] = {
	{ "function", 'f', "NAME", 0,
	  "the kernel's function to probe (default: the first of a list that "
	  "there is)",
	  0 },
	{ "only", 'o', "HOOK[,HOOK...]", 0,
	  "attach only these: xdp, tc, raw_tp, tracepoint, fentry, fexit, "
	  "kprobe, "
	  "offset, kretprobe, multi",
	  0 },
	{},
};

static const char *const hook_names[HOOKS] = {
	[HOOK_XDP] = "xdp",
	[HOOK_TC] = "tc",
	[HOOK_RAW_TP] = "raw_tp",
	[HOOK_TRACEPOINT] = "tracepoint",
	[HOOK_FENTRY] = "fentry",
	[HOOK_FEXIT] = "fexit",
	[HOOK_KPROBE] = "kprobe",
	[HOOK_KPROBE_OFFSET] = "offset",
	[HOOK_KRETPROBE] = "kretprobe",
	[HOOK_KPROBE_MULTI] = "multi",
};

static void choose_hooks(struct argp_state *state, char *list)
{
	int hook;

	env.some = true;
	for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		for (hook = 0; hook < HOOKS; hook++)
			if (!strcmp(name, hook_names[hook]))
				break;
		if (hook == HOOKS)
			argp_error(state, "no hook '%s'", name);
		env.chosen[hook] = true;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'f':
		env.function = arg;
		break;
	case 'o':
		choose_hooks(state, arg);
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &env.xdp;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = xdp_args_parser,
	.args_doc = "IFACE\ncost [OPTION...] IFACE\ntext [OPTION...] IFACE\n"
		    "safety",
	.doc = "Counts what arrives on IFACE by every hook of this kernel, "
	       "until it is interrupted.\v"
	       "With cost it measures what each hook costs; with text, which "
	       "bytes of the kernel's code each one changes; with safety it "
	       "shows what the verifier refuses.",
};

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "cost", cost_main },
	{ "text", text_main },
	{ "safety", safety_main },
};

static const struct command *command_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* Is WAY one of those that are attached side by side? Of two for one hook, one. */
static bool wanted(enum way way)
{
	if (env.some && !env.chosen[way_hook(way)])
		return false;
	switch (way) {
	case WAY_XDP_NATIVE:
		return env.xdp.mode == XDP_MODE_NATIVE;
	case WAY_XDP_GENERIC:
		return env.xdp.mode == XDP_MODE_GENERIC;
	case WAY_CLSACT:
		return !way_attached(WAY_TCX);
	case WAY_KPROBE_INT3:
		return !way_attached(WAY_KPROBE_JUMP);
	default:
		return true;
	}
}

/*
 * Attaches what this kernel has, and says what it lacks. Returns false when that is XDP,
 * or what was asked for by name.
 */
static bool attach_all(void)
{
	const char *missing;

	for (enum way way = 0; way < WAYS; way++) {
		missing = wanted(way) ? way_attach(way) : NULL;
		was_attached[way] = way_attached(way);
		if (!missing)
			continue;
		if (env.some || way_hook(way) == HOOK_XDP) {
			fail("attach to %s by %s: %s", env.xdp.ifname,
			     way_name(way), missing);
			return false;
		}
		printf("no %s: %s\n", way_name(way), missing);
	}
	return true;
}

static bool still_attached(void)
{
	for (enum way way = 0; way < WAYS; way++)
		if (was_attached[way] && !way_attached(way))
			return false;
	return true;
}

static struct hook_count count_of(struct kprobe_vs_xdp_bpf *skel,
				  enum hook hook)
{
	struct hook_count n;

	sum_values(bpf_map__fd(skel->maps.counts), hook, (__u64 *)&n, 2);
	return n;
}

static void print_line(struct kprobe_vs_xdp_bpf *skel, int second)
{
	printf("%4d s:", second);
	for (enum way way = 0; way < WAYS; way++)
		if (way_attached(way))
			printf(" %s %llu", way_name(way),
			       count_of(skel, way_hook(way)).packets);
	putchar('\n');
}

static void print_totals(struct kprobe_vs_xdp_bpf *skel)
{
	struct hook_count n;

	printf("\n%-16s %10s %12s\n", "hook", "packets", "bytes");
	for (enum way way = 0; way < WAYS; way++) {
		if (!way_attached(way))
			continue;
		n = count_of(skel, way_hook(way));
		printf("%-16s %10llu", way_name(way), n.packets);
		n.bytes ? printf(" %12llu\n", n.bytes) : printf(" %12s\n", "-");
	}
	print_histogram("kretprobe", bpf_map__fd(skel->maps.kretprobe_times));
	print_histogram("fentry, fexit", bpf_map__fd(skel->maps.fexit_times));
}

static int watch(struct kprobe_vs_xdp_bpf *skel)
{
	for (int second = 1; wait_for(-1, 1000); second++) {
		if (!still_attached())
			return fail("detached from %s: the interface is gone, "
				    "or somebody detached the program",
				    env.xdp.ifname);
		print_line(skel, second);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct command *command =
		argc > 1 ? command_by_name(argv[1]) : NULL;
	struct kprobe_vs_xdp_bpf *skel;
	struct hooks_options hooks = {};
	int status = EXIT_FAILURE;

	if (command)
		return command->run(argc - 1, argv + 1);
	loader_args(&argp, argc, argv);
	loader_init(env.xdp.verbosity);

	hooks.ifname = env.xdp.ifname;
	hooks.function = env.function;
	skel = hooks_load(&hooks);
	if (!skel)
		return EXIT_FAILURE;
	printf("probing %s\n", probed_function());
	if (attach_all()) {
		say_ready();
		status = watch(skel);
		print_totals(skel);
	}
	hooks_unload();
	return status;
}
