#!/usr/bin/env bats
# The graded tests of lab 05. Each name begins with the exercise that it grades. What the programs make of
# frames is read by build/sums, which shares nothing with them.

load helper

setup() {
	briefly
	lasting client server tap || {
		host client && host server && host tap && wire client server && wire server tap
	}
	requires server tc
	# Without tcx, what a loader had attached that was killed is there still.
	for host in client server; do tc -n "$host" qdisc del dev veth0 clsact 2>/dev/null || :; done
}

# ingress [OPTION…]: attaches both programs; what is sent then comes in.
ingress() {
	attach server build/tc "$@" veth0
	TESTED=tc_ingress
}

# egress [OPTION…]: the same; what is sent then goes out.
egress() {
	attach server build/tc "$@" veth0
	TESTED=tc_egress
}

# with-offloads COMMAND…: runs it while checksums and segments are left to the cards, as on most machines.
with-offloads() {
	local status=0

	offloads on
	"$@" || status=$?
	offloads off
	return "$status"
}

offloads() {
	local host

	for host in client server; do on "$host" ethtool -K veth0 tx "$1" tso "$1" gso "$1" gro "$1" >/dev/null; done
}

# -- what a test asserts -------------------------------------------------------------------------

# What `all-moved` is told the names of.
# shellcheck disable=SC2034
COUNTS=(INGRESS EGRESS MIRRORED TTL_SET MARKED FORWARDED RETURNED DSCP_SET CLASSIFIED LIMITED VLAN_PUSHED)

