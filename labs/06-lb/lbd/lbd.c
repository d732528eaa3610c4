// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * lbd: the control plane of lab 06. As a daemon it keeps the data plane as a file
 * says, and checks the backends; its commands talk to the daemon, or read the
 * pinned maps.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "lbd.h"
#include "loader.h"
#include "pins.h"

struct options options = { .quiet = 30 };

enum { QUIET_MAX = 24 * 3600 };

static int run_daemon(const char *unused)
{
	return serve(options.file);
}

static int reload(const char *unused)
{
	return control_ask("reload");
}

static int run_status(const char *unused)
{
	return status();
}

static int undrain_backend(const char *backend)
{
	char request[CONTROL_TEXT];

	snprintf(request, sizeof(request), "undrain %s", backend);
	return control_ask(request);
}

static int stop(const char *unused)
{
	if (!data_plane_runs()) {
		remove_leftovers();
		return EXIT_FAILURE;
	}
	stop_data_plane();
	return EXIT_SUCCESS;
}

static const struct command {
	const char *name;
	int (*run)(const char *backend);
	bool takes_backend;
	const char *options; /* the keys of those that it takes */
} commands[] = {
	{ "", run_daemon, false, "c" },
	{ "reload", reload, false, "" },
	{ "status", run_status, false, "jw" },
	{ "drain", drain_backend, true, "nq" },
	{ "undrain", undrain_backend, true, "" },
	{ "stop", stop, false, "" },
};

static const struct argp_option argp_options[] = {
	{ "config", 'c', "FILE", 0, "without a command: be the daemon", 0 },
	{ "json", 'j', NULL, 0, "status: as JSON", 0 },
	{ "watch", 'w', NULL, 0, "status: again each second", 0 },
	{ "no-wait", 'n', NULL, 0, "drain: do not wait for open flows", 0 },
	{ "quiet", 'q', "SECONDS", 0,
	  "drain: no longer than until no packet has come for so long "
	  "(default: 30)",
	  0 },
	{},
};

static const struct command *command = &commands[0];
static const char *backend;
static char given[16]; /* the keys of the options given */

static const struct command *find(const char *name)
{
	for (size_t i = 1; i < sizeof(commands) / sizeof(commands[0]); i++)
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
	if (command == &commands[0] && !options.file)
		argp_error(state, "which command? (-c FILE is the daemon)");
	for (const char *key = given; *key; key++)
		if (!strchr(command->options, *key))
			argp_error(state, "%s has no option --%s",
				   *command->name ? command->name
						  : "the daemon",
				   option_name(*key));
	if (command->takes_backend && !backend)
		argp_error(state,
			   "%s takes a backend, as 10.0.6.11 or "
			   "10.0.6.11:8080",
			   command->name);
}

static void parse_word(struct argp_state *state, const char *word)
{
	if (command == &commands[0]) {
		command = find(word);
		if (!command)
			argp_error(state, "no command '%s'", word);
	} else if (command->takes_backend && !backend) {
		backend = word;
	} else {
		argp_error(state, "%s takes nothing more: '%s'", command->name,
			   word);
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'c':
		options.file = arg;
		break;
	case 'j':
		options.json = true;
		break;
	case 'w':
		options.watch = true;
		break;
	case 'n':
		options.no_wait = true;
		break;
	case 'q':
		options.quiet = parse_number(arg, 0, QUIET_MAX);
		if (options.quiet < 0)
			argp_error(state, "no time '%s': 0 to %d seconds", arg,
				   QUIET_MAX);
		break;
	case ARGP_KEY_ARG:
		parse_word(state, arg);
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
	.args_doc = "-c FILE\nreload\nstatus\ndrain BACKEND\nundrain "
		    "BACKEND\nstop",
	.doc = "Decides what the data plane, lb, balances and where to.\v"
	       "-c FILE          the daemon: keeps the data plane as FILE "
	       "says, and checks the backends\n"
	       "reload           has it read FILE again, as SIGHUP does\n"
	       "status           what is balanced, and what has been counted\n"
	       "drain BACKEND    gives it no new flow, and waits for those "
	       "that it has\n"
	       "undrain BACKEND  again\n"
	       "stop             ends the data plane",
};

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
	pins_init("lb", "lbd stop");
	if (command->run != run_daemon && command->run != drain_backend &&
	    !options.watch)
		let_signals_kill();
	status = command->run(backend);
	if (fflush(stdout) || ferror(stdout))
		return fail("write: %s", strerror(errno));
	return status;
}
