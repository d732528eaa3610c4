# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a graded test is written with. A test attaches the lab's program as a user would, then either
# sends frames from tests/packets/ through it by BPF_PROG_TEST_RUN, or real traffic between hosts:
#
#     attach server build/xdp_drop -p tcp veth0
#     send tcp4                   # the frame tests/packets/tcp4.hex; `send tcp4 33`: its first 33 bytes
#     verdict XDP_DROP            # what the program returned
#     output tcp4                 # the frame as the program left it, byte for byte
#     counted packets XDP_DROP 1  # how far the counter of that key has moved since `send`
#
# All functions of common/netns.sh (host, wire, on, start, stop …) are here too.

source common/netns.sh

PINS=/sys/fs/bpf/test # in the sandbox's own bpffs

# teardown: the next test finds no host, no process on one, and no pin.
teardown() {
	local host pids

	for host in $(ip netns list | cut -d' ' -f1); do
		pids=$(ip netns pids "$host")
		# shellcheck disable=SC2086 # a word each
		[ -z "$pids" ] || { kill -9 $pids && wait $pids; } 2>/dev/null || :
		ip netns delete "$host"
	done
	rm -rf "$PINS" "${LOGS:?}"/*
}

# -- programs ------------------------------------------------------------------------------------

# attach HOST PROGRAM [ARGUMENT…]: starts a loader, and pins its programs and maps by name.
attach() {
	start "$@"
	TESTED=${2##*/}
	pin "$1" "$2"
}

# pin HOST PROGRAM: pins what a started loader holds: programs as $PINS/NAME, maps as
# $PINS/maps/NAME, its global variables as $PINS/maps/bss.
pin() {
	local id

	rm -rf "$PINS"
	mkdir -p "$PINS/maps"
	for id in $(held prog "$@"); do
		bpftool prog pin id "$id" "$PINS/$(name-of prog "$id")"
	done
	for id in $(held map "$@"); do
		bpftool map pin id "$id" "$PINS/maps/$(name-of map "$id")"
	done
}

# -- frames --------------------------------------------------------------------------------------

SENT='' # the name of the frame last sent
RETVAL='' # what the program returned on it

# frame NAME [LENGTH]: the bytes of tests/packets/NAME.hex, or the first LENGTH of them, on stdout.
frame() {
	local bytes=$BATS_RUN_TMPDIR/$1.bin

	[ -e "$bytes" ] || assemble "tests/packets/$1.hex" >"$bytes"
	head -c "${2:-100000}" "$bytes"
}

# assemble FILE: the bytes that an annotated hex file tells of; a comment runs from # to the line's end.
assemble() {
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$(sed 's/#.*//' "$1" | tr -d ' \n' | sed 's/../\\x&/g')"
}

