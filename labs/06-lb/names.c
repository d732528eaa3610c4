// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is in the maps, in words. */
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include "names.h"

const char *mode_name(__u32 mode)
{
	static const char *const names[LB_MODES] = {
		[LB_NAT] = "nat",
		[LB_DSR] = "dsr",
		[LB_IPIP] = "ipip",
	};

	return mode < LB_MODES ? names[mode] : NULL;
}

const char *state_name(__u32 state)
{
	static const char *const names[LB_STATES] = {
		[LB_UP] = "up",
		[LB_DRAINING] = "draining",
		[LB_DOWN] = "down",
	};

	return state < LB_STATES ? names[state] : NULL;
}

const char *reason_name(__u32 reason)
{
	static const char *const names[LB_REASONS] = {
		[LB_REPLY] = "replies",
		[LB_ICMP_ERROR] = "icmp_errors",
		[LB_PING] = "pings",
		[LB_UNFOLLOWED] = "unfollowed",
		[LB_NO_NEIGHBOR] = "no_neighbor",
		[LB_TOO_LONG] = "too_long",
		[LB_FRAGMENT] = "fragments",
		[LB_NO_BACKEND] = "no_backend",
		[LB_NO_ROUTE] = "no_route",
		[LB_EXPIRED] = "expired",
	};

	return reason < LB_REASONS ? names[reason] : NULL;
}

const char *protocol_name(__u8 protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : "udp";
}

bool is_ipv4(const __be32 *address)
{
	return !address[0] && !address[1] && address[2] == htonl(0xffff);
}

char *address_text(const __be32 *address, char *text)
{
	if (is_ipv4(address))
		inet_ntop(AF_INET, address + 3, text, NAME_TEXT);
	else
		inet_ntop(AF_INET6, address, text, NAME_TEXT);
	return text;
}

/* Adds what FORMAT says, of a port, to the address in TEXT. */
#define append(text, ...)                                                      \
	snprintf(text + strlen(text), NAME_TEXT - strlen(text), __VA_ARGS__)

char *vip_text(const struct lb_service *vip, char *text)
{
	address_text(vip->address, text);
	append(text, " %u/%s", ntohs(vip->port), protocol_name(vip->protocol));
	return text;
}

char *backend_text(const struct lb_backend *b, char *text)
{
	address_text(b->address, text);
	if (b->port)
		append(text, " %u", ntohs(b->port));
	return text;
}
