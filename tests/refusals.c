// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The verifier's logs, as common/verifier.c reads them.
 *
 *     refusals record OBJECT DIR      loads each program of OBJECT by itself, and writes DIR/PROGRAM.log
 *     refusals read LOG…              prints of each log the name, source, reason and meaning, with tabs between
 *     refusals explain LOG            prints what a student would see
 *     refusals fuzz ROUNDS LOG…       reads pieces of these logs, glued together
 *
 * Exit status 1 when a log could not be had, or was not read as it should be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "verifier.h"

enum {
	LOGS = 256,
	KEPT = 4096, /* bytes of a recorded log: its end says all */
};

static int fail(const char *what, const char *object)
{
	fprintf(stderr, "refusals: %s %s: %s\n", what, object, strerror(errno));
	return EXIT_FAILURE;
}

/* -- record --------------------------------------------------------------- */

/* Writes the end of verifier_log, from the start of a line, to DIR/NAME.log. */
static int write_log(const char *dir, const char *name)
{
	size_t length = strlen(verifier_log);
	const char *start = verifier_log;
	char path[256];
	FILE *file;

	if (length > KEPT)
		start = strchr(verifier_log + length - KEPT, '\n') + 1;
	snprintf(path, sizeof(path), "%s/%s.log", dir, name);
	file = fopen(path, "w");
	if (!file)
		return fail("write", path);
	fputs(start, file);
	return fclose(file) ? fail("write", path) : EXIT_SUCCESS;
}

/* Loads the program NAME of OBJECT and no other, and writes what the verifier says. */
static int record_program(const char *object, const char *name, const char *dir)
{
	LIBBPF_OPTS(bpf_object_open_opts, options,
		    .kernel_log_buf = verifier_log,
		    .kernel_log_size = sizeof(verifier_log));
	struct bpf_object *opened = bpf_object__open_file(object, &options);
	struct bpf_program *program;
	int err;

	if (!opened)
		return fail("open", object);
	verifier_log[0] = '\0';
	program = bpf_object__find_program_by_name(opened, name);
	bpf_program__set_autoload(program, true);
	err = bpf_object__load(opened);
	bpf_object__close(opened);
	if (err && verifier_refused())
		return write_log(dir, name);
	errno = -err;
	return fail("the verifier does not refuse", name);
}

static int record(const char *object, const char *dir)
{
	struct bpf_object *opened = bpf_object__open(object);
	struct bpf_program *program;
	int status = EXIT_SUCCESS;

	if (!opened)
		return fail("open", object);
	bpf_object__for_each_program (program, opened)
		status |=
			record_program(object, bpf_program__name(program), dir);
	bpf_object__close(opened);
	return status;
}

/* -- read ----------------------------------------------------------------- */

/* Returns the content of the file PATH, or NULL, having said why. The caller frees it. */
static char *slurp(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file || getdelim(&text, &size, '\0', file) < 0) {
		fail("read", path);
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

static void print_refusal(const char *path, const char *log)
{
	struct refusal refusal;

	verifier_read(log, &refusal);
	printf("%s\t%s\t%s\t%s\n", path, refusal.source, refusal.reason,
	       refusal.meaning ? refusal.meaning : "");
}

/* -- fuzz ----------------------------------------------------------------- */

/* Returns what verifier_explain() prints of LOG. The caller frees it. */
static char *explanation(const char *log)
{
	FILE *before = stderr;
	char *text = NULL;
	size_t size;

	stderr = open_memstream(&text, &size);
	verifier_explain(log);
	fclose(stderr);
	stderr = before;
	return text;
}

/* Is LOG read as any log has to be: with a reason, a line each, and all of it shown? */
static bool reads_well(const char *log)
{
	struct refusal refusal;
	char *shown;
	bool well;

	memset(&refusal, 0xff, sizeof(refusal));
	verifier_read(log, &refusal);
	well = memchr(refusal.source, 0, sizeof(refusal.source)) &&
	       memchr(refusal.reason, 0, sizeof(refusal.reason)) &&
	       refusal.reason[strspn(refusal.reason, " \t")] &&
	       !strpbrk(refusal.source, "\n") && !strpbrk(refusal.reason, "\n");
	shown = explanation(log);
	well = well && strstr(shown, refusal.reason) &&
	       strstr(shown, refusal.source);
	free(shown);
	return well;
}

/* Appends some piece of LOG to TO, which is as long as LENGTH; returns its new length. */
static size_t glue(char *to, size_t length, const char *log)
{
	size_t from = random() % (strlen(log) + 1);
	size_t count = random() % (strlen(log + from) + 1);

	if (random() % 4 == 0) /* a whole end, or a whole beginning */
		count = strlen(log + from);
	else if (random() % 3 == 0)
		from = 0;
	memcpy(to + length, log + from, count);
	return length + count;
}

/* Makes a log of pieces, some bytes of it others, in memory that is not a byte longer. */
static char *make_log(char *const *logs, int count, size_t longest)
{
	int pieces = random() % 4;
	char *log = malloc(pieces * longest + 1);
	size_t length = 0;

	for (int i = 0; i < pieces; i++)
		length = glue(log, length, logs[random() % count]);
	log[length] = '\0';
	for (int i = random() % 8; length && i > 0; i--)
		log[random() % length] = " \n;:>|0R"[random() % 8];
	return realloc(log, length + 1);
}

static int fuzz(long rounds, char *const *logs, int count)
{
	size_t longest = 0;
	bool well = true;
	char *log;

	for (int i = 0; i < count; i++)
		if (strlen(logs[i]) > longest)
			longest = strlen(logs[i]);
	srandom(73);
	for (long i = 0; well && i < rounds; i++) {
		log = make_log(logs, count, longest);
		well = reads_well(log);
		if (!well)
			printf("not read well:\n%s\n", log);
		free(log);
	}
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* -- entry ---------------------------------------------------------------- */

static int on_logs(const char *what, long rounds, char **paths, int count)
{
	char *logs[LOGS];
	int status = EXIT_SUCCESS;

	for (int i = 0; i < count; i++) {
		logs[i] = slurp(paths[i]);
		if (!logs[i])
			return EXIT_FAILURE;
	}
	if (rounds)
		status = fuzz(rounds, logs, count);
	for (int i = 0; i < count && !rounds; i++) {
		if (!strcmp(what, "explain"))
			verifier_explain(logs[i]);
		else
			print_refusal(paths[i], logs[i]);
	}
	for (int i = 0; i < count; i++)
		free(logs[i]);
	return status;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	libbpf_set_print(NULL);
	if (!strcmp(what, "record") && argc == 4)
		return record(argv[2], argv[3]);
	if (!strcmp(what, "fuzz") && argc > 3 && argc - 3 <= LOGS)
		return on_logs(what, strtol(argv[2], NULL, 10), argv + 3,
			       argc - 3);
	if ((!strcmp(what, "read") || !strcmp(what, "explain")) &&
	    argc - 2 <= LOGS)
		return on_logs(what, 0, argv + 2, argc - 2);
	fprintf(stderr,
		"usage: %s record OBJECT DIR | read LOG… | "
		"explain LOG | fuzz ROUNDS LOG…\n",
		argv[0]);
	return 2;
}
