// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The verifier's log lists the instructions that the verifier followed, each
 * piece below its line of source, which stands behind a semicolon. The reason of
 * a refusal comes below the last instruction. Linux 7.3 and newer then explain
 * the refusal, from "Verification failed:" on. At the end stand statistics.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "verifier.h"

enum {
	TAIL_LINES = 12, /* enough for the last branch, few enough to read */
};

char verifier_log[1 << 22];

static const char diagnosis_start[] = "Verification failed:";

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
	{ "Unreleased reference",
	  "a way to the end neither submits nor discards what was reserved",
	  "01-hello/README.md" },
	{ "program is too large",
	  "the program has too many ways through, or too many rounds of a loop",
	  "03-parsing/README.md" },
};

/* What LOG consists of: each points into it, to the start of a line, or is NULL. */
struct parts {
	const char *source; /* the last line of source, above the reason */
	const char *step;   /* the last instruction, or the state before it */
	const char *reason; /* the first of its lines */
	const char *diagnosis; /* the kernel's explanation, since Linux 7.3 */
};

bool verifier_refused(void)
{
	return verifier_log[0] != '\0';
}

/* -- lines ---------------------------------------------------------------- */

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

/* The start of the line before the one that starts at LINE; LOG has such a line. */
static const char *line_before(const char *log, const char *line)
{
	for (line--; line > log && line[-1] != '\n'; line--)
		;
	return line;
}

static bool starts(const char *line, const char *words)
{
	return !strncmp(line, words, strlen(words));
}

static const char *skip_spaces(const char *line)
{
	return line + strspn(line, " \t");
}

static bool is_blank(const char *line)
{
	line = skip_spaces(line);
	return !*line || *line == '\n';
}

/* Is LINE a line of source? What comes from no line has only "@" and a file's name. */
static bool is_source(const char *line)
{
	return line[0] == ';' && !is_blank(line + 1) &&
	       skip_spaces(line + 1)[0] != '@';
}

/* Is LINE an instruction, "5: (95) exit", or a state, "5: R0=1" or "from 3 to 5: R0=1"? */
static bool is_step(const char *line)
{
	size_t digits = strspn(line, "0123456789");

	return (digits && line[digits] == ':') ||
	       (starts(line, "from ") && isdigit((unsigned char)line[5]));
}

/* Can LINE be one of a reason's? Not what only adds numbers to it. */
static bool is_reason(const char *line)
{
	static const char *const others[] = { ";",
					      "processed ",
					      "cur state:",
					      "old state:",
					      "verification time",
					      "stack depth",
					      diagnosis_start };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (starts(line, others[i]))
			return false;
	return !is_blank(line) && !is_step(line);
}

static bool is_heading(const char *line)
{
	return line[0] != ' ' && !is_blank(line);
}

/* Does an excerpt of the program begin at LINE? */
static bool is_excerpt(const char *line)
{
	return starts(line, "  Source context:") ||
	       starts(line, "  Instruction context:");
}

/* -- the parse ------------------------------------------------------------ */

/*
 * The reason begins below the last instruction. Of a program that was refused before its
 * first instruction, the reason is the last line, since hints may stand above it.
 */
static void parse_line(const char *line, struct parts *parts)
{
	if (is_source(line)) {
		parts->source = line;
	} else if (is_step(line)) {
		parts->step = line;
		parts->reason = NULL;
	} else if (is_reason(line) && (!parts->reason || !parts->step)) {
		parts->reason = line;
	}
}

static struct parts parse(const char *log)
{
	struct parts parts = {};

	for (const char *line = log; *line; line = next_line(line)) {
		if (starts(line, diagnosis_start)) {
			parts.diagnosis = line;
			break;
		}
		parse_line(line, &parts);
	}
	return parts;
}

/* The text of the refused source line, or NULL; in the diagnosis it is behind an arrow. */
static const char *source_text(const struct parts *parts)
{
	const char *arrow, *bar;

	if (parts->source)
		return skip_spaces(parts->source + 1);
	arrow = parts->diagnosis ? strstr(parts->diagnosis, "\n  >>> ") : NULL;
	bar = arrow ? strchr(arrow + 1, '|') : NULL;
	return bar && bar < next_line(arrow + 1) ? skip_spaces(bar + 1) : NULL;
}

