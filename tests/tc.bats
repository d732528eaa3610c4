#!/usr/bin/env bats
# Lab 05's loader on a wire: how it attaches and what it leaves, beside programs of others; packets in
# pieces; and the shares of the classes.

bats_require_minimum_version 1.5.0
load says

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
}

# Words for the scripts below: `filters` says how many programs clsact has on the server's veth0, and `qdiscs`
# whether it is there; `counted` what the loader has; `reached` asks for three answers.
WORDS='
	filters() { { on server tc filter show dev veth0 ingress; on server tc filter show dev veth0 egress; } | grep -c "direct-action" || :; }
	qdiscs() { on server tc qdisc show dev veth0 | grep -c clsact || :; }
	reached() { on client ping -q -c 3 -i 0.002 -W 0.2 "${1:-10.0.0.2}" >/dev/null; }
	counted() { output-of server tc | tail -n 1; }
'

# has-tcx: does the kernel have any?
has-tcx() {
	in-lab 'start server build/tc -a tcx veth0' >/dev/null 2>&1
}

# ways: how the kernel lets a program be attached.
ways() {
	echo clsact
	! has-tcx || echo tcx
}

@test "tc: it attaches by tcx if there is any, else by clsact, and says which; -a chooses" {
	says 0 'attached to veth0 by clsact' 'start server build/tc -a clsact veth0; output-of server tc | sed -n 1p'
	has-tcx || skip "by clsact all is well; this kernel has no tcx (6.6)"
	says 0 'attached to veth0 by tcx' 'start server build/tc veth0; output-of server tc | sed -n 1p'
	says 0 'attached to veth0 by tcx' 'start server build/tc -a tcx veth0; output-of server tc | sed -n 1p'
}

@test "tc: both ways both programs run, and at the end nothing is left" {
	for way in $(ways); do
		says 0 'in 3, out 3'$'\n''0 0' "$WORDS
			start server build/tc -a $way veth0
			reached
			stop server tc
			counted
			echo \$(filters) \$(qdiscs)"
	done
}

@test "tc: after kill -9 tcx has gone with the process; clsact stays, and a new loader comes beside it" {
	says 0 '2 1'$'\n''4 1'$'\n''in 3, out 3'$'\n''2 1' "$WORDS"'
		start server build/tc -a clsact -f 1:2 veth0; disown
		kill -9 $(pid-of server tc)
		echo $(filters) $(qdiscs)
		start server build/tc -a clsact veth0
		echo $(filters) $(qdiscs)
		reached
		stop server tc
		counted
		echo $(filters) $(qdiscs)'
	has-tcx || skip "by clsact all is well; this kernel has no tcx (6.6)"
	says 0 'clean' "$WORDS"'
		start server build/tc -a tcx -V 5 veth0; disown
		! reached
		kill -9 $(pid-of server tc)
		wait-for reached
		echo clean'
}

@test "tc: programs that were there stay, and run" {
	for way in $(ways); do
		# the other takes off the tag that the client puts on
		says 0 'in 3, out 3'$'\n''1 1' "$WORDS
			on client tc qdisc add dev veth0 clsact
			on client tc filter add dev veth0 egress bpf da obj build/tags.bpf.o program tag_once
			on server tc qdisc add dev veth0 clsact
			on server tc filter add dev veth0 ingress bpf da obj build/tags.bpf.o program untag
			reached
			start server build/tc -a $way veth0
			reached
			stop server tc
			counted
			reached
			echo \$(filters) \$(qdiscs)"
	done
}

@test "tc: a terminal that closes, SIGHUP, ends it well too" {
	says 0 '0 0' "$WORDS"'
		start server build/tc -a clsact veth0
		kill -HUP $(pid-of server tc); wait $(pid-of server tc)
		echo $(filters) $(qdiscs)'
}

@test "tc: a qdisc ingress, which has no egress, is not taken for clsact" {
	says 1 'tc: attach to veth0 by clsact: File exists (there is a qdisc ingress: tc qdisc del dev … ingress)' '
		on server tc qdisc add dev veth0 ingress
		on server build/tc -a clsact veth0'
}

@test "tc: a filter that came later stays, and so does the qdisc that we made for ours" {
	says 0 '1 1' "$WORDS"'
		start server build/tc -a clsact veth0
		on server tc filter add dev veth0 egress bpf da obj build/tags.bpf.o program tag_once
		stop server tc >/dev/null
		echo $(filters) $(qdiscs)'
}

@test "tc: two loaders at once, and each counts" {
	for way in $(ways); do
		says 0 'in 3, out 3'$'\n''in 6, out 6'$'\n''0 0' "$WORDS
			start server build/tc -a $way veth0
			ln -s \$PWD/build/tc \$TMPDIR/tc2
			reached
			start server \$TMPDIR/tc2 -a $way veth0
			reached
			stop server tc2
			output-of server tc2 | tail -n 1
			stop server tc
			counted
			echo \$(filters) \$(qdiscs)"
	done
}

