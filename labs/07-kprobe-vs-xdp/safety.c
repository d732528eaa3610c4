// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * safety: wrong programs for a kprobe, each loaded by itself, and what the verifier says
 * of them; and a right one, which reads what cannot be read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "commands.h"
#include "loader.h"
#include "safety.skel.h"
#include "verifier.h"

static const struct program {
	const char *name, *does;
	bool wrong;
} programs[] = {
	{ "null_pointer", "follows a pointer that may be NULL", true },
	{ "endless_loop", "loops, perhaps for ever", true },
	{ "kernel_write", "writes to where an argument points", true },
	{ "kernel_read", "reads from there, as C does", true },
	{ "right", "reads from there, by bpf_probe_read_kernel()", false },
};

enum { PROGRAMS = sizeof(programs) / sizeof(programs[0]) };

static int verbosity;

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'v':
		verbosity++;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "no argument expected, not '%s'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "verbose", 'v', NULL, 0, "libbpf's warnings too; -vv: its log", 0 },
	{},
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.doc = "Loads wrong programs for a kprobe, and says why the verifier "
	       "refuses them; attaches nothing.",
};

/*
 * Loads the program NAME and no other. Returns 0 with *SKEL open, or a negative errno;
 * then the log has what the verifier said, if it was asked.
 */
static int load(const char *name, struct safety_bpf **skel)
{
	struct bpf_program *program;
	int err;

	verifier_log[0] = '\0';
	*skel = safety_bpf__open_opts(loader_open_opts());
	if (!*skel)
		return -errno;
	program = bpf_object__find_program_by_name((*skel)->obj, name);
	bpf_program__set_autoload(program, true);
	err = safety_bpf__load(*skel);
	if (!err)
		return 0;
	safety_bpf__destroy(*skel);
	*skel = NULL;
	return err;
}

static void print_refusal(void)
{
	struct refusal refusal;

	verifier_read(verifier_log, &refusal);
	printf("   its source:   %s\n"
	       "   verdict:      refused\n"
	       "   the verifier: %s\n"
	       "   which means:  %s\n",
	       refusal.source, refusal.reason,
	       refusal.meaning ? refusal.meaning : "-");
}

/* Is the verdict on PROGRAM the right one? -1: there was none, and it has said why. */
static int judge(const struct program *program)
{
	struct safety_bpf *skel;
	int err = load(program->name, &skel);

	if (err && !verifier_refused()) {
		fail_load(err);
		return -1;
	}
	printf("%d. %s: %s\n", (int)(program - programs) + 1, program->name,
	       program->does);
	if (err)
		print_refusal();
	else
		printf("   verdict:      accepted%s\n",
		       program->wrong ? ", which it should not be" : "");
	putchar('\n');
	safety_bpf__destroy(skel);
	return program->wrong == (err != 0);
}

/* Runs PROGRAM with POINTER. Returns what it returned, or 0, having said why. */
static int run(const struct bpf_program *program, __u64 pointer)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &pointer,
		    .ctx_size_in = sizeof(pointer));

	if (!bpf_prog_test_run_opts(bpf_program__fd(program), &run))
		return (int)run.retval;
	fail("run right_here: %s", strerror(errno));
	return 0;
}

/* Runs the right program's body on pointers to nothing. Returns false if it cannot. */
static bool run_right(void)
{
	/* Where no kernel has anything, since errors are returned as such pointers. */
	const __u64 unmapped = -4096;
	struct safety_bpf *skel;
	int err = load("right_here", &skel), null, nowhere;

	if (err) {
		fail_load(err);
		return false;
	}
	null = run(skel->progs.right_here, 0);
	nowhere = run(skel->progs.right_here, unmapped);
	safety_bpf__destroy(skel);
	printf("Run with a null pointer, its read returns %d (%s), with one to "
	       "where nothing\nis mapped %d (%s); and all goes on.\n",
	       null, strerror(-null), nowhere, strerror(-nowhere));
	return null < 0 && nowhere < 0;
}

static int conclude(int wrong_verdicts)
{
	if (wrong_verdicts)
		return fail("%d of %d verdicts are not what they should be",
			    wrong_verdicts, PROGRAMS);
	if (!run_right())
		return EXIT_FAILURE;
	puts("\nA kprobe of a kernel module is C that nobody checks: there "
	     "each of the four\nwrong ones loads, and can crash or hang the "
	     "kernel. A kprobe of BPF is checked\nas XDP is.");
	return EXIT_SUCCESS;
}

int safety_main(int argc, char **argv)
{
	int wrong_verdicts = 0, verdict;

	loader_args(&argp, argc, argv);
	loader_init(verbosity);
	for (int i = 0; i < PROGRAMS; i++) {
		verdict = judge(&programs[i]);
		if (verdict < 0)
			return EXIT_FAILURE;
		wrong_verdicts += !verdict;
	}
	return conclude(wrong_verdicts);
}
