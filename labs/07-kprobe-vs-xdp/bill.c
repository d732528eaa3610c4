// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the hooks cost, as a table, and held against what the notes say. */
#include <stdio.h>
#include <string.h>
#include "bill.h"

static const char alone[] = "XDP, program alone";

enum { NAME_WIDTH = 18, BAR_WIDTH = 16 };

static const char *const names[] = {
	[UNIT_NS] = "ns",
	[UNIT_EMULATED_NS] = "emulated ns",
	[UNIT_INSTRUCTION] = "instructions",
};

/* -- the clock ------------------------------------------------------------- */

/* Does a line of the file at PATH have TEXT in it? */
static bool mentions(const char *path, const char *text)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	if (file)
		fclose(file);
	return found;
}

enum unit clock_unit(void)
{
	if (mentions("/proc/cmdline", "underhood.icount"))
		return UNIT_INSTRUCTION;
	/* x86, and arm64, where a processor that nobody makes has the maker 0. */
	if (mentions("/proc/cpuinfo", "QEMU TCG") ||
	    mentions("/proc/cpuinfo", "CPU implementer\t: 0x00"))
		return UNIT_EMULATED_NS;
	return UNIT_NS;
}

/* -- the table ------------------------------------------------------------- */

/* The way that the others are held against: the notes' kprobe, or the cheapest. */
static enum way yardstick(struct bill *bill)
{
	enum way best = WAY_KPROBE;

	if (bill->ways[WAY_KPROBE].figures.count)
		return WAY_KPROBE;
	for (enum way way = 0; way < WAYS; way++) {
		double median = summary_of(&bill->ways[way].figures).median;
		double least = summary_of(&bill->ways[best].figures).median;

		if (median > 0 && (least <= 0 || median < least))
			best = way;
	}
	return best;
}

/* The median of the dearest way. */
static double most_of(struct bill *bill)
{
	double most = 0;

	for (enum way way = 0; way < WAYS; way++) {
		double median = summary_of(&bill->ways[way].figures).median;

		most = median > most ? median : most;
	}
	return most;
}

static void print_cost(const char *name, struct cost *cost, double one,
		       double most)
{
	struct summary summary = summary_of(&cost->figures);
	double part = most > 0 ? summary.median / most : 0;

	printf("%-*s %8llu %8.1f  %8.1f ..%8.1f ", NAME_WIDTH, name, cost->seen,
	       summary.median, summary.low, summary.high);
	if (one > 0)
		printf("%6.2f  %.*s\n", summary.median / one,
		       part > 0 ? (int)(part * BAR_WIDTH + 0.5) : 0,
		       "################");
	else
		printf("%6s\n", "-");
}

/* The other things that a reader of the table has to know. */
static void print_remarks(enum unit unit)
{
	puts("\nOn a veth, native XDP costs more than its program: the "
	     "interface goes over to\npolling (NAPI), and each packet, which "
	     "arrives as an skb, is made a frame, and an\nskb again. Generic "
	     "XDP gives a packet more room at its head first. The program\n"
	     "alone is BPF_PROG_TEST_RUN's time, with its loop.");
	if (unit == UNIT_EMULATED_NS)
		puts("\nThese times are an emulator's: what is dear to it, and "
		     "what is cheap, is not what\nis so to a processor. When "
		     "it counts instructions (underhood.icount), that holds\n"
		     "anywhere.");
	if (unit == UNIT_INSTRUCTION)
		puts("\nThese are instructions, which repeat exactly, not "
		     "times: what a trap, a cache miss\nor a mispredicted "
		     "branch takes is not in them. An instruction that "
		     "repeats itself, as\nto clear memory, counts each time: "
		     "see what XDP costs with init_on_alloc=0.");
}

static void print_table(struct bill *bill, enum unit unit)
{
	struct summary path = summary_of(&bill->path.figures);
	enum way reference = yardstick(bill);
	double one = summary_of(&bill->ways[reference].figures).median;
	double most = most_of(bill);

	printf("A packet's whole path, from send() to a socket, with no hook: "
	       "%.1f %s (%.1f .. %.1f)\n",
	       path.median, names[unit], path.low, path.high);
	printf("Added to it by a hook, in %s; between the quartiles; and as a "
	       "multiple of\n%s's:\n\n",
	       names[unit], one > 0 ? way_name(reference) : "none");
	printf("%-*s %8s %8s  %18s %6s\n", NAME_WIDTH, "way", "packets",
	       "added", "quartiles    ", "times");
	for (enum way way = 0; way < WAYS; way++)
		if (bill->ways[way].figures.count)
			print_cost(way_name(way), &bill->ways[way], one, most);
	print_cost(alone, &bill->alone, one, most);
	for (enum way way = 0; way < WAYS; way++)
		if (bill->ways[way].missing[0])
			printf("no %s: %s\n", way_name(way),
			       bill->ways[way].missing);
}

