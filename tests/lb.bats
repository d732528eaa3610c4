#!/usr/bin/env bats
# Lab 06 with real clients: web servers behind it that come, go and die, downloads meanwhile, floods; ICMP; the
# modes and the ways to attach.

bats_require_minimum_version 1.5.0
load needs

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
}

# live SCRIPT: runs it on the network, with the words of tests/lb.bash.
live() {
	common/netns.sh bash -c "source tests/lb.bash; network; $1"
}

# -- requests ------------------------------------------------------------------------------------

# Of 1000 requests each backend gets its share within a tenth. The ports are given, and so is the hash: a
# run that passes passes always.
SHARES='
	shares() {
		local number host
		while read -r number host; do
			case $host in b1) expected=500 ;; *) expected=250 ;; esac
			[ "$number" -ge $((expected * 9 / 10)) ] && [ "$number" -le $((expected * 11 / 10)) ] ||
				fail "$host has answered $number times, not about $expected"
		done <"$TMPDIR/shares"
		[ "$(wc -l <"$TMPDIR/shares")" = 3 ] || fail "not all have answered"
	}
	web b1 b2 b3
	nat "11 weight 2" 12 13 >"$TMPDIR/three"
'

@test "lb: 1000 requests over IPv4 and over IPv6: all answered in full, shared by weight" {
	needs curl /usr/bin/python3
	live "$SHARES"'
		balance <"$TMPDIR/three"
		names 10.0.6.100 40000 1000 >"$TMPDIR/shares"
		shares
		names "[fd00:6::100]" 30000 1000 >"$TMPDIR/shares"
		shares'
}

@test "lb: 1000 requests on a VLAN: all answered in full, shared by weight" {
	needs curl /usr/bin/python3
	live "$SHARES"'
		bpftool prog loadall build/tags.bpf.o /sys/fs/bpf/tags
		for each in client:veth0 lb:veth0 lb:veth1 b1:veth0 b2:veth0 b3:veth0; do
			# a veth hands a tag over beside the frame, unless it is told not to
			on "${each%:*}" ethtool -K "${each#*:}" txvlan off tx-vlan-stag-hw-insert off >/dev/null
			on "${each%:*}" tc qdisc add dev "${each#*:}" clsact
			on "${each%:*}" tc filter add dev "${each#*:}" egress bpf da pinned /sys/fs/bpf/tags/tag_once
			on "${each%:*}" tc filter add dev "${each#*:}" ingress bpf da pinned /sys/fs/bpf/tags/untag
		done
		balance <"$TMPDIR/three"
		names 10.0.6.100 40000 1000 >"$TMPDIR/shares"
		shares
		on client ping -q -c 1 -W 1 10.0.6.100 || fail "no answer to a ping on the VLAN"'
}

@test "lb: a download of 10 MB goes on while a backend comes, its own is drained, and lbd is killed" {
	needs curl /usr/bin/python3
	live '
		arrived() { [ "$(stat -c %s "$TMPDIR/$1" 2>/dev/null || echo 0)" -ge "$2" ]; }
		web b1 b2 b3
		slowly b1 b2 b3
		nat 11 12 | balance
		for vip in 10.0.6.100 "[fd00:6::100]"; do
			on client curl -s -g -o "$TMPDIR/got" "http://$vip/long" & pid=$!
			wait-for arrived got 1000000 || fail "the download does not begin"
			nat 11 12 13 | again
			own=$(on lb build/lbd status --json | jq -r "[.vips[].backends[] | select(.open_flows > 0).address][0]")
			on lb build/lbd drain --no-wait "$own" >/dev/null
			wait-for arrived got 3000000
			kill -9 "$(pid-of lb lbd)"
			wait-for arrived got 5000000
			start lb build/lbd -c "$CONF"
			wait "$pid" || fail "the download broke off"
			cmp "$TMPDIR/got" "$TMPDIR/long"
			[ "$(state "$own")" = draining ] || fail "$own does not drain any more"
			on lb build/lbd undrain "$own" >/dev/null
			rm "$TMPDIR/got"
		done'
}

