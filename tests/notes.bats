#!/usr/bin/env bats
# The notes against the kernel: for each claim of the teaching notes that a chapter says is wrong, an
# experiment that shows what the kernel does instead. The programs are in tests/notes.

bats_require_minimum_version 1.5.0

load notes/words
load needs

# -- lab 01 --------------------------------------------------------------------------------------

@test "notes 01: hello as printed does not compile; without a licence it is refused" {
	run ! compile hello
	[[ $output == *hello.bpf.c:*error:*SEC\(* ]]

	compile hello "${INCLUDES[@]}"
	experiment 'refused hello "cannot call GPL-restricted function"'

	compile hello "${INCLUDES[@]}" -DGPL
	experiment 'load hello; expect tracepoint "$(about hello .type)"'
}

@test "notes 01: the notes' clang command does not find asm/types.h" {
	[ ! -e /usr/include/asm/types.h ] || skip "here asm/types.h stands where any compiler looks"
	by-the-notes() {
		${COMPILE_BPF%% *} -target bpf -O2 -g "$@" "${INCLUDES[@]}" -DGPL \
			-c tests/notes/hello.bpf.c -o "$BATS_TEST_TMPDIR/hello.o"
	}
	run ! by-the-notes
	[[ $output == *"'asm/types.h' file not found"* ]]
	by-the-notes -idirafter "$(ask-make '$(MULTI)')"
}

@test "notes 01: bpftool prog load attaches nothing; rm of the pin unloads" {
	compile execs
	build attach
	experiment '
		load execs
		for _ in 1 2 3; do /bin/true; done
		expect 0 "$(links execs)"
		expect 0 "$(variable execs runs)"

		id=$(about execs .id)
		rm /sys/fs/bpf/execs
		wait-for gone prog "$id" || fail "program $id is still loaded"

		# the same program, attached, does run
		"$OBJECTS/attach" "$OBJECTS/execs.o" /sys/fs/bpf/execs >/dev/null
		for _ in 1 2 3; do /bin/true; done
		comes-to 1 links execs # bpftool ends its list where a link of others just goes
		[ "$(variable execs runs)" -ge 3 ] || fail "attached, it does not run either"'
}

@test "notes 01: the machine code is there once the program is loaded, before any attach" {
	[ "$(cat /proc/sys/net/core/bpf_jit_enable)" != 0 ] || skip "the JIT is switched off here"
	compile execs
	experiment '
		load execs
		expect 0 "$(links execs)"
		expect true "$(about execs .jited)"
		[ "$(about execs .bytes_jited)" -gt 0 ] || fail "no machine code"'
}

@test "notes 01: the uninitialised pointer is refused for a register, not for a pointer" {
	# clang warns, which the labs' own flags make an error
	run ! compile uninitialized
	[[ $output == *-Wuninitialized* ]]
	compile uninitialized -Wno-uninitialized
	experiment '
		refused uninitialized "R0 !read_ok"
		! grep -i pointer <<<"$SAID" || fail "there is talk of a pointer"'
}

@test "notes 01: a program of 12000 instructions loads" {
	compile long
	experiment '
		load long
		[ "$(about long .bytes_xlated)" -gt $((8 * 12000)) ] || fail "it is shorter"
		expect 12000 "$(returns long)"'
}

@test "notes 01: a loop with a bound loads and runs, one without is refused" {
	compile loop
	compile loop-endless -DENDLESS
	experiment '
		load loop
		expect 1000 "$(returns loop)"
		[ "$(about loop .bytes_xlated)" -lt 800 ] || fail "the loop was unrolled"
		refused loop-endless "infinite loop detected"'
}

@test "notes 01: a program calls functions of its own" {
	compile call
	experiment '
		load call
		expect 42 "$(returns call)"
		bpftool prog dump xlated pinned /sys/fs/bpf/call | grep "call pc+" ||
			fail "the call was inlined"'
}

@test "notes 01: a map goes with its last holder; a pinned one stays until rm" {
	experiment '
		host client
		map() { # the id of the map named $1 that hello holds
			for id in $(sed -n "s/^map_id:[[:space:]]*//p" "/proc/$(pid-of client hello)"/fdinfo/*); do
				bpftool -j map show id "$id" | jq "select(.name | endswith(\"$1\")) | .id"
			done
		}
		start client build/hello -n client
		events=$(map events) variables=$(map .bss)
		bpftool map pin id "$events" /sys/fs/bpf/events
		bpftool map show id "$variables" >/dev/null
		stop client hello
		wait-for gone map "$variables" || fail "map $variables has outlived its loader"
		bpftool map show id "$events" >/dev/null || fail "the pin has not kept map $events"
		rm /sys/fs/bpf/events
		wait-for gone map "$events" || fail "map $events is still there"'
}

@test "notes 01: 512 bytes of stack are for the whole chain of calls" {
	compile stack-outer -DOUTER=400 -DINNER=8
	compile stack-inner -DOUTER=8 -DINNER=200
	compile stack-chain -DOUTER=400 -DINNER=200
	experiment '
		load stack-outer
		load stack-inner
		refused stack-chain "combined stack size of 2 calls is"'
}

@test "notes 01: an unchecked packet read is refused at load, not caught at run time" {
	compile unchecked
	compile unchecked-not -DCHECKED
	experiment '
		load unchecked-not
		refused unchecked "invalid access to packet, off=12 size="'
}

@test "notes 01: a division by zero yields 0, at run time" {
	compile divide
	experiment '
		load divide
		expect 100 "$(returns divide)"
		bpftool map update id "$(about divide ".map_ids[0]")" key 0 0 0 0 value 7 0 0 0
		expect 101 "$(returns divide)"'
}

@test "notes 01: bpf_program__attach attaches a tracepoint program, but no XDP program" {
	compile execs
	compile xdp_drop "${INCLUDES[@]}"
	build attach
	experiment '
		expect attached "$("$OBJECTS/attach" "$OBJECTS/execs.o" /sys/fs/bpf/execs)"
		expect 1 "$(links execs)"
		expect EOPNOTSUPP "$("$OBJECTS/attach" "$OBJECTS/xdp_drop.o" /sys/fs/bpf/xdp_drop)"
		expect 0 "$(links xdp_drop)"'
}

# -- lab 02 --------------------------------------------------------------------------------------

@test "notes 02: xdp_drop as printed does not compile; with includes it needs no licence" {
	run ! compile xdp_drop
	[[ $output == *xdp_drop.bpf.c:*error:*SEC\(* ]]
	compile xdp_drop "${INCLUDES[@]}"
	experiment '
		load xdp_drop
		expect false "$(about xdp_drop .gpl_compatible)"
		expect 1 "$(returns xdp_drop)"'
}

@test "notes 02: the verifier refuses neither XDP_ABORTED nor a verdict of 77; both drop" {
	compile verdict-aborted -DVERDICT=XDP_ABORTED
	compile verdict-77 -DVERDICT=77
	experiment '
		lab
		for each in aborted:0 77:77; do
			name=verdict-${each%:*}
			load "$name"
			expect "${each#*:}" "$(returns "$name")"
			on server ip link set dev veth0 xdpdrv pinned "/sys/fs/bpf/$name"
			fails pings 2
			on server ip link set dev veth0 xdpdrv off
			pings 2 1 || fail "no answer, though nothing is attached"
		done'
}

@test "notes 02: ip link set … xdp falls back to generic mode without a word" {
	compile xdp_drop "${INCLUDES[@]}"
	experiment '
		host server
		fails on server ip link set dev lo xdpdrv obj "$OBJECTS/xdp_drop.o" sec xdp
		said "does not support XDP in native mode"
		expect none "$(xdp-mode server lo)"
		expect "" "$(on server ip link set dev lo xdp obj "$OBJECTS/xdp_drop.o" sec xdp 2>&1)"
		expect xdpgeneric "$(xdp-mode server lo)"'
}

@test "notes 02: xdp off leaves a generic program on a veth, and reports success" {
	compile xdp_drop "${INCLUDES[@]}"
	experiment '
		lab
		on server ip link set dev veth0 xdpgeneric obj "$OBJECTS/xdp_drop.o" sec xdp
		on server ip link set dev veth0 xdp off
		expect xdpgeneric "$(xdp-mode server veth0)"
		fails pings 1
		on server ip link set dev veth0 xdpgeneric off
		expect none "$(xdp-mode server veth0)"
		pings 1 1 || fail "no answer, though nothing is attached"'
}

@test "notes 02: ip link set … xdp obj fails without sec" {
	compile xdp_drop "${INCLUDES[@]}"
	experiment '
		lab
		fails on server ip link set dev veth0 xdp obj "$OBJECTS/xdp_drop.o"
		said "sec prog"
		expect none "$(xdp-mode server veth0)"
		on server ip link set dev veth0 xdp obj "$OBJECTS/xdp_drop.o" sec xdp
		expect xdp "$(xdp-mode server veth0)"'
}

@test "notes 02: egress_ifindex is not for a plain XDP program" {
	compile egress-plain -DSECTION='"xdp"' -DMEMBER=egress_ifindex
	compile egress-devmap -DSECTION='"xdp/devmap"' -DMEMBER=egress_ifindex
	compile egress-ingress -DSECTION='"xdp"' -DMEMBER=ingress_ifindex
	experiment '
		refused egress-plain "invalid bpf_context access off=20 size=4"
		load egress-devmap
		load egress-ingress'
}

@test "notes 02: struct xdp_md is six numbers of 32 bits, no pointers" {
	compile context
	compile context-pointers -DPOINTERS
	experiment '
		load context
		refused context-pointers "invalid bpf_context access off="
		said "size=8"'
}

@test "notes 02: tcpdump does not see what XDP drops; it sees what tc drops" {
	compile gate_xdp
	compile gate_tc
	experiment '
		lab
		capture server veth0 -e icmp

		ping-of() { on client ping -q -c "$1" -i 0.01 -W "$2" -s "$3" 10.0.0.2; }
		# seen N BYTES: has the tap seen N pings that carry BYTES?
		seen() { [ "$(grep -c "echo request.* length $(($2 + 8))\$" "$(log-of server tcpdump).out")" = "$1" ]; }
		# tap-sees N BYTES: three pings that carry BYTES meet a closed gate, then comes a
		# short one that passes; by then the tap has seen N of the three.
		tap-sees() {
			fails ping-of 3 0.2 "$2"
			ping-of 1 1 "$(($2 - 200))" >/dev/null
			wait-for seen 1 "$(($2 - 200))" || fail "tcpdump does not see what passes"
			seen "$1" "$2" || fail "not $1 of the pings that were dropped:" "$(cat "$(log-of server tcpdump).out")"
		}
		for mode in xdpdrv:301 xdpgeneric:302; do
			on server ip link set dev veth0 "${mode%:*}" obj "$OBJECTS/gate_xdp.o" sec xdp
			tap-sees 0 "${mode#*:}"
			on server ip link set dev veth0 "${mode%:*}" off
		done
		on server tc qdisc add dev veth0 clsact
		on server tc filter add dev veth0 ingress bpf direct-action obj "$OBJECTS/gate_tc.o" sec tc
		tap-sees 3 303'
}

@test "notes 02: XDP_DROP fires no tracepoint, XDP_ABORTED does" {
	experiment '
		lab
		# total N TEXT: once N frames have arrived, xdp_drop ends with these totals.
		total() {
			wait-for arrived "$1" || fail "not $1 frames have arrived"
			stop server xdp_drop
			expect " total: $2" "$(output-of server xdp_drop | tail -n 1)"
		}
		arrived() { on server ethtool -S veth0 | grep "xdp_packets: $1\$"; }

		start server build/xdp_drop -p icmp veth0
		fails pings 3
		total 3 "dropped 3, passed 0, sent back 0, aborted 0 (xdp_exception told of 0)"

		start server build/xdp_drop -p icmp veth0
		# an IPv4 frame, cut inside its IP header
		printf "\2\0\0\0\0\2\2\0\0\0\0\1\10\0%016d" 0 | on client socat -u - INTERFACE:veth0
		total 4 "dropped 0, passed 0, sent back 0, aborted 1 (xdp_exception told of 1)"'
}

@test "notes 02: ethtool counts the drops of native mode, not those of generic mode" {
	compile gate_xdp
	experiment '
		lab
		drops() { on server ethtool -S veth0 | awk "/xdp_drops:/ { n += \$2 } END { print n }"; }
		counted() { [ "$(drops)" = "$1" ]; }
		drop-three() { fails on client ping -q -c 3 -i 0.01 -W 0.2 -s 300 10.0.0.2; }

		on server ip link set dev veth0 xdpdrv obj "$OBJECTS/gate_xdp.o" sec xdp
		expect 0 "$(drops)"
		drop-three
		wait-for counted 3 || fail "in native mode: expected 3, got $(drops)"
		on server ip link set dev veth0 xdpdrv off

		on server ip link set dev veth0 xdpgeneric obj "$OBJECTS/gate_xdp.o" sec xdp
		drop-three
		pings 1 1 || fail "a short ping does not pass"
		expect 3 "$(drops)"'
}

@test "notes 02: bpf_prog_attach does not attach XDP, bpf_link_create does" {
	compile xdp_drop "${INCLUDES[@]}"
	build xdp_attach
	experiment '
		lab
		SAID=$(on server "$OBJECTS/xdp_attach" "$OBJECTS/xdp_drop.o" veth0)
		said "bpf_prog_attach: EINVAL"
		said "bpf_link_create: attached"'
}

@test "notes 02: libbpf has no bpf_set_link_xdp_fd any more" {
	build set_link -DFUNCTION=bpf_xdp_attach
	run ! build set_link -DFUNCTION=bpf_set_link_xdp_fd
	[[ $output == *"undefined reference to \`bpf_set_link_xdp_fd'"* ]]
}

@test "notes 02: conditions in a row and early returns are the same bytecode" {
	compile parse-bad
	compile parse-good -DGOOD
	experiment '
		load parse-bad
		load parse-good
		expect "$(about parse-bad .tag)" "$(about parse-good .tag)"'
}

# -- lab 03 --------------------------------------------------------------------------------------

# filters: loads the notes' firewall as `firewall`, their guide's parser as `firewall-guide`, and this
# lab's program as `parsing`.
filters() {
	compile firewall
	compile firewall-guide -DGUIDE
	cp build/parsing.bpf.o "$BATS_TEST_TMPDIR/parsing.o"
	echo 'for each in firewall firewall-guide parsing; do load $each; done
		expect 1 "$(judges firewall ipv4-tcp22)"
		expect 1 "$(judges firewall-guide ipv4-tcp22)"'
}

@test "notes 03: six ways round the notes' firewall, and none of them round this lab's" {
	experiment "$(filters)"'
		for way in ipv4-options vlan qinq ipv6 ipv6-chain ipv6-first-fragment; do
			expect "$way 2" "$way $(judges firewall $way-tcp22)"
			expect "$way 1" "$way $(judges parsing $way-tcp22)"
		done'
}

@test "notes 03: the guide's parser reads the header length, and still has five ways round" {
	experiment "$(filters)"'
		expect 1 "$(judges firewall-guide ipv4-options-tcp22)"
		for way in vlan qinq ipv6 ipv6-chain ipv6-first-fragment; do
			expect "$way 2" "$way $(judges firewall-guide $way-tcp22)"
		done'
}

@test "notes 03: the notes' firewall drops what is not TCP to port 22" {
	experiment "$(filters)"'
		for innocent in ipv4-later-fragment-like ipv4-last-fragment-like ipv4-options-like \
			ipv4-padding-like; do
			expect "$innocent 1" "$innocent $(judges firewall $innocent-tcp22)"
			expect "$innocent 2" "$innocent $(judges parsing $innocent-tcp22)"
		done
		expect 1 "$(judges firewall-guide ipv4-later-fragment-like-tcp22)"'
}

@test "notes 03: it is the destination port that the firewall looks at, not the source" {
	experiment "$(filters)"'
		expect 2 "$(judges firewall ipv4-tcp22-back)"
		expect 2 "$(judges parsing ipv4-tcp22-back)"'
}

@test "notes 03: tiny fragments and tunnels pass, there and here" {
	experiment "$(filters)"'
		for way in ipv4-tiny-fragment ipv6-tiny-fragment ipv4-in-ipv4; do
			expect "$way 2" "$way $(judges firewall $way-tcp22)"
			expect "$way 2" "$way $(judges parsing $way-tcp22)"
		done'
}

@test "notes 03: of tiny fragments the stack makes a connection over IPv4, and refuses them over IPv6" {
	experiment '
		lab
		on server socat TCP6-LISTEN:22,fork,ipv6only=0 OPEN:/dev/null 2>/dev/null &
		wait-for on server socat -u OPEN:/dev/null TCP6:[::1]:22
		start server build/parsing veth0
		capture client veth0 -e "tcp src port 22 or icmp6"
		throw client ipv4-tiny-fragment-tcp22
		throw client ipv4-tiny-fragment-rest
		wait-for grep -qF "10.0.0.2.22 > 10.0.0.1.40000: Flags [S.]" "$(log-of client tcpdump).out" ||
			fail "port 22 does not answer"
		throw client ipv6-tiny-fragment-tcp22
		wait-for grep -q "fd00::2 > fd00::1: ICMP6, parameter problem" "$(log-of client tcpdump).out" ||
			fail "the fragment is not refused: $(cat "$(log-of client tcpdump).out")"'
}

# -- lab 04 --------------------------------------------------------------------------------------

@test "notes 04: the rate limiter compares a count with a time, and never drops" {
	compile limiter
	experiment '
		load limiter
		tests/frame tcp4 >"$TMPDIR/frame"
		bpftool -j prog run pinned /sys/fs/bpf/limiter data_in "$TMPDIR/frame" repeat 2000000 >"$TMPDIR/result"
		expect 2 "$(jq .retval "$TMPDIR/result")"
		expect 1 "$(bpftool -j map dump id "$(about limiter ".map_ids[0]")" | jq ".[0].formatted.value")"

		lab
		start server build/maps veth0
		build/mapsctl limit 1000 >/dev/null
		tests/frame tcp4 | on client build/flood veth0 100000
		passed=$(build/mapsctl stats --json | jq .verdicts.passed.packets)
		[ "$passed" -ge 1000 ] && [ "$passed" -lt 50000 ] || fail "of 100000 in a row, $passed passed"'
}

# looks-up NAME RETVAL: put a key into the map of NAME, a variant of padding.bpf.c, and run the program on a frame with that
# key. Fail if it does not return RETVAL: 3 if it finds the key, 2 if it does not.
looks-up() {
	experiment '
		load '"$1"'
		bpftool map update id "$(about '"$1"' ".map_ids[0]")" \
			key hex 0a 00 00 02 00 50 06 00 value hex 01 00 00 00 00 00 00 00
		expect '"$2"' "$(judges '"$1"' tcp4)"'
}

@test "notes 04: a key with a byte that nobody sets is not found" {
	compile padding
	compile padding-set -DPAD
	looks-up padding-set 3
	looks-up padding 2
}

@test "notes 04: a program calls itself by tail calls 33 times, then one comes back; an array that nobody holds is emptied" {
	compile tail
	experiment '
		load tail
		map() { bpftool -j map show | jq ".[] | select(.id as \$id | $(about tail .map_ids) | index(\$id)) | select(.type == \"$1\").id"; }
		runs() { bpftool -j map dump id "$(map array)" | jq "[.. | objects | .runs? // empty][0]"; }
		# Nobody but the program holds the array: it is emptied when bpftool has left, by a worker of the kernel.
		emptied() { [ "$(bpftool -j map dump id "$(map prog_array)")" = "[]" ]; }
		bpftool map update id "$(map prog_array)" key 0 0 0 0 value pinned /sys/fs/bpf/tail
		wait-for emptied || fail "the array is not emptied"
		expect 2 "$(returns tail)"
		expect 1 "$(runs)"
		bpftool map pin id "$(map prog_array)" /sys/fs/bpf/self
		bpftool map update pinned /sys/fs/bpf/self key 0 0 0 0 value pinned /sys/fs/bpf/tail
		expect 2 "$(returns tail)"
		expect 35 "$(runs)"'
}

@test "notes 04: counting in one place on two CPUs loses counts; atomically or per CPU it does not" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU only"
	compile race
	experiment '
		load race
		head -c 64 /dev/zero >"$TMPDIR/frame"
		for cpu in 0 1; do
			taskset -c $cpu bpftool prog run pinned /sys/fs/bpf/race data_in "$TMPDIR/frame" repeat 5000000 >/dev/null &
		done
		wait
		for id in $(about race ".map_ids[]"); do
			bpftool map pin id "$id" "/sys/fs/bpf/$(bpftool -j map show id "$id" | jq -r .name)"
		done
		count() { build/counters "/sys/fs/bpf/$1" | cut -d" " -f3; }
		expect 10000000 "$(count atomic)"
		expect 10000000 "$(count apart)"
		[ "$(count shared)" -lt 10000000 ] || fail "nothing was lost"
		# user space gets a value for each CPU that there may be
		expect "$(sed "s/.*-//" /sys/devices/system/cpu/possible)" \
			"$(bpftool -j map dump pinned /sys/fs/bpf/apart | jq ".[0].values | length - 1")"'
}

@test "notes 04: a full hash takes no key more; an LRU hash forgets one" {
	experiment '
		add() { bpftool map update pinned "/sys/fs/bpf/$1" key "$2" 0 0 0 value 1 0 0 0; }
		bpftool map create /sys/fs/bpf/full type hash key 4 value 4 entries 2 name full
		bpftool map create /sys/fs/bpf/lru type lru_hash key 4 value 4 entries 2 name lru
		add full 1; add full 2
		fails add full 3
		said "Argument list too long"
		for key in {1..200}; do add lru "$key"; done
		left=$(bpftool -j map dump pinned /sys/fs/bpf/lru | jq length)
		[ "$left" -ge 1 ] && [ "$left" -le 2 ] || fail "$left are left in an LRU hash of 2"'
}

@test "notes 04: a map goes with the last who holds it, unless it is pinned" {
	experiment '
		lab
		start server build/parsing veth0
		id=$(id-of map server parsing packets)
		stop server parsing >/dev/null
		wait-for gone map "$id" || fail "map $id is still there"
		on server build/maps --keep veth0 >/dev/null
		bpftool map show pinned /sys/fs/bpf/maps/ports >/dev/null
		build/mapsctl stop'
}

@test "notes 04: u32 and u64 are no types for who includes linux/bpf.h" {
	run ! compile map_u32
	[[ $output == *"undeclared identifier 'u32'"* ]]
}

# -- lab 05 --------------------------------------------------------------------------------------

@test "notes 05: modify_packet sets the TTL, not the checksum: its helper fails, and nobody asks" {
	compile modify
	compile modify-tell -DTELL
	experiment '
		load modify
		load modify-tell
		# -EINVAL, in 32 bits
		expect $((2 ** 32 - 22)) "$(judges modify-tell icmp4-request)"

		lab
		on server tc qdisc add dev veth0 clsact
		tc-attach server ingress modify
		errors() { on server nstat -asz IpExtInCsumErrors | sed -n "s/^IpExtInCsumErrors *\([0-9]*\).*/\1/p"; }
		ping-of-ttl() { on client ping -q -c 3 -i 0.01 -W 0.5 -t "$1" 10.0.0.2; }
		ping-of-ttl 64 || fail "no answer, though there is nothing to set"
		expect 0 "$(errors)"
		fails ping-of-ttl 30
		comes-to 3 errors
		on server tc qdisc del dev veth0 clsact

		# the word of 16 bits that the TTL is half of, as this lab has it, is what the helper takes
		start server build/tc -a clsact --ttl 64 --ttl-by-helper veth0
		ping-of-ttl 30 || fail "no answer, though the checksum should be right"
		expect 3 "$(errors)"
		stop server tc
		grep "TTL set 3" <<<"$(output-of server tc)" || fail "and the TTL was not set"'
}

@test "notes 05: modify_packet changes one byte of a ping, and one byte of an ARP request" {
	compile modify
	experiment '
		load modify
		notes=$(about modify .id)
		expect "23 71 100" "$(changes "$notes" icmp4-from-zero-request)" # the TTL
		expect "23 2 100" "$(changes "$notes" arp)" # the first byte of the sender

		host server
		start server build/tc --ttl 64 --ttl-by-helper lo
		own=$(id-of prog server tc tc_ingress)
		expect "23 71 100 25 373 364" "$(changes "$own" icmp4-from-zero-request)" # and the checksum
		expect "" "$(changes "$own" arp)"'
}

@test "notes 05: TC_ACT_OK ends the list of filters; UNSPEC, PIPE and what tc does not know go on" {
	for action in TC_ACT_OK TC_ACT_UNSPEC TC_ACT_PIPE 77 TC_ACT_SHOT; do
		compile "action-$action" -DACTION="$action"
	done
	compile action -DACTION=TC_ACT_OK
	experiment '
		lab
		load action
		on server tc qdisc add dev veth0 clsact
		tc-attach server ingress action pref 2
		before=0
		# filters ACTION N: of three pings, all run the filter that returns ACTION, N the one behind it.
		filters() {
			local first=action-$1

			load "$first"
			tc-attach server ingress "$first" pref 1
			pings 3 0.5 && answered=yes || answered=no
			comes-to 3 variable "$first" runs
			expect "$1 $2" "$1 $(($(variable action runs) - before))"
			before=$(variable action runs)
			on server tc filter del dev veth0 ingress pref 1
		}
		for action in TC_ACT_OK:0 TC_ACT_UNSPEC:3 TC_ACT_PIPE:3 77:3; do
			filters "${action%:*}" "${action#*:}"
			expect "$action yes" "$action $answered"
		done
		filters TC_ACT_SHOT 0
		expect no "$answered"'
}

@test "notes 05: the object has no section tc_ingress; with one, tc loads it and bpftool does not" {
	compile modify
	compile modify-renamed -DSECTION='"tc_ingress"'
	experiment '
		host server
		on server tc qdisc add dev lo clsact
		by-the-notes() { on server tc filter add dev lo ingress bpf direct-action obj "$OBJECTS/$1.o" sec tc_ingress; }
		fails by-the-notes modify
		said "contain sec"
		load modify
		by-the-notes modify-renamed
		refused modify-renamed "failed to guess program type"
		bpftool prog load "$OBJECTS/modify-renamed.o" /sys/fs/bpf/renamed type classifier'
}

@test "notes 05: by tcx, programs are attached without any clsact" {
	grep -qw tcx_link_attach /proc/kallsyms || skip "this kernel has no tcx"
	experiment '
		lab
		clsacts() { on server tc qdisc show dev veth0 | grep -c clsact || :; }
		for way in tcx:0 clsact:1; do
			start server build/tc -a "${way%:*}" veth0
			expect "$way" "${way%:*}:$(clsacts)"
			pings 3 1
			stop server tc
			grep "^in 3, out 3" <<<"$(output-of server tc)" || fail "by ${way%:*} they do not run"
		done'
}

@test "notes 05: tcpdump sees what tc drops on the way in, not what tc drops on the way out" {
	compile gate_tc
	experiment '
		lab
		load gate_tc
		ping-of() { on client ping -q -c "$1" -i 0.01 -W "$2" -s "$3" 10.0.0.2; }
		# sees HOST N BYTES: has tcpdump there seen N pings that carry BYTES?
		sees() { [ "$(grep -c "echo request.* length $(($3 + 8))\$" "$(log-of "$1" tcpdump).out")" = "$2" ]; }
		# tap-sees HOST DIRECTION N: of three pings that tc drops there, then one that it lets pass,
		# tcpdump has seen N, and the one.
		tap-sees() {
			on "$1" tc qdisc add dev veth0 clsact
			capture "$1" veth0 -e icmp
			tc-attach "$1" "$2" gate_tc
			fails ping-of 3 0.2 300
			ping-of 1 1 100 >/dev/null || fail "a short ping does not pass"
			wait-for sees "$1" 1 100 || fail "tcpdump does not see what passes"
			sees "$1" "$3" 300 || fail "$2: not $3 of what was dropped:" "$(cat "$(log-of "$1" tcpdump).out")"
			on "$1" tc qdisc del dev veth0 clsact
		}
		tap-sees server ingress 3
		tap-sees client egress 0'
}

@test "notes 05: on the way in, tc comes before both netfilter hooks: netdev ingress and ip prerouting" {
	needs nft
	compile action-drop -DACTION=TC_ACT_SHOT
	compile action-pass -DACTION=TC_ACT_OK
	experiment '
		lab
		load action-drop
		load action-pass
		on server tc qdisc add dev veth0 clsact
		count="icmp type echo-request counter"
		rules() { # VERDICT: of the rule at netdev ingress, once it has counted
			on server nft -f - <<-END
				flush ruleset
				table netdev early { chain ingress {
					type filter hook ingress device veth0 priority 0; $count $1; }; }
				table ip late { chain prerouting {
					type filter hook prerouting priority 0; $count; }; }
			END
		}
		# came NAME: how many pings have come to the filter NAME, to netdev ingress, to ip prerouting
		came() {
			echo "$(variable "$1" runs)" \
				$(on server nft list ruleset | sed -n "s/.*counter packets \([0-9]*\).*/\1/p")
		}

		rules accept
		tc-attach server ingress action-pass pref 1
		pings 3 1 || fail "no answer, though nothing drops"
		comes-to "3 3 3" came action-pass

		rules drop
		fails pings 3
		comes-to "6 3 0" came action-pass

		on server tc filter del dev veth0 ingress pref 1
		rules accept
		tc-attach server ingress action-drop
		fails pings 3
		comes-to "3 0 0" came action-drop'
}

@test "notes 05: XDP changes a frame, and sends clones of it to two interfaces" {
	compile broadcast
	experiment '
		for host in client switch a b; do host $host; done
		wire client switch
		wire switch a
		wire switch b
		load broadcast
		ports=$(about broadcast ".map_ids[0]")
		for port in 1 2; do
			index=$(ip -n switch -j link show dev "veth$port" | jq ".[0].ifindex")
			on switch bpftool map update id "$ports" key $((port - 1)) 0 0 0 value "$index" 0 0 0
		done
		on switch ip link set dev veth0 xdpgeneric pinned /sys/fs/bpf/broadcast
		capture a veth0 -e icmp
		capture b veth0 -e icmp
		throw client icmp4-request
		for host in a b; do
			wait-for grep -q " 02:00:00:00:00:77 > .* echo request" "$LOGS/$host-tcpdump.out" ||
				fail "$host has got no clone"
		done'
}

@test "notes 05: TC is given the frame from the Ethernet header on, in both directions" {
	compile ethertype
	compile ethertype-out
	experiment '
		lab
		load ethertype
		load ethertype-out
		on server tc qdisc add dev veth0 clsact
		tc-attach server ingress ethertype
		tc-attach server egress ethertype-out
		pings 1 1
		for each in ethertype ethertype-out; do
			expect $((0x0800)) "$(variable $each ethertype)"
		done
		on client ping -q -c 1 -W 1 fd00::2 >/dev/null
		for each in ethertype ethertype-out; do
			expect $((0x86dd)) "$(variable $each ethertype)"
		done'
}

@test "notes 05: XDP finds the socket that a packet is for, and reads its priority" {
	compile socket
	experiment '
		lab
		load socket
		tests/frame tcp4 >"$TMPDIR/frame" # to port 80
		priority() { on server bpftool -j prog run pinned /sys/fs/bpf/socket data_in "$TMPDIR/frame" | jq .retval; }
		expect 0 "$(priority)"
		on server socat TCP4-LISTEN:80,priority=5 OPEN:/dev/null &
		comes-to 5 priority'
}

@test "notes 05: the checksum helpers are for TC; in XDP they are refused" {
	for helper in bpf_l3_csum_replace bpf_l4_csum_replace; do
		compile "checksum-tc_$helper" -DSECTION='"tc"' -DHELPER=$helper
		compile "checksum-xdp_$helper" -DSECTION='"xdp"' -DHELPER=$helper
	done
	experiment '
		for helper in bpf_l3_csum_replace bpf_l4_csum_replace; do
			load checksum-tc_$helper
			refused checksum-xdp_$helper "$helper#"
		done'
}

# -- lab 06 --------------------------------------------------------------------------------------

# balancer N: the notes' balancer, the first N of its faults mended, as the object balancer; and the
# program syns, that shows what it does with many clients.
balancer() {
	local patch patches=(tests/notes/balancer/*.patch)

	needs git
	cp tests/notes/balancer.bpf.c "$BATS_TEST_TMPDIR"
	for patch in "${patches[@]:0:$1}"; do
		git -C "$BATS_TEST_TMPDIR" apply -p3 "$PWD/$patch"
	done
	$COMPILE_BPF -c "$BATS_TEST_TMPDIR/balancer.bpf.c" -o "$BATS_TEST_TMPDIR/balancer.o"
	build syns
}

@test "notes 06: the balancer as printed finds its VIP by chance: the key ends in a byte that nobody sets" {
	compile padding-made -DINITIALIZER
	! looks-up padding-made 3 || skip "this compiler sets that byte to 0"
	balancer 0
	compile litter-zeros -DLITTER=0
	compile litter-ones -DLITTER=0xff
	experiment '
		balanced
		balance 3
		# after NAME: the balancer runs on the stack that NAME has left.
		after() {
			load "$1" pinmaps "/sys/fs/bpf/$1-maps"
			bpftool map update pinned "/sys/fs/bpf/$1-maps/next" key 0 0 0 0 value pinned /sys/fs/bpf/balancer
			on lb ip -force link set dev veth0 xdpgeneric pinned "/sys/fs/bpf/$1"
		}
		after litter-ones
		for _ in {1..20}; do
			fails call 5 40000
			said "Connection refused"
		done
		expect "0 0" "$(tallies)"
		after litter-zeros
		fails call 0.3 40000
		said "Connection timed out"
		comes-to "0 1" tallies

		# what the stack has of itself is one or the other, and either way nobody is greeted
		on lb ip -force link set dev veth0 xdpgeneric pinned /sys/fs/bpf/balancer
		fails call 0.3 40000'
}

@test "notes 06: the VIP found, 61 of 64 slots are empty: of 100 clients 95 are dropped" {
	balancer 1
	experiment '
		balanced
		balance 3
		on lb ip link set dev veth0 xdpgeneric pinned /sys/fs/bpf/balancer
		fails call 0.3 40000
		said "Connection timed out"
		comes-to "0 1" tallies

		dropped=$(clients 4000 | judged balancer | grep -c "^1 ")
		[ "$dropped" -gt $((4000 * 93 / 100)) ] && [ "$dropped" -lt $((4000 * 97 / 100)) ] ||
			fail "of 4000 clients $dropped are dropped"
		balance 64
		expect 4000 "$(clients 4000 | judged balancer | grep -c "^3 ")"'
}

@test "notes 06: a slot that is filled, each SYN comes to its backend with a wrong checksum, and nobody answers" {
	balancer 2
	experiment '
		balanced
		balance 3
		on lb ip link set dev veth0 xdpgeneric pinned /sys/fs/bpf/balancer
		for port in 40000 41000 42000; do
			fails call 0.3 $port
			said "Connection timed out"
		done
		comes-to "3 0" tallies
		errors() {
			local host n=0
			for host in backend{1..3}; do n=$((n + $(count-of $host TcpInCsumErrors))); done
			echo $n
		}
		comes-to 3 errors
		expect 4000 "$(clients 4000 | judged balancer | grep -c "^3 ")"'
}

@test "notes 06: the checksum right, a backend answers under its own name, and the client resets that" {
	balancer 3
	experiment '
		balanced
		balance 3
		on lb ip link set dev veth0 xdpgeneric pinned /sys/fs/bpf/balancer
		capture client veth0 tcp
		fails call 0.3 40000
		said "Connection timed out"
		for line in "10.0.0.1.40000 > 10.0.0.2.80: Flags \[S\]" \
			"10.0.[123].1.80 > 10.0.0.1.40000: Flags \[S\.\]" \
			"10.0.0.1.40000 > 10.0.[123].1.80: Flags \[R\]"; do
			wait-for grep "$line" "$(log-of client tcpdump).out" || fail "not seen: $line"
		done
		[ "$(count-of client TcpOutRsts)" -ge 1 ] || fail "the client has counted none"
		for host in backend{1..3}; do expect 0 "$(count-of $host TcpInCsumErrors)"; done'
}

@test "notes 06: answers translated back, the client is greeted" {
	balancer 4
	experiment '
		balanced
		balance 3
		on lb ip link set dev veth0 xdpgeneric pinned /sys/fs/bpf/balancer
		for _ in {1..20}; do expect hello "$(call 5)"; done
		expect 0 "$(count-of client TcpOutRsts)"'
}

@test "notes 06: the source MAC stays, and the TTL: a switch that learns then looks for the client at the balancer" {
	balancer 4
	experiment '
		balanced 30000
		balance 3
		# the MAC of the destination, the checksum of IP, the destination, the checksum of TCP
		expect "5 6 25 26 33 34 51 52" "$(rewritten tcp4)"

		at() { bridge -n switch fdb show | sed -n "s/^02:00:00:00:00:01 dev \([^ ]*\) .*/\1/p"; }
		fails call 5 # by now the program is not there yet
		expect veth0 "$(at)"
		on lb ip link set dev veth0 xdpgeneric pinned /sys/fs/bpf/balancer
		fails call 0.3
		said "Connection timed out"
		expect veth4 "$(at)"'
}

@test "notes 06: of an address and ports in network order the hash sees three bytes: 4096 clients, one slot" {
	balancer 1
	experiment '
		balance 64
		slots() { judged balancer | sort -u | wc -l; }
		expect 1 "$(for n in {0..4095}; do echo "10.$((n >> 4)).$((n & 15)).1 40000"; done | slots)"
		expect 1 "$(for n in {0..255}; do echo "10.0.0.1 $((39936 + n))"; done | slots)"
		# the first byte of an address does count, and that of a port
		expect 64 "$(for n in {64..127}; do echo "$n.0.0.1 40000"; done | slots)"
		expect 64 "$(for n in {64..127}; do echo "10.0.0.1 $((n << 8))"; done | slots)"'
}

@test "notes 06: the data of a later fragment are taken for ports, and changed; so is an IP header of no length" {
	balancer 3
	experiment '
		balance 3 22
		expect 3 "$(judges balancer ipv4-later-fragment-like-tcp22)"
		expect "5 6 25 26 33 34 51 52" "$(rewritten ipv4-later-fragment-like-tcp22)"

		# where ports would be there is then the header: 40 is its total length
		expect 2 "$(judges balancer ipv4-ihl-0)"
		balance 3 40
		expect 3 "$(judges balancer ipv4-ihl-0)"'
}

@test "notes 06: a per-CPU counter has a value for each CPU, and only their sum is the count" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU only"
	balancer 1
	experiment '
		balance 64
		clients 10 | judged balancer taskset -c 0 >/dev/null
		clients 20 | judged balancer taskset -c 1 >/dev/null
		expect "[10,20]" "$(bpftool -j map dump pinned /sys/fs/bpf/maps/stats | jq -c ".[0].formatted.values[:2] | map(.value)")"
		expect "30 0" "$(tallies)"'
}

@test "notes 06: by the number of the CPU, one connection goes to two backends" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU only"
	compile round_robin
	build syns
	experiment '
		load round_robin pinmaps /sys/fs/bpf/maps
		for n in 0 1; do
			bpftool map update pinned /sys/fs/bpf/maps/backends key $n 0 0 0 value 10 0 $((n + 1)) 1 0 80 0 0
		done
		for n in 0 1; do
			for _ in {1..1000}; do echo 10.0.0.1 40000; done | judged round_robin taskset -c $n | sort | uniq -c | xargs
		done >"$TMPDIR/went"
		expect "1000 3 10.0.1.1 1000 3 10.0.2.1" "$(xargs <"$TMPDIR/went")"'
}

@test "notes 06: bpf_redirect to an interface that is not there says XDP_REDIRECT, and the packet is lost" {
	compile redirect
	experiment '
		lab
		load redirect
		expect 4 "$(returns redirect)"
		expect false "$(ip -n server -j link | jq "any(.ifindex == 5)")"
		for mode in xdpdrv xdpgeneric; do
			on server ip link set dev veth0 $mode pinned /sys/fs/bpf/redirect
			fails pings 2
			on server ip link set dev veth0 $mode off
			pings 1 1 || fail "no answer, though nothing is attached"
		done'
}

@test "notes 06: the devmap and the cpumap as printed do not compile; for an empty slot the flags are the verdict" {
	run ! compile redirect_map -DSLOT=
	[[ $output == *"expected expression"* ]]
	run ! compile steer
	[[ $output == *"undeclared identifier 'num_cpus'"* ]]
	compile redirect_map -DSLOT=7
	compile redirect_map-pass -DSLOT=7 -DFLAGS=XDP_PASS
	compile steer -Dnum_cpus=1
	experiment '
		load steer
		expect 0 "$(returns steer)"
		for each in redirect_map:0 redirect_map-pass:2; do
			name=${each%:*}
			load $name pinmaps "/sys/fs/bpf/$name-maps"
			expect "${each#*:}" "$(returns $name)"
			bpftool map update pinned "/sys/fs/bpf/$name-maps/tx_ports" key 7 0 0 0 value 1 0 0 0 # lo
			expect 4 "$(returns $name)"
		done'
}

@test "notes 06: by the cpumap ARP and IPv6 are steered too" {
	compile steer -Dnum_cpus=1
	experiment '
		load steer pinmaps /sys/fs/bpf/maps
		bpftool map update pinned /sys/fs/bpf/maps/cpumap key 0 0 0 0 value 192 0 0 0
		for frame in tcp4 tcp6 arp; do expect "$frame 4" "$frame $(judges steer $frame)"; done'
}

@test "notes 06: what is redirected into a veth is lost without a word, unless its peer has a program, or GRO" {
	compile redirect_map -DSLOT=0
	compile verdict-pass -DVERDICT=XDP_PASS
	experiment '
		for host in client switch server; do host $host; done
		wire client switch
		wire switch server
		load redirect_map pinmaps /sys/fs/bpf/maps
		index=$(ip -n switch -j link show dev veth1 | jq ".[0].ifindex")
		on switch bpftool map update pinned /sys/fs/bpf/maps/tx_ports key 0 0 0 0 value "$index" 0 0 0
		on switch ip link set dev veth0 xdpdrv pinned /sys/fs/bpf/redirect_map
		capture server veth0 -e

		runs() { on switch ethtool -S veth0 | awk "/xdp_packets:/ { n += \$2 } END { print n }"; }
		sent=0
		three() { # FRAME: three of them are redirected
			for _ in 1 2 3; do throw client "$1"; done
			sent=$((sent + 3))
			comes-to $sent runs
		}
		three icmp4-request
		on server ethtool -K veth0 gro on
		three arp
		on server ethtool -K veth0 gro off
		load verdict-pass
		on server ip link set dev veth0 xdpdrv pinned /sys/fs/bpf/verdict-pass
		three tcp4

		seen() { for what in "echo request" ARP Flags; do grep -c "$what" "$(log-of server tcpdump).out" || :; done | xargs; }
		comes-to "0 3 3" seen
		for interface in veth0 veth1; do
			! on switch ethtool -S $interface | grep "errors: [^0]" || fail "there is a word of it"
		done'
}

@test "notes 06: XDP has bpf_csum_diff, and with it right checksums" {
	compile csum_diff
	experiment '
		load csum_diff
		expect $((0x529b)) "$(judges csum_diff tcp4)"'
}

# -- lab 07 --------------------------------------------------------------------------------------

@test "notes 07: netdev->xdp_prog is for generic XDP; in native mode it is not set" {
	compile xdp_prog
	compile verdict -DVERDICT=XDP_PASS
	build attach
	experiment '
		lab
		expect attached "$("$OBJECTS/attach" "$OBJECTS/xdp_prog.o" /sys/fs/bpf/xdp_prog)"
		load verdict
		for mode in xdpdrv xdpgeneric; do
			on server bpftool net attach "$mode" pinned /sys/fs/bpf/verdict dev veth0
			on client build/volley 10.0.0.2 9 5 777 >/dev/null
			on server bpftool net detach "$mode" dev veth0
			[ "$mode" = xdpgeneric ] || expect "0 5" "$(variable xdp_prog set) $(variable xdp_prog unset)"
		done
		expect "5 5" "$(variable xdp_prog set) $(variable xdp_prog unset)"'
}
