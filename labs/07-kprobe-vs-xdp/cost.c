// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a hook costs: how much longer a packet's path is with it than without. Nothing
 * but that one hook is attached, and both are measured in turn, since the machine is
 * faster at one time than at another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "bill.h"
#include "commands.h"
#include "hooks.h"
#include "loader.h"
#include "packets.h"

/*
 * Packets are sent in batches, of which the median counts. Of 64, because the kernel
 * polls and allocates in portions of that size, so that all batches have the same share
 * of them; and few enough that most batches have no timer interrupt in them.
 */
enum { BATCH = 64 };

static struct env {
	struct iface_args iface;
	const char *function, *netns;
	int packets, rounds;
	bool tsv;
} env = { .packets = 16 * BATCH };

/* Rounds, unless it was said how many. A clock of instructions repeats. */
enum { ROUNDS = 8, ROUNDS_EXACT = 3 };

static struct kprobe_vs_xdp_bpf *skel;
static struct bill bill;

/* -- the command line ------------------------------------------------------ */

enum { OPTION_FROM = 256, OPTION_TSV };

static const struct argp_option options[] = {
	{ "from", OPTION_FROM, "NETNS", 0,
	  "the network namespace that sends packets to IFACE's IPv4 address: "
	  "a name or a path",
	  0 },
	{ "packets", 'n', "N", 0, "so many for each measurement (1024)", 0 },
	{ "rounds", 'r', "N", 0,
	  "so many measurements of each hook (8; 3 where instructions are "
	  "counted)",
	  0 },
	{ "function", 'f', "NAME", 0,
	  "the kernel's function to probe (default: the first of a list that "
	  "there is)",
	  0 },
	{ "tsv", OPTION_TSV, NULL, 0,
	  "lines of NAME; median, lower and upper quartile of what it adds; "
	  "unit; what a packet took at best",
	  0 },
	{},
};

/* The number that TEXT is; when it is none, that is a wrong command line. */
static int number(struct argp_state *state, const char *what, const char *text,
		  int most)
{
	long long n = parse_number(text, 1, most);

	if (n < 0)
		argp_error(state, "no number of %s '%s': 1 to %d", what, text,
			   most);
	return (int)n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPTION_FROM:
		env.netns = arg;
		break;
	case 'n':
		env.packets =
			number(state, "packets", arg, FIGURES_MOST * BATCH);
		break;
	case 'r':
		env.rounds = number(state, "rounds", arg, FIGURES_MOST / WAYS);
		break;
	case 'f':
		env.function = arg;
		break;
	case OPTION_TSV:
		env.tsv = true;
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &env.iface;
		break;
	case ARGP_KEY_SUCCESS:
		if (!env.netns)
			argp_error(state, "who sends packets? --from NETNS");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = iface_args_parser,
	.args_doc = "IFACE",
	.doc = "Measures what each hook adds to the cost of a packet that "
	       "arrives on IFACE.",
};

/* -- one measurement ------------------------------------------------------- */

/*
 * The packets that WAY's program has counted on our CPU: programs count those of the
 * whole machine here, and other CPUs have packets of their own.
 */
static unsigned long long counted(enum way way)
{
	int cpus = libbpf_num_possible_cpus();
	struct hook_count counts[cpus > 0 ? cpus : 1];
	__u32 key = way_hook(way);

	memset(counts, 0, sizeof(counts));
	bpf_map_lookup_elem(bpf_map__fd(skel->maps.counts), &key, counts);
	return counts[packets_cpu()].packets;
}

/*
 * Sends COUNT packets past WAY's program, or past none (WAYS), which has to count just
 * these. Returns the ns for each; -1, having said why. When a packet of somebody else
 * has come between, it tries again.
 */
static double measure_batch(enum way way, int count)
{
	enum { TRIES = 10 };
	unsigned long long before, more = count;
	double ns;

	for (int i = 0; i < TRIES; i++) {
		packets_alone(true);
		before = way < WAYS ? counted(way) : 0;
		ns = packets_send(count);
		if (way < WAYS)
			more = counted(way) - before;
		packets_alone(false);
		if (ns < 0)
			return -1;
		if (more == (unsigned long long)count)
			return ns / count;
		if (more < (unsigned long long)count)
			break;
	}
	fail("%s has counted %llu packets of %d that were sent", way_name(way),
	     more, count);
	return -1;
}

