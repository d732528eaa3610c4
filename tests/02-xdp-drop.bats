#!/usr/bin/env bats
# The graded tests of lab 02. Each name begins with the exercise that it grades.

load helper

setup() {
	briefly
	lasting client server || { host client && host server && wire client server; }
	requires server xdp raw_tp
}

# -- 2.1: the bounds check -----------------------------------------------------------------------

@test "2.1 [2] a whole frame is judged, not called too short" {
	attach server build/xdp_drop -p tcp veth0
	for frame in arp icmp4-request icmp6-request udp4 udp6 llc ethertype-1; do
		send "$frame"
		verdict XDP_PASS
		unchanged
	done
}

@test "2.1 [2] a header that just fits is whole, and one that lacks a byte is not" {
	attach server build/xdp_drop -p tcp veth0
	send arp 14 # nothing but the Ethernet header
	verdict XDP_PASS
	send icmp4-request 34 # Ethernet and the fixed IPv4 header
	verdict XDP_PASS
	send icmp6-request 54 # Ethernet and the IPv6 header
	verdict XDP_PASS
	send tcp4
	[ "$(got-verdict)" = XDP_DROP ] || return 0 # before 2.3 nothing looks at these headers
	send icmp4-request 33
	not-verdict XDP_PASS
	send icmp6-request 53
	not-verdict XDP_PASS
}

# -- 2.2: drop all -------------------------------------------------------------------------------

@test "2.2 [1] all: every frame is dropped, whatever it is" {
	attach server build/xdp_drop veth0
	for frame in arp llc ethertype-1 icmp4-request tcp6 udp4-back tcp4-vlan; do
		send "$frame"
		verdict XDP_DROP
		unchanged
	done
}

@test "2.2 [1] all: frames too short to read are dropped, not aborted" {
	attach server build/xdp_drop -p all veth0
	for length in 14 15 33; do
		send tcp4 "$length"
		verdict XDP_DROP
	done
}

# -- 2.3: drop one protocol ----------------------------------------------------------------------

# drops-only PROTOCOL FRAME…: of all frames in tests/packets, -p PROTOCOL drops just these.
drops-only() {
	local protocol=$1 file name
	shift

	attach server build/xdp_drop -p "$protocol" veth0
	for file in tests/packets/{arp,icmp,tcp,udp,llc,ethertype}*.hex; do
		name=${file##*/} name=${name%.hex}
		send "$name"
		case " $* " in
		*" $name "*) verdict XDP_DROP ;;
		*) verdict XDP_PASS ;;
		esac
		unchanged
	done
}

@test "2.3 [3] icmp: ICMP over IPv4 and ICMPv6 over IPv6 are dropped, nothing else" {
	drops-only icmp icmp4-{request,reply,options-request,options-reply,carry-request} \
		icmp4-{carry-reply,damaged-request,damaged-reply,code1,unreachable,broadcast} \
		icmp4-{first,later}-fragment icmp4-{to,from}-zero-{request,reply} \
		icmp6-{request,reply,borrow-request,borrow-reply,code1,multicast,too-big}
}

@test "2.3 [3] tcp: TCP is dropped over IPv4 and IPv6, both ways, nothing else" {
	drops-only tcp tcp4 tcp4-back tcp6 tcp6-back tcp6-like-icmp tcp{4,6}-like-echo
}

@test "2.3 [3] udp: UDP is dropped over IPv4 and IPv6, both ways, nothing else" {
	drops-only udp udp4 udp4-back udp4-like-icmp6 udp6 udp6-like-tcp
}

@test "2.3 [3] of a packet that is cut the fixed header decides, and is itself never let through" {
	attach server build/xdp_drop -p tcp veth0
	send tcp4 34
	verdict XDP_DROP
	send tcp6 54
	verdict XDP_DROP
	send icmp4-options-request 34 # its options are gone
	verdict XDP_PASS
	send icmp4-request 33
	not-verdict XDP_PASS
	send icmp6-request 53
	not-verdict XDP_PASS
}

@test "2.3 [3] a real wire: TCP connects while UDP is dropped, and the other way round" {
	attach server build/xdp_drop -p udp veth0
	serve server 80
	connects client 10.0.0.2 80 2 || wrong "a TCP connection over IPv4 while UDP is dropped" "none"
	! has-ipv6 || connects client fd00::2 80 2 || wrong "a TCP connection over IPv6 while UDP is dropped" "none"
	stop server xdp_drop
	attach server build/xdp_drop -p tcp veth0
	! connects client 10.0.0.2 80 0.2 || wrong "no TCP connection over IPv4" "one"
	on client ping -c 1 -W 1 10.0.0.2 || wrong "pings pass while TCP is dropped" "none"
	requires-ipv6
	! connects client fd00::2 80 0.2 || wrong "no TCP connection over IPv6" "one"
}

# -- 2.4: count ----------------------------------------------------------------------------------

@test "2.4 [2] each frame is counted once, under its verdict and no other" {
	attach server build/xdp_drop -p tcp -e veth0
	for frame in tcp4 udp6 arp icmp4-request "tcp4 20"; do
		snapshot
		# shellcheck disable=SC2086 # a name, and perhaps a length
		send $frame
		[ "$(moved packets)" = "$RETVAL:1" ] ||
			wrong "packets[$RETVAL] + 1, nothing else" "key:moved $(moved packets)"
	done
}

