// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads the file that says what is balanced, line by line. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"
#include "conflicts.h"
#include "names.h"
#include "words.h"

enum {
	LINE = 256,	 /* twice what a sensible line takes */
	INTERVAL = 1000, /* the defaults of a check; both in milliseconds */
	TIMEOUT = 1000,
	FALL = 3,
	RISE = 2,
	TIMES_MAX = 1000 /* that a check may fail or succeed in a row */
};

/* Where in the file we are, and what has been read of it so far. */
struct reader {
	struct line line;
	struct config *config;
	struct config_vip *vip; /* the one above this line, if any */
};

/* -- lines ---------------------------------------------------------------- */

/* Unless `check` says more: a connection says nothing of a UDP service. */
static struct config_check default_check(__u8 protocol)
{
	return (struct config_check){ .on = protocol == IPPROTO_TCP,
				      .interval = INTERVAL,
				      .timeout = TIMEOUT,
				      .fall = FALL,
				      .rise = RISE };
}

/* vip ADDRESS PORT/PROTOCOL MODE [new-flows N] */
static bool read_vip(struct reader *r)
{
	struct line *l = &r->line;
	struct config_vip vip = { .line = l->number };

	if (r->config->vip_count == LB_VIPS_MAX)
		return wrong(l, "more than %d VIPs", LB_VIPS_MAX);
	if (!l->word[0] || !l->word[1])
		return wrong(l, "a VIP is as: vip 10.0.6.100 80/tcp nat");
	if (!take_address(l, vip.service.address) ||
	    !take_service(l, &vip.service) || !take_mode(l, &vip.mode))
		return false;
	if (take(l, "new-flows") && !take_number(l, 0, ~0U, &vip.new_flows))
		return false;
	if (!take_end(l, "behind the mode may be: new-flows N"))
		return false;

	vip.check = default_check(vip.service.protocol);
	vip.first = r->config->backend_count;
	r->vip = &r->config->vips[r->config->vip_count++];
	*r->vip = vip;
	return true;
}

/* The port of a backend, which it has if its VIP's is translated. */
static bool read_port(struct reader *r, __be16 *port)
{
	struct line *l = &r->line;
	enum lb_mode mode = r->vip->mode;

	if (mode != LB_NAT)
		return !is_digit_next(l) ||
		       wrong(l, "%s: no port: in mode %s the VIP's stays",
			     *l->word, mode_name(mode));
	if (!*l->word || !strcmp(*l->word, "weight"))
		return wrong(l, "which port? as: backend 10.0.6.11 8080");
	return take_port(l, port);
}

/* backend ADDRESS [PORT] [weight N] */
static bool read_backend(struct reader *r)
{
	struct line *l = &r->line;
	struct config_backend b = { .line = l->number };
	__u32 weight = 1;

	if (!r->vip)
		return wrong(l, "a backend of which VIP? one must be above it");
	if (r->config->backend_count == LB_BACKENDS_MAX - 1)
		return wrong(l, "more than %d backends", LB_BACKENDS_MAX - 1);
	if (!*l->word)
		return wrong(l, "a backend is as: backend 10.0.6.11%s",
			     r->vip->mode == LB_NAT ? " 8080" : "");
	if (!take_address(l, b.address))
		return false;
	if (is_ipv4(b.address) != is_ipv4(r->vip->service.address))
		return wrong(l, "%s: the VIP is an address of IPv%d",
			     l->word[-1], is_ipv4(b.address) ? 6 : 4);
	if (!read_port(r, &b.port))
		return false;
	if (take(l, "weight") && !take_number(l, 0, LB_WEIGHT_MAX, &weight))
		return false;
	if (!take_end(l, "last may be: weight N"))
		return false;

	b.weight = weight;
	r->config->backends[r->config->backend_count++] = b;
	r->vip->count++;
	return true;
}

/* [PORT] [interval SECONDS] [timeout SECONDS] [fall N] [rise N] */
static bool read_how(struct line *l, struct config_check *check)
{
	bool well = !is_digit_next(l) || take_port(l, &check->port);

	while (well && *l->word) {
		if (take(l, "interval"))
			well = take_seconds(l, &check->interval);
		else if (take(l, "timeout"))
			well = take_seconds(l, &check->timeout);
		else if (take(l, "fall"))
			well = take_number(l, 1, TIMES_MAX, &check->fall);
		else if (take(l, "rise"))
			well = take_number(l, 1, TIMES_MAX, &check->rise);
		else
			well = take_end(l, "a check is as: check 80 interval 1 "
					   "fall 3 rise 2");
	}
	check->on |= check->port != 0;
	return well && (check->on ||
			wrong(l, "which port? a check is a TCP connection, and "
				 "the VIP is of UDP"));
}

/* check none, or: check HOW */
static bool read_check(struct reader *r)
{
	struct line *l = &r->line;
	struct config_check check;

	if (!r->vip)
		return wrong(l, "a check of which VIP? one must be above it");
	if (r->vip->check.line)
		return wrong(l, "the VIP has a check already, line %d",
			     r->vip->check.line);
	check = default_check(r->vip->service.protocol);
	check.line = l->number;
	if (take(l, "none")) {
		check.on = false;
		if (!take_end(l, "behind none is nothing"))
			return false;
	} else if (!read_how(l, &check)) {
		return false;
	}
	r->vip->check = check;
	return true;
}

static bool read_line(struct reader *r)
{
	struct line *l = &r->line;

	if (!*l->word)
		return true;
	if (take(l, "vip"))
		return read_vip(r);
	if (take(l, "backend"))
		return read_backend(r);
	if (take(l, "check"))
		return read_check(r);
	return take_end(l, "a line begins with vip, backend or check");
}

/* -- the file ------------------------------------------------------------- */

/*
 * The next line of FILE into TEXT, of LINE bytes; *LAST tells whether the file
 * ends there. (Not by fgets(), which does not tell of a NUL.)
 */
static bool next_line(struct line *l, FILE *file, char *text, bool *last)
{
	int length = 0, c;

	l->number++;
	while ((c = getc(file)) != EOF && c != '\n') {
		if (!c)
			return wrong(l, "a NUL byte: is this a text?");
		if (length == LINE - 1)
			return wrong(l, "longer than %d bytes", LINE - 1);
		text[length++] = c;
	}
	text[length] = '\0';
	*last = c == EOF;
	return true;
}

static bool read_lines(struct reader *r, FILE *file)
{
	const char *path = r->line.path;
	bool last = false;
	char text[LINE];

	while (!last)
		if (!next_line(&r->line, file, text, &last) ||
		    !split(&r->line, text) || !read_line(r))
			return false;
	if (ferror(file))
		return complain("%s: %s", path, strerror(errno));
	if (!r->config->vip_count)
		return complain("%s: no VIP in it", path);
	return has_no_conflict(path, r->config);
}

/*
 * A file only, for it is read again at each reload, and a pipe or a terminal
 * would keep the daemon waiting.
 */
static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat file;

	if (fd < 0 || fstat(fd, &file)) {
		fail("%s: %s", path, strerror(errno));
	} else if (!S_ISREG(file.st_mode)) {
		fail("%s: not a file that can be read again", path);
	} else {
		return fdopen(fd, "r");
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

struct config *config_read(const char *path)
{
	struct reader r = { .line.path = path };
	FILE *file = open_file(path);
	bool well;

	if (!file)
		return NULL;
	r.config = calloc(1, sizeof(*r.config));
	well = r.config ? read_lines(&r, file)
			: complain("%s: %s", path, strerror(errno));
	fclose(file);
	if (well)
		return r.config;
	free(r.config);
	return NULL;
}
