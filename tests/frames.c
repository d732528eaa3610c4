// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * frames SEED COUNT PCAP HEX...: frames for common/parse.h and, in the file
 * PCAP, for another dissector to disagree with it on. First those of the HEX
 * files (as in tests/packets) as they are; then COUNT more, in turn a random
 * stack of headers and a damaged copy of one of the first. The same SEED makes
 * the same frames, with the same compiler.
 *
 * On stdout there is a line for each, of six fields between tabs, as parse.h
 * sees it:
 *
 *     number     from 1, as dissectors count
 *     class      the name in enum packet_class, without PACKET_
 *     addresses  of source and destination, of the outermost IP header, whenever
 *                that one is well formed; what follows it may be malformed
 *     ports      of source and destination, when the class is TCP or UDP
 *
 * What a frame does not have is empty.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include "parse.h"

enum {
	ROOM = 8192,  /* more than any stack of headers takes */
	LARGE = 1500, /* payload of the few frames that have a lot of it */
	SEEDS_MAX = 256,
	ETHERNET_MIN = 60, /* a card pads to it, without the checksum */
};

struct frame {
	size_t length;
	__u8 data[ROOM];
};

/* The frames of the files. */
static struct frame seeds[SEEDS_MAX];
static int seed_count;

/* -- chance ----------------------------------------------------------------- */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PICK(array)  ((array)[below(COUNT(array))])

static __u64 state;

