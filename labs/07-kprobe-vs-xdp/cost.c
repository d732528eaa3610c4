// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands.h"
#include "loader.h"
int cost_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return fail("not yet");
}
