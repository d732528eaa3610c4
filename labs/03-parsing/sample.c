// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A sample as a line of text, as tcpdump would print it, and as a record of a
 * capture file, which tcpdump and Wireshark read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#define PCAP_DONT_INCLUDE_PCAP_BPF_H /* it and linux/bpf.h define the same */
#include <pcap/dlt.h>
#include <pcap/pcap.h>
#include <sys/time.h>
#include <linux/bpf.h>
#include "loader.h"
#include "sample.h"

/*
 * The kernel stamps samples with a clock that nobody sets; what it is ahead of
 * the time of day is asked for once, so that a set clock disorders no file.
 */
static struct timeval time_of_day(const struct parsing_sample *s)
{
	static __s64 ahead;
	struct timespec day, up;
	__s64 ns;

	if (!ahead) {
		clock_gettime(CLOCK_REALTIME, &day);
		clock_gettime(CLOCK_MONOTONIC, &up);
		ahead = (day.tv_sec - up.tv_sec) * 1000000000LL + day.tv_nsec -
			up.tv_nsec;
	}
	ns = s->time + ahead;
	return (struct timeval){ .tv_sec = ns / 1000000000,
				 .tv_usec = ns / 1000 % 1000000 };
}

/* " ADDRESS", and ".PORT" behind it where the sample has ports. */
static void print_end(const struct parsing_sample *s, const __u8 *address,
		      __be16 port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(s->version == 4 ? AF_INET : AF_INET6, address, text,
		  sizeof(text));
	printf(" %s", text);
	if (s->class == PACKET_TCP || s->class == PACKET_UDP)
		printf(".%u", ntohs(port));
}

void print_sample(const struct parsing_sample *s)
{
	struct timeval time = time_of_day(s);
	char clock[16];

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&time.tv_sec));
	printf("%s.%06ld %s", clock, (long)time.tv_usec,
	       packet_class_name(s->class));
	for (int i = 0; i < s->tags && i < VLANS_MAX; i++)
		printf(" vlan %u", s->vlans[i]);
	if (s->version) {
		print_end(s, s->source, s->source_port);
		printf(" >");
		print_end(s, s->destination, s->destination_port);
	}
	printf(", length %u, %s\n", s->length,
	       s->verdict == XDP_DROP ? "dropped" : "passed");
}

/* -- the capture file ----------------------------------------------------- */

static pcap_t *pcap;
static pcap_dumper_t *dumper;
static const char *capture_path;

/* Opens PATH for writing, or fails at once: a pipe without a reader would wait. */
static FILE *open_now(const char *path)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC,
		      0666);

	if (fd < 0)
		return NULL;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fdopen(fd, "w");
}

bool open_capture(const char *path)
{
	FILE *file;

	capture_path = path;
	pcap = pcap_open_dead(DLT_EN10MB, PARSING_SNAP);
	if (!pcap)
		return fail("write %s: out of memory", path), false;
	file = open_now(path);
	dumper = file ? pcap_dump_fopen(pcap, file) : NULL;
	if (!dumper)
		fail("write %s: %s", path, strerror(errno));
	return dumper;
}

void capture(const struct parsing_sample *s)
{
	struct pcap_pkthdr header = {
		.ts = time_of_day(s),
		.caplen = s->length < PARSING_SNAP ? s->length : PARSING_SNAP,
		.len = s->length,
	};

	if (!dumper)
		return;
	pcap_dump((u_char *)dumper, &header, s->bytes);
	pcap_dump_flush(dumper);
}

bool close_capture(void)
{
	bool whole = true;

	if (dumper) {
		whole = !ferror(pcap_dump_file(dumper));
		pcap_dump_close(dumper);
		dumper = NULL;
	}
	if (pcap)
		pcap_close(pcap);
	pcap = NULL;
	if (!whole)
		fail("write %s: samples are missing (is the disk full?)",
		     capture_path);
	return whole;
}
