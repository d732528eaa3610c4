// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * volley ADDRESS PORT COUNT [SIZE]: sends COUNT UDP datagrams of SIZE (100) bytes, one
 * after the other, and prints how many ns each took, a line each, the shortest first. Over
 * a veth pair that is the receiver's work too: it is done before sendto() returns.
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <arpa/inet.h>
#include <sys/socket.h>

enum { LONGEST = 65507 };

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static const char payload[LONGEST];
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), count, size;
	long long *took, start;

	if (argc < 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		error(2, 0, "usage: volley ADDRESS PORT COUNT [SIZE]");
	to.sin_port = htons(atoi(argv[2]));
	count = atoi(argv[3]);
	size = argc > 4 ? atoi(argv[4]) : 100;
	took = calloc(count, sizeof(*took));
	if (!took)
		error(EXIT_FAILURE, errno, "%d times", count);
	for (int i = 0; i < count; i++) {
		start = now();
		if (sendto(fd, payload, size, 0, (struct sockaddr *)&to,
			   sizeof(to)) != size)
			error(EXIT_FAILURE, errno, "send to %s", argv[1]);
		took[i] = now() - start;
	}
	qsort(took, count, sizeof(*took), by_size);
	for (int i = 0; i < count; i++)
		printf("%lld\n", took[i]);
	return EXIT_SUCCESS;
}
