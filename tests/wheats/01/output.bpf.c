// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hello as it would be with a perf buffer: the event is made in a scratch map,
 * one per CPU, and then copied into the ring by bpf_ringbuf_output, whose error
 * tells of a loss. The greeting is printed by the helper itself.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "hello.h"

const volatile __u32 netns;
const volatile char greeting[HELLO_GREETING] = "hello";

__u64 execs;
__u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

/* Too large for the stack together with anything else. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hello_event);
} scratch SEC(".maps");

struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

struct nsproxy {
	struct net *net_ns;
} __attribute__((preserve_access_index));

struct task_struct {
	struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));

struct trace_event_raw_sys_enter {
	unsigned long args[6];
} __attribute__((preserve_access_index));

/* Where one pointer of the kernel's own leads; NULL leads to NULL. */
static void *follow(const void *address)
{
	void *pointer = NULL;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), address);
	return pointer;
}

static __u32 current_netns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct nsproxy *nsproxy =
		follow(__builtin_preserve_access_index(&task->nsproxy));
	struct net *net =
		follow(__builtin_preserve_access_index(&nsproxy->net_ns));
	__u32 inode = 0;

	bpf_probe_read_kernel(&inode, sizeof(inode),
			      __builtin_preserve_access_index(&net->ns.inum));
	return inode;
}

static void say_greeting(void)
{
	static const char format[] = "%s";

	bpf_trace_printk(format, sizeof(format), (const char *)greeting);
}

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(struct trace_event_raw_sys_enter *ctx)
{
	__u32 zero = 0, inode = current_netns();
	struct hello_event *event;

	if (netns && inode != netns)
		return 0;
	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return 0;
	__sync_fetch_and_add(&execs, 1);
	say_greeting();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = (__u32)bpf_get_current_uid_gid();
	event->netns = inode;
	bpf_get_current_comm(&event->comm, sizeof(event->comm));
	if (bpf_probe_read_user_str(&event->filename, sizeof(event->filename),
				    (const char *)ctx->args[0]) < 0)
		event->filename[0] = '\0';
	if (bpf_ringbuf_output(&events, event, sizeof(*event), 0))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
