#!/usr/bin/env bats
# The graded tests of lab 04. Each name begins with the exercise that it grades. Where the time counts,
# it is the test that sets it. Rules are set as an instructor would, with mapsctl.

load helper

setup() {
	briefly
	lasting client server || { host client && host server && wire client server; }
	requires server xdp
	build/mapsctl stop 2>/dev/null || : # what the test before has left
}

# What `all-moved` is told the names of.
# shellcheck disable=SC2034
CLASSES=(OTHER ARP MALFORMED FRAGMENT IP_OTHER ICMP ICMP6 TCP UDP) # enum packet_class
# shellcheck disable=SC2034
VERDICTS=(passed blocked_prefix blocked_port limited) # enum maps_verdict

# firewall [RULE…]: attaches the data plane, and has mapsctl set each rule.
firewall() {
	local rule

	attach server build/maps veth0
	for rule; do ctl "$rule"; done
}

# ctl COMMAND: has mapsctl do it.
ctl() {
	local said

	# shellcheck disable=SC2086 # a word each
	said=$(build/mapsctl $1 2>&1) || wrong "mapsctl $1" "$said"
}

# -- what a test asserts -------------------------------------------------------------------------

NOT_COUNTED='nothing: nothing is counted at all (exercise 4.1)'

# counts CLASS PACKETS BYTES: in `protocols` that has moved since `snapshot`, and nothing else.
counts() {
	local got

	got=$(all-moved protocols CLASSES)
	[ "$got" = "$1:$2,$3 " ] ||
		wrong "$1: $2 packets, $3 bytes, and nothing else" "${got:-$NOT_COUNTED}"
}

# ends-as VERDICT PACKETS BYTES: the same of `verdicts`.
ends-as() {
	local got

	got=$(all-moved verdicts VERDICTS)
	[ "$got" = "$1:$2,$3 " ] ||
		wrong "$1: $2 packets, $3 bytes, and nothing else" "${got:-$NOT_COUNTED}"
}

# drops FRAME…: each is dropped.
drops() {
	local frame

	for frame; do send "$frame" && verdict XDP_DROP; done
}

# passes FRAME…: each passes.
passes() {
	local frame

	for frame; do send "$frame" && verdict XDP_PASS; done
}

# -- time and floods -----------------------------------------------------------------------------

HOUR=3600000

# at MILLISECONDS: it is that time, from now on.
at() {
	local ns=$((1000000000000 + $1 * 1000000)) bytes=() i

	for ((i = 0; i < 8; i++)); do bytes+=($((ns >> 8 * i & 255))); done
	bpftool map update pinned "$MAPS/clock" key 0 0 0 0 value "${bytes[@]}"
}

