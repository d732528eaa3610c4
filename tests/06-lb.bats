#!/usr/bin/env bats
# The graded tests of lab 06. Each name begins with the exercise that it grades. VIPs and backends are set
# as an instructor would, with lbd. Frames are sent to 10.0.0.2 or fd00::2, port 22, which is a VIP here;
# build/sums, which shares nothing with the program, reads what becomes of them.

# shellcheck disable=SC2034,SC2153 # what one of these files sets, the other reads
load helper
load lb

setup() {
	briefly
	lasting client lb lan6 b1 b2 b3 || { network && neighbour 11 12 13; }
	requires lb xdp
	rm -rf /sys/fs/bpf/lb # what the test before has left
	TESTED=lb ARRIVES="lb veth0" CONF=$BATS_TEST_TMPDIR/lb.conf
}

# balance [OPTION…]: attaches the load balancer; on stdin is the file for lbd. While it runs: another file.
balance() {
	cat >"$CONF"
	if [ ! -e /sys/fs/bpf/lb ]; then
		attach lb build/lb -r 4093 "$@" veth0 veth1 # small rings are soon filled
		start lb build/lbd -c "$CONF"
	else
		on lb build/lbd reload || wrong "lbd takes the file" "$(errors-of lb lbd)"
	fi
}

# all-to NUMBER…: the lines of a file that has all that frames are sent to go to these backends. An option
# of a VIP stands in VIP_OPTION, one of a backend in BACKEND_OPTION.
all-to() {
	local number vip

	for vip in 10.0.0.2 fd00::2; do
		for protocol in tcp udp; do
			echo "vip $vip 22/$protocol nat ${VIP_OPTION:-}"
			for number; do
				[[ $vip == *:* ]] && echo "backend fd00:6::$number 8022 ${BACKEND_OPTION:-}" ||
					echo "backend 10.0.6.$number 8022 ${BACKEND_OPTION:-}"
			done
			echo "check none"
		done
	done
}

# -- what a test asserts -------------------------------------------------------------------------

# What `all-moved` is told the names of.
REASONS=(reply icmp_error ping unfollowed no_neighbor too_long fragment no_backend no_route expired) # enum lb_reason

# reasons REASON:N…: these have moved since `snapshot`, and no others.
reasons() {
	local got

	got=$(all-moved reasons REASONS)
	[ "${got% }" = "$*" ] || wrong "reasons: ${*:-none}" "${got:-none}"
}

# read-output: what build/sums says of the frame as the program left it.
read-output() {
	# shellcheck disable=SC2059 # the bytes are the format
	build/sums <(printf "$OUTPUT") | cut -d' ' -f2-
}

# becomes-like REGEX: what build/sums says of it is like that.
becomes-like() {
	local got

	got=$(read-output)
	[[ $got =~ $1 ]] || wrong "a frame with: $1" "$got"
}

# sent-on FRAME…: each of them leaves on another interface.
sent-on() {
	local frame

	for frame; do send "$frame" && verdict XDP_REDIRECT || return; done
}

# goes ADDRESS FRAME…: the same, and to that backend.
goes() {
	local frame

	for frame in "${@:2}"; do sent-on "$frame" && becomes-like " to $1 " || return; done
}

# down ADDRESS: does lbd say that all of its backends with that address are down?
down() {
	on lb build/lbd status --json | jq -e --arg address "$1" \
		'[.vips[].backends[] | select(.address == $address).state] | all(. == "down")'
}

# left-alone FRAME…: each passes as it is.
left-alone() {
	local frame

	for frame; do send "$frame" && verdict XDP_PASS && unchanged || return; done
}

# -- many flows ----------------------------------------------------------------------------------

# flows FRAME FIELD FIRST N: sends so many frames that differ in a field, and says where each went:
# VALUE VERDICT ADDRESS PORT. On that CPU, if one is set.
flows() {
	on lb ${CPU:+taskset -c "$CPU"} build/flows veth0 "$PINS/lb" <(frame "$1") "${@:2}"
}

# spread: how many of the lines on stdin, as `flows` prints them, went to each address: N ADDRESS.
spread() {
	cut -d' ' -f3 | sort | uniq -c | awk '{ print $1, $2 }'
}

# within LEAST MOST ADDRESS: of the lines on stdin, as `flows` prints them, so many went there.
within() {
	local lines got

	lines=$(cat)
	got=$(grep -c " $3 " <<<"$lines") || :
	((got >= $1 && got <= $2)) || wrong "$1 to $2 of the flows go to $3" "$(spread <<<"$lines")"
}