# done-so-far WHAT: how often that was done since `snapshot`.
done-so-far() {
	[[ " $(all-moved counts COUNTS)" =~ " $1:"([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# did WHAT N: that was done N times since `snapshot`, by the program's own counter.
did() {
	local got

	got=$(done-so-far "$1")
	[ "$got" = "$2" ] || wrong "TC_$1 is counted $2 times" "$got"
}

# changed: how many frames are not as they were sent.
changed() {
	awk 'NF > 4 { n++ } END { print n + 0 }' <<<"$RESULTS"
}

# all-went-on: every verdict was TC_ACT_UNSPEC.
all-went-on() {
	local others

	others=$(awk '$2 != -1' <<<"$RESULTS")
	[ -z "$others" ] || wrong "TC_ACT_UNSPEC, -1, for every frame" "$others"
}

# -- 5.1 and 5.2: the TTL ------------------------------------------------------------------------

# sets-ttl [OPTION]: on every frame, to small and to large ones, by this way.
sets-ttl() {
	local ttl

	for ttl in 1 255; do
		ingress -t "$ttl" "$@"
		snapshot
		everything
		becomes "s/ ttl [0-9]+/ ttl $ttl/" 3
		all-went-on
		did TTL_SET "$(changed)"
		stop server tc
	done
}

# pings-with-ttl ADDRESS TTL: the client is told it by the ping of a server with an address.
pings-with-ttl() {
	local got

	got=$(on client ping -c 1 -W 1 "$1" | sed -n 's/.* ttl=\([0-9]*\) .*/\1/p')
	[ "$got" = "$2" ] || wrong "an answer from $1 with ttl=$2" "${got:-none}"
}

# leaves-ttl [OPTION]: frames that have it are as they were.
leaves-ttl() {
	ingress -t 64 "$@"
	snapshot
	for frame in tcp4 udp6 vlan-tcp22; do send "$frame" && unchanged; done
	did TTL_SET 0
	send icmp4-to-zero-request # 57
	did TTL_SET 1
}

# real-ttl [OPTION]: answers that come in to the client.
real-ttl() {
	attach client build/tc -t 9 -f 9:10 "$@" veth0 # -f, for that reads the packet afterwards
	snapshot
	pings-with-ttl 10.0.0.2 9
	did TTL_SET 1
	serve server 80
	connects client 10.0.0.2 80 2 || wrong "a connection" "none"
	requires-ipv6
	snapshot
	pings-with-ttl fd00::2 9
	did TTL_SET 1
	connects client fd00::2 80 2 || wrong "a connection over IPv6" "none"
}

@test "5.1 [2] of every frame the TTL or hop limit is set, and each checksum stays as right as it was" {
	sets-ttl
}

@test "5.1 [2] a TTL that is right is left alone, and not counted" {
	leaves-ttl
}

@test "5.1 [2] a real wire: the answers to pings have that TTL, and connections work" {
	real-ttl
}

@test "5.2 [2] by helpers: of every frame the TTL or hop limit is set, and each checksum stays as right as it was" {
	sets-ttl --ttl-by-helper
}

@test "5.2 [2] by helpers: a TTL that is right is left alone, and not counted" {
	leaves-ttl --ttl-by-helper
}

@test "5.2 [2] by helpers: a real wire: the answers to pings have that TTL, and connections work" {
	real-ttl --ttl-by-helper
	with-offloads connects client 10.0.0.2 80 2 || wrong "a connection, checksums left to the cards" "none"
}

# -- 5.3: marks ----------------------------------------------------------------------------------

# marks MARK FRAME…: each has this mark behind the program; 0: none.
marks() {
	local mark=$1 frame got
	shift

	mkdir -p "$BATS_TEST_TMPDIR/marked"
	for frame; do
		frame "$frame" >"$BATS_TEST_TMPDIR/$frame"
		got=$(build/through "$PINS/tc_ingress" "$BATS_TEST_TMPDIR/marked" "$BATS_TEST_TMPDIR/$frame" | cut -d' ' -f3)
		# shellcheck disable=SC2034 # what a failure shows
		[ "$got" = "$mark" ] || { SENT=$frame && wrong "skb->mark $mark" "$got"; }
	done
}

@test "5.3 [2] what comes from a prefix has its mark, by the longest prefix, whatever it carries" {
	ingress -m 10.0.0.0/8=7 -m 10.0.0.2=4294967295 -m fd00::/16=9 -m fd00::2/127=11
	snapshot
	marks 7 tcp4 udp4 icmp4-request ipv4-gre vlan-tcp22 ipv4-later-fragment-like-tcp22
	marks 4294967295 tcp4-back
	marks 9 tcp6 udp6 icmp6-request ipv6-later-fragment-like-tcp22
	marks 11 tcp6-back
	did MARKED 12
}

@test "5.3 [2] what does not, has none; IPv4 and IPv6 are not mixed up" {
	ingress -m 11.0.0.0/8=7 -m 10.0.0.2/31=8 -m fe00::/8=9 -m 0.0.0.0/0=5
	snapshot
	marks 5 tcp4
	marks 8 tcp4-back
	marks 0 tcp6 arp llc ipv4-ihl-4
	did MARKED 2
	stop server tc
	ingress -m ::/0=6 -m ::ffff:10.0.0.1=3
	marks 6 tcp6
	marks 3 tcp4 ipv6-mapped-tcp22
}

# by-mark MARK: what nft has counted of it.
by-mark() {
	on server nft -j list table inet marked |
		jq --argjson mark "$1" '.nftables[].rule?.expr | select(.) | select(.[0].match.right == $mark) | .[1].counter.packets'
}

@test "5.3 [2] a real wire: netfilter, which comes after tc, counts and drops by the mark" {
	ingress -m 10.0.0.0/24=7 -m fd00::/64=9
	on server nft -f - <<-END
		table inet marked {
			chain in {
				type filter hook prerouting priority raw
				meta mark 7 counter
				meta mark 9 counter drop
			}
		}
	END
	snapshot
	got=$(on client ping -q -c 20 -i 0.002 -W 1 10.0.0.2 | grep -o '[0-9]* received')
	[ "$got" = "20 received" ] || wrong "20 received over IPv4" "$got"
	requires-ipv6
	! on client ping -q -c 5 -i 0.002 -W 0.1 fd00::2 >/dev/null || wrong "no answer over IPv6: mark 9 is dropped" "one"
	marked="$(by-mark 7), $(by-mark 9)"
	on server nft delete table inet marked
	[ "$marked" = "20, 5" ] || wrong "nft counts 20 with mark 7, 5 with mark 9" "$marked"
	did MARKED 25
}

# -- 5.4: DSCP -----------------------------------------------------------------------------------

@test "5.4 [3] of every frame to a port the DSCP is set, and each checksum stays as right as it was" {
	egress -d 22=46 -d 80=63 -d 53=1
	snapshot
	everything
	becomes '/ ports [0-9]+ 22( |$)/s/ dscp [0-9]+/ dscp 46/
		/ ports [0-9]+ 80( |$)/s/ dscp [0-9]+/ dscp 63/
		/ ports [0-9]+ 53( |$)/s/ dscp [0-9]+/ dscp 1/' 3
	all-went-on
	[ "$(changed)" -gt 30 ]
	did DSCP_SET "$(changed)"
}

@test "5.4 [3] ECN and the flow label stay, whatever the DSCP was" {
	for dscp in 0 63; do
		egress -d 80=$dscp
		for frame in ipv4-tcp80-dscp-ecn ipv6-tcp80-dscp-ecn; do
			send "$frame"
			# shellcheck disable=SC2059,SC2153 # the bytes are the format
			printf "$OUTPUT" >"$BATS_TEST_TMPDIR/$frame"
			got=$(build/sums "$BATS_TEST_TMPDIR/$frame")
			[[ $got == *" dscp $dscp ecn 3 "*' tcp good' ]] && [[ $frame == ipv4* || $got == *' flow abcde '* ]] ||
				wrong "DSCP $dscp, the rest as it was" "$got"
		done
		stop server tc
	done
}

@test "5.4 [3] a DSCP that is right is left alone, and not counted; so is another port" {
	egress -d 80=10 -d 40000=5
	snapshot
	for frame in ipv4-tcp80-dscp-ecn udp4 udp6 icmp4-request arp; do send "$frame" && unchanged; done
	did DSCP_SET 0
	send tcp4-back # to port 40000
	did DSCP_SET 1
}

@test "5.4 [3] a real wire: what goes to the port has the DSCP, over IPv4 and IPv6" {
	attach client build/tc -d 80=46 -d 81=0 veth0
	serve server 80
	snapshot
	capture server veth0 -e -v dst port 80
	connects client 10.0.0.2 80 2 || wrong "a connection over IPv4" "none"
	requires-ipv6
	connects client fd00::2 80 2 || wrong "a connection over IPv6" "none"
	sent=$(done-so-far DSCP_SET)
	[ "$sent" -ge 8 ] || wrong "at least 8 segments with the DSCP set" "$sent"
	seen server "$sent" '[(](tos|class) 0xb8,.* (10.0.0.2|fd00::2).80: '
}

# -- 5.5: the limit ------------------------------------------------------------------------------

# lets N EXPECTED FRAME: of N in a row so many are not dropped.
lets() {
	local got

	snapshot
	burst "$1" "$3"
	got=$(($1 - $(done-so-far LIMITED)))
	[ "$got" = "$2" ] || wrong "of $1 in a row $2 go on" "$got"
}

# later SECONDS: as if they had passed, for every bucket: its time, the last 8 bytes, is put back.
later() {
	local key value time i

	bpftool -j map dump pinned "$MAPS/limits" |
		jq -r --argjson seconds "$1" '.[] | (.key | join(" ")), (.value[:24] | join(" ")),
			(.formatted.value.time - $seconds * 1e9 | floor)' |
		while read -r key && read -r value && read -r time; do
			for i in {0..7}; do value+=" $((time >> 8 * i & 255))"; done
			# shellcheck disable=SC2086 # a byte each
			bpftool map update pinned "$MAPS/limits" key $key value $value
		done
}

@test "5.5 [3] a burst goes on, and then nothing; each drop is counted" {
	egress -l 10.0.0.2=1,513 # nine and a half frames of 54 bytes, and one byte a second
	lets 9 9 tcp4
	send tcp4
	verdict TC_ACT_UNSPEC # there was half its credit; now it owes
	unchanged
	snapshot
	send tcp4
	verdict TC_ACT_SHOT
	did LIMITED 1
	did EGRESS 1
	lets 100 0 tcp4
}

@test "5.5 [3] after the burst goes on what the rate gives, and a debt is paid first" {
	egress -l 10.0.0.2=2,513
	lets 100 10 tcp4 # and 27 bytes are owed
	later 4
	lets 100 0 tcp4
	later 50         # 108 bytes in all
	lets 100 2 tcp4  # for there were 81, one and a half; again 27 are owed
	later 138        # 276 bytes
	lets 100 5 tcp4
}

@test "5.5 [3] after a pause the bucket is full, and not fuller" {
	egress -l 10.0.0.2=1,513
	lets 5 5 tcp4
	later 100000
	lets 100 10 tcp4
	later 1000000
	lets 100 10 tcp4
}

@test "5.5 [3] what is dropped takes nothing: who goes on sending gets the rate" {
	egress -l 10.0.0.2=4,513
	lets 100000 10 tcp4 # and 27 bytes are owed
	snapshot
	for _ in {1..5}; do later 1.6 && burst 100000 tcp4; done # 32 bytes
	did LIMITED 499999
}

@test "5.5 [3] bytes count, not packets" {
	egress -l 10.0.0.2=1,1000
	lets 100 19 tcp4 # of 54 bytes
	later 100000
	lets 100 11 ipv4-options-40-tcp22 # of 94
}

@test "5.5 [3] each destination has a bucket of its own; others have none" {
	egress -l 10.0.0.2=1,513 -l fd00::2=1,703 -l 10.0.0.1=1,27
	lets 50 10 tcp4
	lets 50 10 tcp6
	lets 50 1 tcp4-back
	lets 50 50 tcp6-back
	lets 50 50 arp
	lets 50 50 llc
	lets 50 0 udp4
	lets 50 0 icmp6-request
	lets 50 0 ipv4-later-fragment-like-tcp22
}

@test "5.5 [3] two CPUs take at once, and nothing is taken twice" {
	egress -l 10.0.0.2=1,53999973 # 1000000 of 54 bytes, but for a half
	snapshot
	burst-on-two-cpus 1200000 tcp4
	did LIMITED 1400000
}

@test "5.5 [3] a real wire: pings beyond the burst are lost" {
	start client build/tc -l 10.0.0.2=1,931 veth0 # nine and a half of 98 bytes
	got=$(on client ping -q -c 15 -i 0.002 -W 0.1 10.0.0.2 | grep -o '[0-9]* received') || :
	[ "$got" = "10 received" ] || wrong "10 received" "$got"
	requires-ipv6
	on client ping -q -c 1 -W 1 fd00::2 >/dev/null || wrong "an answer from fd00::2" "none"
}

# -- 5.6: the mirror -----------------------------------------------------------------------------

# arrived: how many frames have come to the tap.
arrived() {
	ip -n tap -j -s link show veth0 | jq '.[0].stats64.rx.packets'
}

# flood N [CPU]: so many frames from the client, handled on one CPU. They have come in when it returns.
flood() {
	local before

	before=$(done-so-far INGRESS)
	frame tcp4 | on client taskset -c "${2:-$(cpus | head -n 1)}" build/flood veth0 "$1"
	wait-for arrivals-are $((before + $1))
}

# arrivals-are N: so many have come in since `snapshot`.
arrivals-are() {
	[ "$(done-so-far INGRESS)" = "$1" ]
}

@test "5.6 [2] every frame is mirrored as it came, whatever it is, and goes on" {
	ingress -M veth1 -t 9
	snapshot
	capture tap veth0 -e -v
	for frame in tcp4 arp vlan-tcp22 ipv4-ihl-4 llc; do throw client "$frame"; done
	seen tap 1 'ttl 64.* 10.0.0.1.40000 > 10.0.0.2.80: '
	seen tap 1 'vlan 5,.*ttl 64.* 10.0.0.1.40000 > 10.0.0.2.22: '
	seen tap 1 'ethertype ARP'
	seen tap 5 '02:00:00:00:00:01 > '
	did MIRRORED 5
	on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null || wrong "an answer to a ping" "none"
}

@test "5.6 [2] one of N" {
	ingress -M veth1 --mirror-every 7
	snapshot
	before=$(arrived)
	flood 6
	did MIRRORED 0
	flood 1
	did MIRRORED 1
	flood 70
	did MIRRORED 11
	[ $(($(arrived) - before)) = 11 ] || wrong "11 frames at the tap" "$(($(arrived) - before))"
	did INGRESS 77
}

@test "5.6 [2] two CPUs count their turns, each its own" {
	ingress -M veth1 --mirror-every 1000
	mapfile -t cpus < <(cpus)
	[ ${#cpus[@]} -gt 1 ] || skip "there is one CPU"
	snapshot
	before=$(arrived)
	for cpu in "${cpus[@]:0:2}" "${cpus[@]:0:2}"; do flood 999 "$cpu"; done
	got=$(done-so-far MIRRORED)
	[ "$got" = 2 ] || wrong "of 2 × 1998, 1998 on each CPU, 2 are mirrored" "$got"
	[ $(($(arrived) - before)) = 2 ] || wrong "2 frames at the tap" "$(($(arrived) - before))"
}

@test "5.6 [2] a mirror that is down mirrors nothing, and harms nothing" {
	ingress -M veth1
	on server ip link set veth1 down
	snapshot
	on client ping -q -c 3 -i 0.002 -W 1 10.0.0.2 >/dev/null || wrong "answers to pings" "not all"
	did MIRRORED 0
	on server ip link set veth1 up
	on client ping -q -c 3 -i 0.002 -W 1 10.0.0.2 >/dev/null || wrong "answers to pings" "not all"
	did MIRRORED 3
}

# -- 5.7: the forwarded port ---------------------------------------------------------------------

@test "5.7 [4] of every frame to the port it is the other, and each checksum stays as right as it was" {
	ingress -f 22:2222
	snapshot
	everything
	becomes 's/( ports [0-9]+) 22( |$)/\1 2222\2/' 4
	all-went-on
	[ "$(changed)" -gt 30 ]
	did FORWARDED "$(changed)"
}

# called FRAME…: these have come in; what is sent then goes out.
called() {
	local frame

	TESTED=tc_ingress
	for frame; do send "$frame"; done
	# shellcheck disable=SC2034 # what the next frame is sent through
	TESTED=tc_egress
}

@test "5.7 [4] the answers to who called come from the port that was called" {
	ingress -f 22:80
	called ipv4-tcp22 ipv6-tcp22 # 10.0.0.1 and fd00::1, from port 40000
	snapshot
	everything
	becomes '/^(tcp4-back|tcp6-back) /s/ ports 80 / ports 22 /' 4
	all-went-on
	did RETURNED 2
	stop server tc
	ingress -f 22:53
	called ipv4-udp22 ipv4-tcp22 ipv6-tcp22 # and over TCP port 80 answers nobody who called
	everything
	becomes '/^(udp4-back|ipv4-udp53-back-no-checksum) /s/ ports 53 / ports 22 /' 4
}

@test "5.7 [4] who calls the other port itself is answered from there; so is who called over something else" {
	ingress -f 22:80
	called
	for frame in tcp4-back tcp6-back; do send "$frame" && unchanged; done
	for caller in ipv6-tcp22 ipv4-udp22 tcp4; do # over IPv6, over UDP, to port 80 itself
		called $caller
		send tcp4-back
		unchanged
	done
	snapshot
	send tcp6-back
	did RETURNED 1
	stop server tc
	ingress -f 40000:80
	called ipv4-tcp22-back # from port 22 of 10.0.0.1
	send tcp4-back         # to port 40000 there
	unchanged
}

@test "5.7 [4] who once called, and then calls the other port itself, is answered from there" {
	ingress -f 22:80
	called ipv4-tcp22 ipv6-tcp22
	snapshot
	send tcp4-back
	did RETURNED 1
	called tcp4 # the same host, from the same port
	send tcp4-back
	unchanged
	send tcp6-back
	did RETURNED 2
	called ipv4-tcp22
	send tcp4-back
	did RETURNED 3
}

# differs OFFSET BYTES…: the program left the frame as it was, but for these bytes there.
differs() {
	local expected=$INPUT

	while [ $# -gt 0 ]; do
		expected=${expected:0:4*$1}$2${expected:4*$1+${#2}}
		shift 2
	done
	[ "$OUTPUT" = "$expected" ] || wrong "$(hex "$expected")" $'\n'"$(hex "$OUTPUT")"
}

@test "5.7 [4] a UDP checksum: none stays none, and what would be 0 is ff ff" {
	ingress -f 53:5300
	send ipv4-udp53-no-checksum
	differs 36 '\x14\xb4'
	send ipv4-udp53-sums-to-zero-at-5300
	differs 36 '\x14\xb4' 40 '\xff\xff'
}

# echoes HOST ADDRESS: a UDP datagram of 4000 bytes to port 53 there comes back.
echoes() {
	head -c 4000 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
	# shellcheck disable=SC2094 # cmp only reads it
	answer "$1" "$2" 53 <"$BATS_TEST_TMPDIR/sent" | cmp -s - "$BATS_TEST_TMPDIR/sent"
}

@test "5.7 [4] a real wire: a server on another port answers, over IPv4 and IPv6, also who knows its port" {
	ingress -f 80:8080
	serve server 8080
	snapshot
	for address in 10.0.0.2 fd00::2; do
		[ "$address" = 10.0.0.2 ] || requires-ipv6
		for port in 80 8080; do
			connects client $address $port 2 || wrong "a greeting from $address, port $port" "none"
		done
	done
	[ "$(done-so-far FORWARDED)" -ge 8 ] && [ "$(done-so-far RETURNED)" -ge 6 ] ||
		wrong "about 8 forwarded, 8 returned" "$(all-moved counts COUNTS)"
}

@test "5.7 [4] a real wire: UDP, in fragments too" {
	start server build/tc -f 53:5300 veth0
	on server socat -b 8192 "$(socat-listener UDP-RECVFROM 5300),fork" PIPE 2>/dev/null 3>&- &
	wait-for on server grep -qs ':14B4 ' /proc/net/udp /proc/net/udp6
	echoes client 10.0.0.2 || wrong "an echo of 4000 bytes over IPv4" "none, or another"
	requires-ipv6
	echoes client fd00::2 || wrong "an echo of 4000 bytes over IPv6" "none, or another"
}

# copies ADDRESS: 1 MB to port 80 there comes back as it was.
copies() {
	[ -e "$BATS_FILE_TMPDIR/megabyte" ] || head -c 1000000 /dev/urandom >"$BATS_FILE_TMPDIR/megabyte"
	# shellcheck disable=SC2094 # cmp only reads it
	on client timeout 10 socat -t 9 - "TCP:$1:80" <"$BATS_FILE_TMPDIR/megabyte" | cmp -s - "$BATS_FILE_TMPDIR/megabyte"
}

# copies-both-ways: over IPv4 and IPv6, while all that can be done with a TCP packet is done.
copies-both-ways() {
	local address

	start server build/tc -f 80:8080 -t 9 -m 0.0.0.0/0=7 -d 8080=46 -l 10.0.0.1=4000000000 veth0
	# tail has read all of it before it writes: no two wait for each other to read
	on server socat -t 9 "$(socat-listener TCP-LISTEN 8080),fork,reuseaddr" EXEC:'tail -c 1000000' 2>/dev/null 3>&- &
	wait-for on server socat -u OPEN:/dev/null TCP4:127.0.0.1:8080
	for address in 10.0.0.2 '[fd00::2]'; do
		[ "$address" = 10.0.0.2 ] || requires-ipv6
		copies "$address" ||
			wrong "1 MB comes back from $address as it was sent" "not all of it, or not as it was" || return
	done
}

@test "5.7 [4] a real wire: 1 MB goes there and back intact" {
	copies-both-ways
}

@test "5.7 [4] a real wire: 1 MB goes there and back intact, in packets longer than the MTU" {
	capture server veth0 -e -v -c 1 tcp and greater 3000
	with-offloads copies-both-ways
	wait-for is-seen server 1 . || wrong "packets longer than the MTU, or this test proves nothing" "none"
}

# -- 5.8: VLAN -----------------------------------------------------------------------------------

@test "5.8 [2] what goes out has the tag, before a tag that it has already" {
	ingress -V 4094
	capture client veth0 -e -v
	snapshot
	throw server tcp4
	throw server ipv6-tcp22
	throw server vlan-tcp22
	seen client 1 'ethertype 802.1Q .*vlan 4094, p 0, ethertype IPv4.* 10.0.0.1.40000 > 10.0.0.2.80: '
	seen client 1 'ethertype 802.1Q .*vlan 4094, p 0, ethertype IPv6.* fd00::1.40000 > fd00::2.22: '
	seen client 1 'vlan 4094, p 0, ethertype 802.1Q.* vlan 5,.* 10.0.0.1.40000 > 10.0.0.2.22: '
	did VLAN_PUSHED 3
	cp build/tc "$BATS_TEST_TMPDIR/another" # a tag that is in the skb still
	start server "$BATS_TEST_TMPDIR/another" -V 7 veth0
	throw server tcp4
	seen client 1 'vlan [0-9]+, p 0, ethertype 802.1Q .*vlan [0-9]+, p 0, ethertype IPv4.* 10.0.0.1.40000 > 10.0.0.2.80: '
}

@test "5.8 [2] a real wire: two hosts in one VLAN talk, in two they do not" {
	start client build/tc -V 5 veth0
	start server build/tc -V 5 veth0
	on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null || wrong "an answer in VLAN 5" "none"
	! has-ipv6 || on client ping -q -c 1 -W 1 fd00::2 >/dev/null || wrong "an answer in VLAN 5, over IPv6" "none"
	stop server tc
	start server build/tc -V 6 veth0
	! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null || wrong "no answer out of VLAN 6" "one"
	stop server tc
	! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null || wrong "no answer out of no VLAN" "one"
	requires-ipv6 # was left out above
}

@test "5.8 [2] without -V nothing is tagged" {
	capture client veth0 -e -v
	start server build/tc veth0
	throw server tcp4
	seen client 1 'ethertype IPv4.* 10.0.0.1.40000 > 10.0.0.2.80: '
	stop server tc
	start server build/tc -V 7 veth0
	throw server tcp4
	seen client 1 'vlan 7, p 0, ethertype IPv4'
}
