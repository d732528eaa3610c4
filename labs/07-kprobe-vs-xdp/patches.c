// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel patches its code for, by its own tables. */
#include <stdlib.h>
#include <string.h>
#include "memory.h"
#include "patches.h"
#include "symbols.h"

/* The kernel's struct jump_entry: distances from each field to what it stands for. */
struct key_entry {
	__s32 code, target;
	__s64 key; /* its two lowest bits are flags */
};

/* The kernel's struct static_call_site. */
struct call_entry {
	__s32 code, key; /* here too */
};

static struct table {
	const char *first, *end; /* symbols */
	size_t entry_size;
	__u64 start;
	void *entries;
	size_t count;
} keys = {
	.first = "__start___jump_table",
	.end = "__stop___jump_table",
	.entry_size = sizeof(struct key_entry),
}, calls = {
	.first = "__start_static_call_sites",
	.end = "__stop_static_call_sites",
	.entry_size = sizeof(struct call_entry),
};

static void read_table(struct table *table)
{
	__u64 end = symbol_address(table->end);
	size_t size;

	table->start = symbol_address(table->first);
	if (table->entries || !table->start || end <= table->start)
		return;
	size = end - table->start;
	table->entries = malloc(size);
	if (table->entries && !memory_read(table->start, table->entries, size))
		table->count = size / table->entry_size;
}

void patches_read(void)
{
	read_table(&keys);
	read_table(&calls);
}

/* Of several symbols in one place the one that a person has named, not __key.7. */
static const char *best_name(const struct symbol *symbol)
{
	size_t count;
	const struct symbol *all = symbols_all(false, &count), *other = symbol;

	while (other > all && strchr(other->name, '.') &&
	       other[-1].address == symbol->address)
		other--;
	return strncmp(other->name, "__SCK__", 7) != 0 ? other->name
						       : other->name + 7;
}

/*
 * The symbol whose data is at ADDRESS, some bytes in when the key is a field of it. Not
 * every kernel lists its data, and then another symbol is the last before.
 */
static const char *data_at(__u64 address)
{
	enum { FLAGS = 3, FIELD_MOST = 16 };
	const struct symbol *symbol = symbol_of(address & ~(__u64)FLAGS);

	if (!symbol || symbol->is_code ||
	    (address & ~(__u64)FLAGS) - symbol->address > FIELD_MOST)
		return NULL;
	return best_name(symbol);
}

static bool find_key(__u64 address, const char **key)
{
	const struct key_entry *entry = keys.entries;
	__u64 at = keys.start;

	for (size_t i = 0; i < keys.count; i++, entry++, at += sizeof(*entry)) {
		if (at + entry->code != address)
			continue;
		*key = data_at(at + offsetof(struct key_entry, key) +
			       entry->key);
		return true;
	}
	return false;
}

static bool find_call(__u64 address, const char **key)
{
	const struct call_entry *entry = calls.entries;
	__u64 at = calls.start;

	for (size_t i = 0; i < calls.count;
	     i++, entry++, at += sizeof(*entry)) {
		if (at + entry->code != address)
			continue;
		*key = data_at(at + offsetof(struct call_entry, key) +
			       entry->key);
		return true;
	}
	return false;
}

/* Where a call is not patched in line it goes to a jump of its own, by this name. */
static bool find_trampoline(__u64 address, const char **key)
{
	const struct symbol *symbol = symbol_of(address);

	if (!symbol || strncmp(symbol->name, "__SCT__", 7) != 0)
		return false;
	*key = symbol->name + 7;
	return true;
}

enum patch_kind patch_at(__u64 address, const char **key)
{
	*key = NULL;
	if (find_key(address, key))
		return PATCH_STATIC_KEY;
	if (find_call(address, key) || find_trampoline(address, key))
		return PATCH_STATIC_CALL;
	return PATCH_NONE;
}
