// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's code, and what changes in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "changes.h"
#include "loader.h"
#include "memory.h"
#include "symbols.h"

enum {
	PAGE = 4096,
	RANGES_MOST = 1024, /* modules that are looked at */
};

/* Where code is, and where in the copies. The first range is the kernel itself. */
static struct range {
	__u64 start;
	size_t size, at;
} ranges[RANGES_MOST];

static int range_count;
static size_t total;
static __u8 *remembered,
	*latest; /* the copies, with room for one more decode() */

/* -- where code is --------------------------------------------------------- */

static void add_range(__u64 start, __u64 end)
{
	if (range_count == RANGES_MOST)
		return;
	ranges[range_count++] = (struct range){ start, end - start, total };
	total += end - start;
}

/* Programs and trampolines come and go with those who load them. */
static bool is_of_module(const struct symbol *symbol)
{
	return symbol->is_code && symbol->module &&
	       strcmp(symbol->module, "bpf") != 0 &&
	       strncmp(symbol->module, "__builtin__", 11) != 0;
}

static __u64 page_of(__u64 address)
{
	return address & -(__u64)PAGE;
}

/* A module's functions stand side by side, in pages that hold nothing else. */
static void find_modules(void)
{
	size_t count;
	const struct symbol *all = symbols_all(true, &count), *first = NULL,
			    *last;

	for (size_t i = 0; i < count; i++) {
		if (!is_of_module(&all[i]))
			continue;
		if (first && strcmp(first->module, all[i].module) != 0) {
			add_range(page_of(first->address),
				  page_of(last->address) + PAGE);
			first = NULL;
		}
		first = first ? first : &all[i];
		last = &all[i];
	}
	if (first)
		add_range(page_of(first->address),
			  page_of(last->address) + PAGE);
}

static bool find_code(void)
{
	__u64 start = symbol_address("_stext"), end = symbol_address("_etext");

	range_count = 0;
	total = 0;
	if (!start || end <= start) {
		fail("find the kernel's code: /proc/kallsyms has no _stext and "
		     "_etext");
		return false;
	}
	add_range(start, end);
	find_modules();
	return true;
}

bool is_code(__u64 address)
{
	for (int i = 0; i < range_count; i++)
		if (address - ranges[i].start < ranges[i].size)
			return true;
	return false;
}

size_t code_size(void)
{
	return total;
}

int code_modules(void)
{
	return range_count - 1;
}

/* -- the copies ------------------------------------------------------------ */

/* A module that is gone is as it was last seen: its end is no change of code. */
static int copy_code(void)
{
	int err;

	for (int i = 0; i < range_count; i++) {
		err = memory_read(ranges[i].start, latest + ranges[i].at,
				  ranges[i].size);
		if (err && (i == 0 || err != -EFAULT))
			return err;
	}
	return 0;
}

bool code_open(void)
{
	int err;

	if (!find_code())
		return false;
	remembered = calloc(1, total + INSTRUCTION_MOST);
	latest = calloc(1, total + INSTRUCTION_MOST);
	err = remembered && latest ? copy_code() : -ENOMEM;
	if (err) {
		fail("read the kernel's code: %s", strerror(-err));
		code_close();
		return false;
	}
	code_remember();
	return true;
}

void code_close(void)
{
	free(remembered);
	free(latest);
	remembered = latest = NULL;
}

void code_remember(void)
{
	memcpy(remembered, latest, total);
}

/* -- what differs ---------------------------------------------------------- */

#ifdef __x86_64__
enum { LONGEST = 5, UNIT = 1 };

static bool is_symbol(__u64 address)
{
	const struct symbol *symbol = symbol_of(address);

	return symbol && symbol->address == address;
}

static bool goes(const struct instruction *instruction)
{
	return instruction->size == LONGEST &&
	       (instruction->kind == INSTRUCTION_CALL ||
		instruction->kind == INSTRUCTION_JMP);
}

/* Does a call or jump start at AT, which goes elsewhere than it did? */
static bool is_redirection(const struct range *range, size_t at)
{
	__u64 address = range->start + (at - range->at);
	struct instruction before = decode(remembered + at, address);
	struct instruction after = decode(latest + at, address);

	/* A distance may have a byte that reads as an instruction: only a real one
	 * leads to where a function begins. */
	return goes(&before) && before.kind == after.kind &&
	       (is_symbol(before.target) || is_symbol(after.target));
}

/* Where the instruction begins of which the byte at AT is the first that differs. */
static size_t beginning(const struct range *range, size_t at)
{
	for (size_t back = 1; back < LONGEST && at - back >= range->at; back++)
		if (is_redirection(range, at - back))
			return at - back;
	return at;
}
#else
enum { UNIT = 4 };

static size_t beginning(const struct range *range, size_t at)
{
	return at - (at - range->at) % UNIT;
}
#endif

/* A breakpoint is one byte, whatever it stands on. */
static int size_of(const struct change *change)
{
	struct instruction before = decode(change->before, change->address);
	struct instruction after = decode(change->after, change->address);

	if (before.kind == INSTRUCTION_INT3 || after.kind == INSTRUCTION_INT3)
		return UNIT;
	if (before.size || after.size)
		return before.size > after.size ? before.size : after.size;
	return UNIT;
}

static void count_bytes(struct change *change)
{
	change->bytes = 0;
	for (int i = 0; i < change->size; i++)
		change->bytes += change->before[i] != change->after[i];
}

static struct change change_at(const struct range *range, size_t at)
{
	struct change change;

	at = beginning(range, at);
	change.address = range->start + (at - range->at);
	memcpy(change.before, remembered + at, INSTRUCTION_MOST);
	memcpy(change.after, latest + at, INSTRUCTION_MOST);
	change.size = size_of(&change);
	count_bytes(&change);
	return change;
}

/* The first byte from AT to END that differs; or END. */
static size_t next_difference(size_t at, size_t end)
{
	size_t most;

	for (; at < end; at += most) {
		most = end - at < PAGE ? end - at : PAGE;
		if (memcmp(remembered + at, latest + at, most) != 0)
			break;
	}
	while (at < end && remembered[at] == latest[at])
		at++;
	return at;
}

static int compare_range(const struct range *range, struct change *changes,
			 int most)
{
	size_t end = range->at + range->size;
	size_t at = next_difference(range->at, end);
	int count = 0;

	while (at < end && count < most) {
		changes[count] = change_at(range, at);
		at = range->at + (changes[count].address - range->start) +
		     changes[count].size;
		count++;
		at = next_difference(at, end);
	}
	return count;
}

int code_compare(struct change *changes, int most)
{
	int count = 0, err = copy_code();

	if (err)
		return err;
	for (int i = 0; i < range_count; i++)
		count += compare_range(&ranges[i], changes + count,
				       most - count);
	return count;
}

int change_refresh(struct change *change)
{
	int err = memory_read(change->address, change->after, change->size);

	count_bytes(change);
	return err;
}

bool change_is_nominal(const struct change *change)
{
	struct instruction before = decode(change->before, change->address);
	struct instruction after = decode(change->after, change->address);
	const struct symbol *from = symbol_of(before.target);
	const struct symbol *to = symbol_of(after.target);

	return before.target && after.target && before.kind == after.kind &&
	       from && to && !strcmp(from->name, to->name) &&
	       before.target - from->address == after.target - to->address;
}

bool change_undone(const struct change *change)
{
	struct change now = *change;

	return !change_refresh(&now) && (!now.bytes || change_is_nominal(&now));
}
