// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What every loader shares. The phases (open, knobs, load, attach, poll, clean
 * up) stay in each lab's own main, where a reader looks for them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "verifier.h"

static int verbosity;
static char
	libbpf_warning[256]; /* the first: the ones after it follow from it */
static volatile sig_atomic_t interrupted;

/* -- messages ------------------------------------------------------------- */

static void message(const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

static void (*overhear)(const char *text);

void overhear_failures(void (*listener)(const char *text))
{
	overhear = listener;
}

int fail(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	message(format, args);
	va_end(args);
	if (overhear) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		overhear(text);
	}
	return EXIT_FAILURE;
}

void tell(const char *format, ...)
{
	va_list args;

	if (verbosity < 1)
		return;
	va_start(args, format);
	message(format, args);
	va_end(args);
}

void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* libbpf's levels are demoted by one, so that the loader speaks first. */
static int on_libbpf_message(enum libbpf_print_level level, const char *format,
			     va_list args)
{
	va_list copy;

	if (level == LIBBPF_WARN && !libbpf_warning[0]) {
		va_copy(copy, args);
		vsnprintf(libbpf_warning, sizeof(libbpf_warning), format, copy);
		va_end(copy);
		libbpf_warning[strcspn(libbpf_warning, "\n")] = '\0';
	}
	if (verbosity < (level == LIBBPF_WARN ? 1 : 2))
		return 0;
	return vfprintf(stderr, format, args);
}

/* -- the command line ----------------------------------------------------- */

long long parse_number(const char *text, long long least, long long most)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	return errno || end == text || *end || n < least || n > most ? -1 : n;
}

static error_t parse_iface_arg(int key, char *arg, struct argp_state *state)
{
	struct iface_args *args = state->input;

	switch (key) {
	case 'v':
		args->verbosity++;
		break;
	case ARGP_KEY_ARG:
		if (args->count && !args->may_be_many)
			argp_error(state, "one interface only, not also '%s'",
				   arg);
		if (args->count == LOADER_IFACES)
			argp_error(state, "at most %d interfaces",
				   LOADER_IFACES);
		args->ifnames[args->count++] = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which interface?");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option iface_options[] = {
	{ "verbose", 'v', NULL, 0, "say what is done; -vv: libbpf's log too",
	  0 },
	{},
};

static const struct argp iface_argp = {
	.options = iface_options,
	.parser = parse_iface_arg,
};

const struct argp_child iface_args_parser[] = { { .argp = &iface_argp }, {} };

/* -- start and end -------------------------------------------------------- */

void loader_args(const struct argp *argp, int argc, char **argv)
{
	argp_err_exit_status = EXIT_USAGE;
	argv[0] = program_invocation_short_name; /* getopt speaks as argv[0] */
	argp_parse(argp, argc, argv, 0, NULL, NULL);
}

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

/*
 * The signals stay blocked except while wait_for() sleeps, so that none is
 * lost between a look at the flag and the sleep that follows it.
 */
void loader_init(int level)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t signals;

	verbosity = level;
	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_print(on_libbpf_message);

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (signal(SIGHUP, SIG_IGN) != SIG_IGN) /* nohup ignores it */
		sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* a reader that left is a failed write */
}

void drain(struct ring_buffer *ring)
{
	for (int i = 0; i < 64; i++)
		if (ring_buffer__consume(ring) != LOADER_PAUSE)
			break;
}

bool wait_for(int fd, int milliseconds)
{
	struct timespec limit = { .tv_sec = milliseconds / 1000,
				  .tv_nsec = milliseconds % 1000 * 1000000L };
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	sigset_t none, held;

	sigemptyset(&none);
	ppoll(&readable, 1, milliseconds < 0 ? NULL : &limit, &none);
	/* When FD can be read at once, ppoll() lets no signal in. */
	sigprocmask(SIG_SETMASK, &none, &held);
	sigprocmask(SIG_SETMASK, &held, NULL);
	return !interrupted;
}

/* -- load ----------------------------------------------------------------- */

const struct bpf_object_open_opts *loader_open_opts(void)
{
	static const struct bpf_object_open_opts options = {
		.sz = sizeof(options),
		.kernel_log_buf = verifier_log,
		.kernel_log_size = sizeof(verifier_log),
	};

	return &options;
}

