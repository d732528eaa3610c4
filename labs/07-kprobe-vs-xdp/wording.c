// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A change of the kernel's code in words. */
#include <stdio.h>
#include <string.h>
#include "patches.h"
#include "symbols.h"
#include "wording.h"

/* A trampoline is made of pages; far behind the last symbol is something else. */
enum { SYMBOL_MOST = 64 * 1024 };

static void address_in_words(__u64 address, bool with_offset,
			     char to[WORDS_MOST])
{
	const struct symbol *symbol = symbol_of(address);
	__u64 offset = symbol ? address - symbol->address : SYMBOL_MOST;
	char *end = to + WORDS_MOST;

	if (offset >= SYMBOL_MOST) {
		snprintf(to, WORDS_MOST, "what has no name");
		return;
	}
	to += snprintf(to, end - to, "%.100s", symbol->name);
	if (offset || with_offset)
		to += snprintf(to, end - to, "+0x%llx", offset);
	if (symbol->module)
		snprintf(to, end - to, " [%.60s]", symbol->module);
}

/* Does CHANGE lead to code that was not there before? The symbols do not know it. */
static bool leads_out(const struct change *change)
{
	struct instruction before = decode(change->before, change->address);
	struct instruction after = decode(change->after, change->address);

	return (before.target && !is_code(before.target)) ||
	       (after.target && !is_code(after.target));
}

/* "call ip_rcv"; of a branch within a function, without where to. */
static void instruction_in_words(const struct instruction *instruction,
				 bool with_target, char to[WORDS_MOST])
{
	const char *name = instruction_name(instruction->kind);
	char target[WORDS_MOST];

	snprintf(to, WORDS_MOST, "%s", name);
	if (!instruction->target || !with_target)
		return;
	address_in_words(instruction->target, false, target);
	snprintf(to, WORDS_MOST, "%s %.200s", name, target);
}

/*
 * Is ADDRESS where the compiler leaves room for ftrace, at a function's entry, or one of
 * ftrace's own calls, in what these places call?
 */
static bool is_ftrace(__u64 address)
{
	enum { ENTRY_MOST = 8 }; /* an endbr64; on arm64 a bti and a move */
	const struct symbol *symbol = symbol_of(address);

	return symbol && (address - symbol->address <= ENTRY_MOST ||
			  !strncmp(symbol->name, "ftrace_", 7));
}

/* What for; of a static key or call with its name, if there is one, at *KEY. */
static const char *reason(const struct change *change,
			  const struct instruction *before,
			  const struct instruction *after, const char **key)
{
	switch (patch_at(change->address, key)) {
	case PATCH_STATIC_KEY:
		return "static key";
	case PATCH_STATIC_CALL:
		return "static call";
	default:
		break;
	}
	if (after->kind == INSTRUCTION_INT3)
		return "a breakpoint";
	if (after->kind == INSTRUCTION_CALL && is_ftrace(change->address))
		return "ftrace";
	if (after->kind == INSTRUCTION_JMP && !is_code(after->target))
		return "a detour";
	return "";
}

static void bytes_in_words(const struct change *change, char *to)
{
	char *end = to + WORDS_MOST;

	for (int i = 0; i < change->size; i++)
		to += snprintf(to, end - to, "%02x ", change->before[i]);
	to += snprintf(to, end - to, "->");
	for (int i = 0; i < change->size; i++)
		to += snprintf(to, end - to, " %02x", change->after[i]);
}

static void change_in_words(const struct change *change, struct words *words)
{
	struct instruction before = decode(change->before, change->address);
	struct instruction after = decode(change->after, change->address);
	char from[WORDS_MOST], to[WORDS_MOST];
	const char *why, *key;
	bool names;

	why = reason(change, &before, &after, &key);
	/* Where a branch goes in its own function is of no interest. */
	names = strcmp(why, "static key") != 0;
	address_in_words(change->address, true, words->place);
	bytes_in_words(change, words->bytes);
	instruction_in_words(&before, names, from);
	instruction_in_words(&after, names, to);
	snprintf(words->what, WORDS_MOST, "%.80s -> %.80s%s%s%s%.60s%s", from,
		 to, *why ? " (" : "", why, key ? " " : "", key ? key : "",
		 *why ? ")" : "");
	snprintf(words->brief, WORDS_MOST, "%s -> %s%s%s%s",
		 instruction_name(before.kind),
		 before.kind == after.kind ? "elsewhere"
					   : instruction_name(after.kind),
		 *why ? " (" : "", why, *why ? ")" : "");
}

void changes_in_words(const struct change *changes, int count,
		      struct words *words)
{
	bool known = true;

	for (int i = 0; i < count; i++)
		known = known && !leads_out(&changes[i]);
	if (!known)
		symbols_refresh();
	for (int i = 0; i < count; i++)
		change_in_words(&changes[i], &words[i]);
}
