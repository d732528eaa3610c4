// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which function of this kernel to probe. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <bpf/btf.h>
#include "function.h"
#include "loader.h"
#include "symbols.h"

/*
 * Those that other code calls by address come first: they cannot be inlined. Not in the
 * list: __netif_receive_skb_core, of which gcc makes a .constprop.0 that has no type,
 * and what a packet passes only on one of the two ways, alone or in a list.
 */
static const char *const candidates[] = {
	"ip_local_deliver",
	"ip_rcv_core",
	"udp_rcv",
};

/* Where instructions may begin that are not ftrace's. */
#ifdef __x86_64__
enum { AFTER_FTRACE = 5, STEP = 1 }; /* a call of 5 bytes, perhaps an endbr64 */
#else
enum { AFTER_FTRACE = 8, STEP = 4 }; /* arm64: two, perhaps a bti before */
#endif
enum { OFFSET_MOST = 64 };

static bool is_packet(const struct btf *btf, __u32 type)
{
	const struct btf_type *pointer = btf__type_by_id(btf, type), *to;

	if (!pointer || !btf_is_ptr(pointer))
		return false;
	to = btf__type_by_id(btf, pointer->type);
	return btf_is_struct(to) &&
	       !strcmp(btf__name_by_offset(btf, to->name_off), "sk_buff");
}

/*
 * The number of the function NAME's type, if it takes a packet first; 0: it does not,
 * or the kernel has no such type.
 */
static __u32 takes_packet(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	const struct btf_type *proto;

	if (id < 0)
		return 0;
	proto = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	return btf_vlen(proto) && is_packet(btf, btf_params(proto)[0].type) ? id
									    : 0;
}

static const char *first_of_list(const struct btf *btf, __u32 *id)
{
	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]);
	     i++) {
		*id = takes_packet(btf, candidates[i]);
		if (*id && symbol_address(candidates[i]))
			return candidates[i];
	}
	fail("find a function to probe: this kernel has none of %s, %s, %s",
	     candidates[0], candidates[1], candidates[2]);
	return NULL;
}

/* NAME, if it can be probed. */
static const char *if_suitable(const struct btf *btf, const char *name,
			       __u32 *id)
{
	if (!symbol_address(name)) {
		fail("probe %s: /proc/kallsyms has no address of it (as root: "
		     "there is no such function)",
		     name);
		return NULL;
	}
	*id = takes_packet(btf, name);
	if (*id)
		return name;
	fail("probe %s: its first argument is no struct sk_buff *, as far as "
	     "the kernel's types tell",
	     name);
	return NULL;
}

const char *find_function(const char *name, __u32 *btf_id)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf) {
		fail("read the kernel's types: %s (it needs "
		     "/sys/kernel/btf/vmlinux)",
		     strerror(errno));
		return NULL;
	}
	name = name ? if_suitable(btf, name, btf_id)
		    : first_of_list(btf, btf_id);
	btf__free(btf);
	return name;
}

int find_offset(const struct bpf_program *prog, const char *function)
{
	LIBBPF_OPTS(bpf_kprobe_opts, options, .offset = AFTER_FTRACE);
	struct bpf_link *link = NULL;
	int err = -ENOENT;

	while (!link && options.offset < OFFSET_MOST) {
		link = bpf_program__attach_kprobe_opts(prog, function,
						       &options);
		err = -errno;
		options.offset += STEP;
	}
	if (!link)
		return err;
	bpf_link__destroy(link);
	return (int)options.offset - STEP;
}