/* -- the notes ------------------------------------------------------------- */

/* What they say that a hook costs, and the ways that this is about. */
static const struct claim {
	const char *what;
	double least, most; /* ns */
	enum way first, last;
} claims[] = {
	{ "a kprobe", 1000, 5000, WAY_KPROBE_MULTI, WAY_KRETPROBE },
	{ "XDP", 10, 50, WAY_XDP_NATIVE, WAY_XDP_GENERIC },
};

/* -1, 0 or 1: is NS below, within, or above what CLAIM says? */
static int place_of(const struct claim *claim, double ns)
{
	return (ns > claim->most) - (ns < claim->least);
}

/* Says NAME, as one of those at PLACE, of which GIVEN have been said. Returns 1. */
static int say_one(int place, int given, const char *name, double median)
{
	static const char *const words[] = { "below", "within", "above" };

	if (given)
		printf(", %s (%.1f)", name, median);
	else
		printf("  %s that: %s (%.1f)", words[place + 1], name, median);
	return 1;
}

/* The measured ways of CLAIM that are at PLACE of it, on one line, if there are any. */
static void print_place(struct bill *bill, const struct claim *claim, int place)
{
	double median = summary_of(&bill->alone.figures).median;
	int given = 0;

	for (enum way way = claim->first; way <= claim->last; way++) {
		double ns = summary_of(&bill->ways[way].figures).median;

		if (bill->ways[way].figures.count &&
		    place_of(claim, ns) == place)
			given += say_one(place, given, way_name(way), ns);
	}
	if (claim->first == WAY_XDP_NATIVE && place_of(claim, median) == place)
		given += say_one(place, given, alone, median);
	if (given)
		putchar('\n');
}

/* How long an instruction would have to take for what CLAIM says, if NAME has N. */
static void print_pace(const struct claim *claim, const char *name, double n)
{
	if (n > 0)
		printf("  for %s that is %.2f to %.2f ns an instruction\n",
		       name, claim->least / n, claim->most / n);
}

static void print_paces(struct bill *bill, const struct claim *claim)
{
	for (enum way way = claim->first; way <= claim->last; way++)
		print_pace(claim, way_name(way),
			   summary_of(&bill->ways[way].figures).median);
	if (claim->first == WAY_XDP_NATIVE)
		print_pace(claim, alone,
			   summary_of(&bill->alone.figures).median);
}

static void print_claim(struct bill *bill, const struct claim *claim,
			enum unit unit)
{
	bool measured = false;

	for (enum way way = claim->first; way <= claim->last; way++)
		measured |= bill->ways[way].figures.count > 0;
	printf("\nThe notes say that %s costs %.0f to %.0f ns.%s\n",
	       claim->what, claim->least, claim->most,
	       measured ? "" : " Nothing here to hold against it.");
	if (unit == UNIT_INSTRUCTION) {
		print_paces(bill, claim);
		return;
	}
	for (int place = -1; place <= 1; place++)
		print_place(bill, claim, place);
}

void print_bill(struct bill *bill, enum unit unit)
{
	print_table(bill, unit);
	print_remarks(unit);
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		print_claim(bill, &claims[i], unit);
	if (unit == UNIT_INSTRUCTION)
		puts("\n(A processor of 3 GHz takes a third of a ns for one, "
		     "and less, while it need not\nwait.)");
}

/* -- for programs ---------------------------------------------------------- */

static void print_line(const char *name, struct cost *cost, enum unit unit)
{
	struct summary summary = summary_of(&cost->figures);

	if (cost->figures.count)
		printf("%s\t%.2f\t%.2f\t%.2f\t%s\t%.2f\n", name, summary.median,
		       summary.low, summary.high, names[unit], cost->least);
}

void print_bill_as_tsv(struct bill *bill, enum unit unit)
{
	print_line("no hook", &bill->path, unit);
	for (enum way way = 0; way < WAYS; way++)
		print_line(way_name(way), &bill->ways[way], unit);
	print_line(alone, &bill->alone, unit);
}
