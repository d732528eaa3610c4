// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loader of lab 05: attaches two programs to an interface, one to what comes in
 * and one to what goes out, and shows each second what they have done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include "attach.h"
#include "loader.h"
#include "options.h"
#include "tc.h"
#include "tc.skel.h"

static struct env {
	struct iface_args iface;
	const char *mirror;
	enum tc_way way;
	__u8 ttl;
	bool ttl_by_helper;
	__u16 forward_from, forward_to, vlan;
	__u32 mirror_every;
} env;

enum { OPTION_BY_HELPER = 256, OPTION_EVERY };

static const struct argp_option options[] = {
	{ "attach", 'a', "WAY", 0, "clsact, or tcx (default, if there is any)",
	  0 },
	{ NULL, 0, NULL, 0, "To what comes in:", 1 },
	{ "ttl", 't', "N", 0, "set TTL and hop limit to N", 1 },
	{ "ttl-by-helper", OPTION_BY_HELPER, NULL, 0,
	  "by helpers, not by a direct write", 1 },
	{ "mark", 'm', "PREFIX=MARK", 0, "mark what comes from PREFIX", 1 },
	{ "forward", 'f', "PORT:TO", 0,
	  "send what goes to PORT to the port TO, and its answers back", 1 },
	{ "mirror", 'M', "IFACE", 0, "send clones out of IFACE", 1 },
	{ "mirror-every", OPTION_EVERY, "N", 0,
	  "of one packet of N (default: 1)", 1 },
	{ NULL, 0, NULL, 0, "To what goes out:", 2 },
	{ "limit", 'l', "ADDRESS=BYTES[,BURST]", 0,
	  "let BYTES a second go to ADDRESS, BURST at once (default: a tenth)",
	  2 },
	{ "dscp", 'd', "PORT=DSCP", 0, "set the DSCP of what goes to PORT", 2 },
	{ "class", 'c', "PORT=MAJOR:MINOR", 0,
	  "give what goes to PORT to that HTB class", 2 },
	{ "vlan", 'V', "ID", 0, "push this VLAN tag, and pop it on the way in",
	  2 },
	{ NULL, 0, NULL, 0, "Besides:", -1 },
	{},
};

/* The number of an option; when it is none, that is a wrong command line. */
static long long number(struct argp_state *state, const char *what,
			const char *text, long long least, long long most)
{
	long long n = parse_number(text, least, most);

	if (n < 0)
		argp_error(state, "no %s '%s': %lld to %lld", what, text, least,
			   most);
	return n;
}

static const struct {
	int key;
	const char *(*add)(char *text);
} rules[] = {
	{ 'm', add_mark },
	{ 'l', add_limit },
	{ 'd', add_dscp },
	{ 'c', add_class },
};

/* Reads the option KEY, if it gives a rule, with its text ARG. */
static error_t parse_rule(int key, const char *arg, struct argp_state *state)
{
	size_t i = 0, count = sizeof(rules) / sizeof(rules[0]);
	const char *wrong;
	char *text;

	while (i < count && rules[i].key != key)
		i++;
	if (i == count)
		return ARGP_ERR_UNKNOWN;
	text = strdup(arg); /* for it is cut up */
	wrong = text ? rules[i].add(text) : strerror(errno);
	free(text);
	if (wrong)
		argp_error(state, "%s: %s", arg, wrong);
	return 0;
}

