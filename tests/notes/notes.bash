# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the experiments of tests/notes.bats are written with, inside the sandbox. The objects that
# the test has compiled are in $OBJECTS; one that is loaded is pinned as /sys/fs/bpf/NAME.

source common/netns.sh

# lab: two hosts and a wire.
lab() {
	host client
	host server
	wire client server
}

# expect EXPECTED GOT: they are the same.
expect() {
	[ "$1" = "$2" ] || fail "expected $1, got $2"
}

# comes-to EXPECTED COMMAND…: what COMMAND prints is that, by and by.
comes-to() {
	wait-for prints "$@" || expect "$1" "$("${@:2}")"
}

# prints TEXT COMMAND…: does COMMAND print that?
prints() {
	[ "$("${@:2}")" = "$1" ]
}

# fails COMMAND…: it does, having said what is then in $SAID.
fails() {
	! SAID=$("$@" 2>&1) || fail "succeeded: $*"
}

# said TEXT: a line of $SAID has it.
said() {
	grep -qF -- "$1" <<<"$SAID" || fail "expected '$1', got:"$'\n'"$SAID"
}

# load NAME [WORD…]: loads the program in the object NAME, and pins it; bpftool is given these words too.
load() {
	bpftool prog load "$OBJECTS/$1.o" "/sys/fs/bpf/$1" "${@:2}" >"$TMPDIR/verifier" 2>&1 ||
		fail "$1 is refused:"$'\n'"$(cat "$TMPDIR/verifier")"
}

# refused NAME TEXT: the verifier refuses the program in the object NAME, and says TEXT.
refused() {
	fails bpftool prog load "$OBJECTS/$1.o" "/sys/fs/bpf/$1"
	said "$2"
}

# about NAME FILTER: what the kernel knows of a loaded program, through jq.
about() {
	bpftool -j prog show pinned "/sys/fs/bpf/$1" | jq -r "$2"
}

# returns NAME: what a loaded program returns on a frame of 64 zeros.
returns() {
	head -c 64 /dev/zero >"$TMPDIR/frame"
	bpftool -j prog run pinned "/sys/fs/bpf/$1" data_in "$TMPDIR/frame" | jq .retval
}

# links NAME: how many links, and so attachments, a loaded program has.
links() {
	bpftool -j link show | jq "map(select(.prog_id == $(about "$1" .id))) | length"
}

# variable NAME VARIABLE: a global variable of a loaded program that has no other map.
variable() {
	bpftool -j map dump id "$(about "$1" ".map_ids[0]")" | jq "[.. | objects | .$2? // empty][0]"
}

# gone prog|map ID: is there none of that id any more?
gone() {
	! bpftool "$1" show id "$2"
}

# pings N: sends N pings from client to server; does one get an answer?
pings() {
	on client ping -q -c "$1" -i 0.01 -W "${2:-0.2}" 10.0.0.2 >/dev/null
}

# xdp-mode HOST INTERFACE: the mode in which an XDP program is attached, as `ip` calls it: xdp,
# xdpgeneric; or none.
xdp-mode() {
	local mode

	mode=$(ip -n "$1" link show dev "$2" | sed -nE '1s/.* (xdp[a-z]*)[ /].*/\1/p')
	echo "${mode:-none}"
}

# judges NAME FRAME: what a loaded program returns on that frame.
judges() {
	tests/frame "$2" >"$TMPDIR/frame"
	bpftool -j prog run pinned "/sys/fs/bpf/$1" data_in "$TMPDIR/frame" | jq .retval
}

# tc-attach HOST ingress|egress NAME [WORD…]: attaches a loaded program to HOST's first wire, as a
# filter of tc. (The wire must have a clsact.)
tc-attach() {
	on "$1" tc filter add dev veth0 "$2" "${@:4}" bpf direct-action object-pinned "/sys/fs/bpf/$3"
}

# changes ID FRAME: the bytes that program ID changes in that frame: NUMBER OLD NEW, the number from 1,
# the bytes in octal.
changes() {
	tests/frame "$2" >"$TMPDIR/before"
	bpftool prog run id "$1" data_in "$TMPDIR/before" data_out "$TMPDIR/after" >/dev/null
	cmp -l "$TMPDIR/before" "$TMPDIR/after" | xargs
}