/* Notes in COST that COUNT packets were sent, and took NS each. */
static void note(struct cost *cost, double ns, int count)
{
	if (!cost->seen || ns < cost->least)
		cost->least = ns;
	cost->seen += count;
}

/* Measures a packet's path, past WAY or nothing. Returns ns; -1, having said why. */
static double measure(enum way way)
{
	struct cost *cost = way < WAYS ? &bill.ways[way] : &bill.path;
	struct figures figures = {};
	int left = env.packets, count;
	double ns;

	/* The first find nothing prepared: memory, caches, the way to go. */
	if (measure_batch(way, BATCH) < 0)
		return -1;
	for (; left; left -= count) {
		count = left < BATCH ? left : BATCH;
		ns = measure_batch(way, count);
		if (ns < 0)
			return -1;
		add_figure(&figures, ns);
		note(cost, ns, count);
	}
	return summary_of(&figures).median;
}

/* Has the XDP program run by itself, and adds that to the bill. */
static bool measure_alone(void)
{
	enum { FRAME = 60, RUNS = 100000 };
	static unsigned char frame[FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame,
		    .data_size_in = sizeof(frame), .repeat = RUNS);

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.on_xdp), &run)) {
		fail("run the XDP program: %s", strerror(errno));
		return false;
	}
	add_figure(&bill.alone.figures, run.duration);
	note(&bill.alone, run.duration, RUNS);
	return true;
}

/* -- all of them ----------------------------------------------------------- */

/* Says on a terminal how far it is; nothing, when it is done with ROUND -1. */
static void show_progress(int round, enum way way)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (round < 0)
		fputs("\r\033[K", stderr);
	else
		fprintf(stderr, "\r\033[Kround %d of %d: %s", round + 1,
			env.rounds, way_name(way));
}

/*
 * Adds to the bill what WAY costs: more than a path without it took before, *WITHOUT,
 * and takes after, which is left there. Returns false, having said why, when something
 * is wrong; that the kernel does not have WAY is not.
 */
static bool measure_way(enum way way, double *without)
{
	struct cost *cost = &bill.ways[way];
	double with, before = *without;
	const char *missing;

	missing = cost->missing[0] ? cost->missing : way_attach(way);
	if (missing) {
		if (missing != cost->missing)
			snprintf(cost->missing, sizeof(cost->missing), "%s",
				 missing);
		return true;
	}
	with = measure(way);
	way_detach(way);
	*without = with < 0 ? -1 : measure(WAYS);
	if (*without < 0)
		return false;
	add_figure(&cost->figures, with - (before + *without) / 2);
	add_figure(&bill.path.figures, *without);
	return true;
}

static bool measure_round(int round)
{
	double without = measure(WAYS);

	if (without < 0 || !measure_alone())
		return false;
	for (enum way way = 0; way < WAYS; way++) {
		show_progress(round, way);
		if (!wait_for(-1, 0))
			return false; /* interrupted */
		if (!measure_way(way, &without))
			return false;
	}
	return true;
}

/* Measures all rounds, or those until it is interrupted. Returns how to exit. */
static int measure_all(void)
{
	int round = 0;

	while (round < env.rounds && measure_round(round))
		round++;
	show_progress(-1, WAYS);
	if (round < env.rounds && wait_for(-1, 0))
		return EXIT_FAILURE; /* and it was said why */
	if (!round)
		return fail("interrupted in the first round");
	return EXIT_SUCCESS;
}

int cost_main(int argc, char **argv)
{
	struct hooks_options hooks = { .bare = true };
	enum unit unit = clock_unit();
	int status = EXIT_FAILURE;

	loader_args(&argp, argc, argv);
	loader_init(env.iface.verbosity);
	if (!env.rounds)
		env.rounds = unit == UNIT_INSTRUCTION ? ROUNDS_EXACT : ROUNDS;
	hooks.ifname = env.iface.ifname;
	hooks.function = env.function;
	skel = hooks_load(&hooks);
	if (!skel)
		return EXIT_FAILURE;
	if (packets_open(env.netns, env.iface.ifname))
		status = measure_all();
	if (!status)
		env.tsv ? print_bill_as_tsv(&bill, unit)
			: print_bill(&bill, unit);
	packets_close();
	hooks_unload();
	return status;
}