# served N: on stdin, as `flows` prints them, are so many flows, and each has gone to a backend.
served() {
	local lines

	lines=$(cat)
	[ "$(grep -cE ' 4 (10.0.6.1|fd00:6::1)[12] 8022$' <<<"$lines")" = "$1" ] || wrong "$1 flows that are all served" "$(spread <<<"$lines")"
}

# entries MAP: how many there are.
entries() {
	dump "$1" | jq length
}

# followed N: so many flows are followed by now.
followed() {
	local got

	got=$(entries flows)
	[ "$got" = "$1" ] || wrong "$1 flows in the map" "$got"
}

# -- 6.1: is it a VIP ----------------------------------------------------------------------------

@test "6.1 [2] what is sent to a VIP does not pass; whatever it looks like" {
	# nobody is behind it: then all is dropped, before any of the next exercises
	balance < <(BACKEND_OPTION='weight 0' all-to 11)
	snapshot reasons
	for frame in ipv4-tcp22 ipv6-tcp22 ipv4-udp22 ipv6-udp22 vlan-tcp22 vlan-ipv6-tcp22 qinq-tcp22 \
		ipv4-options-tcp22 ipv4-options-40-tcp22 ipv4-tcp22-options ipv4-tcp22-padded ipv6-tcp22-padded \
		ipv6-hop-by-hop-tcp22 ipv6-chain-tcp22 ipv6-atomic-fragment-tcp22 ipv4-do-not-fragment-tcp22; do
		send "$frame"
		verdict XDP_DROP
	done
	reasons no_backend:16
}

@test "6.1 [2] address, port and protocol must all be the VIP's" {
	balance <<-END
		vip 10.0.0.2 22/tcp nat
		vip fd00::2 22/udp nat
		vip 10.0.0.1 22/tcp nat
		vip 10.0.0.1 40000/tcp nat
		vip 10.0.0.2 5633/tcp nat
	END
	for frame in ipv4-tcp22 ipv6-udp22; do send "$frame" && verdict XDP_DROP; done
	left-alone ipv4-udp22 ipv6-tcp22 ipv4-tcp22-back ipv4-tcp5632 ipv4-udp53-no-checksum
	balance <<-END
		vip 10.0.0.3 22/tcp nat
		vip 10.0.0.2 5632/tcp nat
	END
	left-alone ipv4-tcp22
	send ipv4-tcp5632
	verdict XDP_DROP
}

@test "6.1 [2] what has no ports, or is malformed, is for no VIP" {
	balance < <(all-to 11)
	send ipv4-tcp22
	not-verdict XDP_PASS
	left-alone arp llc ipv4-gre ipv4-in-ipv4-tcp22 ipv6-esp ipv4-tcp22-cut ipv4-ihl-4 ipv4-udp-length-7 \
		ipv4-udp-in-padding vlan-cut qinq-third-tcp22 eth-mpls-tcp22 icmp-over-ipv6
}

# -- 6.2: which backend --------------------------------------------------------------------------

@test "6.2 [2] a flow has one backend, and always the same; another flow may have another" {
	local first again

	balance < <(all-to 11 12)
	first=$(flows ipv4-tcp22-ack port 1024 400)
	again=$(flows ipv4-tcp22-ack port 1024 400)
	[ "$first" = "$again" ] || wrong "the same 400 flows go where they went" "$(diff <(echo "$first") <(echo "$again"))"
	within 140 260 10.0.6.11 <<<"$first"
	within 140 260 10.0.6.12 <<<"$first"
}

@test "6.2 [2] each field of a flow has a say, each bit of it" {
	local field

	balance < <(all-to 11 12)
	for field in 'port 1' 'word0 0x0a000000' 'word0 0xc0a80000'; do
		# shellcheck disable=SC2086 # two words
		flows ipv4-tcp22-ack $field 400 | within 140 260 10.0.6.11
	done
	requires-ipv6
	for field in 'port 1' 'word0 0' 'word1 0' 'word2 7' 'word3 1'; do
		# shellcheck disable=SC2086
		flows ipv6-tcp22-ack $field 400 | within 140 260 fd00:6::11
	done
}

