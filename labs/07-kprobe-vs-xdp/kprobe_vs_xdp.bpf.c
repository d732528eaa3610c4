// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * kprobe_vs_xdp: one packet, ten hooks. Each program counts what comes by its hook;
 * two pairs of them take the time that a function of the kernel needs for it.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "kprobe_vs_xdp.h"

/*
 * The knobs. A hook in the kernel's code sees the packets of every interface of
 * every network namespace; what counts is what arrives on one.
 */
const volatile int ifindex; /* of this number, */
const volatile __u32 netns; /* in this network namespace (inode) */
const volatile bool bare;   /* count all that comes, and do nothing else */

/* As much of the kernel's structures as the programs follow. */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

struct net_device {
	int ifindex;
	struct {
		struct net *net;
	} nd_net;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
	unsigned int len;
} __attribute__((preserve_access_index));

/* What the tracepoint netif_receive_skb hands to a program. */
struct trace_event_raw_net_dev_template {
	void *skbaddr;
	unsigned int len;
} __attribute__((preserve_access_index));

/* -- what is counted, and what is timed ------------------------------------ */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOKS);
	__type(key, __u32);
	__type(value, struct hook_count);
} counts SEC(".maps");

/* When the function was called that runs on this CPU; 0: not for one of ours. */
struct starts {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct starts kprobe_starts SEC(".maps");
struct starts fentry_starts SEC(".maps");

/* How often the function took how long. */
struct times {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HISTOGRAM_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
};

struct times kretprobe_times SEC(".maps");
struct times fexit_times SEC(".maps");

/* Counts a packet of BYTES that came by HOOK. Returns 0, as most programs do. */
static __always_inline int count(__u32 hook, __u64 bytes)
{
	struct hook_count *n = bpf_map_lookup_elem(&counts, &hook);

	if (n) {
		n->packets++;
		n->bytes += bytes;
	}
	return 0;
}

/* Notes in STARTS that a function begins now on this CPU. */
static __always_inline void begin(void *starts)
{
	__u32 zero = 0;
	__u64 *start = bpf_map_lookup_elem(starts, &zero);

	if (start)
		*start = bpf_ktime_get_ns();
}

/*
 * How many ns ago the function began that returns now, by STARTS, which forgets it;
 * -1: what it was called for is none of ours.
 */
static __always_inline __s64 end(void *starts)
{
	__u32 zero = 0;
	__u64 *start = bpf_map_lookup_elem(starts, &zero);
	__s64 took = -1;

	if (!start)
		return took;
	/*
	 * EXERCISE 7.3 [3]: the time since *start, if that is not 0. It is good
	 * for one return: the next may have none of its own.
	 */
	/* BEGIN SOLUTION */
	if (*start) {
		took = bpf_ktime_get_ns() - *start;
		*start = 0;
	}
	/* END SOLUTION */
	return took;
}

/* The slot of a histogram that NS falls into: the number of its highest bit. */
static __always_inline __u32 slot_of(__u64 ns)
{
	__u32 slot = 0;

	/* EXERCISE 7.3 [3], continued: at most HISTOGRAM_SLOTS - 1. */
	/* BEGIN SOLUTION */
	for (int i = 0; i < HISTOGRAM_SLOTS - 1 && ns > 1; i++) {
		ns >>= 1;
		slot++;
	}
	/* END SOLUTION */
	return slot;
}

/* -- hooks that are there for it ------------------------------------------- */

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	if (bare) {
		count(HOOK_XDP, 0);
		return XDP_PASS;
	}
	/* EXERCISE 7.1 [2]: count the frame, with its length. */
	/* BEGIN SOLUTION */
	count(HOOK_XDP, (long)ctx->data_end - (long)ctx->data);
	/* END SOLUTION */
	return XDP_PASS;
}

SEC("tc")
int on_tc(struct __sk_buff *skb)
{
	count(HOOK_TC, bare ? 0 : skb->len);
	return TC_ACT_UNSPEC;
}

/* Does SKB, which is no pointer that the verifier knows, arrive where we count? */
static __always_inline bool is_ours(const struct sk_buff *skb)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);

	return BPF_CORE_READ(dev, ifindex) == ifindex &&
	       BPF_CORE_READ(dev, nd_net.net, ns.inum) == netns;
}

