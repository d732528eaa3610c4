// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How commands reach the daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "complain.h"
#include "control.h"
#include "loader.h"
#include "loop.h"

enum {
	CLIENTS = 16,
	PATIENCE = 5000, /* milliseconds that a client may say nothing */
	LONGEST = 30000	 /* that the daemon may take */
};

static const struct sockaddr_un address = { .sun_family = AF_UNIX,
					    .sun_path = "\0underhood/lbd" };

enum { ADDRESS = offsetof(struct sockaddr_un, sun_path) + 14 };

static struct client {
	struct watch watch; /* first: a client is found by it */
	__u64 since;
} clients[CLIENTS];

static bool (*handle)(const char *request, char *answer);

/* Is root at the other end? The name is not protected by any file's mode. */
static bool is_root(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       peer.uid == 0;
}

/* -- the daemon ----------------------------------------------------------- */

static void on_request(struct watch *watch)
{
	static char request[CONTROL_TEXT], answer[CONTROL_TEXT];
	ssize_t size = recv(watch->fd, request, sizeof(request) - 1, 0);

	if (size < 0 && errno == EAGAIN)
		return;
	if (size > 0) {
		request[size] = '\0';
		take_complaints(); /* those that nobody asked for */
		answer[1] = '\0';
		answer[0] = handle(request, answer + 1) ? 'y' : 'n';
		if (answer[0] == 'n')
			snprintf(answer + 1, sizeof(answer) - 1, "%s",
				 take_complaints());
		send(watch->fd, answer, strlen(answer), MSG_NOSIGNAL);
	}
	loop_close(watch);
}

/* A place for a client; the oldest goes when there is none. */
static struct client *make_room(void)
{
	struct client *oldest = &clients[0];

	for (int i = 0; i < CLIENTS; i++) {
		if (clients[i].watch.fd < 0)
			return &clients[i];
		if (clients[i].since < oldest->since)
			oldest = &clients[i];
	}
	loop_close(&oldest->watch);
	return oldest;
}

static void on_client(struct watch *watch)
{
	int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *client;

	if (fd < 0)
		return;
	if (!is_root(fd)) {
		close(fd);
		return;
	}
	client = make_room();
	client->watch = (struct watch){ .fd = fd, .ready = on_request };
	client->since = now_ms();
	if (!loop_add(&client->watch, EPOLLIN))
		loop_close(&client->watch);
}

void control_tick(void)
{
	for (int i = 0; i < CLIENTS; i++)
		if (now_ms() - clients[i].since > PATIENCE)
			loop_close(&clients[i].watch);
}

bool control_listen(bool (*handler)(const char *request, char *answer))
{
	static struct watch door = { .ready = on_client };

	handle = handler;
	for (int i = 0; i < CLIENTS; i++)
		clients[i].watch.fd = -1;
	door.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
			 0);
	if (door.fd >= 0 &&
	    !bind(door.fd, (const struct sockaddr *)&address, ADDRESS) &&
	    !listen(door.fd, CLIENTS) && loop_add(&door, EPOLLIN))
		return true;
	if (errno == EADDRINUSE)
		fail("start: another lbd runs in this network namespace");
	else
		fail("start: %s", strerror(errno));
	return false;
}

/* -- the client ----------------------------------------------------------- */

/* A connection to the daemon; -1: there is none. */
static int connect_daemon(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    (connect(fd, (const struct sockaddr *)&address, ADDRESS) ||
	     !is_root(fd))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool daemon_runs(void)
{
	int fd = connect_daemon();

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Says ANSWER, which the daemon has given: on stderr line by line, as all else. */
static int say(char *answer)
{
	char *line, *rest;

	if (answer[0] == 'y') {
		if (answer[1])
			puts(answer + 1);
		return EXIT_SUCCESS;
	}
	for (line = strtok_r(answer + 1, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		fail("%s", line);
	return EXIT_FAILURE;
}

int control_ask(const char *request)
{
	int fd = connect_daemon(), status = EXIT_FAILURE;
	static char answer[CONTROL_TEXT];
	ssize_t size;

	if (geteuid())
		return fail("%s: this needs root: sudo", request);
	if (fd < 0)
		return fail("%s: no lbd runs in this network namespace: "
			    "lbd -c FILE starts one",
			    request);
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		fail("%s: %s", request, strerror(errno));
	else if (!wait_for(fd, LONGEST))
		fail("%s: interrupted", request);
	else if ((size = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT)) >
		 0)
		status = say(answer);
	else if (size == 0)
		fail("%s: lbd has hung up", request);
	else
		fail("%s: lbd does not answer", request);
	close(fd);
	return status;
}
