// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A line of the file, word by word. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "names.h"
#include "prefix.h"
#include "words.h"

#define BLANK " \t\r"

enum {
	MS_MIN = 100, /* milliseconds: faster would be load, not knowledge */
	MS_MAX = 3600 * 1000
};

bool split(struct line *l, char *text)
{
	int count = 0;
	char *rest;

	text[strcspn(text, "#")] = '\0';
	memset(l->words, 0, sizeof(l->words));
	l->word = l->words;
	for (char *word = strtok_r(text, BLANK, &rest); word;
	     word = strtok_r(NULL, BLANK, &rest)) {
		if (count == WORDS)
			return wrong(l, "%s: too many words", word);
		l->words[count++] = word;
	}
	return true;
}

bool take(struct line *l, const char *word)
{
	bool is = *l->word && !strcmp(*l->word, word);

	l->word += is;
	return is;
}

bool is_digit_next(const struct line *l)
{
	return *l->word && isdigit(**l->word);
}

bool take_end(struct line *l, const char *hint)
{
	return !*l->word || wrong(l, "%s: unknown word; %s", *l->word, hint);
}

/* -- addresses ------------------------------------------------------------ */

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

bool take_address(struct line *l, __be32 *address)
{
	const char *why = address_parse(*l->word, address);

	if (why)
		return wrong(l, "%s: %s", *l->word, why);
	l->word++;
	return true;
}

/* -- numbers -------------------------------------------------------------- */

/* The number that the first LENGTH characters of TEXT are, or -1. */
static long long digits(const char *text, size_t length, long long most)
{
	char word[16];

	if (!isdigit(*text) || length >= sizeof(word)) /* +5 is none here */
		return -1;
	snprintf(word, sizeof(word), "%.*s", (int)length, text);
	return parse_number(word, 0, most);
}

bool take_number(struct line *l, __u32 least, __u32 most, __u32 *number)
{
	const char *text = *l->word;
	long long n = text ? digits(text, strlen(text), most) : -1;

	*number = n;
	if (n < least)
		return wrong(l, "%s %s: not a number from %u to %u",
			     l->word[-1], text ?: "…", least, most);
	l->word++;
	return true;
}

bool take_seconds(struct line *l, int *milliseconds)
{
	const char *text = *l->word;
	double ms = 0;
	char *end;

	/* Digits and a point only: strtod() knows "0x1p3" and "inf" too. */
	if (text && strspn(text, "0123456789.") == strlen(text)) {
		ms = strtod(text, &end) * 1000;
		if (*end)
			ms = 0;
	}
	if (ms < MS_MIN || ms > MS_MAX)
		return wrong(l, "%s %s: not seconds from 0.1 to 3600",
			     l->word[-1], text ?: "…");
	*milliseconds = ms;
	l->word++;
	return true;
}

/* -- ports, protocols, modes ---------------------------------------------- */

/* The next word, of which the first LENGTH characters are a port. */
static bool take_port_of(struct line *l, size_t length, __be16 *port)
{
	long long n = digits(*l->word, length, 65535);

	if (n <= 0)
		return wrong(l, "%s: a port is 1 to 65535", *l->word);
	*port = htons(n);
	l->word++;
	return true;
}

bool take_port(struct line *l, __be16 *port)
{
	return take_port_of(l, strlen(*l->word), port);
}

bool take_service(struct line *l, struct lb_service *service)
{
	size_t length = strcspn(*l->word, "/");
	const char *protocol = *l->word + length;

	if (!strcmp(protocol, "/tcp"))
		service->protocol = IPPROTO_TCP;
	else if (!strcmp(protocol, "/udp"))
		service->protocol = IPPROTO_UDP;
	else
		return wrong(l, "%s: which protocol? as 80/tcp or 53/udp",
			     *l->word);
	return take_port_of(l, length, &service->port);
}

bool take_mode(struct line *l, enum lb_mode *mode)
{
	for (*mode = 0; *mode < LB_MODES; ++*mode)
		if (take(l, mode_name(*mode)))
			return true;
	return wrong(l, "%s%swhich mode? nat, dsr or ipip", *l->word ?: "",
		     *l->word ? ": " : "");
}
