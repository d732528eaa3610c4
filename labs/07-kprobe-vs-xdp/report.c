// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What text says of its trials. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include "report.h"
#include "symbols.h"

/* -- what is said of each -------------------------------------------------- */

static const char *plural(int n)
{
	return n == 1 ? "" : "s";
}

static void print_changes(const struct trial *trial)
{
	for (int i = 0; i < trial->count; i++)
		printf("  %-43s %s\n      %s\n", trial->words[i].place,
		       trial->words[i].bytes, trial->words[i].what);
}

void print_control(const struct trial *control)
{
	printf("\nnothing (the control)\n");
	print_changes(control);
	if (!control->count)
		printf("  changes nothing\n");
}

void print_trial(const char *name, const struct trial *trial)
{
	printf("\n%s\n", name);
	if (trial->missing[0]) {
		printf("  not here: %s\n", trial->missing);
		return;
	}
	print_changes(trial);
	if (trial->noise)
		printf("  noise: %d change%s that came but once\n",
		       trial->noise, plural(trial->noise));
	if (trial->count)
		printf("  %d byte%s in %d place%s; detached: %s\n",
		       trial->bytes, plural(trial->bytes), trial->count,
		       plural(trial->count),
		       trial->back ? "as before" : "NOT as before");
	else
		printf("  changes nothing: it needs nothing, or somebody else "
		       "has it already\n");
}

static const char *found_at_probe(const struct trial *trial)
{
	return trial->at_probe ? instruction_name(trial->at_probe) : "-";
}

void print_line(const char *name, const struct trial *trial)
{
	if (trial->missing[0])
		printf("%s\t-\t-\t-\n", name);
	else
		printf("%s\t%d\t%d\t%s\n", name, trial->count, trial->bytes,
		       found_at_probe(trial));
}

/* -- the end --------------------------------------------------------------- */

/* Was the same said of an earlier change? Then once is enough. */
static bool said_before(const struct trial *trial, int i)
{
	for (int j = 0; j < i; j++)
		if (!strcmp(trial->words[j].brief, trial->words[i].brief))
			return true;
	return false;
}

static void print_row(enum way way, const struct trial *trial)
{
	const char *comma = "";

	if (trial->missing[0])
		return;
	printf("%-15s %6d %6d  ", way_name(way), trial->count, trial->bytes);
	for (int i = 0; i < trial->count; i++) {
		if (said_before(trial, i))
			continue;
		printf("%s%s", comma, trial->words[i].brief);
		comma = ", ";
	}
	printf("%s\n", trial->count ? "" : "-");
}

void print_table(const struct trial trials[WAYS])
{
	printf("\n%-15s %6s %6s  %s\n", "way", "places", "bytes", "how");
	for (enum way way = 0; way < WAYS; way++)
		print_row(way, &trials[way]);
}

/* Is SYMBOL the DRIVER's: in its module, or in the kernel with its name in front? */
static bool is_of_driver(const struct symbol *symbol, const char *driver)
{
	size_t length = strlen(driver);

	if (!symbol || !symbol->is_code)
		return false;
	return symbol->module ? !strcmp(symbol->module, driver)
			      : !strncmp(symbol->name, driver, length) &&
					symbol->name[length] == '_';
}

/* Was code of the DRIVER's among what was compared? */
static bool has_driver(const char *driver, bool in_module)
{
	size_t count;
	const struct symbol *all = symbols_all(in_module, &count);

	for (size_t i = 0; i < count; i++)
		if (is_of_driver(&all[i], driver))
			return true;
	return false;
}

/* The driver of the interface IFNAME, as ethtool -i has it; or an empty string. */
static const char *driver_of(const char *ifname)
{
	static struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (char *)&info };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, IFNAMSIZ, "%s", ifname);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request))
		info.driver[0] = '\0';
	if (fd >= 0)
		close(fd);
	return info.driver;
}

void print_driver(const char *ifname, const struct trial *native)
{
	const char *driver = driver_of(ifname);
	int n = 0;

	if (native->missing[0] ||
	    (!has_driver(driver, false) && !has_driver(driver, true)))
		return;
	for (int i = 0; i < native->count; i++)
		n += is_of_driver(symbol_of(native->changes[i].address),
				  driver);
	printf("\nOf the driver, %s, native XDP changes %d place%s; elsewhere "
	       "%d.\n",
	       driver, n, plural(n), native->count - n);
}

void print_rest(const struct trial *rest)
{
	printf("\nAll detached: ");
	if (!rest->count)
		printf("every byte is back.\n");
	else if (rest->back)
		printf("every byte is back, but %d place%s, which lead%s to "
		       "another copy\nof the function where %s led before:\n",
		       rest->count, plural(rest->count),
		       rest->count == 1 ? "s" : "",
		       rest->count == 1 ? "it" : "they");
	else
		printf("NOT every byte is back.\n");
	print_changes(rest);
}
