#!/usr/bin/env bats
# The graded tests of lab 03. Each name begins with the exercise that it grades. What each frame in
# tests/packets is, and what is to become of it, stands in its second line.

load helper

setup() {
	briefly
	lasting client server || { host client && host server && wire client server; }
	requires server xdp
}

CLASSES=(OTHER ARP MALFORMED FRAGMENT IP_OTHER ICMP ICMP6 TCP UDP) # enum packet_class

declare -gA EXPECTED=() # of each frame, once they are read

# expected FRAME: sets $class and $verdict to what its file says.
expected() {
	local frame says

	[ ${#EXPECTED[@]} -gt 0 ] || while IFS=: read -r frame says; do
		EXPECTED[${frame%.hex}]=${says#*: }
	done < <(cd tests/packets && grep '^# lab 03: ' -- *.hex)
	IFS=', ' read -r class verdict <<<"${EXPECTED[$1]}"
}

# classified FRAME…: each is counted once, as what its file says it is, and left as it was. (Whether it
# is dropped is the question of 3.7; what is to pass must pass already.)
classified() {
	local frame class verdict got

	for frame; do
		expected "$frame"
		snapshot
		send "$frame"
		got=$(moved packets)
		[ "${got#*:}" = 1 ] || wrong "counted once, as $class" "class:moved ${got:-none}"
		[ "${CLASSES[${got%:*}]}" = "$class" ] || wrong "class $class" "${CLASSES[${got%:*}]}"
		[ "$verdict" = XDP_DROP ] || verdict XDP_PASS
		unchanged
	done
}

# all FRAME…: the names of those frames; a name may be a pattern.
all() {
	local pattern

	for pattern; do
		(cd tests/packets && compgen -G "$pattern.hex")
	done | sed 's/\.hex$//' | sort -u
}

# -- 3.1: Ethernet -------------------------------------------------------------------------------

@test "3.1 [1] ARP, IP and what is neither are told apart by the EtherType" {
	attach server build/parsing veth0
	classified arp arp-like-tcp llc ethertype-1 eth-mpls-tcp22 eth-9100-tcp22 icmp4-request icmp6-request
}

@test "3.1 [1] nothing but an Ethernet header is enough for its type" {
	attach server build/parsing veth0
	send arp 14
	verdict XDP_PASS
	snapshot
	send llc 14
	[ "$(moved packets)" = 0:1 ] || wrong "counted once, as OTHER" "class:moved $(moved packets)"
}

# -- 3.2: VLAN -----------------------------------------------------------------------------------

@test "3.2 [2] one or two VLAN tags are stepped over, whichever kind" {
	attach server build/parsing veth0
	classified vlan-{tcp22,priority-tcp22,service-tcp22,ipv6-tcp22,arp,llc} tcp4-vlan \
		qinq-{tcp22,same-tcp22}
}

@test "3.2 [2] a third tag is not stepped over, and a tag that is cut is malformed" {
	attach server build/parsing veth0
	classified vlan-tcp22 vlan-cut qinq-cut qinq-third-tcp22
}

# -- 3.3: the lengths of IPv4 --------------------------------------------------------------------

@test "3.3 [2] IPv4 options are stepped over, few and many" {
	attach server build/parsing veth0
	classified ipv4-options-{tcp22,40-tcp22,like-tcp22} icmp4-options-request
}

@test "3.3 [2] a header or a total length that cannot be is malformed" {
	attach server build/parsing veth0
	classified ipv4-tcp22 ipv4-ihl-{0,4} ipv4-options-cut short-ihl ipv4-version-6 \
		ipv4-total-{0,19,41,short-options,short-options-gre}
}

@test "3.3 [2] what lies behind the total length is padding, whatever it looks like" {
	attach server build/parsing veth0
	classified ipv4-tcp22-padded ipv4-padding-like-tcp22 ipv4-total-39 ipv4-no-payload
}

# -- 3.4: fragments ------------------------------------------------------------------------------

@test "3.4 [2] IPv4: a later fragment is one, whatever its data looks like" {
	attach server build/parsing veth0
	classified ipv4-{later,last}-fragment-like-tcp22 ipv4-last-fragment-short icmp4-later-fragment \
		udp4-like-icmp6
}

@test "3.4 [2] IPv4: a first fragment, and a packet with other flags, has a transport header" {
	attach server build/parsing veth0
	classified ipv4-first-fragment-{tcp22,udp} ipv4-{do-not-fragment,reserved-flag}-tcp22 \
		ipv4-tiny-fragment-tcp22 ipv4-later-fragment-like-tcp22 icmp4-first-fragment
}

@test "3.4 [2] IPv6: first, later and only fragments are told apart" {
	attach server build/parsing veth0
	classified ipv6-{first,atomic,tiny}-fragment-tcp22 ipv6-first-fragment-{udp,twice-udp} \
		ipv6-{later,last}-fragment-like-tcp22 ipv6-later-fragment-extension \
		ipv6-fragment-{reserved,8192-like}-tcp22
}

@test "3.4 [2] a real wire: a datagram in fragments arrives whole, its pieces are classified" {
	attach server build/parsing veth0
	snapshot
	head -c 4000 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
	for to in 4:10.0.0.2 6:fd00::2; do
		[ "$to" = 4:10.0.0.2 ] || requires-ipv6
		received=$BATS_TEST_TMPDIR/received${to%%:*}
		receive "${to%%:*}" "$received"
		datagram client "${to#*:}" "222${to%%:*}" <"$BATS_TEST_TMPDIR/sent"
		wait-for cmp "$BATS_TEST_TMPDIR/sent" "$received" ||
			wrong "4000 bytes over IPv${to%%:*}, as they were sent" "$(wc -c <"$received")"
	done
	[ "$(moved packets)" = "3:4 8:2" ] || wrong "4 FRAGMENT (3), 2 UDP (8)" "class:moved $(moved packets)"
}

# receive 4|6 FILE: the server keeps in FILE what comes by that IP version, to UDP port 2224 or 2226.
receive() {
	on server socat -u -b 4000 "UDP$1-RECV:222$1" "CREATE:$2" 3>&- &
	wait-for listening "222$1"
}

listening() {
	on server ss -Huln "sport = $1" | grep -q .
}

# -- 3.5: IPv6 extension headers -----------------------------------------------------------------

@test "3.5 [3] each kind of extension header is stepped over" {
	attach server build/parsing veth0
	classified ipv6-{hop-by-hop,routing,destination,ah,atomic-fragment}-tcp22 ipv6-chain-tcp22 \
		ipv6-fragment-reserved-tcp22 icmp6-hop-by-hop qinq-ipv6-extension-tcp22
}

@test "3.5 [3] eight extension headers are stepped over, nine are malformed" {
	attach server build/parsing veth0
	classified ipv6-eight-tcp22 ipv6-nine-tcp22
}

@test "3.5 [3] an extension header that is cut is malformed, in padding too" {
	attach server build/parsing veth0
	classified ipv6-destination-tcp22 ipv6-extension-{cut,short,in-padding,2048-cut}
}

@test "3.5 [3] what is no extension header is not stepped over, and none is in IPv4" {
	attach server build/parsing veth0
	classified ipv6-chain-tcp22 ipv6-{esp,none,mobility} ipv4-{ah,hop-by-hop}-tcp22
}

# -- 3.6: TCP and UDP ----------------------------------------------------------------------------

@test "3.6 [2] TCP: its header is as long as it says, and not cut" {
	attach server build/parsing veth0
	classified ipv4-tcp22-{options,offset-4,options-cut,options-in-padding,cut} \
		ipv4-total-39 ipv6-payload-{0,19,21} tcp4 tcp6
}

@test "3.6 [2] UDP: its length is possible, and in a first fragment that of the whole" {
	attach server build/parsing veth0
	classified udp4 udp6 ipv4-udp22 ipv6-udp22 ipv4-udp-{cut,length-{0,7,8,18},in-padding} \
		ipv6-udp-length-18 ipv{4,6}-first-fragment-udp ipv4-first-fragment-udp-length-7 \
		ipv4-udp-do-not-fragment-length-18
}

# -- 3.7: drop the port --------------------------------------------------------------------------

@test "3.7 [1] TCP to port 22 is dropped, and nothing else of all frames" {
	attach server build/parsing veth0
	everything
	while read -r frame got _ _ changed; do
		expected "$frame"
		[[ $got != [0-4] ]] || got=${XDP_VERDICTS[got]}
		[ "$got $changed" = "$verdict " ] && continue
		send "$frame" # once more, to show it
		verdict "$verdict"
		unchanged
		wrong "among others too: verdict $verdict, and no byte another" "$got, bytes: ${changed:-none}"
	done <<<"$RESULTS"
}

@test "3.7 [1] -p 80: it is that port, and no longer 22" {
	attach server build/parsing -p 80 veth0
	for frame in tcp4 tcp6 tcp4-vlan; do
		send "$frame"
		verdict XDP_DROP
	done
	for frame in ipv4-tcp22 tcp4-back udp4 ipv4-tcp5632; do
		send "$frame"
		verdict XDP_PASS
	done
}

# cuts FRAME…: of each cut of these frames, at whatever length, that is not counted as MALFORMED or does
# not pass: FRAME LENGTH VERDICT COUNTED.
cuts() {
	local folder=$BATS_TEST_TMPDIR/frames frame

	mkdir "$folder"
	for frame; do frame "$frame" >"$folder/$frame"; done
	build/cuts "$PINS/parsing" "$MAPS/packets" 2 "$folder"/* | sed "s|^$folder/||"
}

@test "3.7 [1] an IP packet that is cut, at whatever length, is malformed" {
	attach server build/parsing veth0
	send ipv4-tcp22
	verdict XDP_DROP
	for frame in $(all '*'); do
		expected "$frame"
		# What is cut of padding is not cut of the packet.
		case $class:$frame in
		OTHER:* | ARP:* | *padded | *padding* | *no-payload | *total-*) ;;
		*) frames+=("$frame") ;;
		esac
	done
	[ "${#frames[@]}" -gt 100 ]
	wrongly=$(cuts "${frames[@]}")
	[ -z "$wrongly" ] || wrong "every cut passes (2), and is counted once" \
		$'\n'"(frame, length, verdict, counted)"$'\n'"$wrongly"
}

@test "3.7 [1] no frame that is cut, at whatever length, is dropped" {
	attach server build/parsing veth0
	send ipv4-tcp22
	verdict XDP_DROP
	# shellcheck disable=SC2046 # a name each
	dropped=$(cuts $(all '*' | grep -v padded) | awk '$3 != 2')
	[ -z "$dropped" ] || wrong "every cut passes (2)" \
		$'\n'"(frame, length, verdict, counted)"$'\n'"$dropped"
}

@test "3.7 [1] of a padded frame, a cut in the padding changes nothing" {
	attach server build/parsing veth0
	for length in {54..59}; do
		send ipv4-tcp22-padded "$length"
		verdict XDP_DROP
	done
	send ipv4-tcp22-padded 53
	verdict XDP_PASS
}

@test "3.7 [1] a real wire: port 22 is closed and port 80 open, IPv4 and IPv6" {
	attach server build/parsing veth0
	serve server 22 80
	closed-but-open
}

@test "3.7 [1] a real wire: behind one VLAN tag and two, port 22 is closed and port 80 open" {
	# shellcheck disable=SC2034 # the next test gets other hosts, without tags
	LASTING=''
	requires server tc
	attach server build/parsing veth0
	snapshot
	serve server 22 80
	for tags in once twice; do
		tag "$tags"
		closed-but-open
	done
	[[ $(moved packets) =~ ^7:[0-9]+$ ]] || wrong "TCP (7) and nothing else" "class:moved $(moved packets)"
}

# tag once|twice: whatever either host sends from now on has that many VLAN tags.
tag() {
	local host

	[ -e "$PINS/tags" ] || bpftool prog loadall build/tags.bpf.o "$PINS/tags"
	for host in client server; do
		# A veth hands a tag over beside the frame, unless it is told not to.
		on "$host" ethtool -K veth0 txvlan off tx-vlan-stag-hw-insert off >/dev/null
		on "$host" tc qdisc replace dev veth0 clsact
		on "$host" tc filter replace dev veth0 egress pref 1 handle 1 bpf da pinned "$PINS/tags/tag_$1"
		on "$host" tc filter replace dev veth0 ingress pref 1 handle 1 bpf da pinned "$PINS/tags/untag"
	done
}

# closed-but-open: from the client, port 80 of the server can be reached over IPv4 and IPv6, port 22 not.
closed-but-open() {
	local address

	for address in 10.0.0.2 fd00::2; do
		[ "$address" = 10.0.0.2 ] || requires-ipv6
		connects client "$address" 80 2 || wrong "a connection to $address, port 80" "none" || return 1
		! connects client "$address" 22 0.2 || wrong "no connection to $address, port 22" "one" || return 1
	done
}

# -- 3.8: sampling -------------------------------------------------------------------------------

# sampled LINE: the sample of the frame last sent is shown as LINE, after the time.
sampled() {
	wait-for shown "$1" || wrong "a sample: $1" $'\n'"$(output-of server parsing)"
}

shown() {
	output-of server parsing | sed -nE 's/^([0-9]{2}:){2}[0-9]{2}\.[0-9]{6} //p' | grep -qxF "$1"
}

@test "3.8 [3] a sample tells length, class, verdict, VLANs, addresses and ports" {
	attach server build/parsing -s 1 veth0
	send qinq-tcp22
	sampled 'TCP vlan 100 vlan 5 10.0.0.1.40000 > 10.0.0.2.22, length 62, dropped'
	send vlan-priority-tcp22
	sampled 'TCP vlan 5 10.0.0.1.40000 > 10.0.0.2.22, length 58, dropped'
	send ipv6-udp22
	sampled 'UDP fd00::1.40000 > fd00::2.22, length 71, passed'
	send icmp4-reply
	sampled 'ICMP 10.0.0.2 > 10.0.0.1, length 51, passed'
	send ipv6-later-fragment-like-tcp22
	sampled 'FRAGMENT fd00::1 > fd00::2, length 82, passed'
	send arp
	sampled 'ARP, length 42, passed'
}

@test "3.8 [3] the first 64 bytes are the frame's, in a file that tcpdump reads" {
	file=$BATS_TEST_TMPDIR/samples.pcap since=$EPOCHSECONDS
	attach server build/parsing -s 1 -w "$file" veth0
	for frame in ipv4-tcp22-options icmp4-request; do
		frame "$frame" | head -c 64 >"$BATS_TEST_TMPDIR/expected"
		send "$frame"
		wait-for holds "$file" "$BATS_TEST_TMPDIR/expected" ||
			wrong "its first bytes at the end of the file" "$(tail -c 80 "$file" | od -An -tx1)"
	done
	stop server parsing
	read=$(tcpdump -ttnr "$file" 2>/dev/null) || wrong "a file that tcpdump reads" "$read"
	[ "$(wc -l <<<"$read")" = 2 ] || wrong "two frames" "$read"
	[[ $read == *"10.0.0.1.40000 > 10.0.0.2.22"*"echo request"* ]] || wrong "TCP, then a ping" "$read"
	[ "${read%%.*}" -ge "$since" ] && [ "${read%%.*}" -le "$EPOCHSECONDS" ] ||
		wrong "a time of $since to $EPOCHSECONDS" "${read%%.*}"
}

# holds FILE END: does FILE end with the bytes of the file END?
holds() {
	tail -c "$(wc -c <"$2")" "$1" | cmp -s - "$2"
}

# burst N: N frames in a row, on one CPU.
burst() {
	frame icmp4-request >"$BATS_TEST_TMPDIR/in"
	taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')" bpftool prog run pinned \
		"$PINS/parsing" data_in "$BATS_TEST_TMPDIR/in" repeat "$1" >/dev/null
}

# samples: how many have been printed.
samples() {
	output-of server parsing | grep -c ' length ' || :
}

@test "3.8 [3] -s 7: of each 7 frames one is a sample" {
	attach server build/parsing -s 7 veth0
	burst 6
	burst 1
	wait-for samples-are 1 || wrong "1 sample of 7 frames" "$(samples)"
	burst 699
	wait-for samples-are 100 || wrong "100 samples of 706 frames" "$(samples)"
	burst 1
	wait-for samples-are 101 || wrong "101 samples of 707 frames" "$(samples)"
}

samples-are() {
	[ "$(samples)" = "$1" ]
}

@test "3.8 [3] without -s there are none" {
	attach server build/parsing -s 1 veth0
	send arp
	sampled 'ARP, length 42, passed'
	stop server parsing
	attach server build/parsing veth0
	burst 100
	stop server parsing
	[ "$(samples)" = 0 ] || wrong "no sample" "$(samples)"
}

@test "3.8 [3] nothing of an older frame is in a sample" {
	attach server build/parsing -s 1 veth0
	# The ring has room for some 2000; behind them a sample lies where an older one was.
	for total in 1500 3000; do
		burst 1500
		wait-for samples-are "$total" || wrong "$total samples" "$(samples)"
	done
	send arp
	sampled 'ARP, length 42, passed'
}

@test "3.8 [3] samples that find the ring full are counted as lost" {
	attach server build/parsing -s 1 veth0
	kill -STOP "$(pid-of server parsing)"
	burst 10000
	kill -CONT "$(pid-of server parsing)"
	lost=$(global lost)
	stop server parsing
	[ "$lost" -gt 0 ] || wrong "some lost" "$lost"
	[ "$(($(samples) + lost))" = 10000 ] || wrong "samples + lost = 10000" "$(samples) + $lost"
}