/* The text of the reason, which is never blank. */
static const char *reason_text(const char *log, const struct parts *parts)
{
	const char *text;

	if (parts->reason)
		return skip_spaces(parts->reason);
	text = parts->diagnosis ? parts->diagnosis + strlen(diagnosis_start)
				: "";
	if (!is_blank(text))
		return skip_spaces(text);
	/* Before Linux 6.4 a full log lacks its end. */
	if (strlen(log) + 1 == sizeof(verifier_log))
		return "the log is full: this program is too large for it";
	return "the log ends before the verifier's reason";
}

/* Where the lines of the reason end. */
static const char *reason_end(const char *line)
{
	while (is_reason(line))
		line = next_line(line);
	return line;
}

static const struct meaning *meaning_of(const struct parts *parts)
{
	const char *end = parts->reason ? reason_end(parts->reason) : NULL;

	for (size_t i = 0; end && i < sizeof(meanings) / sizeof(meanings[0]);
	     i++) {
		const char *found = strstr(parts->reason, meanings[i].words);

		if (found && found < end)
			return &meanings[i];
	}
	return NULL;
}

/* -- what is shown -------------------------------------------------------- */

/* The first line of TEXT, in TO. */
static void copy_line(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%.*s", (int)strcspn(text, "\n"), text);
}

void verifier_read(const char *log, struct refusal *refusal)
{
	struct parts parts = parse(log);
	const char *source = source_text(&parts);
	const struct meaning *meaning = meaning_of(&parts);

	copy_line(refusal->source, sizeof(refusal->source),
		  source ? source : "");
	copy_line(refusal->reason, sizeof(refusal->reason),
		  reason_text(log, &parts));
	refusal->meaning = meaning ? meaning->meaning : NULL;
}

static void print_line(const char *line)
{
	fprintf(stderr, "    %.*s\n", (int)strcspn(line, "\n"), line);
}

/* Prints the lines from START to before END, below a heading. */
static void print_lines(const char *heading, const char *start, const char *end)
{
	fprintf(stderr, "  %s\n", heading);
	for (; start < end && *start; start = next_line(start))
		print_line(start);
}

static void print_reason(const char *log, const struct parts *parts)
{
	static const char heading[] = "the verifier's reason";

	if (parts->reason) {
		print_lines(heading, parts->reason, reason_end(parts->reason));
		return;
	}
	fprintf(stderr, "  %s\n", heading);
	print_line(reason_text(log, parts));
}

/* Prints the last instructions, with what the verifier knew at each. */
static void print_steps(const char *log, const struct parts *parts)
{
	const char *end =
		parts->reason ? parts->reason : next_line(parts->step);
	const char *start = end;

	for (int i = 0; i < TAIL_LINES && start > log; i++)
		start = line_before(log, start);
	print_lines("the last instructions that it followed", start, end);
}

/*
 * Is LINE of the kernel's explanation worth its place? SECTION is the heading that it
 * stands below, and CONTEXT the one of an excerpt. Of an excerpt of C that is the line
 * with the arrow and the remark below it; of one of instructions nothing.
 */
static bool is_shown(const char *section, const char *context, const char *line)
{
	if (is_blank(line))
		return false;
	if (!starts(section, "At:") && !starts(section, "Causal path:"))
		return true;
	return starts(context, "  Source") && strchr(">|", *skip_spaces(line));
}

static void print_diagnosis(const char *line)
{
	const char *section = line, *context = line;

	fprintf(stderr, "  the kernel explains\n");
	for (; *line && !starts(line, "processed "); line = next_line(line)) {
		if (is_heading(line)) {
			section = line;
			print_line(line);
		} else if (is_excerpt(line)) {
			context = line;
		} else if (is_shown(section, context, line)) {
			print_line(line);
		}
	}
}

void verifier_explain(const char *log)
{
	struct parts parts = parse(log);
	const char *source = source_text(&parts);
	const struct meaning *meaning = meaning_of(&parts);

	if (source) {
		fprintf(stderr, "  at the source line\n");
		print_line(source);
	}
	print_reason(log, &parts);
	if (meaning)
		fprintf(stderr, "  which means\n    %s\n    (labs/%s)\n",
			meaning->meaning, meaning->read);
	if (parts.step)
		print_steps(log, &parts);
	if (parts.diagnosis)
		print_diagnosis(parts.diagnosis);
}
