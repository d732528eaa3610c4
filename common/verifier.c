// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The verifier's log ends with the reason for its refusal, below the
 * instruction that it stopped at; the source line of that instruction stands
 * some lines above, behind a semicolon. This shows both, and says in plain words
 * what is most often behind such a reason.
 */
#include <stdio.h>
#include <string.h>
#include "verifier.h"

enum {
	TAIL_LINES = 12, /* enough for the last branch, few enough to read */
};

char verifier_log[1 << 22];

/* What the verifier says, and what that means; the first that fits. */
static const struct meaning {
	const char *words, *meaning, *read;
} meanings[] = {
	{ "invalid access to packet",
	  "the packet may end before that byte: compare with data_end first",
	  "03-parsing/README.md" },
	{ "map_value_or_null",
	  "the lookup may have found nothing: compare with NULL first",
	  "04-maps/README.md" },
	{ "calls are not allowed while holding a lock",
	  "nothing may be called while the lock is held, on any way through",
	  "05-tc/README.md" },
	{ "math between pkt pointer and",
	  "an unbounded number, or a stale pointer, meets a packet pointer",
	  "05-tc/README.md, “Stale pointers”" },
	{ "mem access 'scalar'",
	  "that is a number; or was a pointer, which a helper made stale",
	  "05-tc/README.md, “Stale pointers”" },
	{ "infinite loop detected",
	  "nothing in the loop says that it will end: count its rounds",
	  "03-parsing/README.md" },
	{ "!read_ok", "a variable is read that was not set on every way here",
	  "01-hello/README.md" },
	{ "cannot call GPL-restricted function",
	  "the program needs char LICENSE[] SEC(\"license\") = \"GPL\"",
	  "01-hello/README.md" },
};

bool verifier_refused(void)
{
	return verifier_log[0] != '\0';
}

/* The start of the line before the one that starts at LINE, or NULL. */
static const char *line_before(const char *line)
{
	if (line == verifier_log)
		return NULL;
	for (line--; line > verifier_log && line[-1] != '\n'; line--)
		;
	return line;
}

/* The last "; source text" of the log, or NULL when it has none. */
static const char *source_line(const char *end)
{
	const char *line = end;

	while ((line = line_before(line)))
		if (line[0] == ';')
			return line + 1 + strspn(line + 1, " ");
	return NULL;
}

static const char *tail(const char *end)
{
	const char *line = end, *before;

	for (int i = 0; i < TAIL_LINES && (before = line_before(line)); i++)
		line = before;
	return line;
}

static const struct meaning *meaning_of(const char *words)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strstr(words, meanings[i].words))
			return &meanings[i];
	return NULL;
}

/* Does LINE only say more of the reason, in a line before? */
static bool is_detail(const char *line)
{
	static const char *const starts[] = { "processed ", "cur state:",
					      "old state:", "verification time",
					      "stack depth" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strncmp(line, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* The first line of TEXT, in TO. */
static void copy_line(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%.*s", (int)strcspn(text, "\n"), text);
}

void verifier_read(struct refusal *refusal)
{
	const char *end = verifier_log + strlen(verifier_log), *line = end;
	const char *source = source_line(end), *before;
	const struct meaning *meaning;

	while ((before = line_before(line))) {
		line = before;
		if (!is_detail(line))
			break;
	}
	copy_line(refusal->source, sizeof(refusal->source),
		  source ? source : "");
	copy_line(refusal->reason, sizeof(refusal->reason), line);
	meaning = meaning_of(refusal->reason);
	refusal->meaning = meaning ? meaning->meaning : NULL;
}

void verifier_explain(void)
{
	const char *end = verifier_log + strlen(verifier_log);
	const char *source = source_line(end), *last = tail(end);
	const struct meaning *meaning = meaning_of(last);

	if (source)
		fprintf(stderr, "  at the source line\n    %.*s\n",
			(int)strcspn(source, "\n"), source);
	fprintf(stderr, "  the verifier's last words\n");
	for (const char *line = last; *line;) {
		size_t length = strcspn(line, "\n");

		fprintf(stderr, "    %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	if (meaning)
		fprintf(stderr, "  which means\n    %s\n    (labs/%s)\n",
			meaning->meaning, meaning->read);
}
