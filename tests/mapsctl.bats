#!/usr/bin/env bats
# The control plane of lab 04, by itself: what it says, what it changes, and that neither its death nor
# the loader's changes what the data plane does.

bats_require_minimum_version 1.5.0
load says

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# with SCRIPT: what runs while a data plane is on the server.
with() {
	echo "start server build/maps veth0; mapsctl() { build/mapsctl \"\$@\"; }; $1"
}

# tells STATUS LINE SCRIPT: the same, of what ends with STATUS, having said LINE and nothing else.
tells() {
	says "$1" "$2" "$(with "$3")"
}

# refuses STATUS COMMAND, and on stdin lines ARGUMENTS|REASON: each `mapsctl COMMAND ARGUMENTS` ends with
# STATUS, having said "mapsctl: REASON" and nothing else; after all of them nothing is blocked.
refuses() {
	cat >"$BATS_TEST_TMPDIR/expected"
	run -0 in-lab "$(with '
		while IFS="|" read -r arguments _; do
			status=0
			said=$(build/mapsctl '"$2"' $arguments 2>&1) || status=$?
			printf "%s|%s|%s\n" "$arguments" "$status" "$(head -n 1 <<<"$said")"
		done <'"$BATS_TEST_TMPDIR/expected"'
		build/mapsctl list')"
	diff <(sed "s/|/|$1|mapsctl: /" "$BATS_TEST_TMPDIR/expected") <(printf '%s\n' "$output")
}

# -- what it is told -----------------------------------------------------------------------------

@test "mapsctl: a wrong command line" {
	misused 'mapsctl: which command?' build/mapsctl
	refuses 2 '' <<-'END'
		ban 10.0.0.1|no command 'ban'
		block|block takes one prefix or more
		unblock-port|unblock-port takes one port or more
		limit 1 2 3|limit takes packets a second, and a burst
		list all|list takes nothing more
		load a b|load takes one file
		stats TCP|stats takes nothing but options
		block --json 10.0.0.1|block has no option --json
		stats --limit 5|stats has no option --limit
		guard|guard takes --on PPS and --off PPS, the lower one
		guard --on 5|guard takes --on PPS and --off PPS, the lower one
		guard --off 5|guard takes --on PPS and --off PPS, the lower one
		guard --on 5 --off 6|guard takes --on PPS and --off PPS, the lower one
		limit fast|limit fast: not a number from 0 to 10000000
		limit 10000001|limit 10000001: not a number from 0 to 10000000
		limit 5 0|burst 0: not a number from 1 to 10000000
		guard --on -5 --off 5|--on -5: not a number from 1 to 10000000
	END
}

@test "mapsctl: no data plane is running" {
	for command in 'block 10.0.0.1' list 'load /dev/null' stats 'guard --on 5 --off 5' stop; do
		says 1 'mapsctl: no data plane is running: maps IFACE starts one' "build/mapsctl $command"
	done
	says 1 'mapsctl: open /sys/fs/bpf/maps: Permission denied (this needs root: sudo)' \
		"$AS_USER build/mapsctl list"
}

@test "mapsctl: prefixes and ports that are none change nothing, also not what stands before them" {
	refuses 2 'block 10.0.0.1' <<-'END'
		10.0.0.256|prefix 10.0.0.256: not an address
		10.0.0|prefix 10.0.0: not an address
		example.com|prefix example.com: not an address
		fd00::g|prefix fd00::g: not an address
		/8|prefix /8: not an address
		10.0.0.1/|prefix 10.0.0.1/: a length is 0 to 32
		10.0.0.1/33|prefix 10.0.0.1/33: a length is 0 to 32
		10.0.0.1/+8|prefix 10.0.0.1/+8: a length is 0 to 32
		10.0.0.1/8x|prefix 10.0.0.1/8x: a length is 0 to 32
		fd00::/129|prefix fd00::/129: a length is 0 to 128
	END
	refuses 2 'block-port 23/tcp' <<-'END'
		70000/tcp|port 70000/tcp: a port is 1 to 65535
		0/udp|port 0/udp: a port is 1 to 65535
		ssh/tcp|port ssh/tcp: a port is 1 to 65535
		+5/tcp|port +5/tcp: a port is 1 to 65535
		22|port 22: which protocol? as 23/tcp or 53/udp
		22/sctp|port 22/sctp: which protocol? as 23/tcp or 53/udp
	END
}