@test "6.2 [2] backends share as the ring has it: by weight, and on rings of any size" {
	balance -r 65537 <<-END
		vip 10.0.0.2 22/tcp nat
		  backend 10.0.6.11 8022 weight 1
		  backend 10.0.6.12 8022 weight 3
		  check none
	END
	flows ipv4-tcp22-ack port 1024 2000 >"$BATS_TEST_TMPDIR/went"
	within 420 580 10.0.6.11 <"$BATS_TEST_TMPDIR/went"
	within 1420 1580 10.0.6.12 <"$BATS_TEST_TMPDIR/went"
}

@test "6.2 [2] VIPs have rings of their own" {
	balance <<-END
		vip 10.0.0.2 22/tcp nat
		  backend 10.0.6.11 8022
		  check none
		vip 10.0.0.2 22/udp nat
		  backend 10.0.6.12 8022
	END
	sent-on ipv4-tcp22-ack
	becomes-like ' to 10.0.6.11 '
	sent-on ipv4-udp22
	becomes-like ' to 10.0.6.12 '
}

# -- 6.3: known flows ----------------------------------------------------------------------------

@test "6.3 [3] a flow that has begun stays with its backend when others come; a new one may go to those" {
	local began

	balance < <(all-to 11 12)
	began=$(flows ipv4-tcp22 port 1024 200)
	followed 200
	balance < <(all-to 11 12 13)
	went=$(flows ipv4-tcp22-ack port 1024 200)
	[ "$went" = "$began" ] || wrong "200 flows go on to where they began" "$(diff <(echo "$began") <(echo "$went"))"
	flows ipv4-tcp22 port 2024 200 | within 35 100 10.0.6.13
}

@test "6.3 [3] over UDP any datagram begins a flow; it stays with its backend too" {
	local began

	balance < <(all-to 11 12)
	began=$(flows ipv6-udp22 port 1024 100)
	followed 100
	balance < <(all-to 11 12 13)
	[ "$(flows ipv6-udp22 port 1024 100)" = "$began" ] || wrong "100 flows stay" "some have moved"
}

@test "6.3 [3] the middle of an unknown flow, or its end, or an answer, begins none" {
	balance < <(all-to 11 12)
	sent-on ipv4-tcp22-ack ipv4-tcp22-fin ipv4-tcp22-rst ipv4-tcp22-syn-ack
	followed 0
	sent-on ipv4-tcp22
	followed 1
}

@test "6.3 [3] a flow whose backend has gone has another, not who got its number; with a SYN it is followed again" {
	local went

	balance < <(all-to 11)
	flows ipv4-tcp22 port 1024 100 | within 100 100 10.0.6.11
	balance < <(all-to 12)
	flows ipv4-tcp22-ack port 1024 100 | within 100 100 10.0.6.12
	balance < <(all-to 12 13)
	flows ipv4-tcp22-ack port 1024 100 | within 25 75 10.0.6.13
	went=$(flows ipv4-tcp22 port 1024 100)
	balance < <(all-to 11 12 13)
	flows ipv4-tcp22-ack port 1024 100 | diff - <(echo "$went") || wrong "they stay there" "some have moved"
}

@test "6.3 [3] a SYN goes to a backend that takes new flows; what else is known stays" {
	balance < <(all-to 11)
	sent-on ipv4-tcp22 ipv4-udp22
	balance < <(all-to 11 12)
	on lb build/lbd drain --no-wait 10.0.6.11
	goes 10.0.6.11 ipv4-tcp22-ack ipv4-udp22
	goes 10.0.6.12 ipv4-tcp22 ipv4-tcp22-ack

	on lb build/lbd undrain 10.0.6.11
	on lb build/lbd drain --no-wait 10.0.6.12
	goes 10.0.6.12 ipv4-tcp22-ack
	goes 10.0.6.11 ipv4-tcp22 ipv4-tcp22-ack
	balance < <(all-to 11 12 | sed 's/10.0.6.11 8022/& weight 0/')
	goes 10.0.6.11 ipv4-tcp22-ack ipv4-udp22
	on lb build/lbd undrain 10.0.6.12
	goes 10.0.6.12 ipv4-tcp22 ipv4-tcp22-ack
}

