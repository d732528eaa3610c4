#!/usr/bin/env bats
# The promise of common/netns.sh: whatever becomes of a lab, nothing of it stays, and it meets no other.

bats_require_minimum_version 1.5.0
load wait

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	PATH=$PATH:/usr/sbin:/sbin
}

teardown() {
	! mountpoint -q "$BATS_TEST_TMPDIR/bpf" || umount "$BATS_TEST_TMPDIR/bpf"
}

# marked COMMAND…: runs COMMAND in the background, with a mark in the environment of all its
# processes, and with SIGINT as a terminal would leave it.
MARK=MARK=$$.$RANDOM
marked() {
	env --default-signal=INT "$MARK" setsid "$@" 3>&- &
}

# -- what is there -------------------------------------------------------------------------------

# unheld KIND ID…: those programs or links that no process has a file descriptor of. What one has will
# go with it: it belongs to another lab that is running, or to a process that leaks.
unheld() {
	[ $# -gt 1 ] || return 0
	comm -23 <(printf '%s\n' "${@:2}" | sort) \
		<(sed -n "s/^$1_id:[[:space:]]*//p" /proc/[0-9]*/fdinfo/* 2>/dev/null | sort -u)
}

# ours: the ids of the loaded BPF programs that have the name of a program of the labs. The kernel's list is that of
# the whole machine: other users of BPF, in other containers too, have programs and links there.
ours() {
	local names

	names=$(sed -n '/^SEC("[a-z]/ { n; s/^int \([a-z_]*\)(.*/"\1"/p }' labs/*/*.bpf.c | paste -sd ,)
	bpftool -j prog show | jq ".[] | select(.name | IN($names)).id"
}

# programs: those of them that stay loaded without a process.
programs() {
	# shellcheck disable=SC2046 # a word each
	unheld prog $(ours)
}

# links: the ids of links to such programs that stay without a process.
links() {
	local ids

	ids=$(ours | paste -sd ,)
	# shellcheck disable=SC2046 # a word each
	unheld link $(bpftool -j link show | jq ".[] | select(.prog_id | IN(${ids:-0})).id")
}

# processes: the ids of the marked ones.
processes() {
	grep -lszx "$MARK" /proc/[0-9]*/environ | cut -d/ -f3
}

# namespaces: how many network namespaces the kernel keeps memory for.
namespaces() {
	awk '$1 == "net_namespace" { n = $3 } END { print n + 0 }' /proc/slabinfo
}

# host: all that a lab must not touch on the machine's own network and mounts.
host() {
	ip -o link show | sed 's/ qlen.*//'
	ip -o addr show | sed 's/valid_lft.*//'
	ip route show table all
	ip -6 route show table all | sed 's/ expires [0-9]*sec//'
	ip neigh show nud permanent
	ip netns list
	findmnt --noheadings --list --output TARGET,FSTYPE
	ls -A /sys/fs/bpf /run/netns 2>/dev/null
	ls -d /dev/shm/logs /dev/shm/bats-* 2>/dev/null
}

# new BEFORE AFTER: what is in AFTER and not in BEFORE.
new() {
	comm -13 <(sort <<<"$1") <(sort <<<"$2") | grep . || :
}

# remember: notes what is there before a story runs, for `nothing-left` and `host` to be compared with.
remember() {
	HOST=$(host) BEFORE=$(objects) NAMESPACES=$(namespaces) LEFT=unknown
}

# objects: a line for each process, program and link that a story could leave behind.
objects() {
	processes | sed 's/^/process /'
	programs | sed 's/^/program /'
	links | sed 's/^/link /'
}

# nothing-left: is all gone that a story has made since `remember`? Sets LEFT to what is not. What the first call sees is
# all that can have been left: an object that appears later belongs to labs that run in another container.
nothing-left() {
	local now

	now=$(new "$BEFORE" "$(objects)")
	[ "$LEFT" = unknown ] || now=$(comm -12 <(sort <<<"$LEFT") <(sort <<<"$now") | grep . || :)
	LEFT=$now
	[ -z "$LEFT" ]
}

# A story with something of all that could leak, and that never ends by itself.
ENDLESS='source common/netns.sh
	host client; host server; wire client server
	start client build/hello; start server build/xdp_drop veth0
	bpftool prog pin id "$(id-of prog client hello hello)" /sys/fs/bpf/pinned
	echo up; while :; do on client ping -q -c 3 -i 0.2 -W 0.2 10.0.0.2 || :; done'

# -- tests ---------------------------------------------------------------------------------------

@test "sandbox: after 50 kill -9 at random moments nothing is left" {
	stories=(labs/*/test.sh)
	remember
	for round in {1..50}; do
		story=${stories[round % (${#stories[@]} + 1)]:-}
		if [ -n "$story" ]; then
			marked "$story"
		else
			marked common/netns.sh bash -c "$ENDLESS"
		fi >/dev/null 2>&1
		sleep "0.$((RANDOM % 30 + 10))"
		! kill -9 $! 2>/dev/null || killed=$((killed + 1)) # or it has ended by itself
		wait $! 2>/dev/null || :
	done
	[ "$killed" -gt 20 ] || { echo "only $killed were there to kill" && false; }
	wait-for nothing-left || { echo "left: $LEFT" && false; }
	[ "$(host)" = "$HOST" ] || diff <(echo "$HOST") <(host)
	# The kernel frees them at its leisure, and counts in slabs.
	wait-for eval '[ "$(namespaces)" -lt $((NAMESPACES + 40)) ]' ||
		{ echo "network namespaces: $NAMESPACES before, $(namespaces) now" && false; }
}

@test "sandbox: a story that ends by itself leaves nothing either" {
	remember
	marked labs/01-*/test.sh
	marked labs/02-*/test.sh
	wait
	wait-for nothing-left || { echo "left: $LEFT" && false; }
	[ "$(host)" = "$HOST" ] || diff <(echo "$HOST") <(host)
}

# pinned OBJECT: loads a program that no process holds, in a bpffs of the test's own.
pinned() {
	mkdir -p "$BATS_TEST_TMPDIR/bpf"
	mountpoint -q "$BATS_TEST_TMPDIR/bpf" || mount -t bpf bpf "$BATS_TEST_TMPDIR/bpf"
	bpftool prog load "$1" "$BATS_TEST_TMPDIR/bpf/$(basename "$1" .bpf.o)"
}

@test "sandbox: these tests see a program that a story leaves, and none of others" {
	remember
	pinned build/pass.bpf.o # has the name of no lab's program
	wait-for nothing-left || { echo "counted: $LEFT" && false; }
	remember
	pinned build/xdp_drop.bpf.o
	nothing-left && false
	[[ $'\n'$LEFT == *$'\n'program\ * ]]
	rm "$BATS_TEST_TMPDIR/bpf/xdp_drop"
	wait-for nothing-left
	# This program was loaded after the first look, so the story cannot have left it.
	pinned build/xdp_drop.bpf.o
	nothing-left || { echo "counted: $LEFT" && false; }
}

@test "sandbox: Ctrl-C ends a story at once, with all that it started" {
	remember
	marked common/netns.sh bash -c "$ENDLESS" >"$BATS_TEST_TMPDIR/out"
	wait-for grep -q up "$BATS_TEST_TMPDIR/out"
	[ -n "$(processes)" ]
	# A terminal sends SIGINT to each process of the group in the foreground.
	kill -INT -- -$!
	wait-for gone $! || { kill -9 $! && echo "it goes on" && false; }
	wait $! || status=$?
	[ "$status" = 130 ] || { echo "status $status" && false; }
	wait-for nothing-left || { echo "left: $LEFT" && false; }
}

gone() {
	! grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status" 2>/dev/null
}

@test "sandbox: two labs at once do not meet" {
	for lab in 01 02 01 02; do
		bash labs/$lab-*/test.sh >"$BATS_TEST_TMPDIR/$lab.$RANDOM" 2>&1 3>&- &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do
		wait "$job" || { cat "$BATS_TEST_TMPDIR"/0* && false; }
	done
}

@test "sandbox: a host sees only the test network" {
	run common/netns.sh bash -c 'source common/netns.sh
		host client; host server; wire client server; on client ip -o link show'
	[ "$status" = 0 ]
	[ "$(wc -l <<<"$output")" = 2 ] # lo and veth0
}

@test "sandbox: what tools say there is in no language of the user's; a shell to play in has it" {
	run -0 env LC_ALL=C.UTF-8 common/netns.sh sh -c 'echo "$LC_ALL"'
	[ "$output" = C ]
	run -0 env LC_ALL=C.UTF-8 make shell-01 <<<'echo "language: ${LC_ALL-the user}"'
	[[ $output == *"language: the user"* ]]
}

@test "sandbox: the status of the command is the status of the sandbox" {
	run -7 common/netns.sh sh -c 'exit 7'
	run -0 common/netns.sh true
	run -137 common/netns.sh sh -c 'kill -9 $$'
}

@test "sandbox: start shows why a loader did not get ready" {
	run -1 common/netns.sh bash -c 'source common/netns.sh
		host server; start server build/xdp_drop veth7'
	[[ $output == *"ended before it was ready"* ]]
	[[ $output == *"xdp_drop: attach to veth7: No such device"* ]]
}

@test "sandbox: start gives up on a loader that never gets ready" {
	run -1 common/netns.sh bash -c 'source common/netns.sh; DEADLINE=1
		host server; start server /bin/sleep 30'
	[[ $output == *"not ready after 1 s"* ]]
}

@test "sandbox: a wire is silent until somebody speaks" {
	run -0 common/netns.sh bash -c 'source common/netns.sh
		host client; host server; wire client server
		start server build/xdp_drop -p udp veth0
		on client ping -q -c 3 -i 0.5 10.0.0.2
		stop server xdp_drop; output-of server xdp_drop'
	[[ $output == *"total: dropped 0, passed 3,"* ]]
}
