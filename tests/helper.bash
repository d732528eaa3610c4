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
#     counted packets XDP_DROP 1  # how far the counter of that key has moved since `snapshot`
#
# All functions of common/netns.sh (host, wire, on, start, stop, serve …) are here too.

source common/netns.sh

# In the sandbox's own bpffs: what the loader under test holds.
PINS=/sys/fs/bpf/test
MAPS=/sys/fs/bpf/test-maps

LASTING='' # the hosts that stay for the next test

# lasting HOST…: the hosts that all tests of the file share; succeeds when an earlier test has made them.
lasting() {
	LASTING="$*"
	[ -e "/run/netns/$1" ]
}

# briefly: what a graded test begins with. Before every command, of the helpers too, Bats would note where the test is,
# and most of its time would go there: from here on (no functrace) only before those of the test itself. And where BRIEF
# is set, a test of an exercise that another test has already found wrong is skipped: to a student the first failure of
# each is shown, and a mutant needs to be killed once.
briefly() {
	set +T
	[ -z "${BRIEF:-}" ] || [ ! -e "$(found-wrong)" ] || skip "an earlier test of the exercise failed"
}

# found-wrong: the file that marks the exercise of the current test as failed.
found-wrong() {
	echo "$BATS_FILE_TMPDIR/wrong-${BATS_TEST_DESCRIPTION%% *}"
}

