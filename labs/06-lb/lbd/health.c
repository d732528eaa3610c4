// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which backends answer. A check is a TCP connection: begun when it is due, and
 * good when it stands before its time is up. Each backend is connected to, also
 * where nobody wants it checked, for that keeps the MAC address of the next hop
 * known: the data plane cannot ask for it, and for a packet of mode dsr neither
 * can the stack.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "assign.h"
#include "complain.h"
#include "health.h"
#include "loop.h"
#include "names.h"

enum {
	SPREAD = 64,  /* backends begin at so many moments of their interval */
	TICK = 10,    /* milliseconds: how often it is looked what is due, */
	SECOND = 1000 /* at most and at least */
};

static struct check {
	struct watch
		watch; /* the connection under way, if any; it comes first */
	struct lb_backend backend; /* vip 0: this is nobody's */
	struct config_check how;
	__u64 due;	/* when the next begins */
	__u64 late;	/* when the one under way has taken too long */
	__u32 contrary; /* so many in a row say other than DOWN does */
	bool down;
} checks[LB_BACKENDS_MAX];

static __u64 next; /* when one of them is due, or may be */
static void (*tell_change)(__u32 backend, const char *why);

/* -- one check ------------------------------------------------------------ */

/* The connection of CHECK came to ERR; 0: it stands. */
static void conclude(struct check *check, int err)
{
	const struct config_check *how = &check->how;

	loop_close(&check->watch);
	if (!how->on || check->down == (err != 0)) {
		check->contrary = 0;
		return;
	}
	if (++check->contrary < (check->down ? how->rise : how->fall))
		return;
	check->contrary = 0;
	check->down = !check->down;
	tell_change(check - checks, check->down ? strerror(err) : NULL);
}

static void on_connected(struct watch *watch)
{
	struct check *check = (struct check *)watch;
	socklen_t size = sizeof(int);
	int err = 0;

	if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &err, &size))
		err = errno;
	conclude(check, err);
	next = 0; /* the next one may be due already */
}

/* Where CHECK connects to, in TO. Returns the size of it. */
static socklen_t target(const struct check *check, struct sockaddr_in6 *to)
{
	const struct lb_backend *b = &check->backend;
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	if (is_ipv4(b->address)) {
		v4->sin_family = AF_INET;
		v4->sin_port = check->how.port;
		v4->sin_addr.s_addr = b->address[3];
		return sizeof(*v4);
	}
	to->sin6_family = AF_INET6;
	to->sin6_port = check->how.port;
	memcpy(&to->sin6_addr, b->address, sizeof(to->sin6_addr));
	return sizeof(*to);
}

/* A socket whose close() sends RST: hundreds a second would wait in TIME_WAIT. */
static int make_socket(int family)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	static bool told;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 && !told)
		fail("check backends: %s", strerror(errno));
	told = fd < 0;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
			   sizeof(at_once));
	return fd;
}

static void begin(struct check *check)
{
	struct sockaddr_in6 to;
	socklen_t size = target(check, &to);

	check->watch.fd = make_socket(to.sin6_family);
	if (check->watch.fd < 0)
		return; /* that is not the backend's fault */
	if (!connect(check->watch.fd, (struct sockaddr *)&to, size))
		conclude(check, 0);
	else if (errno != EINPROGRESS)
		conclude(check, errno);
	else if (!loop_add(&check->watch, EPOLLOUT))
		loop_close(&check->watch);
}

/* -- all checks ----------------------------------------------------------- */

static void forget(struct check *check)
{
	if (check->backend.vip)
		loop_close(&check->watch);
	*check = (struct check){ .watch = { .fd = -1 } };
}

/* Is that the backend that CHECK is of? */
static bool is_known(const struct check *check, const struct lb_backend *b)
{
	return check->backend.vip == b->vip &&
	       check->backend.generation == b->generation;
}

/* What a VIP's check is for one of its backends: it has the port. */
static struct config_check check_of(const struct config_vip *vip,
				    const struct lb_backend *b)
{
	struct config_check how = vip->check;

	if (!how.port)
		how.port = b->port ?: vip->service.port;
	return how;
}

static void follow(struct check *check, const struct lb_backend *b,
		   const struct config_vip *vip)
{
	__u64 now = now_ms();

	if (!is_known(check, b)) {
		forget(check);
		check->watch.ready = on_connected;
		/* As the last lbd found it. */
		check->down = b->state == LB_DOWN;
		check->due = now + vip->check.interval *
					   ((check - checks) % SPREAD) / SPREAD;
	}
	check->backend = *b;
	check->how = check_of(vip, b);
	if (!check->how.on)
		check->down = false;
	if (check->due > now + check->how.interval)
		check->due = now + check->how.interval;
}

void health_follow(const struct config *config, const struct lb_tables *tables,
		   void (*changed)(__u32 backend, const char *why))
{
	const struct config_vip *vips[LB_VIPS_MAX + 1] = {};

	tell_change = changed;
	next = 0;
	for (int i = 0; i < config->vip_count; i++)
		vips[find_vip(tables, &config->vips[i].service)] =
			&config->vips[i];
	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		const struct lb_backend *b = &tables->backends[n];

		if (b->vip && vips[b->vip])
			follow(&checks[n], b, vips[b->vip]);
		else
			forget(&checks[n]);
	}
}

void health_forget(void)
{
	for (int n = 1; n < LB_BACKENDS_MAX; n++)
		forget(&checks[n]);
}

bool is_found_down(__u32 backend)
{
	return checks[backend].down;
}

/* Ends or begins what is to be at the time NOW. Returns when it is to be looked again. */
static __u64 look(struct check *check, __u64 now)
{
	if (check->watch.fd >= 0 && check->late <= now)
		conclude(check, ETIMEDOUT);
	if (check->watch.fd < 0 && check->due <= now) {
		check->due = now + check->how.interval;
		check->late = now + check->how.timeout;
		begin(check);
	}
	return check->watch.fd >= 0 ? check->late : check->due;
}

int health_tick(void)
{
	__u64 now = now_ms();

	if (now < next)
		return next - now;
	next = now + SECOND;
	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		__u64 soon;

		if (!checks[n].backend.vip)
			continue;
		soon = look(&checks[n], now);
		if (soon < next)
			next = soon;
	}
	if (next < now + TICK)
		next = now + TICK;
	return next - now;
}
