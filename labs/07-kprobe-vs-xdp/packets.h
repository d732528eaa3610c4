/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets to measure with: UDP datagrams that one network namespace sends, and that go
 * all the way up to a socket in another, which has no room for them.
 */
#ifndef PACKETS_H
#define PACKETS_H

#include <stdbool.h>

/*
 * Makes a sender in the network namespace NETNS (a path, or a name as `ip netns` knows
 * it), and for what it sends a socket here, at the IPv4 address of IFNAME. Keeps this
 * process on one CPU. Returns false, having said why.
 */
bool packets_open(const char *netns, const char *ifname);
void packets_close(void);

/* The number of that CPU. */
int packets_cpu(void);

/*
 * Keeps other processes off that CPU, as far as the kernel allows it, until it is
 * called again with false. For moments only.
 */
void packets_alone(bool alone);

/*
 * Sends COUNT packets, one by one. Returns how many ns it took until the last of them
 * had come to the socket; -1 when they did not all come, having said so.
 */
double packets_send(int count);

#endif
