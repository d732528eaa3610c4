// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bench OBJECT [LOADS]: times what the tables of a BPF object name (bench.h), and
 * prints what each costs above its floor: ns of CPU time per packet, the median of
 * LOADS (5) fresh loads, the lowest and the highest of them. To be
 * run at the top of the tree, where the frames are.
 *
 * A number is worth what it can be compared with: each program is timed right
 * after its floor, A B A B, all of them in turn, and ratios are taken within a
 * load. Where the JIT puts a program makes it faster or slower by a fifth, hence
 * the loads. Exit status 1 when something could not be timed, or did not do what
 * it should; not for a target that is missed.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "bench.h"
#include "timing.h"

#define LEAST 0.1 /* ns that can be told from nothing */

enum {
	MOST_CASES = 64,
	MOST_LOADS = 100,
	TURNS = 3, /* in a load */
	SETUP_CALLS = 1 << 20,
};

/* A case, and what came of it. */
struct line {
	const struct bench_case *c;
	struct frame in, out;
	struct bpf_object *object;		 /* of the present load */
	double turns[TURNS], floor_turns[TURNS]; /* of the present load */
	double loads[MOST_LOADS], floors[MOST_LOADS];
	bool wrong;
};

static struct line lines[MOST_CASES], *end = lines;
static const struct bench_ratio *ratios;
static size_t ratio_count;
static int loads = 5;

/* -- what the object asks for --------------------------------------------- */

static void read_frame(const char *name, struct frame *frame)
{
	char command[64];
	FILE *pipe;

	snprintf(command, sizeof(command), "tests/frame %s", name);
	pipe = popen(command, "r"); // NOLINT(bugprone-command-processor)
	if (!pipe)
		error(EXIT_FAILURE, errno, "%s", command);
	frame->length = fread(frame->bytes, 1, FRAME_MOST, pipe);
	if (pclose(pipe) || !frame->length)
		error(EXIT_FAILURE, 0, "%s: there is no such frame", command);
}

/* The table in SECTION, of *COUNT entries of SIZE bytes; NULL: there is none. */
static const void *table(const struct bpf_object *object, const char *section,
			 size_t size, size_t *count)
{
	const struct bpf_map *map =
		bpf_object__find_map_by_name(object, section);
	const void *entries = NULL;
	size_t bytes = 0;

	if (map)
		entries = bpf_map__initial_value((struct bpf_map *)map, &bytes);
	*count = bytes / size;
	return entries;
}

/* They stay in OBJECT, which is not loaded. */
static void read_tables(const struct bpf_object *object)
{
	const struct bench_case *c;
	size_t count;

	c = table(object, BENCH_CASES, sizeof(*c), &count);
	if (!c || count > MOST_CASES)
		error(EXIT_FAILURE, 0, "cases: %zu, expected 1 to %d", count,
		      MOST_CASES);
	for (; count--; c++, end++) {
		end->c = c;
		read_frame(*c->frame ? c->frame : "ipv4-tcp22", &end->in);
		end->out = end->in;
		if (*c->output)
			read_frame(c->output, &end->out);
	}
	ratios = table(object, BENCH_RATIOS, sizeof(*ratios), &ratio_count);
}

/* -- one load ------------------------------------------------------------- */

static int program(const struct bpf_object *object, const char *name)
{
	const struct bpf_program *prog =
		bpf_object__find_program_by_name(object, name);

	if (!prog)
		error(EXIT_FAILURE, 0, "there is no program %s", name);
	return bpf_program__fd(prog);
}

static void set_up(const struct bpf_object *object, const char *name)
{
	static const unsigned char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame,
		    .data_size_in = sizeof(frame), .retval = 1);

	for (int i = 0; run.retval == 1 && i < SETUP_CALLS; i++)
		if (bpf_prog_test_run_opts(program(object, name), &run))
			error(EXIT_FAILURE, errno, "run %s", name);
	if (run.retval)
		error(EXIT_FAILURE, 0, "%s returned %u", name, run.retval);
}

/* In OBJECT, which is not loaded. A number's low bytes come first on this machine. */
static void set_knob(const struct bpf_object *object,
		     const struct bench_knob *knob)
{
	const struct btf *btf = bpf_object__btf(object);
	__s32 id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = btf__type_by_id(btf, id), *variable;
	const struct btf_var_secinfo *at = btf_var_secinfos(section);
	size_t size;
	char *constants = (char *)table(object, ".rodata", 1, &size);
	struct bpf_map *map = bpf_object__find_map_by_name(object, knob->name);

	if (map && !bpf_map__set_max_entries(map, knob->value))
		return;
	for (int i = 0; constants && i < btf_vlen(section); i++, at++) {
		variable = btf__type_by_id(btf, at->type);
		if (!strcmp(btf__name_by_offset(btf, variable->name_off),
			    knob->name)) {
			memcpy(constants + at->offset, &knob->value, at->size);
			return;
		}
	}
	error(EXIT_FAILURE, 0, "there is no knob %s", knob->name);
}

static struct bpf_object *fresh_object(const char *path,
				       const struct bench_case *c)
{
	struct bpf_object *object = bpf_object__open(path);

	if (!object)
		error(EXIT_FAILURE, errno, "open %s", path);
	for (int i = 0; i < BENCH_KNOBS && *c->knobs[i].name; i++)
		set_knob(object, &c->knobs[i]);
	if (bpf_object__load(object))
		error(EXIT_FAILURE, errno,
		      "load %s (bpftool prog loadall %s PATH says why)", path,
		      path);
	if (*c->setup)
		set_up(object, c->setup);
	return object;
}

/* The first line that has the setup and the knobs of LINE; they share an object. */
static struct line *first_alike(const struct line *line)
{
	struct line *first = lines;