/* SplitMix64: a counter, well stirred. random() differs between C libraries. */
static __u64 stir(void)
{
	__u64 x = state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static __u32 below(__u32 limit)
{
	return (stir() >> 32) % limit;
}

static bool one_in(__u32 n)
{
	return below(n) == 0;
}

/*
 * A number that a header says of a length: mostly the RIGHT one, else one next
 * to it, where the off-by-ones are, or anything.
 */
static __u32 says(__u32 right)
{
	if (!one_in(6))
		return right;
	if (one_in(4))
		return below(0x10000);
	if (one_in(4))
		return below(48);
	return right + below(17) - 8;
}

/* -- writing ---------------------------------------------------------------- */

static void put(struct frame *f, const void *bytes, size_t size)
{
	if (size > ROOM - f->length)
		size = ROOM - f->length;
	memcpy(f->data + f->length, bytes, size);
	f->length += size;
}

static void put_noise(struct frame *f, size_t size)
{
	bool zeroes = one_in(4);

	while (size--)
		put(f, &(__u8){ zeroes ? 0 : below(256) }, 1);
}

static void put_be16(struct frame *f, __u16 value)
{
	put(f, &(__be16){ htons(value) }, 2);
}

/* Makes the field at AT, in bytes from the frame's start, say VALUE. */
static void set_be16(struct frame *f, size_t at, __u16 value)
{
	memcpy(f->data + at, &(__be16){ htons(value) }, 2);
}

/* An address that is random, or full of zeroes, of which notations are short. */
static void make_address(void *address, size_t size)
{
	__u8 *byte = address;

	for (size_t i = 0; i < size; i++)
		byte[i] = one_in(2) ? 0 : below(256);
	if (one_in(8))
		memset(address, 0, size - 4);
	if (size > 6 && one_in(16)) /* IPv4, mapped into IPv6 */
		memcpy(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
}

/* -- random stacks of headers ----------------------------------------------- */

static void put_ipv4(struct frame *f, int depth);
static void put_ipv6(struct frame *f, int depth);

static void put_payload(struct frame *f)
{
	put_noise(f, one_in(64) ? below(LARGE) : below(40));
}

static void put_tcp(struct frame *f)
{
	__u32 words = one_in(2) ? 5 : 5 + below(11);
	struct tcphdr tcp = {
		.source = below(0x10000),
		.dest = below(0x10000),
		.seq = stir(),
		.doff = one_in(6) ? below(16) : words,
		.syn = one_in(2),
		.ack = one_in(2),
	};

	put(f, &tcp, sizeof(tcp));
	put_noise(f, (words - 5) * 4);
	put_payload(f);
}

/* Of a first fragment the length is that of the whole, which is longer. */
static void put_udp(struct frame *f)
{
	size_t start = f->length, missing = one_in(4) ? below(LARGE) : 0;

	put_be16(f, below(0x10000));
	put_be16(f, below(0x10000));
	put_be16(f, 0);
	put_be16(f, below(0x10000));
	put_payload(f);
	set_be16(f, start + 4, says(f->length - start + missing));
}

/* Some carry another packet, whose fields are not to be mixed with the outer. */
static void put_icmp(struct frame *f, int depth)
{
	static const __u8 types[] = { 0, 1, 2, 3, 4, 8, 11, 12, 128, 129, 135 };
	struct icmp_header icmp = {
		.type = one_in(8) ? below(256) : PICK(types),
		.code = below(4),
		.checksum = below(0x10000),
		.rest = one_in(2) ? 0 : stir(),
	};

	put(f, &icmp, sizeof(icmp));
	if (depth || one_in(2))
		put_payload(f);
	else if (one_in(2))
		put_ipv4(f, depth + 1);
	else
		put_ipv6(f, depth + 1);
}

static __u8 pick_protocol(void)
{
	static const __u8 common[] = { IPPROTO_TCP,  IPPROTO_UDP,
				       IPPROTO_ICMP, IPPROTO_ICMPV6,
				       IPPROTO_TCP,  IPPROTO_UDP };
	static const __u8 others[] = { IPPROTO_ESP,	   IPPROTO_NONE,
				       IPPROTO_IPIP,	   IPPROTO_IPV6,
				       IPPROTO_GRE,	   IPPROTO_SCTP,
				       135 /* mobility */, 139 /* HIP */ };

	if (one_in(16))
		return below(256);
	return one_in(8) ? PICK(others) : PICK(common);
}

/* A transport header that fits PROTOCOL, or too few bytes for any. */
static void put_transport(struct frame *f, __u8 protocol, int depth)
{
	if (one_in(10))
		put_noise(f, below(24));
	else if (protocol == IPPROTO_TCP)
		put_tcp(f);
	else if (protocol == IPPROTO_UDP)
		put_udp(f);
	else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		put_icmp(f, depth);
	else if (protocol == IPPROTO_IPIP && !depth)
		put_ipv4(f, depth + 1);
	else if (protocol == IPPROTO_IPV6 && !depth)
		put_ipv6(f, depth + 1);
	else
		put_payload(f);
}

/* Offset and flags of a packet, most of which are whole or the first piece. */
static __u16 pick_fragment(__u16 offset_mask, __u16 more)
{
	__u16 field = one_in(3) ? more : 0;

	if (one_in(8)) /* all bits that are neither */
		field |= ~(offset_mask | more) & below(0x10000);
	if (one_in(6)) /* one bit: a mask may lack it */
		field |= offset_mask & 1 << below(16);
	if (one_in(16))
		field |= offset_mask & below(0x10000);
	return field;
}

static void put_ipv4(struct frame *f, int depth)
{
	size_t start = f->length;
	__u32 words = one_in(2) ? 5 : 5 + below(11);
	struct iphdr ip = {
		.version = one_in(16) ? below(16) : 4,
		.ihl = one_in(10) ? below(16) : words,
		.id = below(0x10000),
		.frag_off = htons(pick_fragment(IPV4_OFFSET, IPV4_MORE)),
		.ttl = 64,
		.protocol = pick_protocol(),
	};

	make_address(&ip.saddr, sizeof(ip.saddr));
	make_address(&ip.daddr, sizeof(ip.daddr));
	put(f, &ip, sizeof(ip));
	put_noise(f, (words - 5) * 4);
	put_transport(f, ip.protocol, depth);
	set_be16(f, start + offsetof(struct iphdr, tot_len),
		 says(f->length - start));
}

/* How many bytes an extension header has that counts LENGTH units (RFC 8200). */
static __u32 extension_size(__u8 type, __u8 length)
{
	if (type == IPPROTO_AH) /* RFC 4302: in words, beyond the first two */
		return 8 + length * 4;
	return 8 + length * 8;
}

static void put_ipv6_fragment(struct frame *f)
{
	struct ipv6_fragment fragment = {
		.reserved = one_in(2) ? 0 : below(256),
		.field = htons(pick_fragment(IPV6_OFFSET, IPV6_MORE)),
		.id = stir(),
	};

	put(f, &fragment, sizeof(fragment));
}

/*
 * An extension header of TYPE; of which type the next one is, is not yet known.
 * Its content is mostly one padding option, for a dissector that believes no
 * options gives up on the frame.
 */
static void put_extension(struct frame *f, __u8 type)
{
	__u8 length = below(5), e[8 + 4 * 8] = { [1] = length };
	__u32 size = extension_size(type, length);

	if (one_in(20)) /* may reach beyond the packet */
		e[1] = below(256);
	e[2] = 1; /* PadN */
	e[3] = size - 4;
	if (one_in(16))
		e[2 + below(size - 2)] = below(256);
	put(f, e, size);
}

/*
 * A chain of up to ten extension headers, each named by the one before it, the
 * first by the byte at NEXT. Returns where the last one names what follows.
 */
static size_t put_extensions(struct frame *f, size_t next)
{
	static const __u8 types[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING,
				      IPPROTO_FRAGMENT, IPPROTO_DSTOPTS,
				      IPPROTO_AH };
	int count = one_in(2) ? 0 : one_in(2) ? 1 + below(3) : below(11);
	__u8 type = PICK(types);

	while (count--) {
		if (one_in(2)) /* else one more of the same */
			type = PICK(types);
		f->data[next] = type;
		next = f->length;
		if (type == IPPROTO_FRAGMENT)
			put_ipv6_fragment(f);
		else
			put_extension(f, type);
	}
	return next;
}

static void put_ipv6(struct frame *f, int depth)
{
	size_t start = f->length, next;
	__u8 protocol = pick_protocol();
	struct ipv6hdr ip = {
		.version = one_in(16) ? below(16) : 6,
		.hop_limit = 64,
	};

	make_address(&ip.saddr, sizeof(ip.saddr));
	make_address(&ip.daddr, sizeof(ip.daddr));
	put(f, &ip, sizeof(ip));
	next = put_extensions(f, start + offsetof(struct ipv6hdr, nexthdr));
	f->data[next] = protocol;
	put_transport(f, protocol, depth);
	set_be16(f, start + offsetof(struct ipv6hdr, payload_len),
		 says(f->length - start - sizeof(ip)));
}

/* What follows the addresses of Ethernet: tags, a type, and what it says. */
static void put_network(struct frame *f)
{
	static const __u16 tags[] = { ETH_P_8021Q, ETH_P_8021AD };
	static const __u16 others[] = { 0,	0x05dc, 0x05dd, 0x05ff,
					0x0600, 0x9100, 0x88b5, 0x8847 };
	int count = one_in(2) ? 0 : below(4), network = below(16);

	while (count--) {
		put_be16(f, PICK(tags));
		put_be16(f, below(0x10000));
	}
	if (network < 7) {
		put_be16(f, ETH_P_IP);
		put_ipv4(f, 0);
	} else if (network < 14) {
		put_be16(f, ETH_P_IPV6);
		put_ipv6(f, 0);
	} else {
		put_be16(f, network == 14 ? ETH_P_ARP
			    : one_in(4)	  ? below(0x10000)
					  : PICK(others));
		put_payload(f);
	}
}

static void generate(struct frame *f)
{
	f->length = 0;
	put_noise(f, 2 * ETH_ALEN);
	put_network(f);
	if (one_in(4))
		put_noise(f, below(30));
	if (one_in(4) && f->length < ETHERNET_MIN)
		put_noise(f, ETHERNET_MIN - f->length);
	if (one_in(10))
		f->length = below(f->length + 1);
}

/* -- damaged copies --------------------------------------------------------- */

/* A place in the frame, mostly in its headers. The frame is not empty. */
static size_t place(const struct frame *f)
{
	__u32 headers = 64;

	return below(f->length > headers && !one_in(4) ? headers : f->length);
}

static void set_byte(struct frame *f)
{
	static const __u8 bytes[] = {
		0,    1,    2,	  4,	5,    6,    7,	  8,	0x11, 0x14,
		0x2b, 0x2c, 0x32, 0x33, 0x3a, 0x3b, 0x3c, 0x40, 0x45, 0x4f,
		0x60, 0x7f, 0x80, 0x81, 0x86, 0x88, 0xdd, 0xff
	};

	f->data[place(f)] = PICK(bytes);
}

/* Goes on as another frame does, there or from another place. */
static void splice(struct frame *f)
{
	const struct frame *other = &seeds[below(seed_count)];
	size_t from = place(other);

	f->length = one_in(2) && from < f->length ? from : place(f);
	put(f, other->data + from, other->length - from);
}

static void damage(struct frame *f)
{
	switch (below(8)) {
	case 0:
		f->length = one_in(2) ? place(f) : below(f->length + 1);
		break;
	case 1:
		put_noise(f, below(20));
		break;
	case 2:
		splice(f);
		break;
	case 3:
	case 4:
		f->data[place(f)] ^= 1 << below(8);
		break;
	default:
		set_byte(f);
	}
}

static void mutate(struct frame *f)
{
	*f = seeds[below(seed_count)];
	for (int i = 1 + below(4); i && f->length; i--)
		damage(f);
}

/* -- reading the files ------------------------------------------------------ */

/* The bytes of LINE in hexadecimal, up to a comment, to the end of F. */
static bool read_line(char *line, struct frame *f)
{
	unsigned int byte;
	int used;

	line[strcspn(line, "#")] = '\0';
	for (; sscanf(line, "%2x%n", &byte, &used) == 1; line += used)
		put(f, &(__u8){ byte }, 1);
	return line[strspn(line, " \t\n")] == '\0';
}

static bool read_seed(const char *path)
{
	FILE *file = fopen(path, "r");
	struct frame *f = &seeds[seed_count++];
	char line[1024];
	bool good = file;

	while (good && fgets(line, sizeof(line), file))
		good = read_line(line, f);
	if (!file || !good || !f->length) {
		fprintf(stderr, "frames: %s: %s\n", path,
			file ? "not a frame in hexadecimal" : strerror(errno));
		good = false;
	}
	if (file)
		fclose(file);
	return good;
}

/* -- what parse.h sees ------------------------------------------------------ */

static void print_addresses(const struct packet *p)
{
	char source[INET6_ADDRSTRLEN] = "", dest[INET6_ADDRSTRLEN] = "";

	if (p->ipv4) {
		inet_ntop(AF_INET, &p->ipv4->saddr, source, sizeof(source));
		inet_ntop(AF_INET, &p->ipv4->daddr, dest, sizeof(dest));
	} else if (p->ipv6) {
		inet_ntop(AF_INET6, &p->ipv6->saddr, source, sizeof(source));
		inet_ntop(AF_INET6, &p->ipv6->daddr, dest, sizeof(dest));
	}
	printf("\t%s\t%s", source, dest);
}

static void print_ports(const struct packet *p)
{
	if (p->tcp)
		printf("\t%d\t%d\n", ntohs(p->tcp->source),
		       ntohs(p->tcp->dest));
	else if (p->udp)
		printf("\t%d\t%d\n", ntohs(p->udp->source),
		       ntohs(p->udp->dest));
	else
		printf("\t\t\n");
}

/* Behind the copy there is nothing, so that a sanitizer sees a read beyond. */
static void print_parsed(int number, const struct frame *f)
{
	__u8 *copy = malloc(f->length);
	struct cursor c = cursor_at(copy, copy + f->length);
	struct packet p;

	if (!copy) {
		perror("frames");
		exit(EXIT_FAILURE);
	}
	memcpy(copy, f->data, f->length);
	printf("%d\t%s", number, packet_class_name(parse_packet(&c, &p)));
	print_addresses(&p);
	print_ports(&p);
	free(copy);
}

/* -- entry ------------------------------------------------------------------ */

/* Frame NUMBER: the files' first, then by turns. */
static void make(int number, struct frame *f)
{
	if (number <= seed_count)
		*f = seeds[number - 1];
	else if (number % 2)
		generate(f);
	else
		mutate(f);
}

static int make_all(int count, const char *path)
{
	static struct frame f;
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, ROOM);
	pcap_dumper_t *dump = pcap ? pcap_dump_open(pcap, path) : NULL;

	if (!dump) {
		fprintf(stderr, "frames: %s\n",
			pcap ? pcap_geterr(pcap) : "no memory");
		return EXIT_FAILURE;
	}
	for (int number = 1; number <= seed_count + count; number++) {
		struct pcap_pkthdr header = { .ts.tv_sec = number };

		make(number, &f);
		header.len = header.caplen = f.length;
		pcap_dump((void *)dump, &header, f.data);
		print_parsed(number, &f);
	}
	if (pcap_dump_flush(dump) || fflush(stdout)) {
		perror("frames");
		return EXIT_FAILURE;
	}
	pcap_dump_close(dump);
	pcap_close(pcap);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc < 5 || argc - 4 > SEEDS_MAX) {
		fprintf(stderr, "usage: frames SEED COUNT PCAP HEX...\n");
		return 2;
	}
	for (int i = 4; i < argc; i++)
		if (!read_seed(argv[i]))
			return EXIT_FAILURE;
	state = strtoull(argv[1], NULL, 0);
	return make_all(atoi(argv[2]), argv[3]);
}
