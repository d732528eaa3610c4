// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads the file that says what is balanced, line by line, word by word. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "complain.h"
#include "config.h"
#include "conflicts.h"
#include "loader.h"
#include "names.h"
#include "prefix.h"

#define BLANK " \t\r"

enum {
	LINE = 256, /* twice what a sensible line takes */
	WORDS = 16,
	INTERVAL = 1000, /* the defaults of a check */
	FALL = 3,
	RISE = 2,
	INTERVAL_MIN = 100, /* faster would be load, not knowledge */
	INTERVAL_MAX = 3600 * 1000,
	TIMES_MAX = 1000
};

/* Where in the file we are, and what has been read of it so far. */
struct reader {
	const char *path;
	int line;
	char *words[WORDS + 1]; /* of this line; behind the last is NULL */
	struct config *config;
	struct config_vip *vip; /* the one above this line, if any */
};

/* Complains of this line. It is false. */
#define wrong(r, format, ...)                                                  \
	complain("%s: line %d: " format, (r)->path, (r)->line, ##__VA_ARGS__)

/* -- words ---------------------------------------------------------------- */

/* Can a packet be sent there, and does it leave this host? */
static bool is_host(const __be32 *address)
{
	__u8 first = ntohl(address[3]) >> 24;
	struct in6_addr v6;

	if (is_ipv4(address)) /* not "this", loopback, multicast, reserved */
		return first && first != 127 && first < 224;
	memcpy(&v6, address, sizeof(v6));
	/* A link-local address would need an interface with it. */
	return !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_LOOPBACK(&v6) &&
	       !IN6_IS_ADDR_MULTICAST(&v6) && !IN6_IS_ADDR_LINKLOCAL(&v6);
}

const char *address_parse(const char *text, __be32 *address)
{
	const char *why;
	struct prefix p;

	if (strchr(text, '/'))
		return "an address, no prefix";
	why = prefix_parse(text, &p, NULL);
	if (why)
		return why;
	if (p.ipv6) {
		memcpy(address, p.address, 16);
	} else {
		address[0] = address[1] = 0;
		address[2] = htonl(0xffff);
		memcpy(&address[3], p.address, 4);
	}
	return is_host(address) ? NULL
				: "no address that a packet can be sent to";
}

/* The number that the first LENGTH characters of TEXT are, or -1. */
static long long digits(const char *text, size_t length, long long most)
{
	char word[16];

	if (!isdigit(*text) || length >= sizeof(word)) /* +5 is none here */
		return -1;
	snprintf(word, sizeof(word), "%.*s", (int)length, text);
	return parse_number(word, 0, most);
}

/* Reads TEXT, a port, into PORT; 0 and less are none. */
static bool port_word(const struct reader *r, const char *text, size_t length,
		      __be16 *port)
{
	long long n = digits(text, length, 65535);

	*port = htons(n);
	return n > 0 || wrong(r, "%s: a port is 1 to 65535", text);
}

/* Reads TEXT, as 80/tcp or 53/udp, into SERVICE. */
static bool service_word(const struct reader *r, const char *text,
			 struct lb_service *service)
{
	size_t length = strcspn(text, "/");

	if (!strcmp(text + length, "/tcp"))
		service->protocol = IPPROTO_TCP;
	else if (!strcmp(text + length, "/udp"))
		service->protocol = IPPROTO_UDP;
	else
		return wrong(r, "%s: which protocol? as 80/tcp or 53/udp",
			     text);
	return port_word(r, text, length, &service->port);
}

/* Reads the word behind the word NAME, a number from LEAST to MOST. */
static bool number_word(const struct reader *r, const char *name,
			const char *text, long long least, long long most,
			__u32 *number)
{
	long long n = text ? digits(text, strlen(text), most) : -1;

	*number = n;
	return n >= least || wrong(r, "%s %s: not a number from %lld to %lld",
				   name, text ?: "…", least, most);
}

/* Reads the word behind `interval`, seconds with a fraction, as milliseconds. */
static bool interval_word(const struct reader *r, const char *text, int *ms)
{
	double seconds = 0;
	char *end;

	/* Digits and a point only: strtod() knows "0x1p3" and "inf" too. */
	if (text && strspn(text, "0123456789.") == strlen(text)) {
		seconds = strtod(text, &end);
		if (*end)
			seconds = 0;
	}
	*ms = seconds * 1000 <= INTERVAL_MAX ? seconds * 1000 + 0.5 : 0;
	return *ms >= INTERVAL_MIN ||
	       wrong(r, "interval %s: not seconds from 0.1 to 3600",
		     text ?: "…");
}

/* -- lines ---------------------------------------------------------------- */

static bool mode_word(const struct reader *r, const char *text,
		      enum lb_mode *mode)
{
	for (*mode = 0; text && *mode < LB_MODES; ++*mode)
		if (!strcmp(text, mode_name(*mode)))
			return true;
	return wrong(r, "%s%swhich mode? nat, dsr or ipip", text ?: "",
		     text ? ": " : "");
}

/* Unless `check` says more: a connection says nothing of a UDP service. */
static struct config_check default_check(__u8 protocol)
{
	return (struct config_check){ .on = protocol == IPPROTO_TCP,
				      .interval = INTERVAL,
				      .fall = FALL,
				      .rise = RISE };
}

/* vip ADDRESS PORT/PROTOCOL MODE [new-flows N] */
static bool read_vip(struct reader *r)
{
	struct config_vip vip = { .line = r->line };
	char **word = r->words + 1;
	const char *why;

	if (r->config->vip_count == LB_VIPS_MAX)
		return wrong(r, "more than %d VIPs", LB_VIPS_MAX);
	if (!word[0] || !word[1])
		return wrong(r, "a VIP is as: vip 10.0.6.100 80/tcp nat");
	why = address_parse(word[0], vip.service.address);
	if (why)
		return wrong(r, "%s: %s", word[0], why);
	if (!service_word(r, word[1], &vip.service) ||
	    !mode_word(r, word[2], &vip.mode))
		return false;
	word += 3;
	if (word[0] && !strcmp(word[0], "new-flows")) {
		if (!number_word(r, word[0], word[1], 0, ~0U, &vip.new_flows))
			return false;
		word += 2;
	}
	if (word[0])
		return wrong(r,
			     "%s: unknown word; behind the mode may be: "
			     "new-flows N",
			     word[0]);
	vip.check = default_check(vip.service.protocol);
	vip.first = r->config->backend_count;
	r->vip = &r->config->vips[r->config->vip_count++];
	*r->vip = vip;
	return true;
}

/* The port of a backend, if it must have one. *WORD is behind it then. */
static bool backend_port(const struct reader *r, char ***word, __be16 *port)
{
	const char *text = **word;
	bool given = text && strcmp(text, "weight") != 0;

	if (r->vip->mode != LB_NAT) {
		if (given && isdigit(*text))
			return wrong(r,
				     "%s: no port: in mode %s the VIP's "
				     "stays",
				     text, mode_name(r->vip->mode));
		return true;
	}
	if (!given)
		return wrong(r, "which port? as: backend 10.0.6.11 8080");
	++*word;
	return port_word(r, text, strlen(text), port);
}

/* backend ADDRESS [PORT] [weight N] */
static bool read_backend(struct reader *r)
{
	struct config_backend b = { .line = r->line };
	char **word = r->words + 1;
	__u32 weight = 1;
	const char *why;

	if (!r->vip)
		return wrong(r, "a backend of which VIP? one must be above it");
	if (r->config->backend_count == LB_BACKENDS_MAX - 1)
		return wrong(r, "more than %d backends", LB_BACKENDS_MAX - 1);
	if (!word[0])
		return wrong(r, "a backend is as: backend 10.0.6.11%s",
			     r->vip->mode == LB_NAT ? " 8080" : "");
	why = address_parse(word[0], b.address);
	if (why)
		return wrong(r, "%s: %s", word[0], why);
	if (is_ipv4(b.address) != is_ipv4(r->vip->service.address))
		return wrong(r, "%s: the VIP is an address of IPv%d", word[0],
			     is_ipv4(b.address) ? 6 : 4);
	word++;
	if (!backend_port(r, &word, &b.port))
		return false;
	if (word[0] && !strcmp(word[0], "weight")) {
		if (!number_word(r, word[0], word[1], 0, LB_WEIGHT_MAX,
				 &weight))
			return false;
		word += 2;
	}
	if (word[0])
		return wrong(r, "%s: unknown word; last may be: weight N",
			     word[0]);
	b.weight = weight;
	r->config->backends[r->config->backend_count++] = b;
	r->vip->count++;
	return true;
}

/* What a line `check` says behind the port, word by word, into CHECK. */
static bool check_words(const struct reader *r, char **word,
			struct config_check *check)
{
	__u32 number;

	for (; word[0]; word += 2) {
		if (!strcmp(word[0], "interval")) {
			if (!interval_word(r, word[1], &check->interval))
				return false;
			continue;
		}
		if (strcmp(word[0], "fall") != 0 &&
		    strcmp(word[0], "rise") != 0)
			return wrong(r,
				     "%s: unknown word; a check is as: "
				     "check 80 interval 1 fall 3 rise 2",
				     word[0]);
		if (!number_word(r, word[0], word[1], 1, TIMES_MAX, &number))
			return false;
		if (word[0][0] == 'f')
			check->fall = number;
		else
			check->rise = number;
	}
	return true;
}

/* check none, or: check [PORT] [interval SECONDS] [fall N] [rise N] */
static bool read_check(struct reader *r)
{
	struct config_check check;
	char **word = r->words + 1;

	if (!r->vip)
		return wrong(r, "a check of which VIP? one must be above it");
	if (r->vip->check.line)
		return wrong(r, "the VIP has a check already, line %d",
			     r->vip->check.line);
	check = default_check(r->vip->service.protocol);
	check.line = r->line;
	if (word[0] && !strcmp(word[0], "none")) {
		check.on = false;
		if (word[1])
			return wrong(r, "%s: unknown word behind: check none",
				     word[1]);
	} else {
		if (word[0] && isdigit(*word[0])) {
			if (!port_word(r, word[0], strlen(word[0]),
				       &check.port))
				return false;
			word++;
		}
		if (!check_words(r, word, &check))
			return false;
		check.on |= check.port != 0;
		if (!check.on)
			return wrong(r, "which port? a check is a TCP "
					"connection, and the VIP is of UDP");
	}
	r->vip->check = check;
	return true;
}

/* -- the file ------------------------------------------------------------- */

/* Makes LINE its words; they are NULL from the last on. */
static bool split(struct reader *r, char *line)
{
	int count = 0;
	char *rest;

	line[strcspn(line, "#")] = '\0';
	memset(r->words, 0, sizeof(r->words));
	for (char *word = strtok_r(line, BLANK, &rest); word;
	     word = strtok_r(NULL, BLANK, &rest)) {
		/* Two words are looked at together, and the second may be none. */
		if (count == WORDS - 2)
			return wrong(r, "%s: too many words", word);
		r->words[count++] = word;
	}
	return true;
}

static bool read_words(struct reader *r)
{
	const char *what = r->words[0];

	if (!what)
		return true;
	if (!strcmp(what, "vip"))
		return read_vip(r);
	if (!strcmp(what, "backend"))
		return read_backend(r);
	if (!strcmp(what, "check"))
		return read_check(r);
	return wrong(r,
		     "%s: unknown word; a line begins with vip, backend or "
		     "check",
		     what);
}

/*
 * The next line of FILE into LINE, of LINE bytes; *LAST tells whether the file
 * ends there. (Not by fgets(), which does not tell of a NUL.)
 */
static bool next_line(const struct reader *r, FILE *file, char *line,
		      bool *last)
{
	int length = 0, c;

	while ((c = getc(file)) != EOF && c != '\n') {
		if (!c)
			return wrong(r, "a NUL byte: is this a text?");
		if (length == LINE - 1)
			return wrong(r, "longer than %d bytes", LINE - 1);
		line[length++] = c;
	}
	line[length] = '\0';
	*last = c == EOF;
	return true;
}

static bool read_lines(struct reader *r, FILE *file)
{
	bool last = false;
	char line[LINE];

	while (!last) {
		r->line++;
		if (!next_line(r, file, line, &last) || !split(r, line) ||
		    !read_words(r))
			return false;
	}
	if (ferror(file))
		return complain("%s: %s", r->path, strerror(errno));
	if (!r->config->vip_count)
		return complain("%s: no VIP in it", r->path);
	return has_no_conflict(r->path, r->config);
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
	FILE *file = open_file(path);
	struct reader r = { .path = path };
	bool well;

	if (!file)
		return NULL;
	r.config = calloc(1, sizeof(*r.config));
	well = r.config && read_lines(&r, file);
	fclose(file);
	if (well)
		return r.config;
	free(r.config);
	return NULL;
}
