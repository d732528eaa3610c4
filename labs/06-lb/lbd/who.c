// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Backends as a command names them. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "loader.h"
#include "who.h"
#include "words.h"

const char *who_parse(const char *text, struct who *who)
{
	bool brackets = *text == '[';
	const char *end = text + strcspn(text, "]"), *colon;
	char address[INET6_ADDRSTRLEN];
	long long port = 0;

	if (!brackets) {
		/* Two colons or more are an IPv6 address without a port. */
		colon = strchr(text, ':');
		end = colon && !strchr(colon + 1, ':') ? colon
						       : strchr(text, 0);
	}
	colon = end + (brackets && *end);
	if (*colon == ':' && isdigit(colon[1]))
		port = parse_number(colon + 1, 1, 65535);
	if ((brackets && !*end) || (*colon && port <= 0))
		return "which backend? as 10.0.6.11, 10.0.6.11:8080 or "
		       "[fd00:6::11]:8080";
	who->port = htons(port);
	text += brackets;
	if (end - text >= (int)sizeof(address))
		return "not an address";
	snprintf(address, sizeof(address), "%.*s", (int)(end - text), text);
	return address_parse(address, who->address);
}

bool is_named(const struct who *who, const struct lb_tables *tables,
	      __u32 number)
{
	const struct lb_backend *b = &tables->backends[number];
	__be16 port = b->port ?: tables->vips[b->vip].service.port;

	return b->vip && (!who->port || who->port == port) &&
	       !memcmp(who->address, b->address, sizeof(who->address));
}
