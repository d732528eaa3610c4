// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that the verifier refuses, each for another reason. tests/refusals
 * loads each by itself and reads the log.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

struct locked {
	struct bpf_spin_lock lock;
	__u64 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static __always_inline struct locked *number_of(__u32 key)
{
	return bpf_map_lookup_elem(&numbers, &key);
}

SEC("?xdp")
int unchecked_packet(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	return eth->h_proto;
}

SEC("?xdp")
int unchecked_lookup(struct xdp_md *ctx)
{
	return number_of(0)->number;
}

SEC("?tc")
int call_under_lock(struct __sk_buff *skb)
{
	struct locked *locked = number_of(0);

	if (!locked)
		return 0;
	bpf_spin_lock(&locked->lock);
	locked->number = bpf_ktime_get_ns();
	bpf_spin_unlock(&locked->lock);
	return 0;
}

/* A length is added that has no bound. */
SEC("?xdp")
int unbounded_offset(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;
	__u64 offset = bpf_ktime_get_ns();

	if (data + offset + 1 > (__u8 *)(long)ctx->data_end)
		return XDP_PASS;
	return data[offset];
}

/* The helper may move the packet. */
SEC("?xdp")
int stale_pointer(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	if (data + 1 > (__u8 *)(long)ctx->data_end)
		return XDP_PASS;
	bpf_xdp_adjust_head(ctx, 0);
	return data[0];
}

SEC("?xdp")
int endless_loop(struct xdp_md *ctx)
{
	while (bpf_get_prandom_u32())
		;
	return XDP_PASS;
}

SEC("?xdp")
int unset_variable(struct xdp_md *ctx)
{
	__u64 variable;

	asm volatile("r0 = r3; %0 = r0" : "=r"(variable) : : "r0");
	return variable;
}

SEC("?xdp")
int past_the_context(struct xdp_md *ctx)
{
	return ((volatile __u32 *)ctx)[100];
}

SEC("?xdp")
int past_the_value(struct xdp_md *ctx)
{
	struct locked *locked = number_of(0);

	return locked ? locked[1].number : 0;
}

SEC("?xdp")
int kept_reference(struct xdp_md *ctx)
{
	__u32 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (event)
		*event = 1;
	return XDP_PASS;
}

static __noinline int use_stack(volatile char *bytes)
{
	volatile char more[300] = {};

	return more[bytes[0] & 63];
}

SEC("?xdp")
int large_stack(struct xdp_md *ctx)
{
	volatile char bytes[300] = {};

	return use_stack(bytes);
}

/* Each round of the loop ends in another state, and there are too many rounds. */
SEC("?xdp")
int too_complex(struct xdp_md *ctx)
{
	__u32 sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 400000; i++)
		asm volatile("%0 += %1" : "+r"(sum) : "r"(i));
	return sum ? XDP_DROP : XDP_PASS;
}

SEC("?xdp")
int foreign_helper(struct xdp_md *ctx)
{
	return bpf_skb_pull_data((void *)ctx, 0);
}

SEC("?xdp")
int number_for_pointer(struct xdp_md *ctx)
{
	__u32 key = 0;

	return !!bpf_map_lookup_elem((void *)1, &key);
}

SEC("?xdp")
int unreachable_code(struct xdp_md *ctx)
{
	asm volatile("goto +1; r0 = 0");
	return XDP_PASS;
}

SEC("?cgroup_skb/egress")
int wrong_verdict(struct __sk_buff *skb)
{
	return 77;
}

char LICENSE[] SEC("license") = "GPL";