# packets VERDICT: how many more have ended so, since `snapshot`.
packets() {
	[[ " $(all-moved verdicts VERDICTS)" =~ " $1:"([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# lets TIMES N EXPECTED FRAME: at each of these times N in a row are sent, and so many pass.
lets() {
	local time=$1 got

	at "$time"
	snapshot
	burst "$2" "$4"
	got=$(packets passed)
	[ -n "$(moved verdicts)" ] || got=$NOT_COUNTED
	[ "$got" = "$3" ] || wrong "of $2 in a row at $time ms, $3 pass" "$got"
}

# -- 4.1: counting -------------------------------------------------------------------------------

@test "4.1 [2] each frame is counted once, with its bytes, as what it is" {
	firewall
	while read -r class frame; do
		snapshot
		passes "$frame"
		counts "$class" 1 $((${#INPUT} / 4))
		ends-as passed 1 $((${#INPUT} / 4))
	done <<-END
		OTHER llc
		ARP arp
		MALFORMED ipv4-ihl-4
		FRAGMENT ipv4-later-fragment-like-tcp22
		FRAGMENT ipv6-later-fragment-like-tcp22
		IP_OTHER ipv4-gre
		ICMP icmp4-request
		ICMP6 icmp6-request
		TCP tcp4
		TCP tcp6
		TCP ipv4-options-tcp22
		UDP udp4
		UDP udp6
	END
}

@test "4.1 [2] two CPUs count at once, and nothing is lost" {
	firewall
	snapshot
	burst-on-two-cpus 1000000 icmp4-request
	counts ICMP 2000000 $((51 * 2000000))
	ends-as passed 2000000 $((51 * 2000000))
	got=$(build/mapsctl stats --json | jq -c '.protocols.ICMP, .verdicts.passed')
	expected='{"packets":2000000,"bytes":102000000}'
	[ "$got" = "$expected"$'\n'"$expected" ] || wrong "mapsctl stats --json: twice $expected" "$got"
}

@test "4.1 [2] a real wire: each ping is counted" {
	firewall
	snapshot
	on client ping -q -c 5 -i 0.002 -W 1 10.0.0.2 >/dev/null
	requires-ipv6
	on client ping -q -c 3 -i 0.002 -W 1 fd00::2 >/dev/null
	got=$(all-moved protocols CLASSES)
	[ "$got" = "ICMP:5,490 ICMP6:3,354 " ] || wrong "5 ICMP, 490 bytes; 3 ICMP6, 354 bytes" "$got"
}

# -- 4.2: ports ----------------------------------------------------------------------------------

# hits RULE: how many frames it has blocked, by mapsctl list.
hits() {
	build/mapsctl list | awk -v rule="$1" '$1 == rule { print $2 }'
}

# hit RULE N: it has blocked N frames.
hit() {
	local got

	got=$(hits "$1")
	[ "$got" = "$2" ] || wrong "$1 has blocked $2" "${got:-no such rule}"
}

@test "4.2 [2] what goes to a blocked TCP port is dropped, over IPv4 and IPv6" {
	firewall 'block-port 22/tcp'
	drops ipv4-tcp22 ipv6-tcp22 vlan-tcp22 ipv4-options-tcp22 ipv6-chain-tcp22
	passes tcp4 tcp6 ipv4-udp22 ipv6-udp22 ipv4-tcp5632 ipv4-tcp22-back ipv6-tcp22-back icmp4-request \
		ipv4-later-fragment-like-tcp22
}

@test "4.2 [2] what goes to a blocked UDP port is dropped; a port of TCP is another" {
	firewall 'block-port 53/udp 80/udp'
	drops udp4 udp6
	passes udp4-back tcp4 tcp6 ipv4-udp22 icmp6-request
	ctl 'block-port 80/tcp'
	drops tcp4 tcp6
	ctl 'unblock-port 80/tcp'
	passes tcp4 tcp6
	drops udp4
}

@test "4.2 [2] it is counted: as what it is, as blocked, and with its rule" {
	firewall 'block-port 22/tcp 53/udp'
	snapshot
	drops ipv4-tcp22
	counts TCP 1 54
	ends-as blocked_port 1 54
	drops ipv4-tcp22 udp4
	hit 22/tcp 2
	hit 53/udp 1
}

@test "4.2 [2] two CPUs drop at once, and no hit is lost" {
	firewall 'block-port 22/tcp'
	snapshot
	burst-on-two-cpus 1000000 ipv4-tcp22
	ends-as blocked_port 2000000 $((54 * 2000000))
	hit 22/tcp 2000000
}

@test "4.2 [2] a real wire: a blocked port cannot be reached, another can" {
	firewall 'block-port 22/tcp'
	serve server 22 80
	for address in 10.0.0.2 fd00::2; do
		[ "$address" = 10.0.0.2 ] || requires-ipv6
		connects client "$address" 80 2 || wrong "a connection to $address, port 80" "none"
		! connects client "$address" 22 0.2 || wrong "no connection to $address, port 22" "one"
	done
}

# -- 4.3: prefixes -------------------------------------------------------------------------------

# covers FRAME OTHER PREFIX…: while PREFIX is blocked FRAME is dropped, and OTHER passes.
covers() {
	local frame=$1 other=$2 prefix
	shift 2

	for prefix; do
		ctl "block $prefix"
		send "$frame"
		verdict XDP_DROP || { echo "$prefix is blocked" && return 1; }
		send "$other"
		verdict XDP_PASS || { echo "only $prefix is blocked" && return 1; }
		ctl "unblock $prefix"
	done
}

@test "4.3 [3] IPv4: what comes from a blocked prefix is dropped, of whatever length" {
	firewall
	covers tcp4 tcp6 0.0.0.0/0 10.0.0.0/8 10.0.0.0/24 10.0.0.0/31
	covers tcp4 tcp4-back 10.0.0.1/32 10.0.0.0/31
	covers tcp4-back tcp4 10.0.0.2/31 10.0.0.2
	ctl 'block 11.0.0.0/8 10.0.1.0/24 10.0.0.2/31 1.0.0.10 0.0.0.10 128.0.0.0/1 ::/0'
	passes tcp4 icmp4-request udp4
}

@test "4.3 [3] IPv6: what comes from a blocked prefix is dropped, of whatever length" {
	firewall
	covers tcp6 tcp4 ::/0 f000::/4 fd00::/64 fd00::/127
	covers tcp6 tcp6-back fd00::1/128
	covers tcp6-back tcp6 fd00::2/127 fd00::2
	ctl 'block fe00::/8 fd00:0:0:1::/64 fd00::1:0:0:0/80 fd00::2/127 0.0.0.0/0'
	passes tcp6 icmp6-request udp6
}

@test "4.3 [3] whatever it carries; but ARP has no source that is looked at" {
	firewall 'block 10.0.0.1 fd00::1'
	drops icmp4-request udp4 ipv4-gre vlan-tcp22 ipv4-options-tcp22 ipv4-later-fragment-like-tcp22 \
		ipv4-tcp22-cut icmp6-request udp6 ipv6-chain-tcp22 ipv6-later-fragment-like-tcp22 ipv6-none
	passes arp llc icmp4-reply icmp6-reply
	ctl 'block 0.0.0.0/0 ::/0'
	passes arp llc
}

@test "4.3 [3] an IPv4 address is one, also where IPv6 carries it" {
	firewall 'block ::ffff:10.0.0.1'
	drops tcp4 ipv6-mapped-tcp22
	passes tcp4-back tcp6
	ctl 'unblock 10.0.0.1'
	passes tcp4 ipv6-mapped-tcp22
}

@test "4.3 [3] prefixes overlap: the longest counts the hit, and each blocks by itself" {
	firewall 'block 10.9.8.7/8 10.0.0.1' 'block fd00::1234/16 fd00::/64' # host bits do not matter
	drops tcp4 tcp4-back tcp4 tcp6
	hit 10.0.0.1/32 2
	hit 10.0.0.0/8 1
	hit fd00::/64 1
	hit fd00::/16 0
	ctl 'unblock 10.0.0.1/32'
	drops tcp4
	hit 10.0.0.0/8 2
	ctl 'unblock 10.0.0.0/8'
	passes tcp4
}

@test "4.3 [3] the prefix is asked before the port, and both are counted" {
	firewall 'block 10.0.0.1' 'block-port 22/tcp'
	snapshot
	drops ipv4-tcp22
	counts TCP 1 54
	ends-as blocked_prefix 1 54
	hit 22/tcp 0
	hit 10.0.0.1/32 1
	drops ipv6-tcp22
	hit 22/tcp 1
}

@test "4.3 [3] two CPUs drop at once, and no hit is lost" {
	firewall 'block 10.0.0.1'
	snapshot
	burst-on-two-cpus 1000000 tcp4
	ends-as blocked_prefix 2000000 $((54 * 2000000))
	hit 10.0.0.1/32 2000000
}

@test "4.3 [3] a real wire: no ping of a blocked source is answered, of another it is" {
	firewall 'block 10.0.0.1'
	! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null || wrong "no answer to 10.0.0.1" "one"
	requires-ipv6
	on client ping -q -c 1 -W 1 fd00::2 >/dev/null || wrong "an answer to fd00::1" "none"
}

# -- 4.4: the limit ------------------------------------------------------------------------------

@test "4.4 [4] a burst passes, and then nothing while the time stands still" {
	firewall 'limit 10 20'
	lets 0 50 20 tcp4
	lets 0 50 0 tcp4
	snapshot
	burst 1 tcp4
	ends-as limited 1 54
	counts TCP 1 54
}

@test "4.4 [4] after the burst exactly as many as the rate gives, in large steps" {
	firewall 'limit 10 20'
	lets 0 50 20 tcp4
	lets 500 50 5 tcp4
	lets 740 50 2 tcp4 # 2.4 tokens are there
	lets 800 50 1 tcp4 # 0.4 + 0.6
	lets 899 50 0 tcp4
	lets 900 50 1 tcp4
	lets 2900 50 20 tcp4
}

@test "4.4 [4] after the burst exactly as many as the rate gives, in small steps" {
	firewall 'limit 10 20'
	lets 0 50 20 tcp4
	snapshot
	for ((ms = 60; ms <= 1500; ms += 60)); do
		at "$ms"
		burst 3 tcp4
	done
	[ "$(packets passed)" = 15 ] || wrong "15 pass in 1.5 s" "$(packets passed)"
}

@test "4.4 [4] after a pause the bucket is full, and not fuller" {
	firewall 'limit 10 20'
	lets 0 10 10 tcp4
	lets $HOUR 50 20 tcp4
	lets $((2 * HOUR)) 50 20 tcp4
	lets $((2 * HOUR + 100)) 50 1 tcp4
}

@test "4.4 [4] what is dropped takes no token: a source that goes on sending gets its rate" {
	firewall 'limit 10 20'
	lets 0 10000 20 tcp4
	lets 1000 10000 10 tcp4
	lets 2000 10000 10 tcp4
}

@test "4.4 [4] each source has a bucket of its own, whatever it sends" {
	firewall 'limit 10 5'
	lets 0 50 5 tcp4
	lets 0 50 5 tcp4-back
	lets 0 50 5 tcp6
	lets 0 50 5 tcp6-back
	lets 0 50 5 tcp6-like-icmp # from fd01::1
	lets 0 50 0 udp4
	lets 0 50 0 icmp4-request
	lets 0 50 0 ipv4-later-fragment-like-tcp22
	lets 0 50 50 arp
}

@test "4.4 [4] rate and burst are set while the program runs" {
	firewall
	lets 0 500 500 tcp4
	ctl 'limit 1 60'
	lets 0 500 60 tcp4
	ctl 'limit 1000 30' # what an old limit had of a source is forgotten
	lets 0 500 30 tcp4
	lets 5 500 5 tcp4
	ctl 'limit 10 50'
	lets $HOUR 500 50 tcp4
	lets $((HOUR + 100)) 500 1 tcp4
	ctl 'limit 0'
	lets $((HOUR + 100)) 500 500 tcp4
}

@test "4.4 [4] two CPUs take tokens at once, and none is taken twice" {
	firewall 'limit 1000000 1200000' # more than one CPU takes
	at 0
	snapshot
	burst-on-two-cpus 1000000 tcp4
	got=$(packets passed)
	[ "$got" = 1200000 ] || wrong "of 2 × 1000000 at once, 1200000 pass" "$got"
}

@test "4.4 [4] two CPUs take tokens at once, and while there are some each gets one" {
	firewall 'limit 1000000 2000000'
	at 0
	snapshot
	burst-on-two-cpus 1000000 tcp4
	ends-as passed 2000000 $((54 * 2000000))
}

@test "4.4 [4] what is blocked takes no token" {
	firewall 'limit 10 5' 'block-port 22/tcp'
	at 0
	burst 100 ipv4-tcp22
	lets 0 50 5 tcp4
	ctl 'block 10.0.0.1'
	at $HOUR
	burst 100 tcp4
	ctl 'unblock 10.0.0.1'
	lets $HOUR 50 5 tcp4
}

@test "4.4 [4] three times as many sources as there is room for: each gets its burst" {
	firewall 'limit 1 1'
	capacity=$(bpftool -j map show pinned "$MAPS/sources" | jq .max_entries)
	[ "$capacity" -ge 1024 ]
	snapshot
	frame ipv4-tcp22 | on client build/flood veth0 $((3 * capacity)) $((3 * capacity))
	ends-as passed $((3 * capacity)) $((3 * capacity * 54))
	entries=$(build/counters "$MAPS/sources" | wc -l)
	[ "$entries" -le "$capacity" ] || wrong "at most $capacity sources" "$entries"
	lets 0 50 1 tcp6 # the next one has its burst, and no more
}

@test "4.4 [4] a source that goes on sending is not forgotten among many others" {
	firewall 'limit 10 20'
	capacity=$(bpftool -j map show pinned "$MAPS/sources" | jq .max_entries)
	lets 0 50 20 tcp4
	part=$((3 * capacity / 4))
	for others in 0 $part $((2 * part)) $((3 * part)); do
		frame ipv4-tcp22 | on client build/flood veth0 $part $part "$others"
		lets 0 50 0 tcp4 || { echo "behind $((others + part)) others" && false; }
	done
}

@test "4.4 [4] a real wire: pings above the rate are lost" {
	firewall 'limit 1 10'
	received=$(on client ping -q -c 20 -i 0.002 -W 0.1 10.0.0.2 | sed -n 's/.* \([0-9]*\) received.*/\1/p')
	[ "$received" -ge 10 ] && [ "$received" -le 12 ] || wrong "10 answers to 20 pings, or one or two more" "$received"
}

# -- 4.5: events ---------------------------------------------------------------------------------

# tells LINE: the loader has shown LINE.
tells() {
	wait-for shown "$1" || wrong "$1" $'\n'"$(output-of server maps)"
}

shown() {
	output-of server maps | sed 's/^\[[^]]*\] //' | grep -xF "$1"
}

# events: how many have been shown.
events() {
	output-of server maps | grep -c ' bytes' || :
}

events-are() {
	[ "$(events)" = "$1" ]
}

@test "4.5 [2] a drop is told of: why, from where, to which port, how long" {
	firewall 'block-port 22/tcp 53/udp'
	at 0
	drops ipv4-tcp22
	tells 'blocked_port: 10.0.0.1 to 22/tcp, 54 bytes'
	output-of server maps | grep -q '^\[1000.000000\]' || wrong "at 1000 s after boot" "$(output-of server maps)"
	drops udp6
	tells 'blocked_port: fd00::1 to 53/udp, 71 bytes'
	ctl 'block 10.0.0.0/8'
	drops icmp4-request
	tells 'blocked_prefix: 10.0.0.1, 51 bytes'
	ctl 'limit 1 4'
	burst 6 tcp6
	tells 'limited: fd00::1 to 80/tcp, 74 bytes'
}

@test "4.5 [2] what passes is not told of" {
	firewall 'block-port 22/tcp'
	passes tcp4 udp4 arp
	drops ipv4-tcp22
	tells 'blocked_port: 10.0.0.1 to 22/tcp, 54 bytes'
	[ "$(events)" = 1 ] || wrong "one event" "$(output-of server maps)"
}

@test "4.5 [2] of a flood ten are told of, and then ten a second; the next tells how many were not" {
	firewall 'block-port 22/tcp'
	at 0
	burst 100000 ipv4-tcp22
	wait-for events-are 10 || wrong "10 events" "$(events)"
	burst 5 ipv4-tcp22
	at 100
	drops ipv4-tcp22
	tells 'blocked_port: 10.0.0.1 to 22/tcp, 54 bytes (99995 before it were not told of)'
	events-are 11 || wrong "11 events" "$(events)"
	at 200
	drops ipv4-tcp22
	at 1000
	burst 50 ipv4-tcp22
	wait-for events-are 20 || wrong "20 events in the first second" "$(events)"
	at 1100
	drops ipv4-tcp22
	tells 'blocked_port: 10.0.0.1 to 22/tcp, 54 bytes (42 before it were not told of)'
}

@test "4.5 [2] two CPUs drop at once, and each drop is told of or counted as not" {
	firewall 'block-port 22/tcp'
	at 0
	burst-on-two-cpus 1000000 ipv4-tcp22
	wait-for events-are 10 || wrong "10 events" "$(events)"
	before=$(output-of server maps | sed -n 's/.*(\([0-9]*\) before.*/\1/p' | awk '{ n += $1 } END { print n + 0 }')
	got=$((10 + before + $(global suppressed)))
	[ "$got" = 2000000 ] || wrong "told of and not: 2000000" "$got"
}

@test "4.5 [2] without a reader the ring is full at last, and what finds it so is counted" {
	firewall 'block-port 22/tcp'
	kill -STOP "$(pid-of server maps)"
	for second in {1..200}; do
		at $((second * 1000))
		burst 10 ipv4-tcp22
		[ "$(global suppressed)" = 0 ] || break
	done
	suppressed=$(global suppressed)
	kill -CONT "$(pid-of server maps)"
	[ "$suppressed" -gt 0 ] || wrong "some find the ring full" "none of $((second * 10))"
	wait-for events-are $((second * 10 - suppressed)) ||
		wrong "of $((second * 10)) drops $suppressed not told of, the others told" "$(events)"
}

# -- 4.6: tail calls -----------------------------------------------------------------------------

# chained [RULE…]: the same firewall, as a chain of tail calls, whose stages are there from the start.
chained() {
	local rule

	attach server build/maps --chain veth0
	# shellcheck disable=SC2034 # what burst runs
	TESTED=chain
	for rule in 0 1 2; do
		bpftool map lookup pinned "$MAPS/stages" key "$rule" 0 0 0 >/dev/null 2>&1 ||
			wrong "a program in stages[$rule]" "none, or no map stages" || return 1
	done
	for rule; do ctl "$rule"; done
}

@test "4.6 [3] the chain judges and counts as the one program does" {
	chained 'block 10.0.0.0/30 fd00::2' 'unblock 10.0.0.0/30' 'block 10.0.0.1' 'block-port 22/tcp'
	snapshot
	passes tcp4-back tcp6 arp llc
	ends-as passed 4 $((54 + 74 + 42 + 52))
	snapshot
	drops tcp4 icmp4-request tcp6-back ipv4-tcp22
	ends-as blocked_prefix 4 $((54 + 51 + 74 + 54))
	snapshot
	drops ipv6-tcp22
	counts TCP 1 74
	ends-as blocked_port 1 74
	ctl 'limit 10 20'
	lets 0 50 20 tcp6
	lets 500 50 5 tcp6
}

@test "4.6 [3] a stage that is taken out of the running chain is not asked any more" {
	chained 'block 10.0.0.1' 'block-port 22/tcp' 'limit 10 2'
	at 0
	snapshot
	drops ipv4-tcp22
	ends-as blocked_prefix 1 54
	take-out 0
	snapshot
	drops ipv4-tcp22
	ends-as blocked_port 1 54
	take-out 1
	lets 0 10 2 ipv4-tcp22
	take-out 2
	passes ipv4-tcp22
}

# take-out PLACE: empties that place of `stages`.
take-out() {
	bpftool map delete pinned "$MAPS/stages" key "$1" 0 0 0
}

# put-in PLACE PROGRAM: puts it there.
put-in() {
	bpftool map update pinned "$MAPS/stages" key "$1" 0 0 0 value pinned "$PINS/$2"
}

@test "4.6 [3] a stage goes on with the next that is there, or lets the frame pass" {
	chained 'block-port 22/tcp' 'limit 10 2'
	take-out 1
	lets 0 10 2 ipv4-tcp22
	take-out 2
	lets 0 10 10 ipv4-tcp22
	put-in 1 port_stage
	lets 0 10 10 tcp4
	drops ipv4-tcp22
}

@test "4.6 [3] a stage is put into the place of another" {
	chained 'block 10.0.0.1'
	drops tcp4
	put-in 0 port_stage
	passes tcp4
	put-in 0 prefix_stage
	drops tcp4
}

@test "4.6 [3] two CPUs run the chain at once, each with frames of its own" {
	chained 'block 10.0.0.1'
	snapshot
	burst-on-two-cpus 1000000 tcp4 tcp6
	got=$(all-moved verdicts VERDICTS)
	[ "$got" = "passed:1000000,74000000 blocked_prefix:1000000,54000000 " ] ||
		wrong "1000000 of 74 bytes pass, 1000000 of 54 bytes are blocked" "$got"
}

@test "4.6 [3] a real wire: the chain is on it" {
	chained 'block-port 22/tcp'
	serve server 22 80
	connects client 10.0.0.2 80 2 || wrong "a connection to port 80" "none"
	! connects client 10.0.0.2 22 0.2 || wrong "no connection to port 22" "one"
}
