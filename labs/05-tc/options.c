// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The rules that tc's options give, on their way into the maps. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "prefix.h"
#include "options.h"
#include "tc.h"
#include "tc.skel.h"

#define SECOND 1000000000ULL

#define TOO_MANY "too many of them"

enum { RULES_MAX = 64 };

static struct {
	struct tc_prefix prefix;
	__u32 mark;
} mark_rules[RULES_MAX];

static struct {
	__be16 port;
	struct tc_service service;
} service_rules[RULES_MAX];

static struct {
	struct tc_address address;
	struct tc_limit limit;
} limit_rules[RULES_MAX];

static int mark_count, service_count, limit_count;

/* Cuts TEXT at the first SEPARATOR; what is behind it, or NULL. */
static char *cut(char *text, char separator)
{
	char *rest = strchr(text, separator);

	if (rest)
		*rest++ = '\0';
	return rest;
}

/* An IPv4 prefix as the IPv6 prefix ::ffff:0:0/96 and what follows. */
static struct tc_prefix as_ipv6(const struct prefix *p)
{
	struct tc_prefix key = { .length = p->length };

	if (p->ipv6) {
		memcpy(key.address, p->address, 16);
	} else {
		key.length += 96;
		key.address[10] = key.address[11] = 0xff;
		memcpy(key.address + 12, p->address, 4);
	}
	return key;
}

const char *add_mark(char *text)
{
	char *mark = cut(text, '=');
	long long n = mark ? parse_number(mark, 1, UINT32_MAX) : -1;
	struct prefix prefix;
	const char *wrong;

	if (n < 0)
		return "which mark? as 10.0.0.0/8=7";
	wrong = prefix_parse(text, &prefix, NULL);
	if (wrong || mark_count == RULES_MAX)
		return wrong ? wrong : TOO_MANY;
	mark_rules[mark_count].prefix = as_ipv6(&prefix);
	mark_rules[mark_count++].mark = n;
	return NULL;
}

/*
 * The rule of the port TEXT in SERVICE, a new one if need be. Returns NULL, or what
 * is wrong with TEXT.
 */
static const char *find_service(const char *text, struct tc_service **service)
{
	long long port = parse_number(text, 1, 65535);
	int i = 0;

	if (port < 0)
		return "a port is 1 to 65535";
	while (i < service_count && service_rules[i].port != htons(port))
		i++;
	if (i == RULES_MAX)
		return TOO_MANY;
	if (i == service_count)
		service_rules[service_count++].port = htons(port);
	*service = &service_rules[i].service;
	return NULL;
}

const char *add_dscp(char *text)
{
	char *dscp = cut(text, '=');
	long long n = dscp ? parse_number(dscp, 0, 63) : -1;
	struct tc_service *service;
	const char *wrong;

	if (n < 0)
		return "which DSCP? 0 to 63, as 80=46";
	wrong = find_service(text, &service);
	if (wrong)
		return wrong;
	service->set_dscp = 1;
	service->dscp = n;
	return NULL;
}

/* The number that TEXT is in hex, from 1 to 0xffff; or -1. */
static long parse_hex(const char *text)
{
	char *end;
	long n = isxdigit(*text) ? strtol(text, &end, 16) : -1;

	return n >= 1 && n <= 0xffff && !*end ? n : -1;
}

const char *add_class(char *text)
{
	char *major = cut(text, '='), *minor = major ? cut(major, ':') : NULL;
	long qdisc = minor ? parse_hex(major) : -1;
	long class = minor ? parse_hex(minor) : -1;
	struct tc_service *service;
	const char *wrong;

	if (qdisc < 0 || class < 0)
		return "which class? as 80=1:10, in hex";
	wrong = find_service(text, &service);
	if (wrong)
		return wrong;
	service->priority = qdisc << 16 | class;
	return NULL;
}

const char *add_limit(char *text)
{
	char *rate = cut(text, '='), *burst = rate ? cut(rate, ',') : NULL;
	long long bytes = rate ? parse_number(rate, 1, UINT32_MAX) : -1;
	long long most =
		burst ? parse_number(burst, 1, UINT32_MAX) : (bytes + 9) / 10;
	struct prefix prefix;
	const char *wrong;
	__s64 full;

	if (bytes < 0)
		return "how many bytes a second? as 10.0.0.1=125000";
	if (most < 0)
		return "a burst is 1 to 4294967295 bytes";
	if (strchr(text, '/'))
		return "an address, no prefix";
	wrong = prefix_parse(text, &prefix, NULL);
	if (wrong || limit_count == RULES_MAX)
		return wrong ? wrong : TOO_MANY;
	full = (most * SECOND + bytes - 1) / bytes; /* at least 1 */
	memcpy(limit_rules[limit_count].address.bytes, as_ipv6(&prefix).address,
	       16);
	limit_rules[limit_count++].limit = (struct tc_limit){ .rate = bytes,
							      .burst = full,
							      .credit = full };
	return NULL;
}

static bool put(const struct bpf_map *map, const void *key, const void *value)
{
	if (!bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		return true;
	fail("fill the map %s: %s", bpf_map__name(map), strerror(errno));
	return false;
}

int apply_rules(const struct tc_bpf *skel)
{
	bool done = true;

	for (int i = 0; done && i < mark_count; i++)
		done = put(skel->maps.marks, &mark_rules[i].prefix,
			   &mark_rules[i].mark);
	for (int i = 0; done && i < service_count; i++)
		done = put(skel->maps.services, &service_rules[i].port,
			   &service_rules[i].service);
	for (int i = 0; done && i < limit_count; i++)
		done = put(skel->maps.limits, &limit_rules[i].address,
			   &limit_rules[i].limit);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
