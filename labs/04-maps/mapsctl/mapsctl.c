// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mapsctl: the control plane of lab 04. It changes what the data plane does, and
 * shows what it did, through the pinned maps alone; neither knows the other.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "mapsctl.h"
#include "pins.h"

struct options options = { .limit = 100 };

enum { MANY = 1 << 20 };

static const struct command {
	const char *name;
	int (*run)(int count, char **words);
	int least, most; /* how many words it takes */
	const char *takes;
	const char *options; /* the keys of those that it takes */
} commands[] = {
	{ "block", block, 1, MANY, "one prefix or more", "" },
	{ "unblock", unblock, 1, MANY, "one prefix or more", "" },
	{ "block-port", block_port, 1, MANY, "one port or more", "" },
	{ "unblock-port", unblock_port, 1, MANY, "one port or more", "" },
	{ "list", list, 0, 0, "nothing more", "" },
	{ "load", load, 1, 1, "one file", "" },
	{ "limit", limit, 1, 2, "packets a second, and a burst", "" },
	{ "stats", stats, 0, 0, "nothing but options", "jw" },
	{ "guard", guard, 0, 0, "nothing but options", "nfl" },
	{ "stop", stop, 0, 0, "nothing more", "" },
};

static const struct argp_option argp_options[] = {
	{ "json", 'j', NULL, 0, "stats: as JSON", 0 },
	{ "watch", 'w', NULL, 0, "stats: again each second", 0 },
	{ "on", 'n', "PPS", 0,
	  "guard: limit sources when PPS packets a second arrive", 0 },
	{ "off", 'f', "PPS", 0, "guard: no longer when fewer than PPS arrive",
	  0 },
	{ "limit", 'l', "PPS", 0,
	  "guard: the limit of each source (default: 100)", 0 },
	{},
};

static const struct command *command;
static char **words;
static int word_count;
static char given[16]; /* the keys of the options given */

long long number(const char *what, const char *text, long long least,
		 long long most)
{
	long long n = parse_number(text, least, most);

	if (n < 0)
		fail("%s %s: not a number from %lld to %lld", what, text, least,
		     most);
	return n;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* The name of the option with that key. */
static const char *option_name(char key)
{
	const struct argp_option *option = argp_options;

	while (option->key != key)
		option++;
	return option->name;
}

static void check(struct argp_state *state)
{
	if (!command) {
		argp_error(state, "which command?");
		return; /* argp_error() may */
	}
	if (word_count < command->least || word_count > command->most)
		argp_error(state, "%s takes %s", command->name, command->takes);
	for (const char *key = given; *key; key++)
		if (!strchr(command->options, *key))
			argp_error(state, "%s has no option --%s",
				   command->name, option_name(*key));
	if (command->run == guard &&
	    (!options.off || options.off > options.on || !options.limit))
		argp_error(state,
			   "guard takes --on PPS and --off PPS, the lower one");
}

static __u32 pps(const char *option, const char *text)
{
	long long n = number(option, text, 1, PPS_MAX);

	if (n < 0)
		exit(EXIT_USAGE);
	return n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'j':
		options.json = true;
		break;
	case 'w':
		options.watch = true;
		break;
	case 'n':
		options.on = pps("--on", arg);
		break;
	case 'f':
		options.off = pps("--off", arg);
		break;
	case 'l':
		options.limit = pps("--limit", arg);
		break;
	case ARGP_KEY_ARG:
		if (command) {
			word_count++;
			return 0;
		}
		command = find(arg);
		if (!command)
			argp_error(state, "no command '%s'", arg);
		words = state->argv + state->next;
		return 0;
	case ARGP_KEY_END:
		check(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (strlen(given) < sizeof(given) - 1 && !strchr(given, key))
		given[strlen(given)] = key;
	return 0;
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Changes and shows what the data plane, maps, does.\v"
	       "block PREFIX...          drops what comes from there\n"
	       "unblock PREFIX...        no longer\n"
	       "block-port 23/tcp...     drops what goes to that port\n"
	       "unblock-port 23/tcp...   no longer\n"
	       "list                     what is blocked, and how often it "
	       "was\n"
	       "load FILE                blocks the prefixes in FILE (-: "
	       "stdin), a line each\n"
	       "limit PPS [BURST]        each source may send so much; 0: no "
	       "limit\n"
	       "stats [--json] [--watch] what has been counted\n"
	       "guard --on PPS --off PPS limits sources under attack only; the "
	       "limit is its own\n"
	       "stop                     ends the data plane",
};

int stop(int count, char **unused)
{
	if (!data_plane_runs()) {
		remove_leftovers();
		return EXIT_FAILURE;
	}
	stop_data_plane();
	return EXIT_SUCCESS;
}

/* A command that does not wait ends at once by a signal, as any does. */
static void let_signals_kill(void)
{
	sigset_t none;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
	int status;

	loader_args(&argp, argc, argv);
	loader_init(0);
	pins_init("maps", "mapsctl stop");
	if (command->run != guard && !options.watch)
		let_signals_kill();
	if (command->run != stop && !data_plane_runs())
		return EXIT_FAILURE;
	status = command->run(word_count, words);
	if (fflush(stdout) || ferror(stdout))
		return fail("write: %s", strerror(errno));
	return status;
}