# teardown: the next test finds no process on a host, no pin, and no host but the lasting ones.
teardown() {
	local host gone=()

	[ -n "$BATS_TEST_COMPLETED" ] || touch "$(found-wrong)"
	kill-hosts
	for host in /run/netns/*; do
		host=${host##*/}
		[[ " * $LASTING " == *" $host "* ]] || gone+=("$host")
	done
	[ ${#gone[@]} = 0 ] || printf 'netns delete %s\n' "${gone[@]}" | ip -batch -
	rm -rf "$PINS" "$MAPS" "${LOGS:?}"/*.*
	[ -n "$LASTING" ] || rm -f "$LOGS/wires"
}

# kill-hosts: ends every process that is on a host of the network, and not on this one.
kill-hosts() {
	local process pids=()

	for process in /proc/[0-9]*; do
		[ "$process/ns/net" -ef /proc/$$/ns/net ] || pids+=("${process#/proc/}")
	done
	# What has ended in the meantime has no namespace any more.
	[ ${#pids[@]} = 0 ] || { kill -9 "${pids[@]}" && wait "${pids[@]}"; } 2>/dev/null || :
}

# teardown_file: the lasting hosts end with the file.
teardown_file() {
	ip netns list | sed 's/ .*//; s/^/netns delete /' | ip -batch -
	rm -f "$LOGS/wires"
}

# -- programs ------------------------------------------------------------------------------------

# attach HOST PROGRAM [ARGUMENT…]: starts a loader, and pins its programs and maps by name.
attach() {
	start "$@"
	TESTED=${2##*/}
	pin "$1" "$2"
}

# pin HOST PROGRAM: pins what a started loader holds: programs as $PINS/NAME, maps as
# $MAPS/NAME, its global variables as $MAPS/bss.
pin() {
	[ ! -e "$PINS" ] || rm -rf "$PINS" "$MAPS"
	mkdir "$PINS" "$MAPS"
	build/hold "$(pid-of "$1" "$2")" "$PINS" "$MAPS"
}

# -- frames --------------------------------------------------------------------------------------

# The frames are kept as text, \x02\x00…: what printf makes bytes of, and what bash can compare.
SENT='' # the name of the frame last sent
INPUT='' # its bytes
OUTPUT='' # and as the program left them
RETVAL='' # what the program returned on it

# bytes NAME [LENGTH]: puts the bytes of tests/packets/NAME.hex, or the first LENGTH, into BYTES. In
# the file a comment runs from # to the line's end.
bytes() {
	[ -e "$BATS_FILE_TMPDIR/bytes" ] || read-frames
	[ -e "$BATS_FILE_TMPDIR/bytes/$1" ] || wrong "a frame tests/packets/$1.hex" "none" || return
	read -r BYTES <"$BATS_FILE_TMPDIR/bytes/$1"
	BYTES=${BYTES:0:4*${2:-100000}}
}

# read-frames: the bytes of all of them, once for a file of tests. Whole at once: another may look at the same time.
read-frames() {
	local own=$BATS_FILE_TMPDIR/bytes.$BASHPID

	mkdir "$own"
	sed -s -z 's/#[^\n]*//g; s/[[:space:]]//g; s/../\\x&/g' tests/packets/*.hex | tr '\0' '\n' >"$own/all"
	awk -v to="$own/" 'NR == FNR { bytes[NR] = $0; next } { print bytes[FNR] >(to $0) }' \
		"$own/all" <(cd tests/packets && printf '%s\n' *.hex | sed 's/\.hex$//')
	mv -T "$own" "$BATS_FILE_TMPDIR/bytes" 2>/dev/null || rm -rf "$own"
}

# frame NAME [LENGTH]: the same on stdout, as bytes.
frame() {
	local BYTES

	bytes "$@"
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$BYTES"
}

ARRIVES='' # HOST INTERFACE: where frames that are sent arrive, for programs that ask
declare -gA INDEX # of such interfaces, once asked for

# send NAME [LENGTH]: runs the attached program on a frame, and keeps what came of it.
send() {
	local BYTES

	SENT=$1
	bytes "$@"
	send-bytes "$BYTES"
}

# send-bytes BYTES: the same with bytes as they are kept here.
send-bytes() {
	local BYTES=$1 context=() result

	INPUT=$BYTES
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$BYTES" >"$BATS_TEST_TMPDIR/in"
	if [ -n "$ARRIVES" ]; then
		find-arrival
		arrival >"$BATS_TEST_TMPDIR/arrival"
		context=(ctx_in "$BATS_TEST_TMPDIR/arrival")
	fi
	result=$(${ARRIVES:+on "${ARRIVES% *}"} bpftool -j prog run pinned "$PINS/$TESTED" \
		data_in "$BATS_TEST_TMPDIR/in" data_out - "${context[@]}") || wrong "a run of $TESTED" "$result" || return 1
	[[ $result =~ \"data_out\":\[([0-9,]*)\].*\"retval\":([0-9]+) ]]
	# shellcheck disable=SC2086 # a word each
	printf -v OUTPUT '\\x%02x' ${BASH_REMATCH[1]//,/ }
	RETVAL=${BASH_REMATCH[2]}
}

# arrival: the struct xdp_md of a frame that arrives there.
arrival() {
	little-endian 0 $((${#INPUT} / 4)) 0 "${INDEX[$ARRIVES]}" 0 0
}

# find-arrival: puts the number of that interface into INDEX.
find-arrival() {
	local line

	[ -z "${INDEX[$ARRIVES]:-}" ] || return 0
	line=$(ip -n "${ARRIVES% *}" -o link show dev "${ARRIVES#* }")
	INDEX[$ARRIVES]=${line%%:*}
}

# little-endian NUMBER…: four bytes each.
little-endian() {
	local number text

	for number; do
		printf -v text '\\x%02x' $((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24))
		# shellcheck disable=SC2059 # the bytes are the format
		printf "$text"
	done
}

# -- every frame ---------------------------------------------------------------------------------

# everything: sends every frame of tests/packets. What build/through says of each is then in $RESULTS, and
# in $BEFORE and $AFTER what build/sums says of those that are IP and not malformed.
everything() {
	local in=$BATS_FILE_TMPDIR/frames out=$BATS_TEST_TMPDIR/out file text

	if [ ! -e "$in" ]; then
		mkdir "$in"
		for file in tests/packets/*.hex; do
			read -r -d '' text || : # of the last there is no end
			file=${file##*/}
			# shellcheck disable=SC2059 # the bytes are the format
			printf "$text" >"$in/${file%.hex}"
		done < <(sed -s -z 's/#[^\n]*//g; s/[[:space:]]//g; s/../\\x&/g' tests/packets/*.hex)
		grep -lE '^# lab 03: (OTHER|ARP|MALFORMED)' tests/packets/*.hex | sed 's|.*/||; s|\.hex$||' >"$in.others"
	fi
	rm -rf "$out"
	mkdir "$out"
	RESULTS=$(${ARRIVES:+on "${ARRIVES% *}"} build/through ${ARRIVES:+-x "${ARRIVES#* }"} \
		"$PINS/$TESTED" "$out" "$in"/*)
	BEFORE=$(build/sums "$in"/* | grep -vwFf "$in.others")
	AFTER=$(build/sums "$out"/* | grep -vwFf "$in.others")
	[ "$(wc -l <<<"$BEFORE")" -gt 90 ]
}

# becomes SED BYTES: of every frame that is IP and not malformed sums says what it said before, edited like
# this, and at most so many bytes are others, none of them before the IP header. Others are untouched.
becomes() {
	local expected far

	expected=$(sed -E "$1" <<<"$BEFORE")
	[ "$AFTER" = "$expected" ] || wrong "of each frame: $1" \
		"(<: expected, >: got)"$'\n'"$(diff <(echo "$expected") <(echo "$AFTER"))" || return
	far=$(awk -v most="$2" '
		NR == FNR { at[$1] = $3; next }
		!($1 in at) && NF > 4 || NF > 4 + most || NF > 4 && $5 < at[$1]' <(echo "$BEFORE") <(echo "$RESULTS"))
	[ -z "$far" ] || wrong "at most $2 other bytes, in the IP packet; what is malformed or no IP untouched" \
		"(frame, verdict, mark, priority, offsets of what has changed)"$'\n'"$far"
}

# -- many of a frame ------------------------------------------------------------------------------

# cpus: the numbers of those that may be used, one a line.
cpus() {
	taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
		awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }'
}

# burst N FRAME [CPU]: runs the program on that frame, N times in a row.
burst() {
	local BYTES file=$BATS_TEST_TMPDIR/burst$BASHPID # another may run at once

	bytes "$2"
	frame "$2" >"$file"
	# shellcheck disable=SC2034 # what a failure shows
	SENT=$2 INPUT=$BYTES
	${3:+taskset -c "$3"} bpftool prog run pinned "$PINS/$TESTED" data_in "$file" repeat "$1" >/dev/null
}

# burst-on-two-cpus N FRAME [OTHER]: the same on two CPUs at once, the second with the frame OTHER. In
# four rounds, since one CPU may be busy with something else until the other has done its part.
burst-on-two-cpus() {
	local cpus

	frame "$2" >/dev/null # first, for it is kept, and both want it
	mapfile -t cpus < <(cpus)
	for _ in {1..4}; do
		burst $(($1 / 4)) "${3:-$2}" "${cpus[1]:-${cpus[0]}}" &
		burst $(($1 / 4)) "$2" "${cpus[0]}"
		wait $!
	done
}

# -- what a test asserts -------------------------------------------------------------------------

# wrong EXPECTED GOT: says so, with the frame that was sent, in words and bytes; always fails.
wrong() {
	if [ -n "$SENT" ]; then
		printf 'sent      %s, %s bytes: %s\n' "$SENT" $((${#INPUT} / 4)) \
			"$(sed -n '1s/^# //p' "tests/packets/$SENT.hex")"
		hex "$INPUT"
	fi
	printf 'expected  %s\ngot       %s\n' "$1" "$2"
	return 1
}

# hex BYTES: sixteen to a line.
hex() {
	sed -E 's/\\x/ /g; s/.{48}/&\n/g; s/\n$//' <<<"$1" | sed 's/^/         /'
}

XDP_VERDICTS=(XDP_ABORTED XDP_DROP XDP_PASS XDP_TX XDP_REDIRECT)
# shellcheck disable=SC2034 # verdict names it by another name
TC_VERDICTS=(TC_ACT_OK TC_ACT_RECLASSIFY TC_ACT_SHOT TC_ACT_PIPE)
# shellcheck disable=SC2034
TC_VERDICTS[0xffffffff]=TC_ACT_UNSPEC # -1

# got-verdict: the name of what the XDP program returned.
got-verdict() {
	echo "${XDP_VERDICTS[RETVAL]:-$RETVAL}"
}

# verdict NAME: the program, XDP or tc by the name, returned it.
verdict() {
	local -n names=${1%%_*}_VERDICTS

	[ "${names[RETVAL]:-}" = "$1" ] || wrong "verdict $1" "${names[RETVAL]:-$RETVAL}"
}

# not-verdict NAME: the program returned another one.
not-verdict() {
	[ "${XDP_VERDICTS[RETVAL]:-}" != "$1" ] || wrong "a verdict other than $1" "$(got-verdict)"
}

# output NAME: the frame is now, byte for byte, the one in tests/packets/NAME.hex.
output() {
	local BYTES

	bytes "$1"
	[ "$OUTPUT" = "$BYTES" ] ||
		wrong "$1 as output"$'\n'"$(hex "$BYTES")" $'\n'"$(hex "$OUTPUT")"
}

# unchanged: the program left the frame as it was.
unchanged() {
	[ "$OUTPUT" = "$INPUT" ] || wrong "the frame unchanged" $'\n'"$(hex "$OUTPUT")"
}

# -- counters ------------------------------------------------------------------------------------

# snapshot [MAP…]: remembers every counter, or those of these maps, for `counted` and `moved` to compare with.
snapshot() {
	local maps=("${@/#/$MAPS/}")

	[ $# -gt 0 ] || maps=("$MAPS"/*)
	build/counters "${maps[@]}" >"$BATS_TEST_TMPDIR/before"
}

# dump MAP: its content as JSON.
dump() {
	bpftool -j map dump pinned "$MAPS/$1"
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

# moved MAP: the counters of MAP that have moved since the last `snapshot`, each as KEY:N, or as
# KEY:N,N… where a value has several; of a map that has a copy per CPU, N is the sum.
moved() {
	build/counters "$MAPS/$1" | awk -v map="$1" '
		$1 != map { next }
		NR == FNR { was[$2] = $0; next }
		{
			split(was[$2], before)
			moves = ""
			for (i = 3; i <= NF; i++) moves = moves "," $i - before[i]
			if (moves ~ /[1-9]/) { printf "%s%s:%s", gap, $2, substr(moves, 2); gap = " " }
		}' "$BATS_TEST_TMPDIR/before" -
}

# all-moved MAP NAMES: the same of a map whose keys these names stand for, in order: NAME:N…
all-moved() {
	local -n names=$2
	local each

	for each in $(moved "$1"); do printf '%s:%s ' "${names[${each%%:*}]}" "${each#*:}"; done
}

# counted MAP KEY [N[,N…]]: the counter at KEY has moved by exactly N (or not at all) since the last
# `snapshot`.
counted() {
	local got

	got=" $(moved "$1") "
	if [ "${3:-0}" = 0 ]; then
		[[ $got != *" $(index "$2"):"* ]] || wrong "$1[$2] + 0" "$1: key:moved$got"
	else
		[[ $got = *" $(index "$2"):$3 "* ]] || wrong "$1[$2] + $3" "$1: key:moved$got"
	fi
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

# -- real traffic --------------------------------------------------------------------------------

# seen HOST N REGEX: so many of the frames captured there are like that; waits for them.
seen() {
	wait-for is-seen "$@" || wrong "$2 frames like: $3" "$(is-seen "$@" || :)"$'\n'"$(output-of "$1" tcpdump)"
}

# is-seen HOST N REGEX: are there so many by now? Says how many. (A frame takes tcpdump more than one line.)
is-seen() {
	local got

	got=$(output-of "$1" tcpdump | sed -z 's/\n  */ /g' | grep -cE -- "$3") || :
	echo "$got"
	[ "$got" = "$2" ]
}

# datagram HOST ADDRESS PORT: sends what is on stdin, up to 8192 bytes, from HOST to that UDP port, as one datagram. (It is
# sent by bash and dd because socat 1.8.1 would send an empty datagram behind it.)
datagram() {
	on "$1" bash -c 'dd bs=8192 count=1 status=none >"/dev/udp/$1/$2"' - "${@:2}"
}

# answer HOST ADDRESS PORT: the same, and prints the datagram that comes back, if one does within two seconds.
answer() {
	on "$1" timeout 2 bash -c 'exec 3<>"/dev/udp/$1/$2" && dd bs=8192 count=1 status=none >&3 &&
		dd bs=8192 count=1 status=none <&3' - "${@:2}" || :
}

# connects HOST ADDRESS PORT SECONDS: is HOST greeted by that port there, in that time?
connects() {
	local target=TCP4:$2:$3

	[[ $2 != *:* ]] || target=TCP6:[$2]:$3
	[ "$(on "$1" socat -u "$target,connect-timeout=$4" - 2>/dev/null)" = hello ]
}

# -- what a machine may lack ---------------------------------------------------------------------

# requires HOST KIND…: skips the test on a kernel that does not run such BPF programs (xdp, tc,
# tracepoint, raw_tp, kprobe, fentry), with the reason; those that need an interface are tried on
# HOST's veth0. Where CI is set, nothing may be missing.
requires() {
	local host=$1 kind answer reason
	shift

	for kind; do
		answer=$BATS_FILE_TMPDIR/$kind # what the probe said: nothing when all is well
		[ -e "$answer" ] || on "$host" build/probe "$kind" veth0 >"$answer" || [ -s "$answer" ]
		[ -s "$answer" ] || continue
		reason="this kernel runs no $kind program ($(<"$answer")): make doctor"
		[ -z "${CI:-}" ] || { echo "$reason" && return 1; }
		skip "$reason"
	done
}

# requires-ipv6: where the kernel has no IPv6, skips the test, or what is left of it, with the reason. A test calls this
# before it first sends over IPv6 on a wire; frames through BPF_PROG_TEST_RUN need no IPv6 in the kernel. Where CI is
# set, nothing may be missing.
requires-ipv6() {
	local reason='this kernel has no IPv6 (is ipv6.disable=1 on its command line?)'

	! has-ipv6 || return 0
	[ -z "${CI:-}" ] || { echo "$reason" && return 1; }
	skip "$reason"
}
