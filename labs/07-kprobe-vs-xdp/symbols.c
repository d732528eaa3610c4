// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's symbols, by name and by address, from /proc/kallsyms. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "loader.h"
#include "symbols.h"

#define KALLSYMS "/proc/kallsyms"

enum { KSYM_NAME_LEN = 512 }; /* the longest that a kernel has */

static struct table {
	char *text;		/* the file; a name is a piece of it */
	struct symbol *symbols; /* sorted by address */
	size_t count;
} own, others; /* the kernel's; and what else there is now */

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Returns false when memory is short. */
static bool add(struct table *table, const struct symbol *symbol)
{
	size_t count = table->count, room = count ? 2 * count : 1;
	void *more;

	/* A power of two is full: twice as many. */
	if (!(count & (count - 1))) {
		more = reallocarray(table->symbols, room, sizeof(*symbol));
		if (!more)
			return false;
		table->symbols = more;
	}
	table->symbols[table->count++] = *symbol;
	return true;
}

/* ffffffff81e64660 t name [module]: cut into pieces. False: there is no such line. */
static bool parse(char *line, struct symbol *symbol)
{
	char *type, *module;

	symbol->address = strtoull(line, &type, 16);
	if (type == line || strlen(type) < sizeof(" t x") - 1)
		return false;
	symbol->is_code = strchr("tTwW", type[1]);
	symbol->name = type + 3;
	module = strchr(type + 3, '\t');
	symbol->module = NULL;
	if (module) {
		*module = '\0';
		symbol->module = module + 2;
		module[strcspn(module + 2, "]") + 2] = '\0';
	}
	return true;
}

/* The whole file at once, for it has no byte 0. Returns NULL, having said why. */
static char *read_text(void)
{
	FILE *file = fopen(KALLSYMS, "r");
	char *text = NULL;
	size_t size = 0;
	ssize_t got = file ? getdelim(&text, &size, '\0', file) : -1;

	if (got < 0)
		fail("read %s: %s", KALLSYMS, strerror(errno));
	if (file)
		fclose(file);
	if (got >= 0)
		return text;
	free(text);
	return NULL;
}

/*
 * The lines of TEXT that are not the kernel's own: those come first, and none of them
 * says in brackets whose it is. They are cut off from TEXT; NULL: memory is short.
 */
static char *cut_others(char *text)
{
	char *first = strstr(text, "\t["), *others;

	if (!first)
		return strdup("");
	while (first > text && first[-1] != '\n')
		first--;
	others = strdup(first);
	*first = '\0';
	return others;
}

/* Puts the symbols of TEXT, which becomes part of it, into TABLE in place of what is there. */
static bool fill(struct table *table, char *text)
{
	bool enough = text; /* memory */
	struct symbol symbol;
	char *line, *rest;

	free(table->text);
	free(table->symbols);
	*table = (struct table){ .text = text };
	for (line = enough ? strtok_r(text, "\n", &rest) : NULL; line && enough;
	     line = strtok_r(NULL, "\n", &rest))
		enough = !parse(line, &symbol) || add(table, &symbol);
	if (!enough)
		fail("read %s: %s", KALLSYMS, strerror(ENOMEM));
	if (table->count)
		qsort(table->symbols, table->count, sizeof(symbol), by_address);
	return enough;
}

bool symbols_read(void)
{
	char *text;

	if (own.count)
		return true;
	text = read_text();
	if (!text || !fill(&others, cut_others(text)) || !fill(&own, text))
		return false;
	if (own.count && own.symbols[own.count - 1].address)
		return true;
	fail("read %s: it gives no addresses (this needs root: sudo)",
	     KALLSYMS);
	return false;
}

bool symbols_refresh(void)
{
	char *text = read_text();
	bool done = text && fill(&others, cut_others(text));

	free(text);
	return done;
}

const struct symbol *symbols_all(bool of_others, size_t *count)
{
	*count = of_others ? others.count : own.count;
	return of_others ? others.symbols : own.symbols;
}

/* The address in the line of the symbol NAME, of those in FILE; or 0. */
static __u64 find_line(FILE *file, const char *name)
{
	char line[1024], *end;
	size_t length = strlen(name);

	while (fgets(line, sizeof(line), file)) {
		end = strchr(line, ' ');
		if (end && !strncmp(end + 3, name, length) &&
		    strchr("\t\n", end[3 + length]))
			return strtoull(line, NULL, 16);
	}
	return 0;
}

/* The same in the file: a long way through it, for the kernel makes each line anew. */
static __u64 find_in_file(const char *name)
{
	FILE *file = fopen(KALLSYMS, "r");
	__u64 address = file ? find_line(file, name) : 0;

	if (file)
		fclose(file);
	return address;
}

static __u64 find_in_own(const char *name)
{
	for (size_t i = 0; i < own.count; i++)
		if (!strcmp(own.symbols[i].name, name))
			return own.symbols[i].address;
	return 0;
}

__u64 symbol_address(const char *name)
{
	static struct {
		char name[KSYM_NAME_LEN];
		__u64 address;
	} last; /* which is often asked for again */

	if (!last.address || strcmp(last.name, name) != 0) {
		snprintf(last.name, sizeof(last.name), "%s", name);
		last.address = find_in_own(name) ?: find_in_file(name);
	}
	return last.address;
}

/* The last of TABLE that begins at ADDRESS or before, or NULL. */
static const struct symbol *last_before(const struct table *table,
					__u64 address)
{
	size_t low = 0, high = table->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (table->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &table->symbols[low - 1] : NULL;
}

const struct symbol *symbol_of(__u64 address)
{
	const struct symbol *a = last_before(&own, address);
	const struct symbol *b = last_before(&others, address);

	return b && (!a || a->address < b->address) ? b : a;
}

const char *symbol_at(__u64 address, __u64 *offset)
{
	const struct symbol *symbol = symbol_of(address);

	if (!symbol)
		return NULL;
	*offset = address - symbol->address;
	return symbol->name;
}
