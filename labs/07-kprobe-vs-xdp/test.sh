#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story of lab 07: a hundred packets, and every hook of this kernel counts them; which bytes of its code a
# hook changes; what it costs a packet; and what the verifier refuses, whatever it is hooked to.
source "$(dirname "$0")/../../common/netns.sh"

host client
host server
wire client server
start server build/kprobe_vs_xdp veth0
output-of server kprobe_vs_xdp
stage "$@"

# counted HOOK: how many packets it has, in the table that the loader ends with.
counted() { output-of server kprobe_vs_xdp | sed -nE "s/^$1 +([0-9]+) .*/\1/p"; }

say "a hundred packets arrive, of 128 bytes and an Ethernet header of 14"
show client build/volley 10.0.0.2 9 100 100 >/dev/null
stop server build/kprobe_vs_xdp || fail "kprobe_vs_xdp did not end well"
output-of server kprobe_vs_xdp | sed -n '/^hook /,$p'
[ "$(counted 'XDP, native')" = 100 ] || fail "XDP has not counted 100 (exercise 7.1)"
for hook in 'kprobe, ftrace:7.2' kretprobe:7.3 fentry:7.4 fexit:7.4; do
	[[ $(counted "${hook%:*}") =~ ^(100)?$ ]] || fail "${hook%:*} has not counted 100 (exercise ${hook#*:})"
done

say "which bytes of the kernel's code a hook changes"
show server build/kprobe_vs_xdp text veth0

say "what a hook costs a packet"
show server build/kprobe_vs_xdp cost --from client veth0

say "what the verifier refuses, wherever a program is hooked"
show server build/kprobe_vs_xdp safety
