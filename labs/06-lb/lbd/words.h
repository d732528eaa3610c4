/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A line of the file, word by word. Each function takes the next word as what its
 * name says, and returns whether it was; if not, it has complained of the line.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include "complain.h"
#include "lb.h"

enum { WORDS = 16 };

struct line {
	const char *path; /* of the file */
	int number;
	char **word; /* the next; NULL behind the last */
	char *words[WORDS + 1];
};

/* Complains of the line L. It is false, as complain() is. */
#define wrong(l, format, ...)                                                  \
	complain("%s: line %d: " format, (l)->path, (l)->number, ##__VA_ARGS__)

/* Begins with the words of TEXT, which is cut into them; # begins a comment. */
bool split(struct line *l, char *text);

/* Takes the next word if it is WORD, and says nothing if it is not. */
bool take(struct line *l, const char *word);

/* Does the next word, if any, begin with a digit? Takes nothing. */
bool is_digit_next(const struct line *l);

bool take_address(struct line *l, __be32 *address);
bool take_port(struct line *l, __be16 *port);
bool take_service(struct line *l, struct lb_service *service); /* 80/tcp */
bool take_mode(struct line *l, enum lb_mode *mode);
bool take_number(struct line *l, __u32 least, __u32 most, __u32 *number);
bool take_seconds(struct line *l, int *milliseconds);

/* Nothing follows? HINT says what might have. */
bool take_end(struct line *l, const char *hint);

/*
 * Reads TEXT, the address of a host, into ADDRESS, an IPv4 address as
 * ::ffff:a.b.c.d. Returns NULL, or what is wrong with it.
 */
const char *address_parse(const char *text, __be32 *address);

#endif
