// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hello with its event on the stack, and no reading of the kernel at all: the
 * task is a pointer that the verifier knows (BTF), and so are those that it
 * leads to. The layouts come whole, as structures of the same name.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "hello.h"

#define __kernel __attribute__((preserve_access_index))

const volatile __u32 netns;
const volatile char greeting[HELLO_GREETING] = "hello";

__u64 execs;
__u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct ns_common {
	unsigned int inum;
} __kernel;

struct net {
	struct ns_common ns;
} __kernel;

struct nsproxy {
	struct net *net_ns;
} __kernel;

struct task_struct {
	int tgid;
	struct nsproxy *nsproxy;
} __kernel;

static __always_inline void increment(__u64 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* The context by hand: 8 bytes that every tracepoint has, the number, the six. */
struct enter {
	__u64 common;
	__s64 number;
	__u64 args[6];
};

SEC("tp/syscalls/sys_enter_execve")
int hello(struct enter *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct hello_event event = {
		.pid = task->tgid,
		.uid = bpf_get_current_uid_gid(),
		.netns = task->nsproxy->net_ns->ns.inum,
	};

	if (netns && netns != event.netns)
		return 0;
	increment(&execs);
	bpf_printk("%s", (const char *)greeting);
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	bpf_probe_read_user_str(event.filename, sizeof(event.filename),
				(const void *)ctx->args[0]);
	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0) < 0)
		increment(&lost);
	return 0;
}

char LICENSE[] SEC("license") = "GPL v2";
