// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts itself in three ways: in one place for all CPUs, there atomically, and per CPU. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps"), atomic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} apart SEC(".maps");

SEC("xdp")
int race(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *n;

	n = bpf_map_lookup_elem(&shared, &zero);
	if (n)
		*(volatile __u64 *)n = *(volatile __u64 *)n + 1;
	n = bpf_map_lookup_elem(&atomic, &zero);
	if (n)
		__sync_fetch_and_add(n, 1);
	n = bpf_map_lookup_elem(&apart, &zero);
	if (n)
		(*n)++;
	return XDP_PASS;
}
