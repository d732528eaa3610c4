// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Prefixes and ports as the keys of the maps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include "keys.h"

void prefix_key(const struct prefix *p, struct maps_prefix6 *key)
{
	key->length = p->length;
	memcpy(key->address, p->address, sizeof(key->address));
}

const char *port_parse(const char *text, struct maps_port *p)
{
	char *end;
	long port = strtol(text, &end, 10);

	memset(p, 0, sizeof(*p));
	if (*text < '0' || *text > '9' || port < 1 || port > 65535)
		return "a port is 1 to 65535";
	if (!strcmp(end, "/tcp"))
		p->protocol = IPPROTO_TCP;
	else if (!strcmp(end, "/udp"))
		p->protocol = IPPROTO_UDP;
	else
		return "which protocol? as 23/tcp or 53/udp";
	p->port = htons(port);
	return NULL;
}

char *port_text(const struct maps_port *p, char *text)
{
	snprintf(text, PORT_TEXT, "%u/%s", ntohs(p->port),
		 p->protocol == IPPROTO_TCP ? "tcp" : "udp");
	return text;
}
