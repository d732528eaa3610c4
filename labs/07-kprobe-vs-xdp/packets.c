// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Packets to measure with: who sends them, and who gets them. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include "loader.h"
#include "packets.h"

enum {
	PAYLOAD = 18,	/* bytes: with the headers, Ethernet's least frame */
	PATIENCE = 1000 /* ms that a packet may be under way */
};

static int sender = -1, sink = -1, cpu;
static struct sockaddr_in address; /* of the sink */

int packets_cpu(void)
{
	return cpu;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* What a packet costs includes its receipt only while both are on one CPU. */
static bool stay_on_one_cpu(void)
{
	cpu_set_t set;

	cpu = CPU_SETSIZE - 1; /* the first ones serve most interrupts */
	if (sched_getaffinity(0, sizeof(set), &set)) {
		fail("stay on one CPU: %s", strerror(errno));
		return false;
	}
	while (cpu && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		return true;
	fail("stay on CPU %d: %s", cpu, strerror(errno));
	return false;
}

/* -- the one who gets them ------------------------------------------------- */

/* Puts the IPv4 address of IFNAME into `address`. */
static bool find_address(const char *ifname)
{
	struct ifaddrs *all, *each;
	bool found = false;

	if (getifaddrs(&all)) {
		fail("addresses of %s: %s", ifname, strerror(errno));
		return false;
	}
	for (each = all; each && !found; each = each->ifa_next) {
		found = !strcmp(each->ifa_name, ifname) && each->ifa_addr &&
			each->ifa_addr->sa_family == AF_INET;
		if (found)
			memcpy(&address, each->ifa_addr, sizeof(address));
	}
	freeifaddrs(all);
	if (!found)
		fail("send packets to %s: it has no IPv4 address", ifname);
	return found;
}

/* A socket with as little room as the kernel allows, which nobody reads. */
static bool open_sink(const char *ifname)
{
	socklen_t size = sizeof(address);
	int least = 1;

	if (!find_address(ifname))
		return false;
	sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sink >= 0 &&
	    !setsockopt(sink, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) &&
	    !bind(sink, (struct sockaddr *)&address, size) &&
	    !getsockname(sink, (struct sockaddr *)&address, &size))
		return true;
	fail("a socket at %s's address: %s", ifname, strerror(errno));
	return false;
}

/* What the kernel knows of the sink: how full it is, how many packets it dropped. */
static __u32 about_sink(int what)
{
	__u32 memory[SK_MEMINFO_VARS] = {};
	socklen_t size = sizeof(memory);

	getsockopt(sink, SOL_SOCKET, SO_MEMINFO, memory, &size);
	return memory[what];
}

/* -- the one who sends them ------------------------------------------------ */

/* Goes to the network namespace called NAME. */
static bool enter_netns(const char *name)
{
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s%s",
		 strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 || setns(fd, CLONE_NEWNET) ? errno : 0;
	if (err == EINVAL)
		fail("network namespace %s: %s is none", name, path);
	else if (err)
		fail("network namespace %s: %s: %s", name, path, strerror(err));
	if (fd >= 0)
		close(fd);
	return !err;
}

/* A socket belongs for good to the namespace that it was made in. */
static bool open_sender(const char *netns)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	bool there = home >= 0 && enter_netns(netns);

	if (there)
		sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (home < 0 || (there && setns(home, CLONE_NEWNET))) {
		fail("this network namespace: %s", strerror(errno));
		there = false;
	}
	if (home >= 0)
		close(home);
	if (!there)
		return false;
	if (sender >= 0 &&
	    !connect(sender, (struct sockaddr *)&address, sizeof(address)))
		return true;
	fail("send packets from %s to %s: %s", netns,
	     inet_ntoa(address.sin_addr), strerror(errno));
	return false;
}

/* -- under way ------------------------------------------------------------- */

static bool send_one(void)
{
	static const char payload[PAYLOAD];

	if (send(sender, payload, sizeof(payload), 0) == PAYLOAD)
		return true;
	fail("send a packet to %s: %s", inet_ntoa(address.sin_addr),
	     strerror(errno));
	return false;
}

/* Waits until the sink has dropped COUNT packets since it had dropped BEFORE. */
static bool wait_for_drops(__u32 before, __u32 count)
{
	const struct timespec moment = { .tv_nsec = 100000 };
	double start = now();
	__u32 came;

	/* The kernel may have left them to a thread, which wants this CPU too. */
	do {
		nanosleep(&moment, NULL);
		came = about_sink(SK_MEMINFO_DROPS) - before;
		if (came == count)
			return true;
	} while (came < count && now() - start < PATIENCE * 1e6);
	fail("%u packets were sent to %s, and %u came there", count,
	     inet_ntoa(address.sin_addr), came);
	return false;
}

/*
 * Each packet has to take the same way: to a socket that is full. The first one drop
 * says that it is.
 */
static bool fill_sink(void)
{
	enum { MOST = 64 };

	for (int i = 0; i < MOST; i++) {
		__u32 room_taken = about_sink(SK_MEMINFO_RMEM_ALLOC);
		double start = now();

		if (!send_one())
			return false;
		while (about_sink(SK_MEMINFO_RMEM_ALLOC) == room_taken) {
			if (about_sink(SK_MEMINFO_DROPS))
				return true;
			if (now() - start < PATIENCE * 1e6)
				continue;
			fail("a packet was sent to %s, and did not come there",
			     inet_ntoa(address.sin_addr));
			return false;
		}
	}
	fail("a socket has room for %d packets, and more", MOST);
	return false;
}

bool packets_open(const char *netns, const char *ifname)
{
	return open_sink(ifname) && open_sender(netns) && stay_on_one_cpu() &&
	       fill_sink();
}

void packets_close(void)
{
	if (sender >= 0)
		close(sender);
	if (sink >= 0)
		close(sink);
	sender = sink = -1;
}

void packets_alone(bool alone)
{
	struct sched_param urgent = { .sched_priority = 1 }, usual = {};

	/* Where that is not allowed, some batches have to be sent again. */
	sched_setscheduler(0, alone ? SCHED_FIFO : SCHED_OTHER,
			   alone ? &urgent : &usual);
	if (!alone)
		sched_yield(); /* whoever has waited meanwhile has its turn */
}

double packets_send(int count)
{
	__u32 before = about_sink(SK_MEMINFO_DROPS);
	double start = now(), took;

	for (int i = 0; i < count; i++)
		if (!send_one())
			return -1;
	/* On a veth they are there by now: the sender's own CPU took them up. */
	took = now() - start;
	if (about_sink(SK_MEMINFO_DROPS) - before == (__u32)count)
		return took;
	return wait_for_drops(before, count) ? now() - start : -1;
}
