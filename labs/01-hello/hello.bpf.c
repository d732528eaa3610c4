// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hello: the life of a BPF program. The kernel runs it whenever any process
 * calls execve, and it tells user space who is about to run what.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "hello.h"

/* The knobs: the loader sets them, and at load they become constants. */
const volatile __u32 netns; /* only in this network namespace (inode); 0: all */
const volatile char greeting[HELLO_GREETING] = "hello";

/* Global variables are a map too, of one element: user space reads them. */
__u64 execs;
__u64 lost;

/* The way to user space. A multiple of every machine's page size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

/*
 * As much of the kernel's own structures as leads to a network namespace. Where
 * each member stands in the running kernel, CO-RE finds out at load.
 */
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

/* What a sys_enter tracepoint hands to a program. */
struct trace_event_raw_sys_enter {
	unsigned long args[6];
} __attribute__((preserve_access_index));

/* The network namespace that the calling process is in, by inode number. */
static __always_inline __u32 current_netns(void)
{
	__u32 inode = 0;

	/*
	 * EXERCISE 1.5 [2]: follow task_struct, nsproxy, net_ns, ns, inum with
	 * BPF_CORE_READ, from the task that bpf_get_current_task() returns.
	 */
	/* BEGIN SOLUTION */
	struct task_struct *task = (void *)bpf_get_current_task();

	inode = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	/* END SOLUTION */
	return inode;
}

/* Tells user space of this execve; FILENAME points into the caller's memory. */
static __always_inline void send_event(const char *filename, __u32 inode)
{
	struct hello_event *event = NULL;

	/* EXERCISE 1.3 [3]: reserve room for one event in the ring buffer. */
	/* BEGIN SOLUTION */
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	/* END SOLUTION */
	if (!event) {
		/* EXERCISE 1.4 [2]: the ring is full. Count the loss in `lost`. */
		/* BEGIN SOLUTION */
		__sync_fetch_and_add(&lost, 1);
		/* END SOLUTION */
		return;
	}
	event->netns = inode;
	/*
	 * EXERCISE 1.3 [3], continued: fill in the other four members (the
	 * filename is user memory) and submit the event.
	 */
	/* BEGIN SOLUTION */
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_probe_read_user_str(event->filename, sizeof(event->filename),
				filename);
	bpf_ringbuf_submit(event, 0);
	/* END SOLUTION */
}

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(struct trace_event_raw_sys_enter *ctx)
{
	__u32 inode = current_netns();

	if (netns && inode != netns)
		return 0;

	/* EXERCISE 1.1 [1]: say `greeting` with bpf_printk: trace_pipe shows it. */
	/* BEGIN SOLUTION */
	bpf_printk("%s", (const char *)greeting);
	/* END SOLUTION */

	/* EXERCISE 1.2 [2]: count it in `execs`, exactly, whichever CPU it is on. */
	/* BEGIN SOLUTION */
	__sync_fetch_and_add(&execs, 1);
	/* END SOLUTION */

	send_event((const char *)ctx->args[0], inode);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