@test "6.3 [3] after FIN or RST a SYN begins a flow anew; what comes before that is of the old one" {
	local went

	balance < <(all-to 11)
	flows ipv4-tcp22 port 1024 120 >/dev/null
	flows ipv4-tcp22-fin port 1024 40 | within 40 40 10.0.6.11
	flows ipv4-tcp22-rst port 1064 40 | within 40 40 10.0.6.11
	balance < <(all-to 11 12)
	flows ipv4-tcp22-ack port 1024 120 | within 120 120 10.0.6.11
	went=$(flows ipv4-tcp22 port 1024 120)
	sed -n '1,40p' <<<"$went" | within 10 30 10.0.6.12
	sed -n '41,80p' <<<"$went" | within 10 30 10.0.6.12
	sed -n '81,120p' <<<"$went" | within 40 40 10.0.6.11
	balance < <(all-to 11 12 13)
	for frame in ipv4-tcp22-ack ipv4-tcp22; do
		flows "$frame" port 1024 120 | diff - <(echo "$went") || wrong "they stay there" "some have moved"
	done
}

@test "6.3 [3] a datagram leaves a backend that is down, and a segment does not" {
	balance < <(all-to 11)
	sent-on ipv4-tcp22 ipv4-udp22
	serve b2 9
	balance < <(all-to 11 12 | sed 's/check none/check 9 interval 0.1 fall 1 rise 1/; /vip fd00/,$d')
	wait-for down 10.0.6.11
	goes 10.0.6.11 ipv4-tcp22-ack
	goes 10.0.6.12 ipv4-udp22 ipv4-tcp22 ipv4-tcp22-ack
}

@test "6.3 [3] with three times as many flows as there is room for all go on; the last ones are followed" {
	balance -f 1000 < <(all-to 11)
	flows ipv4-tcp22 port 1024 3000 | served 3000
	[ "$(entries flows)" -le 1000 ] || wrong "at most 1000 flows" "$(entries flows)"
	balance < <(all-to 11 12)
	flows ipv4-tcp22-ack port 3924 100 | within 90 100 10.0.6.11
	flows ipv4-tcp22-ack port 1024 3000 | served 3000
}

# -- 6.4: rewriting ------------------------------------------------------------------------------

# translated: lines of build/sums as they should be once what is for the VIP goes to the backend 11, and what
# comes from that one goes to a client.
translated() {
	awk '
		function at(word, i) { for (i = 1; i < NF; i++) if ($i == word) return i + 1 }
		{ from = at("from"); to = at("to"); ttl = at("ttl"); ports = at("ports"); protocol = ports + 2 }
		!from || !ports || $ttl < 2 || $protocol !~ /^(tcp|udp)$/ { print; next }
		$to !~ /^10.0.6.1$/ && $from ~ /^(10.0.6.11|fd00:6::11)$/ && $ports == 8022 {
			$from = $from ~ /:/ ? "fd00::2" : "10.0.0.2"; $ports = 22; $ttl--
		}
		$to ~ /^(10.0.0.2|fd00::2)$/ && $(ports + 1) == 22 {
			$to = $to ~ /:/ ? "fd00:6::11" : "10.0.6.11"; $(ports + 1) = 8022; $ttl--
		}
		{ print }'
}

# as-translated: that has become of all frames that `everything` sent, but for those that were dropped
# and those that are ICMP; and nothing of a frame that passed is changed.
as-translated() {
	local dropped expected got touched

	dropped=$(awk '$2 == 1 { print $1 }' <<<"$RESULTS")
	expected=$(grep -vwFf <(echo "$dropped") <<<"$BEFORE" | grep -v icmp | translated)
	got=$(grep -vwFf <(echo "$dropped") <<<"$AFTER" | grep -v icmp)
	[ "$got" = "$expected" ] || wrong "each frame translated, and each checksum as right as it was" \
		"(<: expected, >: got)"$'\n'"$(diff <(echo "$expected") <(echo "$got") | head -n 20)" || return
	touched=$(awk '$2 == 2 && NF > 4' <<<"$RESULTS")
	[ -z "$touched" ] || wrong "what passes untouched" "(frame, verdict, mark, priority, offsets)"$'\n'"$touched"
}

# changes-at-most N: in no frame are more bytes than that others now; but for those that are ICMP.
changes-at-most() {
	local far

	far=$(awk -v most="$1" '$1 !~ /^icmp/ && NF > 4 + most' <<<"$RESULTS")
	[ -z "$far" ] || wrong "at most $1 other bytes in a frame" "(frame, verdict, mark, priority, offsets)"$'\n'"$far"
}