static void parse_forward(struct argp_state *state, char *arg)
{
	char *to = strchr(arg, ':');

	if (!to) {
		argp_error(state, "no forwarding '%s': as 80:8080", arg);
		return;
	}
	*to++ = '\0';
	env.forward_from = number(state, "port", arg, 1, 65535);
	env.forward_to = number(state, "port", to, 1, 65535);
	if (env.forward_from == env.forward_to)
		argp_error(state, "port %s is forwarded to itself", to);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	int way;

	switch (key) {
	case 'a':
		way = tc_way_by_name(arg);
		if (way < 0)
			argp_error(state, "no way '%s': clsact or tcx", arg);
		env.way = way;
		break;
	case 't':
		env.ttl = number(state, "TTL", arg, 1, 255);
		break;
	case OPTION_BY_HELPER:
		env.ttl_by_helper = true;
		break;
	case 'f':
		parse_forward(state, arg);
		break;
	case 'M':
		env.mirror = arg;
		break;
	case OPTION_EVERY:
		env.mirror_every = number(state, "N", arg, 1, UINT32_MAX);
		break;
	case 'V':
		env.vlan = number(state, "VLAN", arg, 1, 4094);
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &env.iface;
		break;
	case ARGP_KEY_SUCCESS:
		if (env.ttl_by_helper && !env.ttl)
			argp_error(state, "--ttl-by-helper: to what? give -t");
		if (env.mirror_every && !env.mirror)
			argp_error(state, "--mirror-every: to where? give -M");
		if (env.mirror && !env.mirror_every)
			env.mirror_every = 1;
		break;
	default:
		return parse_rule(key, arg, state);
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = iface_args_parser,
	.args_doc = "IFACE",
	.doc = "Changes, marks, sorts and limits what comes in and goes out on "
	       "IFACE, until it is interrupted.",
};

/* Sets what the programs read as constants. Returns whether all of it is there. */
static bool set_knobs(struct tc_bpf *skel)
{
	int mirror = env.mirror ? if_nametoindex(env.mirror) : 0;

	if (env.mirror && !mirror) {
		fail("mirror to %s: %s", env.mirror, strerror(errno));
		return false;
	}
	skel->rodata->ttl = env.ttl;
	skel->rodata->ttl_by_helper = env.ttl_by_helper;
	skel->rodata->forward_from = env.forward_from;
	skel->rodata->forward_to = env.forward_to;
	skel->rodata->mirror_ifindex = mirror;
	skel->rodata->mirror_every = env.mirror_every;
	skel->rodata->vlan = env.vlan;
	return true;
}

static void print_counts(struct tc_bpf *skel)
{
	static const char *const names[TC_COUNTS] = {
		[TC_INGRESS] = "in",
		[TC_EGRESS] = "out",
		[TC_MIRRORED] = "mirrored",
		[TC_TTL_SET] = "TTL set",
		[TC_MARKED] = "marked",
		[TC_FORWARDED] = "forwarded",
		[TC_RETURNED] = "returned",
		[TC_DSCP_SET] = "DSCP set",
		[TC_CLASSIFIED] = "classified",
		[TC_LIMITED] = "limited",
		[TC_VLAN_PUSHED] = "VLAN pushed",
	};
	int fd = bpf_map__fd(skel->maps.counts);

	for (__u32 key = 0; key < TC_COUNTS; key++) {
		__u64 n = sum_counters(fd, key);

		if (n || key <= TC_EGRESS)
			printf("%s%s %llu", key ? ", " : "", names[key], n);
	}
	putchar('\n');
}

/* Shows the counters each second. Returns how the loader is to exit. */
static int watch(struct tc_bpf *skel)
{
	while (wait_for(-1, 1000)) {
		if (!tc_attached())
			return fail("detached from %s: the interface is gone, "
				    "or somebody removed a program",
				    env.iface.ifname);
		print_counts(skel);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct tc_bpf *skel = NULL;
	int status = EXIT_FAILURE, way = -1, err;

	loader_args(&argp, argc, argv);
	loader_init(env.iface.verbosity);
	if (!if_nametoindex(env.iface.ifname)) {
		fail("attach to %s: %s", env.iface.ifname, strerror(errno));
		goto out;
	}

	skel = tc_bpf__open_opts(loader_open_opts());
	if (!skel) {
		fail("open: %s", strerror(errno));
		goto out;
	}
	if (!set_knobs(skel))
		goto out;

	err = tc_bpf__load(skel);
	if (err) {
		fail_load(err);
		goto out;
	}
	if (apply_rules(skel))
		goto out;
	way = tc_attach(env.iface.ifname, env.way, skel->progs.tc_ingress,
			skel->progs.tc_egress);
	if (way < 0)
		goto out;

	printf("attached to %s by %s\n", env.iface.ifname, tc_way_name(way));
	say_ready();
	status = watch(skel);
	tc_detach();
	print_counts(skel);
out:
	tc_bpf__destroy(skel);
	return status;
}
