// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* block, unblock, block-port, unblock-port, list: rules, one by one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "keys.h"
#include "loader.h"
#include "mapsctl.h"
#include "pins.h"

/* Reads TEXT, which is right, into P; says what was made of it. */
static void read_prefix(const char *text, struct prefix *p)
{
	char normal[PREFIX_TEXT];
	bool changed;

	prefix_parse(text, p, &changed);
	if (changed)
		printf("%s is taken as %s\n", text, prefix_text(p, normal));
}

static int prefixes_fd(const struct prefix *p)
{
	return pinned_map(p->ipv6 ? "prefixes6" : "prefixes4");
}

/*
 * The widest blocked prefix that P lies in, itself included, in WIDEST. A lookup
 * with L bits finds some prefix of L bits or fewer, so the least L that finds one
 * is its length. Returns false when there is none.
 */
static bool find_widest(int fd, const struct prefix *p, struct prefix *widest)
{
	struct maps_prefix6 key;
	__u64 hits;

	prefix_key(p, &key);
	for (key.length = 0; key.length <= p->length; key.length++) {
		if (bpf_map_lookup_elem(fd, &key, &hits))
			continue;
		*widest = *p;
		prefix_cut(widest, key.length);
		return true;
	}
	return false;
}

static int block_prefix(int fd, const struct prefix *p)
{
	char text[PREFIX_TEXT], wider[PREFIX_TEXT];
	struct maps_prefix6 key;
	struct prefix widest;
	__u64 hits = 0;

	prefix_text(p, text);
	if (find_widest(fd, p, &widest)) {
		if (widest.length == p->length) {
			printf("%s is blocked already\n", text);
			return EXIT_SUCCESS;
		}
		printf("%s lies in %s, which is blocked already\n", text,
		       prefix_text(&widest, wider));
	}
	prefix_key(p, &key);
	if (!bpf_map_update_elem(fd, &key, &hits, BPF_NOEXIST) ||
	    errno == EEXIST)
		return EXIT_SUCCESS;
	return fail("block %s: %s", text,
		    errno == ENOSPC ? "the map of prefixes is full"
				    : strerror(errno));
}

static int unblock_prefix(int fd, const struct prefix *p)
{
	char text[PREFIX_TEXT], wider[PREFIX_TEXT];
	struct maps_prefix6 key;
	struct prefix widest;
	bool inside = find_widest(fd, p, &widest);

	prefix_text(p, text);
	prefix_key(p, &key);
	if (!bpf_map_delete_elem(fd, &key)) {
		if (inside && widest.length < p->length)
			printf("%s still lies in %s, which is blocked\n", text,
			       prefix_text(&widest, wider));
		return EXIT_SUCCESS;
	}
	if (errno != ENOENT)
		return fail("unblock %s: %s", text, strerror(errno));
	if (inside) {
		prefix_text(&widest, wider);
		return fail("unblock %s: it is blocked only as part of %s",
			    text, wider);
	}
	return fail("unblock %s: it is not blocked", text);
}

/* Does CHANGE with each prefix in WORDS, once all of them are known to be right. */
static int each_prefix(int count, char **words,
		       int (*change)(int fd, const struct prefix *p))
{
	int status = EXIT_SUCCESS;
	struct prefix p;

	for (int i = 0; i < count; i++) {
		const char *wrong = prefix_parse(words[i], &p, NULL);

		if (wrong) {
			fail("prefix %s: %s", words[i], wrong);
			return EXIT_USAGE;
		}
	}
	for (int i = 0; i < count; i++) {
		int fd;

		read_prefix(words[i], &p);
		fd = prefixes_fd(&p);
		if (fd < 0)
			return EXIT_FAILURE;
		if (change(fd, &p))
			status = EXIT_FAILURE;
		close(fd);
		if (status && change == block_prefix)
			break; /* the next would find no room either */
	}
	return status;
}

int block(int count, char **words)
{
	return each_prefix(count, words, block_prefix);
}

int unblock(int count, char **words)
{
	return each_prefix(count, words, unblock_prefix);
}

/* -- ports ---------------------------------------------------------------- */

static int change_port(int fd, const char *word, const struct maps_port *port,
		       bool blocked)
{
	__u64 hits = 0;

	if (!blocked && bpf_map_delete_elem(fd, port))
		return fail("unblock-port %s: %s", word,
			    errno == ENOENT ? "it is not blocked"
					    : strerror(errno));
	if (blocked && bpf_map_update_elem(fd, port, &hits, BPF_NOEXIST)) {
		if (errno == EEXIST)
			printf("%s is blocked already\n", word);
		else
			return fail("block-port %s: %s", word,
				    errno == E2BIG ? "the map of ports is full"
						   : strerror(errno));
	}
	return EXIT_SUCCESS;
}

static int each_port(int count, char **words, bool blocked)
{
	int status = EXIT_SUCCESS, fd;
	struct maps_port port;

	for (int i = 0; i < count; i++) {
		const char *wrong = port_parse(words[i], &port);

		if (wrong) {
			fail("port %s: %s", words[i], wrong);
			return EXIT_USAGE;
		}
	}
	fd = pinned_map("ports");
	if (fd < 0)
		return EXIT_FAILURE;
	for (int i = 0; i < count; i++) {
		port_parse(words[i], &port);
		if (!change_port(fd, words[i], &port, blocked))
			continue;
		status = EXIT_FAILURE;
		if (blocked)
			break; /* the next would find no room either */
	}
	close(fd);
	return status;
}

int block_port(int count, char **words)
{
	return each_port(count, words, true);
}

int unblock_port(int count, char **words)
{
	return each_port(count, words, false);
}

/* -- list ----------------------------------------------------------------- */

static int list_prefixes(bool ipv6)
{
	int fd = pinned_map(ipv6 ? "prefixes6" : "prefixes4");
	struct maps_prefix6 key, *before = NULL;
	char text[PREFIX_TEXT];
	__u64 hits;

	if (fd < 0)
		return EXIT_FAILURE;
	while (!bpf_map_get_next_key(fd, before, &key)) {
		struct prefix p = { .ipv6 = ipv6, .length = key.length };

		before = &key;
		memcpy(p.address, key.address, ipv6 ? 16 : 4);
		if (!bpf_map_lookup_elem(fd, &key, &hits))
			printf("%-43s %llu\n", prefix_text(&p, text), hits);
	}
	close(fd);
	return EXIT_SUCCESS;
}

static int list_ports(void)
{
	struct maps_port key, *before = NULL;
	int fd = pinned_map("ports");
	char text[PORT_TEXT];
	__u64 hits;

	if (fd < 0)
		return EXIT_FAILURE;
	while (!bpf_map_get_next_key(fd, before, &key)) {
		before = &key;
		if (!bpf_map_lookup_elem(fd, &key, &hits))
			printf("%-43s %llu\n", port_text(&key, text), hits);
	}
	close(fd);
	return EXIT_SUCCESS;
}

int list(int count, char **words)
{
	return list_prefixes(false) || list_prefixes(true) || list_ports();
}
