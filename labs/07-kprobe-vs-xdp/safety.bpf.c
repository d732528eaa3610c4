// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * safety: what a kprobe must not do, and how it is done right. Each program is loaded by
 * itself: all but the last two are wrong, and the compiler has nothing against them.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* What nobody has put into it, a lookup does not find. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

SEC("?kprobe")
int null_pointer(struct pt_regs *ctx)
{
	__u32 key = 0;
	__u64 *number = bpf_map_lookup_elem(&numbers, &key);

	return *number == 1;
}

/* It may end, some day: the verifier wants to know when. */
SEC("?kprobe")
int endless_loop(struct pt_regs *ctx)
{
	while (bpf_get_prandom_u32())
		;
	return 0;
}

/* volatile: the compiler must not find that nobody needs it. */
SEC("?kprobe")
int kernel_write(struct pt_regs *ctx)
{
	*(volatile int *)PT_REGS_PARM1(ctx) = 0;
	return 0;
}

SEC("?kprobe")
int kernel_read(struct pt_regs *ctx)
{
	return *(volatile int *)PT_REGS_PARM1(ctx);
}

/* Whatever POINTER is, reading by the helper is safe: it has an errno for a bad one. */
static __always_inline int read_number(const void *pointer)
{
	int number;

	return bpf_probe_read_kernel(&number, sizeof(number), pointer);
}

SEC("?kprobe")
int right(struct pt_regs *ctx)
{
	return read_number((void *)PT_REGS_PARM1(ctx));
}

/* The same for a program that user space can run, with the pointer. */
SEC("?syscall")
int right_here(__u64 *pointer)
{
	return read_number((void *)*pointer);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