@test "tc: somebody removes a program, or the interface goes" {
	for way in $(ways); do
		says 1 'tc: detached from veth0: the interface is gone, or somebody removed a program' "
			start server build/tc -a $way veth0; ip -n client link delete veth0
			wait-for ended server tc; errors-of server tc; stop server tc"
	done
	says 1 'tc: detached from veth0: the interface is gone, or somebody removed a program' '
		start server build/tc -a clsact veth0; on server tc filter del dev veth0 egress
		wait-for ended server tc; errors-of server tc; stop server tc'
}

@test "tc: the command tc attaches the object too, and each program by its name" {
	says 0 'tc_ingress tc_egress'$'\n''3 3' "$WORDS"'
		on server tc qdisc add dev veth0 clsact
		on server tc filter add dev veth0 ingress bpf da obj build/tc.bpf.o sec tc
		on server tc filter add dev veth0 egress bpf da obj build/tc.bpf.o program tc_egress
		reached
		echo $(for hook in ingress egress; do on server tc filter show dev veth0 $hook | sed -n "s/.* name \([a-z_]*\) .*/\1/p"; done)
		counts() { bpftool -j map dump id "$(bpftool -j prog show id $1 | jq ".map_ids[]" | while read -r id; do bpftool -j map show id $id; done | jq "select(.name == \"counts\") | .id")" | jq "[.[$2].values[].value | if type == \"array\" then (.[0] | ltrimstr(\"0x\") | tonumber) else . end] | add"; }
		ids=$(for hook in ingress egress; do on server tc filter show dev veth0 $hook | sed -n "s/.* id \([0-9]*\) .*/\1/p"; done)
		set -- $ids
		echo $(counts $1 0) $(counts $2 1)'
}

@test "tc: a packet of which only the Ethernet header is in one piece is handled as any other" {
	says 0 'in 3, TTL set 3, marked 2, forwarded 3' '
		start server build/tc -t 9 -m 10.0.0.0/8=7 -f 22:2222 veth0
		for frame in ipv4-options-40-tcp22 vlan-tcp22 ipv6-chain-tcp22; do
			tests/frame $frame >$TMPDIR/frame
			on client build/ring veth0 <$TMPDIR/frame
		done
		stop server tc
		output-of server tc | tail -n 1 | sed "s/, out [0-9]*//; s/, returned.*//" # the server may answer them'
}

@test "tc: neighbors still find each other when the hop limit is set" {
	for option in '' --ttl-by-helper; do
		says 0 '' "$WORDS
			start server build/tc -t 9 $option veth0
			start client build/tc -t 9 $option veth0
			for each in client server; do
				ip -n \$each link set veth0 arp on
				ip -n \$each neigh flush dev veth0 nud permanent
			done
			wait-for reached fd00::2
			wait-for reached 10.0.0.2"
	done
}

@test "tc: the sum that a card has made of a packet stays right" {
	run in-lab '
		mkdir $TMPDIR/in $TMPDIR/out
		for file in tests/packets/*.hex; do file=${file##*/} && tests/frame ${file%.hex} >$TMPDIR/in/${file%.hex}; done
		for knobs in "-t 9" "-t 9 --ttl-by-helper" "-f 22:2222"; do
			start server build/tc $knobs veth0
			bpftool prog pin id $(id-of prog server tc tc_ingress) /sys/fs/bpf/tc
			build/through -c /sys/fs/bpf/tc $TMPDIR/out $TMPDIR/in/* 2>&1 || fail "with $knobs"
			rm /sys/fs/bpf/tc
			stop server tc
		done'
	[[ $output != *"Invalid argument"* ]] || skip "this kernel runs no program on a packet that a card has summed up"
	[ "$status" = 0 ] || { echo "$output" && false; }
}

@test "tc: of 8 Mbit/s a class gets three quarters, the other a quarter, within a tenth" {
	# In the network of the story, which has these classes.
	run -0 make -s shell-05 <<-'END'
		set -e
		bytes() {
			on server tc -s class show dev veth0 |
				awk '$1 == "class" { class = $3 } $1 == "Sent" { sent[class] = $2 } END { print sent["1:10"], sent["1:20"] }'
		}
		beyond() { read -r most least < <(bytes) && [ $((most - $1)) -gt 250000 ] && [ $((least - $2)) -gt 250000 ]; }
		for port in 5001 5002; do
			yes "$(printf %1400s '')" | on server socat -u -b 1401 - UDP-DATAGRAM:10.0.0.1:$port &
		done 2>/dev/null
		# Counted from a moment on when both have packets waiting: before, one has what the other does not use.
		wait-for beyond -200000 -200000 || fail "a class gets nothing"
		before=($most $least)
		wait-for beyond ${before[@]} || fail "a class gets no more"
		echo $((most - before[0])) $((least - before[1]))
	END
	read -r most least <<<"${lines[-1]}"
	[ $((most * 10)) -gt $((least * 27)) ] && [ $((most * 10)) -lt $((least * 33)) ] ||
		{ echo "expected three to one, within a tenth; got $most to $least" && false; }
}