@test "6.4 [4] of every frame: address, port, and each checksum as right as it was" {
	requires-ipv6
	balance < <(all-to 11)
	everything
	as-translated
	changes-at-most 33 # 12 of MAC addresses, 1 hop limit, 16 address, 2 port, 2 checksum
	[ "$(grep -c '^[^ ]* 4 ' <<<"$RESULTS")" -gt 40 ] || wrong "more than 40 of the frames are sent on" "$RESULTS"
}

@test "6.4 [4] of 4000 packets of any shape each checksum is right" {
	local folder=$BATS_TEST_TMPDIR/strange

	requires-ipv6
	balance < <(all-to 11)
	mkdir "$folder" "$folder-out"
	build/strange "$folder" 4000 4711
	RESULTS=$(cd "$folder" && on lb "$TOP/build/through" -x veth0 "$PINS/lb" "$folder-out" ./*)
	BEFORE=$(build/sums "$folder"/*) AFTER=$(build/sums "$folder-out"/*)
	! grep -c bad <<<"$AFTER" || wrong "no bad checksum" "$(grep bad <<<"$AFTER" | head)"
	as-translated
	[ "$(grep -c '^[^ ]* 4 ' <<<"$RESULTS")" = 4000 ] || wrong "4000 frames are sent on" "$(cut -d' ' -f2 <<<"$RESULTS" | sort | uniq -c)"
}

@test "6.4 [4] a UDP checksum: none stays none, and what would be 0 is ff ff" {
	balance < <(all-to 11)
	sent-on ipv4-udp22-no-checksum
	becomes-like ' to 10.0.6.11 .* udp none$'
	sent-on ipv4-udp22-sums-to-zero-at-backend
	becomes-like ' to 10.0.6.11 .* udp good$'
}

@test "6.4 [4] a real wire: 1 MB goes there and back intact, over IPv4 and IPv6" {
	local file=$BATS_TEST_TMPDIR/file address

	head -c 1000000 /dev/urandom >"$file"
	on b1 socat "$(socat-listener TCP-LISTEN 8022),fork,reuseaddr" EXEC:'tail -c 1000000' 3>&- &
	wait-for listens b1 8022
	balance < <(all-to 11 | sed 's/10.0.0.2/10.0.6.100/; s/vip fd00::2/vip fd00:6::100/')
	for address in TCP4:10.0.6.100:22 'TCP6:[fd00:6::100]:22'; do
		[[ $address == TCP4* ]] || requires-ipv6
		# shellcheck disable=SC2094 # both read it
		on client timeout 10 socat -t 9 "$address" - <"$file" | cmp - "$file" || wrong "1 MB over $address" "another"
	done
}

# listens HOST PORT: is there a TCP server?
listens() {
	on "$1" ss -Htln "sport = :$2" | grep -q .
}

# -- 6.5: the next hop ---------------------------------------------------------------------------

# mac-addresses TO FROM: these are in the frame now.
mac-addresses() {
	local got=${OUTPUT:0:48} expected

	expected="\\x${1//:/\\x}\\x${2//:/\\x}"
	[ "$got" = "$expected" ] || wrong "Ethernet: to $1, from $2" "$(hex "$got")"
}

# forwardable FRAME…: prints those FRAMEs that this kernel can find a next hop for: without IPv6, those that are not IPv6.
forwardable() {
	if has-ipv6; then echo "$@"; else printf '%s\n' "$@" | grep -v ipv6; fi
}

@test "6.5 [3] a frame gets the next hop's MAC address, and leaves where that is" {
	local frame

	balance < <(all-to 12)
	for frame in $(forwardable ipv4-tcp22 ipv6-tcp22 vlan-tcp22 ipv4-udp22 ipv6-udp22); do
		send "$frame"
		verdict XDP_REDIRECT
		mac-addresses "$(mac 12)" "$(mac 1)"
		becomes-like ' ttl 63 '
	done
	ARRIVES="lb veth1"
	for frame in $(forwardable ipv4-tcp22 ipv6-tcp22); do
		send "$frame"
		verdict XDP_TX
		mac-addresses "$(mac 12)" "$(mac 1)"
	done
}

@test "6.5 [3] behind a router the next hop is the router; a rule may choose it by the packet's source" {
	requires-ipv6
	balance <<-END
		vip 10.0.0.2 22/tcp nat
		  backend 10.9.9.9 8022
		  check none
		vip fd00::2 22/tcp nat
		  backend fd09::9 8022
		  check none
	END
	snapshot reasons
	send ipv4-tcp22
	verdict XDP_DROP
	reasons no_route:1

	ip -n lb route add 10.9.9.0/24 via 10.0.6.13
	ip -n lb route add fd09::/64 via fd00:6::12
	sent-on ipv4-tcp22
	mac-addresses "$(mac 13)" "$(mac 1)"
	sent-on ipv6-tcp22
	mac-addresses "$(mac 12)" "$(mac 1)"

	ip -n lb route add 10.9.9.0/24 via 10.0.6.11 table 100
	ip -n lb route add fd09::/64 via fd00:6::11 table 100
	ip -n lb rule add from 10.0.0.1 to 10.9.9.0/24 table 100
	ip -n lb -6 rule add from fd00::1 to fd09::/64 table 100
	for frame in ipv4-tcp22 ipv6-tcp22; do
		sent-on "$frame"
		mac-addresses "$(mac 11)" "$(mac 1)"
	done
}

@test "6.5 [3] where the neighbour is not known yet, the stack gets the packet, rewritten" {
	local frame

	requires-ipv6
	balance < <(all-to 99)
	snapshot reasons
	for frame in ipv4-tcp22 ipv6-tcp22; do
		send "$frame"
		verdict XDP_PASS
		becomes-like ' to (10.0.6.99|fd00:6::99) .* ttl 64 .* good$'
		mac-addresses 02:00:00:00:00:02 02:00:00:00:00:01
	done
	reasons no_neighbor:2
}

@test "6.5 [3] what is too long for the way, be it by a byte, the stack gets, rewritten" {
	requires-ipv6
	balance < <(all-to 13)
	takes 702 10.0.6.13 # of 703 bytes
	takes 59 fd00:6::13 # of 60
	snapshot reasons
	for frame in ipv4-udp22-long ipv6-tcp22; do
		send "$frame"
		verdict XDP_PASS
		becomes-like ' to (10.0.6.13|fd00:6::13) .* ttl 64 .* good$'
	done
	reasons too_long:2
	takes 703 10.0.6.13
	takes 60 fd00:6::13
	sent-on ipv4-udp22-long ipv6-tcp22 ipv6-tcp22-padded
}

# takes N ADDRESS: an IP packet on the way there may have so many bytes.
takes() {
	ip -n lb route replace "$2" dev veth1 mtu lock "$1"
}

@test "6.5 [3] dsr: nothing but the MAC addresses and the TTL changes; an unknown neighbour gets nothing" {
	requires-ipv6
	balance <<-END
		vip 10.0.0.2 22/tcp dsr
		  backend 10.0.6.12
		  check none
		vip fd00::2 22/tcp dsr
		  backend fd00:6::12
		  check none
		vip 10.0.0.2 22/udp dsr
		  backend 10.0.6.99
		  check none
	END
	for frame in ipv4-tcp22 ipv6-tcp22 vlan-tcp22; do
		sent-on "$frame"
		mac-addresses "$(mac 12)" "$(mac 1)"
		becomes-like ' to (10.0.0.2|fd00::2) .* ttl 63 .* ports 40000 22 tcp good$'
	done
	snapshot reasons
	send ipv4-udp22
	verdict XDP_DROP
	reasons no_neighbor:1
}

@test "6.5 [3] the last TTL is for nobody; the one before that is" {
	requires-ipv6
	balance < <(all-to 11)
	snapshot reasons
	for frame in ipv4-tcp22-ttl1 ipv6-tcp22-hop1; do send "$frame" && verdict XDP_DROP; done
	reasons expired:2
	sent-on ipv4-tcp22-ttl2
	becomes-like ' ttl 1 ipv4 good '
}

@test "6.5 [3] a real wire: what a client sends arrives at its backend" {
	balance < <(all-to 12)
	capture b2 veth0
	throw client ipv4-tcp22
	seen b2 1 '10.0.0.1.40000 > 10.0.6.12.8022'
	requires-ipv6
	throw client ipv6-udp22
	seen b2 1 'fd00::1.40000 > fd00:6::12.8022'
}

# -- 6.6: the way back ---------------------------------------------------------------------------

@test "6.6 [3] what a backend answers comes from the VIP" {
	local frame

	requires-ipv6
	balance < <(all-to 11)
	ARRIVES="lb veth1"
	snapshot reasons
	for frame in ipv4-backend-tcp8022 ipv6-backend-tcp8022 vlan-backend-tcp8022 ipv4-backend-udp8022; do
		sent-on "$frame"
		mac-addresses 02:00:00:00:00:01 02:00:00:00:00:02
		becomes-like '( from 10.0.0.2 to 10.0.0.1 | from fd00::2 to fd00::1 ).* ttl 63 .* ports 22 40000 (tcp|udp) good$'
	done
	reasons reply:4
	everything
	as-translated
	changes-at-most 33
}

@test "6.6 [3] what it sends from another port, or by another protocol, or to lb itself, is its own" {
	balance < <(all-to 11)
	ARRIVES="lb veth1"
	sent-on ipv4-backend-tcp8022
	left-alone ipv4-backend-tcp8023 ipv4-backend-to-lb

	balance <<-END
		vip 10.0.0.2 22/udp nat
		  backend 10.0.6.11 8022
		vip 10.0.0.3 22/tcp nat
		  backend 10.0.6.12 8022
		  check none
		vip fd00::2 22/tcp dsr
		  backend fd00:6::11
		  check none
	END
	left-alone ipv4-backend-tcp8022 ipv6-backend-tcp8022
	sent-on ipv4-backend-udp8022
}

@test "6.6 [3] a UDP checksum on the way back: none stays none, and what would be 0 is ff ff" {
	balance < <(all-to 11)
	ARRIVES="lb veth1"
	sent-on ipv4-backend-udp8022-no-checksum
	becomes-like ' from 10.0.0.2 .* udp none$'
	sent-on ipv4-backend-udp8022-sums-to-zero
	becomes-like ' from 10.0.0.2 .* udp good$'
}

@test "6.6 [3] where the client's neighbour is not known yet, the stack gets the answer, rewritten" {
	balance < <(all-to 11)
	ARRIVES="lb veth1"
	ip -n lb neigh del 10.0.0.1 dev veth0
	snapshot reasons
	send ipv4-backend-tcp8022
	ip -n lb neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev veth0 nud permanent
	verdict XDP_PASS
	becomes-like ' from 10.0.0.2 to 10.0.0.1 .* ttl 64 .* ports 22 40000 tcp good$'
	reasons reply:1 no_neighbor:1
}

@test "6.6 [3] a real wire: clients are served, over IPv4 and IPv6, by TCP and UDP" {
	local address

	for host in b1 b2; do
		serve "$host" 8022
		on "$host" socat "$(socat-listener UDP-LISTEN 8022),fork" PIPE 3>&- &
	done
	balance < <(all-to 11 12 | sed 's/10.0.0.2/10.0.6.100/; s/vip fd00::2/vip fd00:6::100/')
	for _ in {1..5}; do
		for address in 10.0.6.100 fd00:6::100; do
			[ "$address" = 10.0.6.100 ] || requires-ipv6
			connects client "$address" 22 2 || wrong "a connection to $address, port 22" "none"
		done
	done
	for address in 10.0.6.100 fd00:6::100; do
		[ "$(answer client "$address" 22 <<<echo)" = echo ] || wrong "an answer from $address, port 22" "none"
	done
}

# -- 6.7: counters -------------------------------------------------------------------------------

# numbers ADDRESS: the number of the first backend with it, for counters.
number() {
	on lb build/lbd status --json | jq --arg address "$1" '[.vips[].backends[] | select(.address == $address).number][0]'
}

@test "6.7 [2] packets, bytes and new flows, of each VIP and of each backend" {
	requires-ipv6
	balance <<-END
		vip 10.0.0.2 22/tcp nat
		  backend 10.0.6.13 8022 weight 0
		  backend 10.0.6.11 8022
		  check none
		vip fd00::2 22/udp nat
		  backend fd00:6::12 8022
		  check none
	END
	snapshot vip_counts backend_counts
	sent-on ipv4-tcp22 ipv4-tcp22-ack ipv4-tcp22-padded ipv6-udp22
	flows ipv4-tcp22 port 1024 20 | served 20 # of few packets each may be on another CPU, which counts by itself
	counted vip_counts 1 "23,$((21 * 54 + 54 + 60)),21"
	counted vip_counts 2 "1,$(frame ipv6-udp22 | wc -c),1"
	counted backend_counts "$(number 10.0.6.11)" "23,$((21 * 54 + 54 + 60)),21"
	counted backend_counts "$(number fd00:6::12)" "1,$(frame ipv6-udp22 | wc -c),1"
}

@test "6.7 [2] two CPUs count at once, and no count is lost" {
	balance < <(all-to 11)
	snapshot vip_counts backend_counts
	burst-on-two-cpus 100000 ipv4-udp22
	[[ $(moved vip_counts) =~ ^[0-9]+:200000,10200000, ]] || wrong "200000 packets, 10200000 bytes" "$(moved vip_counts)"
	[[ $(moved backend_counts) =~ ^[0-9]+:200000,10200000, ]] || wrong "200000 packets, 10200000 bytes" "$(moved backend_counts)"
}

# -- 6.8: a limit to new flows -------------------------------------------------------------------

# early COMMAND…: runs it when a second has just begun.
early() {
	SECOND=$(build/early)
	"$@"
}

# in-one-second COMMAND…: runs it early, with a source port, and with another one in another second when it was not
# done before that one ended: on a slow machine. `snapshot` is of the moment before the last run.
in-one-second() {
	local port

	for port in 1024 4024 7024 10024; do
		snapshot reasons
		early "$@" "$port"
		[ "$(build/early now)" != "$SECOND" ] || return 0
	done
}

# limited N: has all that frames are sent to go to the backends 11 and 12, with so many new flows a second.
limited() {
	balance < <(VIP_OPTION="new-flows $1" all-to 11 12)
}

@test "6.8 [3] so many new flows are followed in a second; others are served, and forgotten" {
	limited 50
	snapshot reasons
	early flows ipv4-tcp22 port 1024 200 | served 200
	followed 50
	reasons unfollowed:150
	flows ipv4-tcp22-ack port 1024 200 | served 200
	reasons unfollowed:150
	followed 50
}

@test "6.8 [3] in another second so many again" {
	limited 50
	for port in 1024 2024 3024; do # a minute too may just have ended, but not twice
		early flows ipv4-udp22 port "$port" 200 | served 200
		sleep 0.4 # no longer early
	done
	followed 150
}

@test "6.8 [3] above the limit nothing is written any more; a flow that begins anew is no new one" {
	limited 50
	in-one-second beyond-limit
	served 360 <"$BATS_TEST_TMPDIR/flows"
	[ "$THEN" = "$WINDOW" ] ||
		wrong "no change in new_flows (map, key, second, flows)" "$(diff <(echo "$WINDOW") <(echo "$THEN"))"
	reasons unfollowed:210
}

# beyond-limit PORT: 60 flows, then 200 others, then 50 of the first ones anew. All but the 60 leave no trace: of the
# window of new flows there is $WINDOW after these, and $THEN at the end. (What came of them can be asked later.)
beyond-limit() {
	local flows=$BATS_TEST_TMPDIR/flows

	flows ipv4-tcp22 port "$1" 60 >"$flows"
	WINDOW=$(build/counters "$MAPS/new_flows")
	{
		flows ipv4-tcp22 port $(($1 + 1000)) 200
		flows ipv4-tcp22-rst port "$1" 50
		flows ipv4-tcp22 port "$1" 50
	} >>"$flows"
	THEN=$(build/counters "$MAPS/new_flows")
}

@test "6.8 [3] each VIP has a limit of its own; 0 is none" {
	requires-ipv6
	balance <<-END
		vip 10.0.0.2 22/tcp nat new-flows 50
		  backend 10.0.6.11 8022
		  check none
		vip fd00::2 22/tcp nat new-flows 70
		  backend fd00:6::11 8022
		  check none
		vip 10.0.0.2 22/udp nat
		  backend 10.0.6.11 8022
	END
	early all-three | served 600
	followed 320
}

all-three() {
	flows ipv4-tcp22 port 1024 200
	flows ipv6-tcp22 port 1024 200
	flows ipv4-udp22 port 1024 200
}

@test "6.8 [3] two CPUs take of one limit, and not more than there is" {
	local cpus

	mapfile -t cpus < <(cpus)
	limited 300
	in-one-second on-both
	reasons unfollowed:700
}

# on-both PORT: 1000 flows from there on, on two CPUs.
on-both() {
	local other

	CPU=${cpus[1]:-} flows ipv4-tcp22 port $(($1 + 500)) 500 >/dev/null &
	other=$! # of a <(…) there will be another $!
	CPU=${cpus[0]} flows ipv4-tcp22 port "$1" 500 >/dev/null
	wait "$other"
}