SEC("raw_tp/netif_receive_skb")
int on_raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sk_buff *skb = (void *)ctx->args[0];

	if (bare)
		return count(HOOK_RAW_TP, 0);
	return is_ours(skb) ? count(HOOK_RAW_TP, BPF_CORE_READ(skb, len)) : 0;
}

SEC("tracepoint/net/netif_receive_skb")
int on_tracepoint(struct trace_event_raw_net_dev_template *ctx)
{
	if (bare)
		return count(HOOK_TRACEPOINT, 0);
	return is_ours(ctx->skbaddr) ? count(HOOK_TRACEPOINT, ctx->len) : 0;
}

/* -- probes: of a function whose first argument is the packet -------------- */

/* The loader names the function. */
SEC("kprobe")
int on_kprobe(struct pt_regs *ctx)
{
	struct sk_buff *skb = NULL;

	if (bare)
		return count(HOOK_KPROBE, 0);
	/* EXERCISE 7.2 [2]: the function's first argument, from the registers. */
	/* BEGIN SOLUTION */
	skb = (void *)PT_REGS_PARM1(ctx);
	/* END SOLUTION */
	if (!is_ours(skb))
		return 0;
	begin(&kprobe_starts);
	/* EXERCISE 7.2 [2], continued: count the packet, with its length. */
	/* BEGIN SOLUTION */
	count(HOOK_KPROBE, BPF_CORE_READ(skb, len));
	/* END SOLUTION */
	return 0;
}

/* Before the function's first instruction of its own the registers are as they were. */
SEC("kprobe")
int on_offset(struct pt_regs *ctx)
{
	const struct sk_buff *skb = (void *)PT_REGS_PARM1(ctx);

	if (bare)
		return count(HOOK_KPROBE_OFFSET, 0);
	return is_ours(skb) ? count(HOOK_KPROBE_OFFSET, BPF_CORE_READ(skb, len))
			    : 0;
}

SEC("?kprobe.multi")
int on_kprobe_multi(struct pt_regs *ctx)
{
	const struct sk_buff *skb = (void *)PT_REGS_PARM1(ctx);

	if (bare)
		return count(HOOK_KPROBE_MULTI, 0);
	return is_ours(skb) ? count(HOOK_KPROBE_MULTI, BPF_CORE_READ(skb, len))
			    : 0;
}

/* The registers are what the function left in them. */
SEC("kretprobe")
int on_kretprobe(struct pt_regs *ctx)
{
	__s64 took;

	if (bare)
		return count(HOOK_KRETPROBE, 0);
	took = end(&kprobe_starts);
	if (took < 0)
		return 0;
	/* EXERCISE 7.3 [3], continued: count it, also in `kretprobe_times`. */
	/* BEGIN SOLUTION */
	__u32 slot = slot_of(took);
	__u64 *n = bpf_map_lookup_elem(&kretprobe_times, &slot);

	if (n)
		(*n)++;
	count(HOOK_KRETPROBE, 0);
	/* END SOLUTION */
	return 0;
}

/* -- trampolines: the same function, and its arguments have types ---------- */

SEC("?fentry")
int BPF_PROG(on_fentry, struct sk_buff *skb)
{
	if (bare)
		return count(HOOK_FENTRY, 0);
	/*
	 * EXERCISE 7.4 [3]: what on_kprobe() does, by `fentry_starts`. Here the
	 * verifier knows what SKB points to: no BPF_CORE_READ, just skb->len. Ask
	 * is_ours()'s questions so, too.
	 */
	/* BEGIN SOLUTION */
	if (skb->dev->ifindex != ifindex ||
	    skb->dev->nd_net.net->ns.inum != netns)
		return 0;
	begin(&fentry_starts);
	count(HOOK_FENTRY, skb->len);
	/* END SOLUTION */
	return 0;
}

/* The function has had the packet: SKB may be gone. */
SEC("?fexit")
int BPF_PROG(on_fexit, struct sk_buff *skb)
{
	if (bare)
		return count(HOOK_FEXIT, 0);
	/* EXERCISE 7.4 [3], continued: what on_kretprobe() does. */
	/* BEGIN SOLUTION */
	__s64 took = end(&fentry_starts);
	__u32 slot = slot_of(took);
	__u64 *n = bpf_map_lookup_elem(&fexit_times, &slot);

	if (took < 0)
		return 0;
	if (n)
		(*n)++;
	count(HOOK_FEXIT, 0);
	/* END SOLUTION */
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
