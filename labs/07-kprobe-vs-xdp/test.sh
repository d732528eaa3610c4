#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story of lab 07.
source "$(dirname "$0")/../../common/netns.sh"

host client
host server
wire client server
DEADLINE=30 start server build/kprobe_vs_xdp veth0
stage "$@"

head -c 100 /dev/zero >"$TMPDIR/payload"
for ((i = 0; i < 20; i++)); do
	on client socat -u "OPEN:$TMPDIR/payload" UDP-SENDTO:10.0.0.2:9
done
stop server build/kprobe_vs_xdp
output-of server kprobe_vs_xdp
