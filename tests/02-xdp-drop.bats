#!/usr/bin/env bats
# The graded tests of lab 02. Each name begins with the exercise that it grades.

load helper

setup() {
	host client && host server && wire client server
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

@test "2.1 [2] a header that just fits is whole" {
	attach server build/xdp_drop -p tcp veth0
	send arp 14 # nothing but the Ethernet header
	verdict XDP_PASS
	send icmp4-request 34 # Ethernet and the fixed IPv4 header
	verdict XDP_PASS
	send icmp6-request 54 # Ethernet and the IPv6 header
	verdict XDP_PASS
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
		name=$(basename "$file" .hex)
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
		icmp4-{first,later}-fragment icmp6-{request,reply,multicast,too-big}
}

@test "2.3 [3] tcp: TCP is dropped over IPv4 and IPv6, both ways, nothing else" {
	drops-only tcp tcp4 tcp4-back tcp6 tcp6-back tcp6-like-icmp
}

@test "2.3 [3] udp: UDP is dropped over IPv4 and IPv6, both ways, nothing else" {
	drops-only udp udp4 udp4-back udp4-like-icmp6 udp6 udp6-like-tcp
}

@test "2.3 [3] a real wire: TCP connects while UDP is dropped, and the other way round" {
	attach server build/xdp_drop -p udp veth0
	serve-tcp
	connects 10.0.0.2 || wrong "a TCP connection over IPv4 while UDP is dropped" "none"
	connects fd00::2 || wrong "a TCP connection over IPv6 while UDP is dropped" "none"
	stop server xdp_drop
	attach server build/xdp_drop -p tcp veth0
	! connects 10.0.0.2 || wrong "no TCP connection over IPv4" "one"
	! connects fd00::2 || wrong "no TCP connection over IPv6" "one"
	on client ping -c 1 -W 1 10.0.0.2 || wrong "pings pass while TCP is dropped" "none"
}

# serve-tcp: a server on port 80 of the host server, IPv4 and IPv6, that greets.
serve-tcp() {
	on server socat TCP6-LISTEN:80,fork,reuseaddr,ipv6only=0 SYSTEM:'echo hello' 3>&- &
	wait-for on server socat -u OPEN:/dev/null 'TCP6:[::1]:80'
}

# connects ADDRESS: does the client reach port 80 there?
connects() {
	case $1 in
	*:*) [ "$(on client socat -u "TCP6:[$1]:80,connect-timeout=0.2" -)" = hello ] ;;
	*) [ "$(on client socat -u "TCP4:$1:80,connect-timeout=0.2" -)" = hello ] ;;
	esac
}

# -- 2.4: count ----------------------------------------------------------------------------------

@test "2.4 [2] each frame is counted once, under its verdict and no other" {
	attach server build/xdp_drop -p tcp -e veth0
	for frame in tcp4 udp6 arp icmp4-request; do
		send "$frame"
		for verdict in "${XDP_VERDICTS[@]}"; do
			counted packets "$verdict" "$([ "$verdict" != "$(got-verdict)" ] || echo 1)"
		done
	done
}

@test "2.4 [2] each CPU counts for itself" {
	attach server build/xdp_drop veth0
	send arp
	for cpu in $(cpus); do
		taskset -c "$cpu" bpftool prog run pinned "$PINS/xdp_drop" \
			data_in "$BATS_TEST_TMPDIR/in" repeat $((1000 * (cpu + 1)))
	done
	for cpu in $(cpus); do
		got=$(on-cpu "$cpu" "$RETVAL")
		# one more where `send` ran
		[ $((got / 1000)) = $((cpu + 1)) ] ||
			wrong "$((1000 * (cpu + 1))) frames counted on CPU $cpu" "$got"
	done
}

# on-cpu CPU VERDICT: the counter of VERDICT, a number, that CPU keeps.
on-cpu() {
	dump packets | jq ".[].formatted | select(.key == $2) | .values[] | select(.cpu == $1).value"
}

# cpus: the first CPUs that this test may run on, at most four.
cpus() {
	taskset -cp $$ | sed 's/.*: //' | tr , '\n' | sed 's/\(.*\)-\(.*\)/seq \1 \2/e' | head -n 4
}

@test "2.4 [2] a real wire: ten pings are ten frames" {
	attach server build/xdp_drop -p icmp veth0
	on client ping -q -c 10 -i 0.01 -W 0.1 10.0.0.2 || :
	got=$(dump packets | jq '[.[].formatted.values[].value] | add')
	[ "$got" = 10 ] || wrong "10 frames counted" "$got"
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
	attach server build/xdp_drop -p udp -e veth0
	for ping in icmp4 icmp4-options icmp4-carry icmp4-damaged; do
		send "$ping-request"
		verdict XDP_TX
		output "$ping-reply"
	done
}

@test "2.6 [4] a ping over IPv6 becomes its answer, byte for byte" {
	attach server build/xdp_drop -p udp -e veth0
	send icmp6-request
	verdict XDP_TX
	output icmp6-reply
}

@test "2.6 [4] what is no whole ping to this machine is not answered" {
	attach server build/xdp_drop -p udp -e veth0
	send icmp4-request
	verdict XDP_TX
	for frame in arp icmp4-{reply,code1,unreachable,broadcast,first-fragment,later-fragment} \
		icmp6-{reply,multicast,too-big,hop-by-hop} icmp6-over-ipv4 icmp-over-ipv6 \
		tcp4 tcp6; do
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

@test "2.6 [4] a real wire: pings are answered though all else is dropped" {
	on server sh -c 'echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all
		echo 1 >/proc/sys/net/ipv6/icmp/echo_ignore_all' # its stack is silent
	attach server build/xdp_drop -e veth0
	start client build/xdp_drop -p udp veth0 # a veth sends back only to a peer with XDP
	on client ping -c 3 -i 0.01 -W 1 10.0.0.2 || wrong "an answer over IPv4" "none"
	on client ping -c 3 -i 0.01 -W 1 fd00::2 || wrong "an answer over IPv6" "none"
}