@test "mapsctl: a prefix is told when it is taken as another, or lies in one" {
	tells 0 "10.0.0.1/8 is taken as 10.0.0.0/8
::ffff:11.1.0.0/112 is taken as 11.1.0.0/16
fd00::1/64 is taken as fd00::/64
10.1.0.0/16 lies in 10.0.0.0/8, which is blocked already
10.0.0.0/8 is blocked already
10.1.0.0/16 still lies in 10.0.0.0/8, which is blocked
10.0.0.0/8                                  0
11.1.0.0/16                                 0
fd00::/64                                   0" '
		mapsctl block 10.0.0.1/8 ::ffff:11.1.0.0/112 fd00::1/64
		mapsctl block 10.1.0.0/16 10.0.0.0/8
		mapsctl unblock 10.1.0.0/16
		mapsctl list'
	tells 1 'mapsctl: unblock 10.1.0.0/16: it is blocked only as part of 10.0.0.0/8' \
		'mapsctl block 10.0.0.0/8; mapsctl unblock 10.1.0.0/16'
	tells 1 'mapsctl: unblock 10.1.0.0/16: it is not blocked' \
		'mapsctl block 10.1.1.0/24; mapsctl unblock 10.1.0.0/16'
	tells 1 'mapsctl: unblock-port 23/tcp: it is not blocked' \
		'mapsctl block-port 23/udp; mapsctl unblock-port 23/tcp'
	tells 0 '23/tcp is blocked already' 'mapsctl block-port 23/tcp 23/tcp'
}

@test "mapsctl: a map is full" {
	tells 1 'mapsctl: block-port 1025/udp: the map of ports is full' \
		'mapsctl block-port $(seq 1 1030 | sed "s|$|/udp|")'
	tells 1 'mapsctl: load: prefixes4 after 1048576 prefixes: the map is full
mapsctl: block 12.0.0.0/8: the map of prefixes is full' \
		'seq 1048577 | awk "{ printf \"11.%d.%d.%d\\n\", \$1 / 65536, \$1 / 256 % 256, \$1 % 256 }" |
			mapsctl load - || mapsctl block 12.0.0.0/8 13.0.0.0/8'
}

@test "mapsctl: limit says what is set, and raises a burst that is less than a tick of the clock" {
	tells 0 'each source: 10 packets a second, 20 at once
each source: 10 packets a second, 10 at once
no limit' 'mapsctl limit 10 20; mapsctl limit 10; mapsctl limit 0'
	run -0 in-lab "$(with 'mapsctl limit 1000000 1')"
	[[ $output =~ ^'a burst of 1 is raised: more than that come between two ticks of the clock'$'\n'\
'each source: 1000000 packets a second, '[0-9]+000' at once'|[0-9]+001' at once'$ ]]
}

@test "mapsctl: stop ends the data plane, and its loader with it" {
	tells 0 'maps: detached from veth0: the interface is gone, or somebody stopped the data plane' '
		mapsctl block 10.0.0.1
		mapsctl stop
		on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null
		[ ! -e /sys/fs/bpf/maps ]
		wait-for ended server maps; errors-of server maps'
}

@test "mapsctl: what does not wait ends by a signal, and a write that fails is told" {
	says 0 '' "$(with 'mkfifo $TMPDIR/fifo
		build/mapsctl load $TMPDIR/fifo & disown
		waits() { grep -q wait_for_partner /proc/$!/wchan || grep -q S /proc/$!/stat; }
		wait-for waits
		kill -INT $!
		gone() { ! kill -0 $! 2>/dev/null; }
		wait-for gone')"
	tells 1 'mapsctl: write: No space left on device' 'build/mapsctl stats >/dev/full'
	tells 0 '' 'mapsctl block-port $(seq 1 500 | sed "s|$|/udp|")
		build/mapsctl list | head -n 1 >/dev/null || [ "$?" = 141 ]'
	tells 1 'mapsctl: no data plane is running: maps IFACE starts one' '
		mapsctl stats --watch >$TMPDIR/stats & wait-for grep -q limited $TMPDIR/stats
		mapsctl stop; wait $!'
}

# -- load ----------------------------------------------------------------------------------------

@test "mapsctl load: prefixes of both versions, comments, blank lines, any line ends" {
	tells 0 '4 prefixes loaded
10.0.0.0/8                                  0
192.0.2.1/32                                0
2001:db8::/32                               0
fd00::/32                                   0' '
		printf "# a list\n\n10.0.0.1/8 # ten\r\n\t192.0.2.1\n  fd00::/32\n2001:db8::/32" >$TMPDIR/list
		mapsctl load $TMPDIR/list
		mapsctl list'
}