# send NAME [LENGTH]: runs the attached program on a frame, and keeps what came of it.
send() {
	local result

	SENT=$1
	frame "$@" >"$BATS_TEST_TMPDIR/in"
	snapshot
	result=$(bpftool -j prog run pinned "$PINS/$TESTED" data_in "$BATS_TEST_TMPDIR/in" \
		data_out "$BATS_TEST_TMPDIR/out") || wrong "a run of $TESTED" "$result" || return 1
	[[ $result =~ \"retval\":([0-9]+) ]]
	RETVAL=${BASH_REMATCH[1]}
}

# -- what a test asserts -------------------------------------------------------------------------

# wrong EXPECTED GOT: says so, with the frame that was sent, in words and bytes; always fails.
wrong() {
	if [ -n "$SENT" ]; then
		printf 'sent      %s, %s bytes: %s\n' "$SENT" "$(stat -c %s "$BATS_TEST_TMPDIR/in")" \
			"$(sed -n '1s/^# //p' "tests/packets/$SENT.hex")"
		hex "$BATS_TEST_TMPDIR/in"
	fi
	printf 'expected  %s\ngot       %s\n' "$1" "$2"
	return 1
}

# hex FILE: its bytes, sixteen to a line.
hex() {
	od -An -v -tx1 "$1" | sed 's/^/         /'
}

XDP_VERDICTS=(XDP_ABORTED XDP_DROP XDP_PASS XDP_TX XDP_REDIRECT)

# got-verdict: the name of what the program returned.
got-verdict() {
	echo "${XDP_VERDICTS[RETVAL]:-$RETVAL}"
}

# verdict NAME: the program returned it.
verdict() {
	[ "$(got-verdict)" = "$1" ] || wrong "verdict $1" "$(got-verdict)"
}

# not-verdict NAME: the program returned another one.
not-verdict() {
	[ "$(got-verdict)" != "$1" ] || wrong "a verdict other than $1" "$(got-verdict)"
}

# output NAME: the frame is now, byte for byte, the one in tests/packets/NAME.hex.
output() {
	frame "$1" >"$BATS_TEST_TMPDIR/expected"
	cmp -s "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/expected" ||
		wrong "$1 as output"$'\n'"$(hex "$BATS_TEST_TMPDIR/expected")" \
			$'\n'"$(hex "$BATS_TEST_TMPDIR/out")"
}

# unchanged: the program left the frame as it was.
unchanged() {
	cmp -s "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/in" ||
		wrong "the frame unchanged" $'\n'"$(hex "$BATS_TEST_TMPDIR/out")"
}

# -- counters ------------------------------------------------------------------------------------

# snapshot: remembers every counter, for `counted` to compare with. `send` does it by itself.
snapshot() {
	local map

	for map in "$PINS"/maps/*; do
		case $map in
		*/rodata | */bss | */events) ;; # constants, variables, a ring buffer
		*) dump "${map##*/}" >"$BATS_TEST_TMPDIR/before.${map##*/}" ;;
		esac
	done
}

# dump MAP: its content as JSON.
dump() {
	bpftool -j map dump pinned "$PINS/maps/$1"
}

# element KEY: the number at KEY of the map whose dump is on stdin: the sum over all CPUs, when
# each has its own.
element() {
	jq --argjson key "$1" 'map(.formatted // .) | .[] | select(.key == $key)
		| if .values then [.values[].value] | add else .value end'
}

# variable NAME: the number in a global variable, from the dump of the map bss on stdin.
variable() {
	jq --arg name "$1" '[.. | objects | select(has($name)) | .[$name]][0]'
}

# index NAME: a key by name: a verdict's number; anything else stands for itself.
index() {
	local i

	for i in "${!XDP_VERDICTS[@]}"; do
		[ "${XDP_VERDICTS[i]}" != "$1" ] || { echo "$i" && return; }
	done
	echo "$1"
}

# counted MAP KEY [N]: the counter at KEY has moved by exactly N (or not at all) since the last `send` or `snapshot`.
counted() {
	local key before after

	key=$(index "$2")
	before=$(element "$key" <"$BATS_TEST_TMPDIR/before.$1")
	after=$(dump "$1" | element "$key")
	[ $((after - before)) = "${3:-0}" ] || wrong "$1[$2] + ${3:-0}" "$1[$2] + $((after - before))"
}

# global NAME: the number in the attached program's global variable.
global() {
	dump bss | variable "$1"
}

# runs: how often the kernel has run the attached program, by its own count (kept while a loader
# that was started with -v is there).
runs() {
	bpftool -j prog show pinned "$PINS/$TESTED" | jq '.run_cnt // 0'
}

# -- what a machine may lack ---------------------------------------------------------------------

# requires HOST KIND…: skips the test on a kernel that does not run such BPF programs (xdp, tc,
# tracepoint, raw_tp, kprobe, fentry), with the reason; those that need an interface are tried on
# HOST's veth0. Where CI is set, nothing may be missing.
requires() {
	local host=$1 kind reason
	shift

	for kind; do
		reason=$(on "$host" build/probe "$kind" veth0) && continue
		reason="this kernel runs no $kind program ($reason): make doctor"
		[ -z "${CI:-}" ] || { echo "$reason" && return 1; }
		skip "$reason"
	done
}