@test "lb: drain waits for the download, and then says so" {
	needs curl /usr/bin/python3
	live '
		ongoing() { [ "$(on lb build/lbd status --json | jq "[.vips[].backends[].open_flows] | add")" -gt 0 ]; }
		web b1 b2
		slowly b1
		nat 11 | balance
		on client curl -s -o "$TMPDIR/got" http://10.0.6.100/long & pid=$!
		wait-for ongoing
		nat 11 12 | again
		on lb build/lbd drain 10.0.6.11 >"$TMPDIR/said"
		wait "$pid" || fail "the download broke off"
		cmp "$TMPDIR/got" "$TMPDIR/long"
		grep "10.0.6.11 is drained" "$TMPDIR/said"
		[ "$(names 10.0.6.100 20000 20)" = "20 b2" ]'
}

@test "lb: a server dies: once its check has found out, each new connection is answered; and it comes back" {
	live '
		for host in b1 b2 b3; do GREETING=$host serve "$host" 8080; done
		CHECK="interval 0.2 fall 2 rise 2" nat 11 12 13 | balance
		kill $(ip netns pids b2) 2>/dev/null
		DEADLINE=$((DEADLINE * 2 / 5)) wait-for-state 10.0.6.12 down
		for _ in {1..60}; do on client socat -u TCP:10.0.6.100:80,connect-timeout=2 - || fail "not answered"; done | sort | uniq -c >"$TMPDIR/answers"
		! grep b2 "$TMPDIR/answers"
		[ "$(wc -l <"$TMPDIR/answers")" = 2 ]
		GREETING=b2 serve b2 8080
		wait-for-state 10.0.6.12 up
		for _ in {1..60}; do on client socat -u TCP:10.0.6.100:80,connect-timeout=2 -; done | grep b2 >/dev/null'
}

@test "lb: with all servers dead a client gets no answer, and with the first that is back it does" {
	live '
		for host in b1 b2; do serve "$host" 8080; done
		CHECK="interval 0.2 fall 1 rise 1" nat 11 12 | balance
		for host in b1 b2; do kill $(ip netns pids "$host") 2>/dev/null; done
		wait-for-state 10.0.6.11 down
		wait-for-state 10.0.6.12 down
		! on client socat -u TCP:10.0.6.100:80,connect-timeout=0.3 - 2>/dev/null
		[ "$(reason no_backend)" -ge 1 ]
		serve b2 8080
		wait-for-state 10.0.6.12 up
		[ "$(on client socat -u TCP:10.0.6.100:80,connect-timeout=2 -)" = hello ]'
}

@test "lb: a connection goes on while loader and control plane are killed, and new ones take over" {
	live '
		on b1 socat TCP6-LISTEN:8080,fork,ipv6only=0 PIPE 3>&- &
		nat 11 | balance
		mkfifo "$TMPDIR/in"
		on client socat - TCP:10.0.6.100:80,connect-timeout=2,retry=20,interval=0.1 <"$TMPDIR/in" >"$TMPDIR/echo" & pid=$!
		exec 4>"$TMPDIR/in"
		said() { grep -qx "$1" "$TMPDIR/echo"; }
		tell() { echo "$1" >&4; wait-for said "$1" || fail "no echo of $1"; }
		tell one
		kill -9 "$(pid-of lb lb)" "$(pid-of lb lbd)"
		wait-for ended lb lb
		tell two
		start lb build/lb veth0 veth1 4>&- # or it would hold the pipe open
		tell three
		start lb build/lbd -c "$CONF" 4>&-
		nat 11 12 13 | again
		tell four
		exec 4>&-
		wait "$pid"'
}

# -- floods --------------------------------------------------------------------------------------

