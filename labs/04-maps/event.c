// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Drop events, and the names of what they tell. */
#include <stdio.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include "event.h"

#define SECOND 1000000000ULL

const char *verdict_name(__u32 verdict)
{
	static const char *const names[MAPS_VERDICTS] = {
		[MAPS_PASSED] = "passed",
		[MAPS_BLOCKED_PREFIX] = "blocked_prefix",
		[MAPS_BLOCKED_PORT] = "blocked_port",
		[MAPS_LIMITED] = "limited",
	};

	return verdict < MAPS_VERDICTS ? names[verdict] : "?";
}

/* SOURCE in TEXT, of INET6_ADDRSTRLEN bytes: an IPv4 address without ::ffff: */
static const char *source_text(const struct maps_source *source, char *text)
{
	const struct in6_addr *address = (const void *)source;

	if (IN6_IS_ADDR_V4MAPPED(address))
		return inet_ntop(AF_INET, source->address + 12, text,
				 INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
}

static const char *protocol_name(__u8 protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : "udp";
}

void print_event(const struct maps_event *event)
{
	char source[INET6_ADDRSTRLEN];

	printf("[%llu.%06llu] %s: %s", event->time / SECOND,
	       event->time % SECOND / 1000, verdict_name(event->verdict),
	       source_text(&event->source, source));
	if (event->port.protocol)
		printf(" to %u/%s", ntohs(event->port.port),
		       protocol_name(event->port.protocol));
	printf(", %u bytes", event->length);
	if (event->suppressed)
		printf(" (%u before it were not told of)", event->suppressed);
	putchar('\n');
}