@test "mapsctl load: a bad line is told with its number, and nothing is applied" {
	local n=0

	while IFS='|' read -r line reason; do
		n=$((n + 1))
		printf '10.0.0.0/8\n# two\n%s\n10.0.0.300\n' "$line" >"$BATS_TEST_TMPDIR/$n"
		echo "$BATS_TEST_TMPDIR/$n|load $BATS_TEST_TMPDIR/$n: line 3: $reason; nothing is changed"
	done <<-'END' >"$BATS_TEST_TMPDIR/cases"
		10.0.0.256|10.0.0.256: not an address
		10.0.0.1/33|10.0.0.1/33: a length is 0 to 32
		10.0.0.1 10.0.0.2|one prefix a line
		10.0.0.1,10.0.0.2|10.0.0.1,10.0.0.2: not an address
	END
	cat - "$BATS_TEST_TMPDIR/cases" <<-'END' | refuses 1 load
		/nowhere|load /nowhere: No such file or directory
		/tmp|load /tmp: Is a directory
	END
	run -1 in-lab "$(with 'head -c 100000 /dev/urandom | mapsctl load -')"
	[[ $output == 'mapsctl: load -: line '*'; nothing is changed' ]]
	tells 1 'mapsctl: load /dev/zero: line 1: longer than 1022 bytes; nothing is changed' \
		'mapsctl load /dev/zero'
}

@test "mapsctl load: a terminal sees a bar that grows, a pipe does not" {
	run -0 in-lab "$(with 'for a in {1..40}; do for b in {1..250}; do echo 10.0.$a.$b; done; done >$TMPDIR/list
		script -qec "build/mapsctl load $TMPDIR/list" /dev/null')"
	[[ $output == *'[################                        ] 4096 of 10000'*"] 10000 of 10000"*"10000 prefixes loaded"* ]]
	tells 0 '3 prefixes loaded' 'printf "10.0.0.1\n10.0.0.2\n10.0.0.3\n" | mapsctl load -'
}

# -- deaths --------------------------------------------------------------------------------------

@test "mapsctl: kill -9 of load: the data plane goes on, and the next load completes it" {
	tells 0 '1000000 prefixes loaded
dropped' '
		block-flood() { ! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null; }
		seq 1000000 | awk "{ printf \"11.%d.%d.%d\\n\", \$1 / 65536, \$1 / 256 % 256, \$1 % 256 }" >$TMPDIR/list
		mapsctl block 10.0.0.1
		build/mapsctl load $TMPDIR/list & disown
		begun() { [ "$(bpftool -j map show pinned /sys/fs/bpf/maps/prefixes4 | jq .bytes_memlock)" -gt 1000000 ]; }
		wait-for begun
		kill -9 $!
		block-flood
		mapsctl load $TMPDIR/list
		block-flood && echo dropped'
}

# flood: a flood of frames to port 22 from one source, until `end-flood`.
FLOOD='flood() { tests/frame ipv4-tcp22 >$TMPDIR/frame; on client build/flood veth0 0 <$TMPDIR/frame 2>/dev/null & disown; }
	end-flood() { kill -9 $(ip netns pids client); }
	counts() { mapsctl stats --json | jq .verdicts."$1".packets; }
	grows() { local n; n=$(counts "$1"); [ "$n" -gt "${2:-0}" ]; }
	guard-says() { output-of server mapsctl | grep -q "$1"; }'

@test "mapsctl: kill -9 of maps in a flood: not one frame gets through, also when a new one takes over" {
	tells 0 '0 passed' "$FLOOD"'
		disown
		mapsctl block-port 22/tcp
		flood
		wait-for grows blocked_port
		kill -9 $(pid-of server maps)
		wait-for grows blocked_port $(($(counts blocked_port) + 100000))
		start server build/maps veth0
		wait-for grows blocked_port $(($(counts blocked_port) + 100000))
		end-flood
		echo "$(counts passed) passed"'
}

@test "mapsctl: the guard turns the limit on in a flood, and off when it is over" {
	tells 0 'the limit is on
the limit is off' "$FLOOD"'
		start server build/mapsctl guard --on 10000 --off 1000 --limit 10
		flood
		wait-for guard-says "limit is on"
		wait-for grows limited $(($(counts limited) + 20000))
		! guard-says "limit is off"
		end-flood
		wait-for guard-says "limit is off"
		stop server mapsctl
		output-of server mapsctl | sed -n "s/^[0-9]* packets a second: //p"'
}

