// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The loader of lab 01: carries hello through its life, and prints a line for
 * each execve that it tells of. With -v it says what each phase made.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/nsfs.h>
#include <bpf/bpf.h>
#include "hello.h"
#include "loader.h"
#include "hello.skel.h"

static struct env {
	const char *netns; /* a path, or a name as `ip netns` knows it */
	const char *greeting;
	int verbosity;
} env;

static const struct argp_option options[] = {
	{ "netns", 'n', "NAME", 0,
	  "only what runs in this network namespace: a name or a path", 0 },
	{ "greeting", 'g', "TEXT", 0,
	  "what the program says in trace_pipe (default: hello)", 0 },
	{ "verbose", 'v', NULL, 0, "tell the life cycle; -vv: libbpf's log too",
	  0 },
	{},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'n':
		env.netns = arg;
		break;
	case 'g':
		if (strlen(arg) >= HELLO_GREETING)
			argp_error(state,
				   "a greeting has at most %d characters",
				   HELLO_GREETING - 1);
		env.greeting = arg;
		break;
	case 'v':
		env.verbosity++;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "no argument expected, not '%s'", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.doc = "Prints a line for each execve on this machine, until it is "
	       "interrupted.",
};

/* The inode number of the network namespace called NAME; 0, having said why. */
static __u32 netns_inode(const char *name)
{
	struct stat file = {};
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s%s",
		 strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file)) {
		fail("network namespace %s: %s: %s", name, path,
		     strerror(errno));
	} else if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		fail("network namespace %s: %s is none", name, path);
		file.st_ino = 0;
	}
	if (fd >= 0)
		close(fd);
	return file.st_ino;
}

/* -- what -v tells -------------------------------------------------------- */

static void tell_program(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
		return;
	tell("loaded as program %u: %zu instructions, of which the verifier "
	     "followed %u; now %u bytes of machine code",
	     info.id, bpf_program__insn_cnt(prog), info.verified_insns,
	     info.jited_prog_len);
}

static void tell_map(const struct bpf_map *map)
{
	char path[64], line[128];
	unsigned long bytes;
	FILE *fdinfo;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
	fdinfo = fopen(path, "r");
	if (!fdinfo)
		return;
	while (fgets(line, sizeof(line), fdinfo))
		if (sscanf(line, "memlock: %lu", &bytes) == 1 && bytes)
			tell("map %s: %lu bytes of kernel memory",
			     bpf_map__name(map), bytes);
	fclose(fdinfo);
}

static void tell_loaded(const struct hello_bpf *skel)
{
	struct bpf_map *map;

	tell_program(skel->progs.hello);
	bpf_object__for_each_map (map, skel->obj)
		tell_map(map);
}

static void tell_runs(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size) ||
	    !info.run_cnt)
		return;
	tell("ran %llu times, %llu ns each", info.run_cnt,
	     info.run_time_ns / info.run_cnt);
}

/* -- events --------------------------------------------------------------- */

static __u64 received;

static void print_heading(void)
{
	printf("%-8s %-6s %-16s ", "PID", "UID", "COMM");
	if (env.verbosity)
		printf("%-10s ", "NETNS");
	puts("FILENAME");
}

/* Names are a stranger's bytes too: none may start a line or colour a terminal. */
static const char *printable(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return text;
}

static int print_event(void *ctx, void *data, size_t size)
{
	struct hello_event event = *(struct hello_event *)data;

	received++;
	event.comm[sizeof(event.comm) - 1] = '\0';
	event.filename[sizeof(event.filename) - 1] = '\0';
	printf("%-8u %-6u %-16s ", event.pid, event.uid, printable(event.comm));
	if (env.verbosity)
		printf("%-10u ", event.netns);
	puts(event.filename[0] ? printable(event.filename) : "(not in memory)");
	return received % LOADER_BATCH ? 0 : LOADER_PAUSE;
}

/* Prints events as they come, until a signal. */
static void print_events(struct ring_buffer *ring)
{
	while (wait_for(ring_buffer__epoll_fd(ring), -1))
		ring_buffer__consume(ring);
}

int main(int argc, char **argv)
{
	struct ring_buffer *ring = NULL;
	struct hello_bpf *skel = NULL;
	int status = EXIT_FAILURE, stats_fd = -1, err;
	__u32 inode = 0;

	loader_args(&argp, argc, argv);
	loader_init(env.verbosity);
	if (env.netns && !(inode = netns_inode(env.netns)))
		goto out;

	skel = hello_bpf__open_opts(loader_open_opts());
	if (!skel) {
		fail("open: %s", strerror(errno));
		goto out;
	}
	skel->rodata->netns = inode;
	if (env.greeting)
		strcpy((char *)skel->rodata->greeting, env.greeting);
	if (env.verbosity)
		stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	err = hello_bpf__load(skel);
	if (err) {
		fail_load(err);
		goto out;
	}
	tell_loaded(skel);
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), print_event,
				NULL, NULL);
	if (!ring) {
		fail("read the ring buffer events: %s", strerror(errno));
		goto out;
	}

	err = hello_bpf__attach(skel);
	if (err) {
		fail("attach to sys_enter_execve: %s%s", strerror(-err),
		     err == -ENOENT ? " (is tracefs mounted?)" : "");
		goto out;
	}
	tell("attached to %s", bpf_program__section_name(skel->progs.hello));
	say_ready();
	print_heading();
	print_events(ring);

	hello_bpf__detach(skel);
	drain(ring);
	printf("total: %llu execs, %llu events, %llu lost\n", skel->bss->execs,
	       received, skel->bss->lost);
	tell_runs(skel->progs.hello);
	status = EXIT_SUCCESS;
out:
	if (stats_fd >= 0)
		close(stats_fd);
	ring_buffer__free(ring);
	hello_bpf__destroy(skel);
	return status;
}
