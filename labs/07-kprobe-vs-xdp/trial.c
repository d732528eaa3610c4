// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One way of hooking on, tried twice. */
#include <stdio.h>
#include <string.h>
#include "memory.h"
#include "symbols.h"
#include "trial.h"

enum {
	ATTEMPTS = 4, /* until there is no noise */
	SECONDS =
		10, /* until that is back which the kernel undoes when it can */
	STEP = 10,  /* ms */
	WHILE = 300, /* ms: about as long as a trial takes */
};

struct changes {
	struct change all[CHANGES_MOST];
	int count;
};

/* What differs though nothing is attached: not ours, and not looked at. */
static struct changes strays;

bool way_probes(enum way way)
{
	return way >= WAY_FENTRY;
}

/* -- lists of changes ------------------------------------------------------ */

static const struct change *find(const struct changes *list, __u64 address)
{
	for (int i = 0; i < list->count; i++)
		if (list->all[i].address == address)
			return &list->all[i];
	return NULL;
}

/* Takes out of LIST what is none of ours, and what is another only by its bytes. */
static void sift(struct changes *list)
{
	int kept = 0;

	for (int i = 0; i < list->count; i++)
		if (!change_is_nominal(&list->all[i]) &&
		    !find(&strays, list->all[i].address))
			list->all[kept++] = list->all[i];
	list->count = kept;
}

/* Compares all code. Returns false, having said why, when it cannot be read. */
static bool look(struct changes *list)
{
	list->count = code_compare(list->all, CHANGES_MOST);
	if (list->count < 0) {
		fail("read the kernel's code: %s", strerror(-list->count));
		return false;
	}
	return true;
}

/*
 * Looks again at LIST only, and takes out of it what is not so any more. A call may go to
 * another trampoline than the last time.
 */
static void look_again(struct changes *list)
{
	struct change *kept = list->all, now;

	for (int i = 0; i < list->count; i++) {
		now = list->all[i];
		if (!change_refresh(&now) && now.bytes &&
		    decode(now.after, now.address).kind ==
			    decode(list->all[i].after, now.address).kind)
			*kept++ = now;
	}
	list->count = (int)(kept - list->all);
}

/* Waits until LIST is undone. Returns false when it is not by the deadline. */
static bool wait_undone(const struct changes *list)
{
	int undone, left = SECONDS * 1000 / STEP;

	do {
		for (undone = 0; undone < list->count; undone++)
			if (!change_undone(&list->all[undone]))
				break;
	} while (undone < list->count && left-- && wait_for(-1, STEP));
	return undone == list->count;
}

/* -- a trial --------------------------------------------------------------- */

/*
 * The instruction at ftrace's place in the function, behind what may be before it: an
 * endbr64, or on arm64 a bti and a move; or at the offset that is probed.
 */
static enum instruction_kind at_probe(enum way way)
{
	__u64 entry = symbol_address(probed_function());
	enum instruction_kind kind = INSTRUCTION_OTHER;
	__u8 bytes[INSTRUCTION_MOST];
	int offset = 0, last = 8;

	if (way == WAY_KPROBE_JUMP || way == WAY_KPROBE_INT3)
		offset = last = probed_offset();
	for (; offset <= last && kind == INSTRUCTION_OTHER; offset += 4)
		if (!memory_read(entry + offset, bytes, sizeof(bytes)))
			kind = decode(bytes, entry + offset).kind;
	return kind;
}

/* Puts LIST into TRIAL, with words: now, while it is so. */
static void describe(const struct changes *list, struct trial *trial)
{
	memcpy(trial->changes, list->all, sizeof(trial->changes));
	changes_in_words(list->all, list->count, trial->words);
	trial->count = list->count;
	trial->bytes = 0;
	for (int i = 0; i < list->count; i++)
		trial->bytes += list->all[i].bytes;
}

/* Returns false when this kernel does not have it. */
static bool attach(enum way way, struct trial *trial)
{
	const char *wrong = way_attach(way);

	if (wrong)
		snprintf(trial->missing, sizeof(trial->missing), "%s", wrong);
	return !wrong;
}

/* Detaches WAY, and waits until LIST is undone. Returns false when interrupted. */
static bool detach(enum way way, const struct changes *list,
		   struct trial *trial)
{
	way_detach(way);
	trial->back = wait_undone(list) && trial->back;
	return wait_for(-1, 0);
}

/* Puts into LIST what WAY changes, by a look at all code. */
static bool first_time(enum way way, struct changes *list, struct trial *trial)
{
	bool looked;

	if (!attach(way, trial))
		return true;
	looked = look(list);
	if (looked)
		sift(list);
	else
		list->count = 0;
	return detach(way, list, trial) && looked;
}

/* Puts into TRIAL what of LIST WAY changes again. */
static bool second_time(enum way way, struct changes *list, struct trial *trial)
{
	if (!attach(way, trial))
		return true;
	trial->noise = list->count;
	look_again(list);
	trial->noise -= list->count;
	trial->at_probe = way_probes(way) ? at_probe(way) : INSTRUCTION_OTHER;
	describe(list, trial);
	return detach(way, list, trial);
}

/* After a disturbed attempt: what differs now, though nothing is attached? */
static bool find_strays(void)
{
	static struct changes now;

	strays.count = 0;
	if (!look(&now))
		return false;
	sift(&now);
	strays = now;
	return true;
}

bool try_way(enum way way, struct trial *trial)
{
	static struct changes list;

	for (int i = 0; i < ATTEMPTS; i++) {
		memset(trial, 0, sizeof(*trial));
		trial->back = true;
		if ((i && !find_strays()) || !first_time(way, &list, trial))
			return false;
		if (trial->missing[0])
			return true;
		if (!second_time(way, &list, trial))
			return false;
		if (trial->missing[0] || (trial->back && !trial->noise))
			break;
	}
	return true;
}

bool try_nothing(struct trial *trial)
{
	static struct changes list;

	memset(trial, 0, sizeof(*trial));
	if (!wait_for(-1, WHILE) || !look(&list))
		return false;
	trial->back = wait_undone(&list);
	if (list.count && !look(&list))
		return false;
	describe(&list, trial);
	return wait_for(-1, 0);
}
