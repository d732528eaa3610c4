#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story of lab 02: a gate closes and opens, in the driver and in the stack; and how a frame sent
# back by XDP_TX is lost without a word.
source "$(dirname "$0")/../../common/netns.sh"

host client
host server
wire client server
[ "${1:-}" != shell ] || start server build/xdp_drop -p icmp veth0
stage "$@"

ping-server() { show client ping -q -c 2 -i 0.1 -W 0.2 10.0.0.2; }

# shows PATTERN HOST COMMAND…: shows COMMAND; does its output have a line with PATTERN?
shows() { show "${@:2}" | tee "$TMPDIR/shown" && grep -q -- "$1" "$TMPDIR/shown"; }

# close-down HOST: stops xdp_drop there, and shows its totals.
close-down() {
	stop "$1" xdp_drop || fail "xdp_drop on $1 did not end well"
	output-of "$1" xdp_drop | tail -n 1
}

# gate MODE IP BPFTOOL: pings meet a closed gate in MODE, as `ip` and as `bpftool` call it.
gate() {
	say "xdp_drop in $1 mode: each frame is gone before the network stack sees it"
	start server build/xdp_drop -m "$1" veth0
	shows " $2 " server ip link show dev veth0 || fail "ip link does not show $2"
	shows "^ *veth0.* $3 " server bpftool net list || fail "bpftool net does not show $3"
	! ping-server || fail "a ping was answered through xdp_drop (exercise 2.2)"
	close-down server | grep "dropped 2," || fail "not 2 frames dropped (exercise 2.4)"

	say "detached: the server answers again"
	ping-server || fail "no answer after xdp_drop ended"
}

say "nothing is attached: the server answers"
ping-server || fail "no answer before anything was attached"

gate native xdp driver
gate generic xdpgeneric generic

say "answering in the driver: two frames are sent back, and none arrives. Why?"
start server build/xdp_drop -e veth0
! ping-server || fail "the answers did arrive, though the peer runs no XDP"
show server ethtool -S veth0 | grep -e '# ' -e xdp_tx

say "a veth takes frames from XDP_TX only while its peer runs XDP as well; any program will do"
start client build/xdp_drop -p udp veth0
ping-server || fail "no answer from the driver (exercise 2.6)"
close-down server | grep "sent back 4," || fail "not 4 frames sent back (exercises 2.4, 2.6)"
