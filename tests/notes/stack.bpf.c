// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “eBPF Architecture”, eBPF Stack: “limited to 512 bytes”. The caller takes OUTER
 * of them, the function that it calls INNER.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/*
 * The verifier counts down to the lowest byte that is touched; and whose address
 * has escaped, that buffer clang cannot shrink.
 */
static __always_inline void use(char *buffer)
{
	buffer[0] = 0;
	asm volatile("" : : "r"(buffer) : "memory");
}

static __noinline int inner(void)
{
	char buffer[INNER];

	use(buffer);
	return 1;
}

SEC("xdp")
int stack(struct xdp_md *ctx)
{
	char buffer[OUTER];

	use(buffer);
	return inner();
}
