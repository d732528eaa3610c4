// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's symbols, by name and by address, from /proc/kallsyms. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "loader.h"
#include "symbols.h"

#define KALLSYMS "/proc/kallsyms"

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
	module = strchr(symbol->name, '\t');
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

/* Puts those symbols of TEXT into TABLE that are others, or not. */
static bool fill(struct table *table, char *text, bool is_others)
{
	struct symbol symbol;
	char *line, *rest;

	table->text = text;
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (!parse(line, &symbol) || !symbol.module == is_others)
			continue;
		if (!add(table, &symbol)) {
			fail("read %s: %s", KALLSYMS, strerror(ENOMEM));
			return false;
		}
	}
	if (table->count)
		qsort(table->symbols, table->count, sizeof(symbol), by_address);
	return true;
}

bool symbols_read(void)
{
	char *text;

	if (own.count)
		return true;
	text = read_text();
	if (!text || !fill(&own, text, false))
		return false;
	if (own.count && own.symbols[own.count - 1].address)
		return symbols_refresh();
	fail("read %s: it gives no addresses (this needs root: sudo)",
	     KALLSYMS);
	return false;
}

bool symbols_refresh(void)
{
	char *text = read_text(), *first;

	free(others.text);
	free(others.symbols);
	memset(&others, 0, sizeof(others));
	if (!text)
		return false;
	/* The kernel's own come first, and are many: their lines are left out. */
	first = strstr(text, "\t[");
	while (first && first > text && first[-1] != '\n')
		first--;
	memmove(text, first ? first : "", strlen(first ? first : "") + 1);
	return fill(&others, text, true);
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

__u64 symbol_address(const char *name)
{
	FILE *file = fopen(KALLSYMS, "r");
	__u64 address = file ? find_line(file, name) : 0;

	if (file)
		fclose(file);
	return address;
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
