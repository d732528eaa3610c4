/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every loader shares: its one-line messages, libbpf's log behind them,
 * the signals that end it, and XDP attached in a mode that is certain.
 */
#ifndef LOADER_H
#define LOADER_H

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <bpf/libbpf.h>

enum {
	EXIT_USAGE = 2, /* beside EXIT_SUCCESS and EXIT_FAILURE */
};

enum xdp_mode {
	XDP_MODE_NATIVE,  /* in the driver, before there is an skb */
	XDP_MODE_GENERIC, /* in the stack, on any interface */
	XDP_MODE_OFFLOAD, /* on the network card itself */
};

/* The number that TEXT is, if it is one from LEAST (0 or more) to MOST; else -1. */
long long parse_number(const char *text, long long least, long long most);

enum { LOADER_IFACES = 16 };

/* What a loader is told that attaches to an interface. */
struct iface_args {
	union {
		const char *ifname;		    /* the first, */
		const char *ifnames[LOADER_IFACES]; /* and all */
	};
	int count;
	bool may_be_many; /* set by a loader that knows more than one */
	int verbosity;
	enum xdp_mode mode; /* XDP loaders only */
	bool may_offload;   /* set by a loader that knows this mode too */
};

/*
 * The children of a loader's argp. The one reads IFACE and -v, the other, of XDP
 * loaders, -m too. The loader's own parser says where to: at ARGP_KEY_INIT,
 * state->child_inputs[0] is a struct iface_args.
 */
extern const struct argp_child iface_args_parser[];
extern const struct argp_child xdp_args_parser[];

/*
 * First thing in main: parses the command line by ARGP's rules, which set the
 * loader's env. A wrong one, or --help, ends the process, with status 2 or 0.
 */
void loader_args(const struct argp *argp, int argc, char **argv);

/*
 * Second thing in main. VERBOSITY 0 prints failures only; 1 also what tell()
 * says, and libbpf's warnings; 2 all that libbpf says. From here on SIGINT and
 * SIGTERM no longer kill, they make wait_for() return false: they are held back
 * before there is anything to detach.
 */
void loader_init(int verbosity);

/* Prints "PROGRAM: MESSAGE" on stderr, one line. Returns EXIT_FAILURE. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with verbosity 1 or more only: what the loader is doing. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * From now on LISTENER gets each MESSAGE as well: a daemon has it for whoever asked
 * it to do what failed.
 */
void overhear_failures(void (*listener)(const char *message));

/* Prints "ready" on stdout: the program is attached, traffic may come. */
void say_ready(void);

/*
 * Waits until FD can be read (-1: wait for no file), MILLISECONDS have passed
 * (-1: no limit) or SIGINT or SIGTERM comes. Returns false once one has come.
 */
bool wait_for(int fd, int milliseconds);

/*
 * The options to open a skeleton with: they keep the verifier's log, for
 * fail_load() to explain. They live as long as the process.
 */
const struct bpf_object_open_opts *loader_open_opts(void);

/*
 * Says why STEM__load() failed with the negative errno ERR: in one line, and,
 * when it was the verifier that refused a program, with the source line that
 * it refused and the end of its log. Returns EXIT_FAILURE.
 */
int fail_load(int err);

/*
 * How many records a loader reads from a ring buffer between two looks at the
 * signals: its callback returns LOADER_PAUSE after so many, for a flood would
 * keep ring_buffer__consume() for good.
 */
#define LOADER_BATCH 1024
#define LOADER_PAUSE (-EAGAIN)

/*
 * Reads what waits in RING once the program is detached, but not for ever: a
 * program that somebody still runs, as tests do, goes on filling it.
 */
void drain(struct ring_buffer *ring);

/*
 * The COUNT numbers of 64 bits that the value at KEY of the per-CPU array of
 * MAP_FD consists of, each summed over all possible CPUs, in SUMS. When they
 * cannot be read it says so, and they are 0.
 */
void sum_values(int map_fd, __u32 key, __u64 *sums, int count);

/* The same of a value that is one number: returns its sum. */
__u64 sum_counters(int map_fd, __u32 key);

/* The mode that TEXT names (native, generic, offload), or -1. */
int xdp_mode_by_name(const char *text);

/*
 * Attaches PROG to the interface IFNAME, in MODE or not at all (libbpf's own
 * bpf_program__attach_xdp() falls back to generic mode without a word).
 * Returns the file descriptor of the bpf_link, whose close detaches; or -1,
 * having said why.
 */
int attach_xdp(const struct bpf_program *prog, const char *ifname,
	       enum xdp_mode mode);

/* Is what attach_xdp() attached still there? Not when the interface went. */
bool xdp_attached(int link_fd);

#endif