@test "mapsctl: below --on the guard does nothing; interrupted, it lifts the limit" {
	tells 0 'ready
ready' "$FLOOD"'
		start server build/mapsctl guard --on 10000 --off 1000 --limit 10
		on client ping -q -c 60 -i 0.01 -W 1 10.0.0.2 >/dev/null
		output-of server mapsctl
		stop server mapsctl
		start server build/mapsctl guard --on 10000 --off 1000 --limit 10
		flood
		wait-for guard-says "limit is on"
		stop server mapsctl
		end-flood
		on client ping -q -c 30 -i 0.005 -W 1 10.0.0.2 | grep " 30 received" >/dev/null
		output-of server mapsctl | sed -n 1p'
}

@test "mapsctl: kill -9 of the guard in a flood: the limit stays, and a new guard lifts it" {
	tells 0 'ready
the limit is on already
the limit is off' "$FLOOD"'
		start server build/mapsctl guard --on 10000 --off 1000 --limit 10; disown
		flood
		wait-for guard-says "limit is on"
		kill -9 $(pid-of server mapsctl)
		wait-for grows limited $(($(counts limited) + 20000))
		start server build/mapsctl guard --on 10000 --off 1000 --limit 10
		end-flood
		wait-for guard-says "limit is off"
		output-of server mapsctl | sed "s/^[0-9]* packets a second: //"'
}

@test "mapsctl: the guard has the limit, whoever lifts it and however often maps begins anew" {
	tells 0 'again' "$FLOOD"'
		start server build/mapsctl guard --on 10000 --off 1000 --limit 10
		kill -STOP "$(pid-of server mapsctl)" # it would end if it looked while there is no data plane
		stop server maps >/dev/null; on server build/maps --keep veth0 >/dev/null
		kill -CONT "$(pid-of server mapsctl)"
		flood
		wait-for guard-says "limit is on"
		mapsctl limit 0 >/dev/null
		on-again() { [ "$(output-of server mapsctl | grep -c "limit is on")" = 2 ]; }
		wait-for on-again && echo again
		end-flood
		stop server mapsctl'
}

@test "mapsctl: the guard ends when the data plane does" {
	tells 1 'mapsctl: no data plane is running: maps IFACE starts one' '
		start server build/mapsctl guard --on 10000 --off 1000
		mapsctl stop
		wait-for ended server mapsctl
		errors-of server mapsctl; stop server mapsctl'
}

@test "mapsctl: two that change the same map at once" {
	tells 0 '2000' '
		for a in {1..10}; do for b in {1..100}; do echo 10.1.$a.$b; done; done >$TMPDIR/one
		sed s/10.1/10.2/ $TMPDIR/one >$TMPDIR/two
		mapsctl load $TMPDIR/one >/dev/null & mapsctl load $TMPDIR/two >/dev/null
		wait $!
		mapsctl list | wc -l'
}

# -- what it shows -------------------------------------------------------------------------------

@test "mapsctl stats: a table, and JSON that jq reads, again each second with --watch" {
	tells 0 'ICMP 3 294
passed 3 294
[3,294,0]
2' '
		on client ping -q -c 3 -i 0.002 -W 1 10.0.0.2 >/dev/null
		mapsctl stats | awk "\$2 == 3 { print \$1, \$2, \$3 }"
		mapsctl stats --json | jq -c "[.protocols.ICMP.packets, .verdicts.passed.bytes, .protocols.TCP.packets]"
		build/mapsctl stats --json --watch >$TMPDIR/stats &
		two() { [ "$(wc -l <$TMPDIR/stats)" = 2 ]; }
		wait-for two
		kill -INT $!; wait $!
		jq -c .verdicts $TMPDIR/stats | wc -l'
}

@test "mapsctl: bpftool shows the maps in words" {
	tells 0 '{"key":{"protocol":6,"zero":0,"port":5888},"value":0}
{"key":{"length":8,"address":[10,0,0,0],"zero":0},"value":0}
{"interval":100000000,"burst":2000000000}' '
		mapsctl block-port 23/tcp; mapsctl block 10.0.0.0/8; mapsctl limit 10 20 >/dev/null
		for map in ports prefixes4 settings; do
			bpftool -j map dump pinned /sys/fs/bpf/maps/$map | jq -c ".[0].formatted | if .key == 0 then .value else . end"
		done'
}
