// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What common/doctor.sh compiles to see that clang, the kernel's headers and
 * libbpf's together make a BPF object, as the labs need them. It is never run.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex ? XDP_PASS : XDP_DROP;
}
