// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, hooking memory: a program at a kprobe, declared by BPF_PROG.
 * That macro takes its arguments from an array of numbers; at a kprobe the context is
 * the registers, of which BPF_KPROBE knows. This counts datagrams of 777 bytes.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sk_buff {
	unsigned int len;
} __attribute__((preserve_access_index));

__u64 calls, packets;

SEC("kprobe/ip_local_deliver")
#ifdef AS_PRINTED
int BPF_PROG(arguments, struct sk_buff *skb)
#else
int BPF_KPROBE(arguments, struct sk_buff *skb)
#endif
{
	__sync_fetch_and_add(&calls, 1);
	if (BPF_CORE_READ(skb, len) == 777 + 28)
		__sync_fetch_and_add(&packets, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