/* What to do about it, or what libbpf found: the second half of the line. */
static const char *load_hint(int err)
{
	switch (-err) {
	case EPERM:
		return geteuid() ? "loading BPF needs root: sudo"
				 : "not even root may: is the kernel locked "
				   "down?";
	case ESRCH:
		return "this kernel has no BTF, no /sys/kernel/btf/vmlinux";
	default:
		return libbpf_warning;
	}
}

int fail_load(int err)
{
	if (verifier_refused()) {
		fail("load: the verifier refuses the program");
		verifier_explain(verifier_log);
		return EXIT_FAILURE;
	}
	return fail("load: %s (%s)", strerror(-err), load_hint(err));
}

/* -- counters ------------------------------------------------------------- */

void sum_values(int map_fd, __u32 key, __u64 *sums, int count)
{
	int cpus = libbpf_num_possible_cpus();
	__u64 values[(cpus > 0 ? cpus : 1) * count];

	memset(sums, 0, count * sizeof(*sums));
	if (bpf_map_lookup_elem(map_fd, &key, values)) {
		fail("read a counter: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < cpus * count; i++)
		sums[i % count] += values[i];
}

__u64 sum_counters(int map_fd, __u32 key)
{
	__u64 sum;

	sum_values(map_fd, key, &sum, 1);
	return sum;
}

/* -- XDP ------------------------------------------------------------------ */

static const struct {
	const char *name;
	__u32 flag;
} modes[] = {
	[XDP_MODE_NATIVE] = { "native", XDP_FLAGS_DRV_MODE },
	[XDP_MODE_GENERIC] = { "generic", XDP_FLAGS_SKB_MODE },
	[XDP_MODE_OFFLOAD] = { "offload", XDP_FLAGS_HW_MODE },
};

int xdp_mode_by_name(const char *text)
{
	for (int mode = XDP_MODE_NATIVE; mode <= XDP_MODE_OFFLOAD; mode++)
		if (!strcmp(text, modes[mode].name))
			return mode;
	return -1;
}

static error_t parse_xdp_arg(int key, char *arg, struct argp_state *state)
{
	struct iface_args *args = state->input;
	int mode;

	switch (key) {
	case 'm':
		mode = xdp_mode_by_name(arg);
		if (mode < 0 ||
		    (mode == XDP_MODE_OFFLOAD && !args->may_offload))
			argp_error(state, "no mode '%s': native%s", arg,
				   args->may_offload ? ", generic or offload"
						     : " or generic");
		args->mode = mode;
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = args;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option xdp_options[] = {
	{ "mode", 'm', "MODE", 0, "native (default) or generic", 0 },
	{},
};

static const struct argp xdp_argp = {
	.options = xdp_options,
	.parser = parse_xdp_arg,
	.children = iface_args_parser,
};

const struct argp_child xdp_args_parser[] = { { .argp = &xdp_argp }, {} };

static const char *attach_hint(int err, enum xdp_mode mode)
{
	switch (err) {
	case EBUSY:
	case EEXIST:
		return " (another XDP program is there: ip link show)";
	case EOPNOTSUPP:
	case EINVAL:
		if (mode == XDP_MODE_OFFLOAD)
			return " (no network card runs programs here: -m "
			       "native)";
		if (mode == XDP_MODE_NATIVE)
			return " (its driver has no native XDP: -m generic)";
		return "";
	case ERANGE:
		return " (its MTU, or its peer's, is too large for XDP)";
	default:
		return "";
	}
}

int attach_xdp(const struct bpf_program *prog, const char *ifname,
	       enum xdp_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = modes[mode].flag);
	int ifindex = if_nametoindex(ifname), link_fd, err;

	if (!ifindex) {
		fail("attach to %s: %s", ifname, strerror(errno));
		return -1;
	}
	link_fd = bpf_link_create(bpf_program__fd(prog), ifindex, BPF_XDP,
				  &options);
	if (link_fd < 0) {
		err = -link_fd;
		fail("attach to %s in %s mode: %s%s", ifname, modes[mode].name,
		     strerror(err), attach_hint(err, mode));
		return -1;
	}
	tell("attached to %s in %s mode", ifname, modes[mode].name);
	return link_fd;
}

bool xdp_attached(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	/* A link outlives its interface, with the interface number 0. */
	return !bpf_obj_get_info_by_fd(link_fd, &info, &size) &&
	       info.xdp.ifindex;
}
