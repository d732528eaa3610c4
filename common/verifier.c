// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The verifier's log ends with the reason for its refusal, below the
 * instruction that it stopped at; the source line of that instruction stands
 * some lines above, behind a semicolon. This shows both.
 */
#include <stdio.h>
#include <string.h>
#include "verifier.h"

enum {
	TAIL_LINES = 12, /* enough for the last branch, few enough to read */
};

char verifier_log[1 << 22];

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

void verifier_explain(void)
{
	const char *end = verifier_log + strlen(verifier_log);
	const char *source = source_line(end);

	if (source)
		fprintf(stderr, "  at the source line\n    %.*s\n",
			(int)strcspn(source, "\n"), source);
	fprintf(stderr, "  the verifier's last words\n");
	for (const char *line = tail(end); *line;) {
		size_t length = strcspn(line, "\n");

		fprintf(stderr, "    %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
}