@test "lb: in a flood of SYNs from everywhere clients are served, and the table of flows is not" {
	live '
		host attacker
		wire attacker lb
		for host in b1 b2 b3; do serve "$host" 8080; done
		nat 11 12 13 | sed "s/tcp nat/& new-flows 1000/" >"$CONF"
		start lb build/lb veth0 veth1 veth2
		start lb build/lbd -c "$CONF"
		sed "s/^02.*#/02 00 00 00 01 02 02 00 00 00 01 01 #/; s/^0a 00 00 02 /0a 00 06 64 /; s/00 16 /00 50 /" \
			tests/packets/ipv4-tcp22.hex | tests/frame - >"$TMPDIR/syn"
		on attacker build/flood veth0 0 1000000 <"$TMPDIR/syn" & pid=$!
		flooded() { [ "$(reason unfollowed)" -gt 100000 ]; }
		DEADLINE=$((DEADLINE * 4)) wait-for flooded || fail "no flood: $(reason unfollowed)"
		for _ in {1..20}; do
			[ "$(on client socat -u TCP:10.0.6.100:80,connect-timeout=5 -)" = hello ] || fail "a client was not served"
		done
		kill "$pid"'
}

# -- ICMP ----------------------------------------------------------------------------------------

@test "lb: pings to a VIP are answered, of any length, up to a fragment, which is dropped and counted" {
	live '
		nat 11 | balance
		for vip in 10.0.6.100 fd00:6::100; do
			for length in 0 1 56 1400; do
				on client ping -q -c 1 -W 1 -s "$length" "$vip" >/dev/null || fail "no answer of $length bytes from $vip"
			done
			! on client ping -q -c 1 -W 0.2 -s 2000 "$vip" >/dev/null
		done
		[ "$(reason pings)" = 8 ]
		[ "$(reason fragments)" = 4 ]
		! on client ping -q -c 1 -W 0.2 10.0.6.99 >/dev/null # which is no VIP'
}

@test "lb: that its segments are too long for the client's link a backend is told, and the download goes on" {
	needs curl /usr/bin/python3
	live '
		host far
		wire far client
		router client
		ip -n lb route add 10.0.1.0/24 via 10.0.0.1
		ip -n lb route add fd00:1::/64 via fd00::1
		ip -n far route add default via 10.0.1.2
		ip -n far route add default via fd00:1::2
		ip -n client link set veth1 mtu 1400
		web b1
		for mode in nat dsr; do
			if [ $mode = nat ]; then
				nat 11 | balance
			else
				printf "%s\n" "vip 10.0.6.100 8080/tcp dsr" "backend 10.0.6.11" "check none" \
					"vip fd00:6::100 8080/tcp dsr" "backend fd00:6::11" "check none" | again
				ip -n b1 addr add 10.0.6.100/32 dev lo
				ip -n b1 addr add fd00:6::100/128 dev lo nodad
				on b1 ip route flush cache
			fi
			for vip in 10.0.6.100 "[fd00:6::100]"; do
				port=$([ $mode = nat ] && echo 80 || echo 8080)
				on far curl -s -g --max-time 5 -o "$TMPDIR/got" "http://$vip:$port/long" || fail "$mode: the download from $vip hangs"
				cmp "$TMPDIR/got" "$TMPDIR/long"
			done
		done
		[ "$(reason icmp_errors)" -ge 2 ]'
}

