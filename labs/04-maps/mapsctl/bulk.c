// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * load: blocks all prefixes of a file, a line each; # begins a comment. First
 * every line is read, so that a file with a mistake changes nothing; then they go
 * to the kernel, thousands to a system call. What is blocked already stays so, and
 * its count begins anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "keys.h"
#include "loader.h"
#include "mapsctl.h"
#include "pins.h"

enum { BATCH = 4096, BAR = 40, LINE = 1024 };

#define BLANK " \t\r\n"

/* Prefixes of one IP version, as keys of its map lie behind one another. */
struct keys {
	size_t size; /* of one: 8 bytes or 20 */
	size_t count, room;
	char *bytes;
};

static bool append(struct keys *keys, const struct prefix *p)
{
	struct maps_prefix6 key;

	if (keys->count == keys->room) {
		size_t room = keys->room ? keys->room * 2 : 1024;
		char *bytes = realloc(keys->bytes, room * keys->size);

		if (!bytes)
			return false;
		keys->bytes = bytes;
		keys->room = room;
	}
	prefix_key(p, &key);
	memcpy(keys->bytes + keys->count++ * keys->size, &key, keys->size);
	return true;
}

/* The prefix in LINE, if any, to the keys of its version; else EXIT_FAILURE, having said why. */
static int read_line(const char *path, int n, char *line, struct keys *v4,
		     struct keys *v6)
{
	char *word = line + strspn(line, BLANK);
	struct prefix p;
	const char *wrong;
	char *rest;

	line[strcspn(line, "#")] = '\0';
	rest = word + strcspn(word, BLANK);
	if (rest[strspn(rest, BLANK)])
		return fail("load %s: line %d: one prefix a line; nothing is "
			    "changed",
			    path, n);
	*rest = '\0';
	if (!*word)
		return EXIT_SUCCESS;
	wrong = prefix_parse(word, &p, NULL);
	if (wrong)
		return fail("load %s: line %d: %.60s: %s; nothing is changed",
			    path, n, word, wrong);
	if (!append(p.ipv6 ? v6 : v4, &p))
		return fail("load %s: out of memory", path);
	return EXIT_SUCCESS;
}

/* Reads FILE into the keys of both versions. Returns EXIT_FAILURE, having said why. */
static int read_file(const char *path, FILE *file, struct keys *v4,
		     struct keys *v6)
{
	int status = EXIT_SUCCESS;
	char line[LINE];

	for (int n = 1; !status && fgets(line, LINE, file); n++)
		status = strchr(line, '\n') || feof(file)
				 ? read_line(path, n, line, v4, v6)
				 : fail("load %s: line %d: longer than %d "
					"bytes; "
					"nothing is changed",
					path, n, LINE - 2);
	if (!status && ferror(file))
		status = fail("load %s: %s", path, strerror(errno));
	return status;
}

static void show_progress(size_t done, size_t all)
{
	int filled = all ? done * BAR / all : BAR;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r[%.*s%*s] %zu of %zu", filled,
		"########################################", BAR - filled, "",
		done, all);
	if (done == all)
		fputc('\n', stderr);
}

/* Puts KEYS into the map NAME; *DONE of ALL are there before and after. */
static int apply(const char *name, const struct keys *keys, size_t *done,
		 size_t all)
{
	static const __u64 hits[BATCH];
	int fd = pinned_map(name);

	if (fd < 0)
		return EXIT_FAILURE;
	for (size_t i = 0; i < keys->count;) {
		__u32 count = keys->count - i < BATCH ? keys->count - i : BATCH;
		__u32 tried = count;

		if (bpf_map_update_batch(fd, keys->bytes + i * keys->size, hits,
					 &count, NULL)) {
			int reason = errno;

			close(fd);
			return fail("load: %s after %zu prefixes: %s", name,
				    *done + (count < tried ? count : 0),
				    reason == ENOSPC ? "the map is full"
						     : strerror(reason));
		}
		i += count;
		*done += count;
		show_progress(*done, all);
	}
	close(fd);
	return EXIT_SUCCESS;
}

int load(int count, char **words)
{
	struct keys v4 = { .size = sizeof(struct maps_prefix4) };
	struct keys v6 = { .size = sizeof(struct maps_prefix6) };
	bool piped = !strcmp(words[0], "-");
	FILE *file = piped ? stdin : fopen(words[0], "r");
	size_t done = 0, all;
	int status;

	if (!file)
		return fail("load %s: %s", words[0], strerror(errno));
	status = read_file(words[0], file, &v4, &v6);
	if (!piped)
		fclose(file);
	all = v4.count + v6.count;
	if (!status)
		status = apply("prefixes4", &v4, &done, all) ||
			 apply("prefixes6", &v6, &done, all);
	if (!status)
		printf("%zu prefixes loaded\n", all);
	free(v4.bytes);
	free(v6.bytes);
	return status;
}
