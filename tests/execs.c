// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * execs THREADS TIMES [PATH]: calls execve of PATH, which must not exist, TIMES
 * times in each of THREADS threads; without PATH, of an address where nothing is.
 * The id of such a thread is not its process's. One thread follows the other:
 * newer kernels leave a program out for a thread that comes upon it while another
 * thread on the same CPU was preempted in it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int times;
static const char *path;

static void *call(void *unused)
{
	char *none[] = { NULL };

	(void)unused;
	for (int i = 0; i < times; i++)
		execve(path, none, none);
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc == 3 || argc == 4 ? atoi(argv[1]) : 0;
	pthread_t thread;

	if (!threads || (argv[3] && access(argv[3], F_OK) == 0)) {
		fprintf(stderr, "usage: execs THREADS TIMES [NO-SUCH-PATH]\n");
		return 2;
	}
	times = atoi(argv[2]);
	path = argv[3];
	for (int i = 0; i < threads; i++)
		if (pthread_create(&thread, NULL, call, NULL) ||
		    pthread_join(thread, NULL))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