@test "2.4 [2] each CPU counts for itself" {
	attach server build/xdp_drop veth0
	send arp
	for cpu in $(cpus); do
		taskset -c "$cpu" bpftool prog run pinned "$PINS/xdp_drop" \
			data_in "$BATS_TEST_TMPDIR/in" repeat $((1000 * (cpu + 1)))
	done
	counters=$(per-cpu "$RETVAL")
	for cpu in $(cpus); do
		got=$(sed -n "s/^$cpu //p" <<<"$counters")
		# one more where `send` ran
		[ $((got / 1000)) = $((cpu + 1)) ] ||
			wrong "$((1000 * (cpu + 1))) frames counted on CPU $cpu" "$got"
	done
}

# per-cpu VERDICT: "CPU N" for each CPU: its counter of VERDICT, a number.
per-cpu() {
	dump packets | jq -r ".[].formatted | select(.key == $1) | .values[] | \"\(.cpu) \(.value)\""
}

# cpus: the first CPUs that this test may run on, at most four.
cpus() {
	taskset -cp $$ | sed 's/.*: //' | tr , '\n' | sed 's/\(.*\)-\(.*\)/seq \1 \2/e' | head -n 4
}

@test "2.4 [2] a real wire: ten pings are ten frames" {
	attach server build/xdp_drop -p icmp veth0
	on client ping -q -c 10 -i 0.01 -W 0.1 10.0.0.2 || :
	wait-for counted-in-all 10 || wrong "10 frames counted" "$(in-all)"
}

# in-all: how many frames have been counted, whatever the verdict.
in-all() {
	dump packets | jq '[.[].formatted.values[].value] | add'
}

counted-in-all() {
	[ "$(in-all)" = "$1" ]
}

# -- 2.5: too short ------------------------------------------------------------------------------

@test "2.5 [2] an IPv4 header cut at any length is aborted" {
	attach server build/xdp_drop -p udp veth0
	for length in {14..33}; do
		send tcp4 "$length"
		verdict XDP_ABORTED
	done
}

@test "2.5 [2] an IPv6 header cut at any length is aborted" {
	attach server build/xdp_drop -p udp veth0
	for length in {14..53}; do
		send tcp6 "$length"
		verdict XDP_ABORTED
	done
}

@test "2.5 [2] a real wire: xdp_exception tells of an aborted frame" {
	attach server build/xdp_drop -p tcp veth0
	before=$(global exceptions)
	frame tcp4 30 | on client socat -u - INTERFACE:veth0
	wait-for told "$((before + 1))" ||
		wrong "xdp_exception tells of 1 frame" "$(($(global exceptions) - before))"
}

told() {
	[ "$(global exceptions)" = "$1" ]
}

# -- 2.6: answer pings ---------------------------------------------------------------------------

@test "2.6 [4] a ping over IPv4 becomes its answer, byte for byte" {
	attach server build/xdp_drop -p icmp -e veth0
	for ping in icmp4 icmp4-options icmp4-carry icmp4-to-zero icmp4-from-zero icmp4-damaged; do
		send "$ping-request"
		verdict XDP_TX
		output "$ping-reply"
	done
}

@test "2.6 [4] a ping over IPv6 becomes its answer, byte for byte" {
	attach server build/xdp_drop -p icmp -e veth0
	for ping in icmp6 icmp6-borrow; do
		send "$ping-request"
		verdict XDP_TX
		output "$ping-reply"
	done
}

@test "2.6 [4] what is no whole ping to this machine is not answered, and nothing without -e" {
	attach server build/xdp_drop -p udp veth0
	for frame in icmp4-request icmp6-request; do
		send "$frame"
		verdict XDP_PASS
		unchanged
	done
	stop server xdp_drop
	attach server build/xdp_drop -p udp -e veth0
	send icmp4-request
	verdict XDP_TX
	for frame in arp icmp4-{reply,code1,unreachable,broadcast,first-fragment,later-fragment} \
		icmp6-{reply,code1,multicast,too-big,hop-by-hop} icmp6-over-ipv4 icmp-over-ipv6 \
		short-ihl ethertype-ping tcp4 tcp4-like-echo tcp6 tcp6-like-echo; do
		send "$frame"
		verdict XDP_PASS
		unchanged
	done
}

@test "2.6 [4] a ping that is cut anywhere is not answered, and not changed" {
	attach server build/xdp_drop -p udp -e veth0
	send icmp4-request
	verdict XDP_TX
	for length in {14..41}; do
		send icmp4-request "$length"
		not-verdict XDP_TX
		unchanged
	done
	for length in {54..61}; do
		send icmp6-request "$length"
		not-verdict XDP_TX
		unchanged
	done
}

@test "2.6 [4] a real wire: pings are answered, by the driver, though all else is dropped" {
	attach server build/xdp_drop -e veth0
	start client build/xdp_drop -p udp veth0 # a veth sends back only to a peer with XDP
	before=$(sent-back)
	on client ping -c 3 -i 0.01 -W 1 10.0.0.2 || wrong "an answer over IPv4" "none"
	requires-ipv6
	on client ping -c 3 -i 0.01 -W 1 fd00::2 || wrong "an answer over IPv6" "none"
	[ $(($(sent-back) - before)) = 6 ] ||
		wrong "6 frames sent back by the driver" "$(($(sent-back) - before)), and the stack answered"
}

# sent-back: how many frames the server's driver has sent back, by its own count.
sent-back() {
	on server ethtool -S veth0 | awk '/ rx_queue_[0-9]*_xdp_tx:/ { n += $2 } END { print n + 0 }'
}
