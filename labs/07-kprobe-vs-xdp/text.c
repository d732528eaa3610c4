// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * text: which bytes of the kernel's code each hook changes, and into what. All of the
 * code is compared, before, with and after.
 */
#include <stdio.h>
#include <stdlib.h>
#include "commands.h"
#include "loader.h"
#include "patches.h"
#include "report.h"
#include "symbols.h"
#include "trial.h"

static struct env {
	struct iface_args iface;
	const char *function;
	bool summary;
} env;

enum { OPTION_SUMMARY = 256 };

static const struct argp_option options[] = {
	{ "function", 'f', "NAME", 0,
	  "the kernel's function to probe (default: the first of a list that "
	  "there is)",
	  0 },
	{ "summary", OPTION_SUMMARY, NULL, 0,
	  "a line for each way, of four fields: its name, changed places, "
	  "changed bytes, and the instruction where it probes (- for none)",
	  0 },
	{},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'f':
		env.function = arg;
		break;
	case OPTION_SUMMARY:
		env.summary = true;
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &env.iface;
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
	.doc = "Attaches a program to IFACE and to the kernel in every way, "
	       "one after the other, and says which bytes of the kernel's code "
	       "are "
	       "others then, and whether they are back afterwards.",
};

/* -- the trials ------------------------------------------------------------ */

static struct trial trials[WAYS], control, rest;

/* Returns false when it is interrupted, or cannot go on and has said why. */
static bool try_all(void)
{
	if (!try_nothing(&control))
		return false;
	code_remember();
	if (!env.summary)
		print_control(&control);
	for (enum way way = 0; way < WAYS; way++) {
		if (!try_way(way, &trials[way]))
			return false;
		if (env.summary)
			print_line(way_name(way), &trials[way]);
		else
			print_trial(way_name(way), &trials[way]);
	}
	return try_nothing(&rest);
}

static int conclude(void)
{
	bool back = rest.back;

	for (enum way way = 0; way < WAYS; way++)
		back = back && (trials[way].missing[0] || trials[way].back);
	if (!env.summary) {
		print_table(trials);
		print_driver(env.iface.ifname, &trials[WAY_XDP_NATIVE]);
		print_rest(&rest);
	}
	return back ? EXIT_SUCCESS
		    : fail("the kernel's code is not as it was before");
}

/* Finds all code. What clsact needs may be modules, which come when it is first used. */
static bool find_code(void)
{
	way_attach(WAY_CLSACT);
	way_detach(WAY_CLSACT);
	if (!symbols_read() || !code_open())
		return false;
	patches_read();
	if (!env.summary)
		printf("%zu bytes of code, the kernel's and of %d modules; "
		       "probing %s\n",
		       code_size(), code_modules(), probed_function());
	return true;
}

int text_main(int argc, char **argv)
{
	struct hooks_options hooks = { .bare = true };
	int status = EXIT_FAILURE;

	loader_args(&argp, argc, argv);
	loader_init(env.iface.verbosity);
	hooks.ifname = env.iface.ifname;
	hooks.function = env.function;
	if (!hooks_load(&hooks))
		return EXIT_FAILURE;
	if (find_code() && try_all())
		status = conclude();
	else if (!wait_for(-1, 0))
		fail("interrupted: not every way has been tried");
	code_close();
	hooks_unload();
	return status;
}
