#!/usr/bin/env bats
# What `kprobe_vs_xdp cost` says: that it measures each hook that this kernel has, and what is wrong. No
# time is asserted: machines are slow, or busy.

bats_require_minimum_version 1.5.0
load says

COST='build/kprobe_vs_xdp cost'
WAYS=('XDP, native' 'XDP, generic' 'tc, tcx' 'tc, clsact' 'raw tracepoint' tracepoint fentry fexit
	kprobe.multi 'kprobe, ftrace' 'kprobe, jump' 'kprobe, int3' kretprobe)
ALONE='XDP, program alone'

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# has PATTERN: a line of the output is like it, from its beginning.
has() {
	grep -qE "^$1" <<<"$output" || { echo "no line '$1' in:" "$output" && false; }
}

@test "cost: each hook has counted each packet, or there is a reason" {
	run -0 in-lab "on server $COST -n 100 -r 2 --from client veth0"
	has "A packet's whole path, from send\(\) to a socket, with no hook: [0-9.]+ (emulated ns|ns|instructions) "
	for way in "${WAYS[@]}"; do
		has "($way +200 +-?[0-9.]+ +-?[0-9.]+ \.\. *-?[0-9.]+ |no $way: .)"
	done
	has "$ALONE +200000 +[0-9.]+ "
	# These no kernel of ours is without.
	for way in 'XDP, native' 'XDP, generic' 'tc, clsact' 'raw tracepoint' tracepoint; do has "$way +200 "; done
	has 'The notes say that a kprobe costs 1000 to 5000 ns\.'
	has 'The notes say that XDP costs 10 to 50 ns\.'
}

@test "cost: what it says of the notes is what it has measured" {
	run -0 in-lab "on server $COST -n 64 -r 1 --from client veth0"
	[[ ${lines[0]} != *instructions* ]] || skip "instructions are not held against ns"
	awk '
		/^The notes say that/ { least = 1000; most = 5000 }
		/^The notes say that XDP/ { least = 10; most = 50 }
		/^  (below|within|above) that: / {
			while (match($0, /\(-?[0-9.]+\)/)) {
				ns = substr($0, RSTART + 1, RLENGTH - 2) + 0
				place = ns < least ? "below" : ns > most ? "above" : "within"
				if ($1 != place) { print "wrong: " ns " is " place ": " $0; wrong = 1 }
				$0 = $1 " " substr($0, RSTART + RLENGTH)
				said++
			}
		}
		END { exit wrong || said < 3 }' <<<"$output"
}

@test "cost: for programs, a line for each hook that there is" {
	local number='-?[0-9]+\.[0-9][0-9]' line

	run -0 in-lab "on server $COST -n 64 -r 1 --tsv --from client veth0"
	for line in "${lines[@]}"; do
		[[ $line =~ ^[^$'\t']+($'\t'$number){3}$'\t'(ns|emulated ns|instructions)$'\t'$number$ ]] || { echo "$line" && false; }
	done
	[[ ${lines[0]} = 'no hook'$'\t'* ]]
	[[ ${lines[-1]} = "$ALONE"$'\t'* ]]
	has 'XDP, generic'$'\t'
}

@test "cost: a namespace may be given as a path, and a function by its name" {
	run -0 in-lab "on server $COST -n 1 -r 1 -f udp_rcv --tsv --from /run/netns/client veth0"
	has 'XDP, native'$'\t'
}

# misused LINE ARGUMENT…: a wrong command line is exit status 2, LINE, and where to read more.
misused() {
	local line=$1
	shift

	run -2 build/kprobe_vs_xdp cost "$@"
	[ "${lines[0]}" = "kprobe_vs_xdp: $line" ] || { echo "$output" && false; }
	[ "${#lines[@]}" = 2 ]
}

@test "cost: a wrong command line" {
	misused "which interface?" --from client
	misused "who sends packets? --from NETNS" veth0
	misused "no number of packets '0': 1 to 64000" -n 0 --from client veth0
	misused "no number of packets 'many': 1 to 64000" -n many --from client veth0
	misused "no number of rounds '0': 1 to 76" -r 0 --from client veth0
	misused "one interface only, not also 'veth1'" --from client veth0 veth1
}

@test "cost: no such interface; or one that nobody can send to; no such network namespace" {
	run -0 in-lab "
		cost() { on server $COST \"\$@\" && echo done || [ \$? = 1 ]; }
		cost --from client eth9
		cost --from moon veth0
		cost --from /etc/passwd veth0
		cost --from '' veth0
		host other
		cost --from other veth0
		on server nft 'add table t; add chain t c { type filter hook input priority 0; policy drop; }'
		cost --from client veth0
		ip -n server addr flush dev veth0
		cost --from client veth0"
	diff <(sed 's/^/kprobe_vs_xdp: /' <<-'END'
		attach to eth9: No such device
		network namespace moon: /run/netns/moon: No such file or directory
		network namespace /etc/passwd: /etc/passwd is none
		network namespace : /run/netns/ is none
		send packets from other to 10.0.0.2: Network is unreachable
		a packet was sent to 10.0.0.2, and did not come there
		send packets to veth0: it has no IPv4 address
	END
	) - <<<"$output"
}

@test "cost: packets that come by another way are missed, and that is an error" {
	says 1 'kprobe_vs_xdp: XDP, native has counted 0 packets of 64 that were sent' \
		"host other; wire other server
		ip -n client route add 10.0.1.2 via 10.0.0.2
		on server $COST --from client veth1"
}

@test "cost: no privilege" {
	run -1 in-lab "on server $AS_USER $COST --from client veth0"
	[ "${#lines[@]}" = 1 ]
	[[ $output = 'kprobe_vs_xdp: '* ]]
}

@test "cost: Ctrl-C ends it, and after kill -9 nothing stays" {
	run -0 in-lab '
		DEADLINE=60 SWITCH=/proc/sys/debug/kprobes-optimization
		there() { tc -n server qdisc show dev veth0 | grep -q clsact; }
		nothing() { ! ip -n server -d link show veth0 | grep -q xdp && ! there; }
		switched() { [ "$(<$SWITCH)" = "$1" ]; }
		measure() {
			nsenter --net=/run/netns/server build/kprobe_vs_xdp cost -n 16000 --from client veth0 >$TMPDIR/out 2>&1 &
			disown
		}
		ends() { ! kill -0 $!; }

		measure
		wait-for there || fail "it attaches nothing"
		kill -INT $!
		wait-for ends || fail "it does not end"
		grep -qx "kprobe_vs_xdp: interrupted in the first round" $TMPDIR/out || grep -q "^A packet" $TMPDIR/out ||
			fail "$(<$TMPDIR/out)"
		wait-for nothing || fail "it leaves something"
		measure
		wait-for there
		kill -9 $!
		wait-for nothing || fail "killed, it leaves something"
		[ -e $SWITCH ] || exit 0
		switched 1 || exit 0
		measure
		wait-for switched 0
		kill -9 $!
		wait-for switched 1 || fail "killed, it leaves probes breakpoints"'
	[ -z "$output" ]
}