# What follows has build/sums read what the program makes of frames. `through FRAME…` sends them, as if they
# came in on $INTERFACE; $RESULTS has a line for each, and `now` what is in each then.
FRAMES='
	INTERFACE=veth0 FOLDER=$TMPDIR/frames
	neighbour 11 12
	through() {
		local frame
		rm -rf "$FOLDER" && mkdir -p "$FOLDER/in" "$FOLDER/out"
		for frame; do tests/frame "$frame" >"$FOLDER/in/$frame"; done
		RESULTS=$(on lb build/through -x "$INTERFACE" /sys/fs/bpf/program "$FOLDER/out" "$FOLDER"/in/*)
	}
	now() { build/sums "$FOLDER"/out/*; }
	modes() {
		printf "%s\n" "vip 10.0.0.2 22/tcp $1" "backend 10.0.6.11 $2" "check none" \
			"vip 10.0.0.2 22/udp $1" "backend 10.0.6.11 $2" "check none" \
			"vip fd00::2 22/tcp $1" "backend fd00:6::11 $2" "check none" \
			"vip fd00::2 22/udp $1" "backend fd00:6::11 $2" "check none"
	}
	load() { balance; bpftool prog pin id "$(id-of prog lb lb lb)" /sys/fs/bpf/program; }
	ERRORS="ipv4-error-tcp22 ipv4-error-tcp22-whole ipv4-error-tcp22-options ipv4-error-udp22 vlan-error-tcp22 ipv6-error-tcp22"
	OTHERS="ipv4-error-elsewhere ipv4-error-tcp23 ipv4-error-later-fragment icmp4-unreachable icmp6-too-big"
'

@test "lb: an ICMP error about an answer of the VIP goes to the backend, in its own terms; no other does" {
	live "$FRAMES"'
		modes nat 8022 | load
		through $ERRORS
		expected=$(build/sums "$FOLDER"/in/* | sed -E "s/ to 10.0.0.2 / to 10.0.6.11 /; s/ to fd00::2 / to fd00:6::11 /; s/ ttl 64/ ttl 63/")
		diff <(echo "$expected") <(now)
		! grep -v " 4 0 0 " <<<"$RESULTS"
		# what is quoted is now from the backend: as a packet of its own, without what stands before it
		for frame in $ERRORS; do
			case $frame in ipv6*) at=62 ;; vlan*) at=46 ;; *) at=42 ;; esac
			{ head -c 12 /dev/zero; [[ $frame = ipv6* ]] && printf "\x86\xdd" || printf "\x08\x00"; tail -c +$((at + 1)) "$FOLDER/out/$frame"; head -c 1480 /dev/zero; } >"$FOLDER/quote"
			build/sums "$FOLDER/quote" | grep -E " from (10.0.6.11|fd00:6::11) to (10.0.0.1|fd00::1) .* ports 8022 40000 " >/dev/null || fail "$frame: $(build/sums "$FOLDER/quote")"
			[[ $frame = ipv6* ]] || build/sums "$FOLDER/quote" | grep " ipv4 good " >/dev/null || fail "$frame: the quoted header has a wrong checksum"
		done
		through $OTHERS
		! grep -v " 2 0 0$" <<<"$RESULTS"

		modes dsr "" | again
		through $ERRORS
		diff <(build/sums "$FOLDER"/in/* | sed "s/ ttl 64/ ttl 63/") <(now)
		! grep -v " 4 0 0 " <<<"$RESULTS"'
}

@test "lb: an ICMP error goes to where the flow is followed to, not to where the ring is" {
	live "$FRAMES"'
		modes nat 8022 | load
		through ipv4-tcp22
		printf "%s\n" "vip 10.0.0.2 22/tcp nat" "backend 10.0.6.11 8022 weight 0" "backend 10.0.6.12 8022" "check none" | again
		through ipv4-error-tcp22
		now | grep " to 10.0.6.11 "'
}

@test "lb: fragments for the address of a VIP are dropped and counted; others pass, and so does what is malformed" {
	live "$FRAMES"'
		modes nat 8022 | load
		fragments=$(cd tests/packets && ls | sed -n "s/\.hex$//p" | grep -E "fragment" | grep -v "error\|do-not\|atomic\|reserved\|tiny-fragment-tcp22\|udp-length-7\|extension")
		through $fragments
		! grep -v " 1 0 0$" <<<"$RESULTS"
		[ "$(reason fragments)" = "$(wc -w <<<$fragments)" ]
		through $(cd tests/packets && grep -l "lab 03: MALFORMED" * | sed "s/\.hex$//")
		! grep -v " 2 0 0$" <<<"$RESULTS"
		echo "vip 10.0.0.9 22/tcp nat" | again
		through $fragments
		! grep -v " 2 0 0$" <<<"$RESULTS"'
}

@test "lb: of 40000 packets of any shape each checksum is right" {
	live "$FRAMES"'
		modes nat 8022 | load
		mkdir -p "$FOLDER/in" "$FOLDER/out"
		for seed in {1..10}; do
			build/strange "$FOLDER/in" 4000 "$seed"
			(cd "$FOLDER/in" && on lb "$TOP/build/through" -x veth0 /sys/fs/bpf/program ../out ./*) | grep -c " 4 0 0 "
			before=$(build/sums "$FOLDER"/in/* | sed -E "s/ to 10.0.0.2 / to 10.0.6.11 /; s/ to fd00::2 / to fd00:6::11 /; s/ ttl [0-9]+//; s/ 22 (tcp|udp) / 8022 \1 /")
			diff <(echo "$before") <(now | sed -E "s/ ttl [0-9]+//") || fail "with the seed $seed (<: expected, >: got)"
			! now | grep -w bad
		done >"$TMPDIR/sent"
		[ "$(sort "$TMPDIR/sent" | uniq -c | xargs)" = "10 4000" ] || fail "sent on, of 4000 each: $(xargs <"$TMPDIR/sent")"'
}

# -- modes, ways to attach -----------------------------------------------------------------------

@test "lb: direct server return: the backend answers the client itself, over IPv4 and IPv6" {
	live '
		for host in b1 b2; do
			ip -n $host addr add 10.0.6.100/32 dev lo
			ip -n $host addr add fd00:6::100/128 dev lo nodad
			GREETING=$host serve $host 80
		done
		printf "%s\n" "vip 10.0.6.100 80/tcp dsr" "backend 10.0.6.11" "backend 10.0.6.12" "check interval 0.5" \
			"vip fd00:6::100 80/tcp dsr" "backend fd00:6::11" "backend fd00:6::12" "check interval 0.5" | balance
		for vip in 10.0.6.100 "[fd00:6::100]"; do
			for _ in {1..20}; do on client socat -u "TCP:$vip:80,connect-timeout=2" - || fail "no answer from $vip"; done | sort -u >"$TMPDIR/answers"
			[ "$(xargs <"$TMPDIR/answers")" = "b1 b2" ]
		done
		[ "$(reason replies)" = 0 ]'
}

@test "lb: direct server return with one arm: back out of the interface that the packet came in by" {
	live '
		ip -n b1 addr add 10.0.6.100/32 dev lo
		serve b1 80
		printf "%s\n" "vip 10.0.6.100 80/tcp dsr" "backend 10.0.6.11" "check interval 0.5" >"$CONF"
		start lb build/lb veth1
		start lb build/lbd -c "$CONF"
		ip -n b3 route add 10.0.6.100 via 10.0.6.1 # a client on the same network
		[ "$(on b3 socat -u TCP:10.0.6.100:80,connect-timeout=2 -)" = hello ]
		[ "$(on lb build/lbd status --json | jq ".vips[0].packets")" -ge 3 ]'
}

@test "lb: in generic mode no peer need run XDP" {
	live '
		on client ip link set dev veth0 xdpdrv off
		on lan6 ip link set dev veth0 xdpdrv off
		serve b1 8080
		nat 11 | balance -m generic
		for vip in 10.0.6.100 "[fd00:6::100]"; do
			[ "$(on client socat -u "TCP:$vip:80,connect-timeout=2" -)" = hello ]
		done
		on client ping -q -c 1 -W 1 10.0.6.100'
}

@test "lb: when an interface goes it says so, and the others go on" {
	live '
		serve b1 8080
		host other
		wire other lb
		nat 11 >"$CONF"
		start lb build/lb veth0 veth1 veth2
		start lb build/lbd -c "$CONF"
		ip -n lb link del veth2
		wait-for ended lb lb
		[ "$(errors-of lb lb)" = "lb: detached from veth2: the interface is gone, or somebody stopped the data plane" ]
		[ "$(on client socat -u TCP:10.0.6.100:80,connect-timeout=2 -)" = hello ]'
}

@test "lb: ended well it takes all of it along; ended by --keep it leaves it, for lbd stop to end" {
	live '
		serve b1 8080
		nat 11 | balance
		stop lb lb
		[ ! -e /sys/fs/bpf/lb ]
		! on lb bpftool net show | grep -A9 ^xdp: | grep veth
		! on client socat -u TCP:10.0.6.100:80,connect-timeout=0.3 - 2>/dev/null

		on lb build/lb --keep veth0 veth1 >/dev/null
		wait-for-vips() { on lb build/lbd status --json | jq -e ".vips | length == 2"; }
		wait-for wait-for-vips # lbd has noticed
		[ "$(on client socat -u TCP:10.0.6.100:80,connect-timeout=2 -)" = hello ]
		on lb build/lbd stop
		[ ! -e /sys/fs/bpf/lb ]'
}

@test "lb: ipip: a packet goes as it is in one to the backend, tagged or not; both headers are right" {
	live "$FRAMES"'
		modes ipip "" | load
		whole="ipv4-tcp22 ipv4-udp22 ipv6-tcp22 ipv6-udp22 vlan-tcp22 vlan-ipv6-tcp22 qinq-tcp22 ipv4-options-tcp22 ipv4-udp22-no-checksum ipv6-chain-tcp22 ipv4-error-tcp22"
		through $whole
		! grep -v " 4 0 0 " <<<"$RESULTS"
		[ "$(now | grep -cE " to (10.0.6.11|fd00:6::11) dscp 0 ecn 0 ttl 63 (ipv4 good|flow)")" = "$(wc -w <<<$whole)" ]
		# without the outer header it is what was sent, but for MAC addresses and TTL
		for frame in $whole; do
			at=$(now | sed -n "s/^$frame at \([0-9]*\) .*/\1/p")
			size=$([[ $frame = *ipv6* ]] && echo 40 || echo 20)
			{ head -c "$at" "$FOLDER/out/$frame"; tail -c +$((at + size + 1)) "$FOLDER/out/$frame"; } >"$FOLDER/$frame"
			diff <(build/sums "$FOLDER/in/$frame" | sed "s/ ttl 64/ ttl 63/") <(build/sums "$FOLDER/$frame")
		done
		through ipv4-tcp22-ttl1 ipv6-tcp22-hop1
		! grep -v " 1 0 0$" <<<"$RESULTS"
		ip -n lb route add 10.0.6.11 dev veth1 mtu lock 700
		through ipv4-udp22-long # 683 bytes, and 20
		grep "^ipv4-udp22-long 2 0 0 " <<<"$RESULTS"
		[ "$(reason too_long)" = 1 ]'
}

@test "lb: ipip: clients are served from a network behind a router" {
	live '
		# b1 is in another network, behind b3
		ip -n b1 addr flush dev veth0
		wire b3 b1
		router b3
		ip -n lb route add 10.0.1.0/24 via 10.0.6.13
		ip -n lb route add fd00:1::/64 via fd00:6::13
		ip -n b1 link set veth0 down
		ip -n b1 route replace default via 10.0.1.1
		ip -n b1 route replace default via fd00:1::1
		ip -n b1 addr add 10.0.6.100/32 dev lo
		ip -n b1 addr add fd00:6::100/128 dev lo nodad
		on b1 tc qdisc add dev veth1 clsact
		on b1 tc filter add dev veth1 ingress bpf da obj build/untunnel.bpf.o sec tc
		serve b1 80
		printf "%s\n" "vip 10.0.6.100 80/tcp ipip" "backend 10.0.1.2" "check interval 0.5" \
			"vip fd00:6::100 80/tcp ipip" "backend fd00:1::2" "check interval 0.5" | balance
		for vip in 10.0.6.100 "[fd00:6::100]"; do
			[ "$(on client socat -u "TCP:$vip:80,connect-timeout=2" -)" = hello ] || fail "no answer from $vip"
		done
		on lb build/lbd status'
}
