// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's symbols, by name and by address, from /proc/kallsyms. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "loader.h"
#include "symbols.h"

#define KALLSYMS "/proc/kallsyms"

enum { NAME_MOST = 511 }; /* the kernel's own limit */

struct symbol {
	__u64 address;
	char *name;
};

static struct symbol *symbols; /* sorted by address */
static size_t count;

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Returns false when memory is short. */
static bool add(__u64 address, const char *name)
{
	/* A power of two is full: twice as many. */
	if (!(count & (count - 1))) {
		size_t room = count ? 2 * count : 1;
		void *more = reallocarray(symbols, room, sizeof(*symbols));

		if (!more)
			return false;
		symbols = more;
	}
	symbols[count].address = address;
	symbols[count].name = strdup(name);
	return symbols[count++].name;
}

bool symbols_read(void)
{
	char name[NAME_MOST + 1];
	unsigned long long address;
	FILE *file;
	bool added = true;

	if (count)
		return true;
	file = fopen(KALLSYMS, "r");
	if (!file) {
		fail("read %s: %s", KALLSYMS, strerror(errno));
		return false;
	}
	/* ffffffff81e64660 t name [module] */
	while (added &&
	       fscanf(file, "%llx %*c %511s%*[^\n]", &address, name) == 2)
		added = add(address, name);
	fclose(file);
	qsort(symbols, count, sizeof(*symbols), by_address);
	if (added && count && symbols[count - 1].address)
		return true;
	fail("read %s: %s", KALLSYMS,
	     added ? "it gives no addresses (this needs root: sudo)"
		   : strerror(ENOMEM));
	return false;
}

/* Reads the line of the symbol NAME, of those in FILE. Returns its address, or 0. */
static __u64 find_line(FILE *file, const char *name)
{
	char line[NAME_MOST + 128], *end;
	size_t length = strlen(name);

	/* ffffffff81e64660 t name */
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

const char *symbol_at(__u64 address, __u64 *offset)
{
	size_t low = 0, high = count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	*offset = address - symbols[low - 1].address;
	return symbols[low - 1].name;
}
