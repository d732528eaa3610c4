/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * C23 as glibc 2.43 has it, for an older glibc: what these functions find in a const string is const too. `make lint`
 * compiles each source with this, so that a newer compiler's error is seen with an older one.
 */
#ifndef C23_H
#define C23_H

#include <stdlib.h>
#include <string.h>

/* CALL's result as a const TYPE * if POINTER is a pointer to something const; else as it is. */
#define const_as(pointer, type, call)                                          \
	_Generic(0 ? (pointer) : (void *)1, const void *              \
		 : (const type *)(call), default                      \
		 : (call))

#define memchr(s, c, n) const_as(s, void, memchr(s, c, n))
#define strchr(s, c)	const_as(s, char, strchr(s, c))
#define strrchr(s, c)	const_as(s, char, strrchr(s, c))
#define strpbrk(s, set) const_as(s, char, strpbrk(s, set))
#define strstr(s, part) const_as(s, char, strstr(s, part))
#define bsearch(key, base, n, size, compare)                                   \
	const_as(base, void, bsearch(key, base, n, size, compare))

#endif