	while (strcmp(first->c->setup, line->c->setup) != 0 ||
	       memcmp(first->c->knobs, line->c->knobs,
		      sizeof(line->c->knobs)) != 0)
		first++;
	return first;
}

static void load(const char *path)
{
	for (struct line *line = lines; line < end; line++) {
		struct line *first = first_alike(line);

		if (first == line)
			line->object = fresh_object(path, line->c);
		else
			line->object = first->object;
	}
}

static void unload(void)
{
	for (struct line *line = lines; line < end; line++)
		if (first_alike(line) == line)
			bpf_object__close(line->object);
}

/* -- what is timed -------------------------------------------------------- */

/* The program NAME of LINE; or the driver, once it would call that program. */
static int with_driver(const struct line *line, const char *name)
{
	int fd = program(line->object, name), map;
	__u32 zero = 0;

	if (!*line->c->driver)
		return fd;
	map = bpf_object__find_map_fd_by_name(line->object, "bench_under_test");
	if (bpf_map_update_elem(map, &zero, &fd, BPF_ANY))
		error(EXIT_FAILURE, errno, "bench_under_test: %s", name);
	return program(line->object, line->c->driver);
}

/* The time of NAME, which is the program of LINE or its floor. */
static double time_one(struct line *line, const char *name,
		       const struct frame *out)
{
	struct timed timed = { .fd = with_driver(line, name),
			       .in = &line->in,
			       .out = out,
			       .verdict = line->c->verdict };
	const char *wrong;
	double ns = 0;

	wrong = time_runs(&timed, &ns);
	if (wrong)
		error(0, 0, "%s: %s: %s", line->c->what, name, wrong);
	line->wrong = wrong;
	return ns;
}

static void take_turn(int turn)
{
	for (struct line *line = lines; line < end; line++) {
		const struct bench_case *c = line->c;

		if (line->wrong)
			continue;
		line->floor_turns[turn] = time_one(line, c->floor, &line->in);
		if (line->wrong)
			continue;
		line->turns[turn] = time_one(line, c->program, &line->out) -
				    line->floor_turns[turn];
	}
}

static void measure(const char *path)
{
	for (int i = 0; i < loads; i++) {
		load(path);
		for (int turn = 0; turn < TURNS; turn++)
			take_turn(turn);
		unload();
		for (struct line *line = lines; line < end; line++) {
			line->loads[i] = figure_of(line->turns, TURNS).median;
			line->floors[i] =
				figure_of(line->floor_turns, TURNS).median;
		}
	}
}

/* -- what came of it ------------------------------------------------------ */

/* A target, and whether VALUE meets it; the line's end in any case. */
static void print_target(double value, __u32 at_least, __u32 at_most)
{
	double least = at_least / 1000.0, most = at_most / 1000.0;

	if (at_most)
		printf("  at most %g: %s", most,
		       value <= most ? "met" : "MISSED");
	if (at_least)
		printf("  at least %g: %s", least,
		       value >= least ? "met" : "MISSED");
	putchar('\n');
}

static void print_cases(void)
{
	printf("%-50s %8s %9s %9s %7s\n", "ns per packet", "cost", "lowest",
	       "highest", "floor");
	for (const struct line *line = lines; line < end; line++) {
		struct figure cost = figure_of(line->loads, loads);

		printf("%-50s ", line->c->what);
		if (line->wrong) {
			puts("  not measured");
			continue;
		}
		printf("%8.1f %9.1f %9.1f %7.1f", cost.median, cost.lowest,
		       cost.highest, figure_of(line->floors, loads).median);
		print_target(cost.median, 0, line->c->at_most);
	}
}

static const struct line *line_of(const char *what)
{
	for (const struct line *line = lines; line < end; line++)
		if (!strcmp(line->c->what, what))
			return line;
	error(EXIT_FAILURE, 0, "a ratio to what is no case: %s", what);
	return NULL;
}

static void print_ratios(void)
{
	if (ratio_count)
		printf("\n%-50s %8s %9s %9s\n", "times as much", "ratio",
		       "lowest", "highest");
	for (const struct bench_ratio *r = ratios; r < ratios + ratio_count;
	     r++) {
		const struct line *of = line_of(r->of), *to = line_of(r->to);
		double each[MOST_LOADS];
		struct figure ratio;

		printf("%-50s ", r->what);
		if (of->wrong || to->wrong) {
			puts("  not measured");
			continue;
		}
		if (figure_of(to->loads, loads).median < LEAST) {
			puts("  too cheap to divide by");
			continue;
		}
		for (int i = 0; i < loads; i++)
			each[i] = of->loads[i] / to->loads[i];
		ratio = figure_of(each, loads);
		printf("%8.2f %9.2f %9.2f %7s", ratio.median, ratio.lowest,
		       ratio.highest, "");
		print_target(ratio.median, r->at_least, r->at_most);
	}
}

/* libbpf warns of a map that it could not make at its first attempt. */
static int silence(enum libbpf_print_level level, const char *format,
		   va_list args)
{
	return 0;
}

int main(int argc, char **argv)
{
	const struct bpf_object *object;
	bool wrong = false;

	if (argc > 2)
		loads = atoi(argv[2]);
	if (argc < 2 || argc > 3 || loads < 1 || loads > MOST_LOADS)
		error(2, 0, "usage: bench OBJECT [LOADS]");
	libbpf_set_print(silence);
	object = bpf_object__open(argv[1]);
	if (!object)
		error(EXIT_FAILURE, errno, "open %s", argv[1]);
	read_tables(object);
	if (pin() < 0)
		error(EXIT_FAILURE, errno, "stay on one CPU");
	measure(argv[1]);
	print_cases();
	print_ratios();
	for (const struct line *line = lines; line < end; line++)
		wrong |= line->wrong;
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
