// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hello in one function: the way to the namespace is walked a pointer at a
 * time, a case that ends early leaves by a goto, and the event is sent as soon
 * as possible, before the greeting and the count.
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

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(struct trace_event_raw_sys_enter *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 ids = bpf_get_current_uid_gid();
	struct hello_event *event;
	struct nsproxy *proxy = NULL;
	struct net *net = NULL;
	__u32 inode = 0;

	bpf_core_read(&proxy, sizeof(proxy), &task->nsproxy);
	bpf_core_read(&net, sizeof(net), &proxy->net_ns);
	bpf_core_read(&inode, sizeof(inode), &net->ns.inum);
	if (netns != 0 && netns != inode)
		goto out;

	event = bpf_ringbuf_reserve(&events, sizeof(struct hello_event), 0);
	if (!event) {
		__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
		goto said;
	}
	event->netns = inode;
	event->uid = ids & 0xffffffff;
	event->pid = (bpf_get_current_pid_tgid() & ~0xffffffffULL) >> 32;
	bpf_probe_read_user_str(event->filename, HELLO_FILENAME,
				(void *)ctx->args[0]);
	bpf_get_current_comm(event->comm, HELLO_COMM);
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
said:
	bpf_printk("%s", (const char *)greeting);
	__atomic_fetch_add(&execs, 1, __ATOMIC_RELAXED);
out:
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
