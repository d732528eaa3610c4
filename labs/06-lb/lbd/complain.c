// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Complaints, said and kept. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "complain.h"
#include "loader.h"

enum { COMPLAINTS = 2048 }; /* bytes: when half is full, older ones go */

static char kept[COMPLAINTS];

bool complain(const char *format, ...)
{
	size_t length = strlen(kept);
	char *text = kept + length + (length != 0); /* behind the newline */
	va_list args;

	if (length + 2 > COMPLAINTS / 2)
		length = 0, text = kept;
	va_start(args, format);
	vsnprintf(text, kept + COMPLAINTS - text, format, args);
	va_end(args);
	if (length)
		kept[length] = '\n';
	fail("%s", text);
	return false;
}

const char *take_complaints(void)
{
	static char taken[COMPLAINTS];

	strcpy(taken, kept);
	kept[0] = '\0';
	return taken;
}
