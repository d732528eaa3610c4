// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Prefixes of addresses as people write them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include "prefix.h"

static bool is_mapped(const struct prefix *p)
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	return p->ipv6 && p->length >= 96 && !memcmp(p->address, mapped, 12);
}

/* Makes a mapped prefix the IPv4 prefix that it is. Returns whether it was one. */
static bool unmap(struct prefix *p)
{
	if (!is_mapped(p))
		return false;
	p->ipv6 = false;
	p->length -= 96;
	memmove(p->address, p->address + 12, 4);
	memset(p->address + 4, 0, 12);
	return true;
}

/* Clears the bits behind the length. Returns whether any was set. */
static bool clear_host_bits(struct prefix *p)
{
	bool any = false;

	for (__u32 bit = p->length; bit < (p->ipv6 ? 128 : 32); bit++) {
		__u8 mask = 0x80 >> bit % 8;

		any |= p->address[bit / 8] & mask;
		p->address[bit / 8] &= ~mask;
	}
	return any;
}

/* The length that TEXT gives, or -1. */
static int length_of(const char *text, int most)
{
	char *end;
	long length = strtol(text, &end, 10);

	return *text < '0' || *text > '9' || *end || length > most ? -1
								   : length;
}

const char *prefix_parse(const char *text, struct prefix *p, bool *changed)
{
	char address[INET6_ADDRSTRLEN];
	size_t size = strcspn(text, "/");
	bool mapped, cleared;
	int most, length;

	memset(p, 0, sizeof(*p));
	if (size >= sizeof(address))
		return "not an address";
	memcpy(address, text, size);
	address[size] = '\0';
	p->ipv6 = strchr(address, ':');
	if (inet_pton(p->ipv6 ? AF_INET6 : AF_INET, address, p->address) != 1)
		return "not an address";
	most = p->ipv6 ? 128 : 32;
	length = text[size] ? length_of(text + size + 1, most) : most;
	if (length < 0)
		return p->ipv6 ? "a length is 0 to 128" : "a length is 0 to 32";
	p->length = length;
	mapped = unmap(p);
	cleared = clear_host_bits(p);
	if (changed)
		*changed = mapped || cleared;
	return NULL;
}

void prefix_cut(struct prefix *p, __u32 length)
{
	p->length = length;
	clear_host_bits(p);
}

char *prefix_text(const struct prefix *p, char *text)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(p->ipv6 ? AF_INET6 : AF_INET, p->address, address,
		  sizeof(address));
	snprintf(text, PREFIX_TEXT, "%s/%u", address, p->length);
	return text;
}
