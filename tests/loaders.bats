#!/usr/bin/env bats
# What a loader says when something is wrong: one line that names program, action, object and reason,
# and an exit status; nothing stays attached.

bats_require_minimum_version 1.5.0
load says

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# -- hello ---------------------------------------------------------------------------------------

@test "hello: a wrong command line" {
	misused "hello: no argument expected, not 'veth0'" 'build/hello veth0'
	misused "hello: unrecognized option '--space'" 'build/hello --space'
	misused "hello: option requires an argument -- 'n'" 'build/hello -n'
	misused "hello: a greeting has at most 31 characters" \
		'build/hello -g 12345678901234567890123456789012'
}

@test "hello: no such network namespace" {
	says 1 'hello: network namespace moon: /run/netns/moon: No such file or directory' \
		'build/hello -n moon'
	says 1 'hello: network namespace /proc/0/ns/net: /proc/0/ns/net: No such file or directory' \
		'build/hello -n /proc/0/ns/net'
	says 1 'hello: network namespace /proc/self/ns/mnt: /proc/self/ns/mnt is none' \
		'build/hello -n /proc/self/ns/mnt'
	says 1 'hello: network namespace /etc/passwd: /etc/passwd is none' 'build/hello -n /etc/passwd'
	says 1 'hello: network namespace : /run/netns/ is none' "build/hello -n ''"
}

@test "hello: no privilege" {
	says 1 'hello: load: Operation not permitted (loading BPF needs root: sudo)' \
		"$AS_USER build/hello"
}

@test "hello: a root without the capability, as in a container" {
	says 1 'hello: load: Operation not permitted (this root does not have CAP_BPF: start the container with --privileged)' \
		'setpriv --bounding-set -sys_admin,-bpf build/hello'
}

@test "hello: no tracefs" {
	says 1 'hello: attach to sys_enter_execve: No such file or directory (is tracefs mounted?)' \
		'while umount /sys/kernel/tracing; do :; done 2>/dev/null
		umount /sys/kernel/debug 2>/dev/null || :; build/hello'
}

@test "hello: no BTF" {
	says 1 'hello: load: No such process (this kernel has no BTF, no /sys/kernel/btf/vmlinux)' \
		'mount -t tmpfs tmpfs /sys/kernel/btf; build/hello'
}

# -- xdp_drop ------------------------------------------------------------------------------------

@test "xdp_drop: a wrong command line" {
	misused "xdp_drop: which interface?" 'build/xdp_drop'
	misused "xdp_drop: one interface only, not also 'veth1'" 'build/xdp_drop veth0 veth1'
	misused "xdp_drop: invalid option -- 'x'" 'build/xdp_drop -x veth0'
	misused "xdp_drop: no mode 'fast': native, generic or offload" 'build/xdp_drop -m fast veth0'
	misused "xdp_drop: no protocol 'sctp': icmp, tcp, udp or all" 'build/xdp_drop -p sctp veth0'
}

@test "xdp_drop: no such interface" {
	says 1 'xdp_drop: attach to eth9: No such device' 'on server build/xdp_drop eth9'
}

@test "xdp_drop: no privilege" {
	says 1 'xdp_drop: load: Operation not permitted (loading BPF needs root: sudo)' \
		"on server $AS_USER build/xdp_drop veth0"
}

@test "xdp_drop: a driver without native XDP; generic mode serves it" {
	says 1 'xdp_drop: attach to lo in native mode: Operation not supported (its driver has no native XDP: -m generic)' \
		'on server build/xdp_drop -m native lo'
	says 0 '' 'start server build/xdp_drop -m generic lo; stop server build/xdp_drop'
}

@test "xdp_drop: a driver that cannot offload" {
	says 1 'xdp_drop: load into veth0: Invalid argument (its driver runs no programs on the card: -m native)' \
		'on server build/xdp_drop -m offload veth0'
}

@test "xdp_drop: an MTU too large for native mode" {
	says 1 "xdp_drop: attach to veth0 in native mode: Numerical result out of range (its MTU, or its peer's, is too large for XDP)" \
		'for each in client server; do ip -n $each link set veth0 mtu 9000; done
		on server build/xdp_drop veth0'
}

@test "xdp_drop: a second program on the interface; the first stays" {
	says 1 'xdp_drop: attach to veth0 in native mode: Device or resource busy (another XDP program is there: ip link show)' \
		'start server build/xdp_drop veth0; on server build/xdp_drop veth0'
	says 1 'xdp_drop: attach to veth0 in generic mode: File exists (another XDP program is there: ip link show)' \
		'start server build/xdp_drop veth0; on server build/xdp_drop -m generic veth0'
	says 0 '' 'start server build/xdp_drop veth0; ! on server build/xdp_drop veth0 2>/dev/null
		! on client ping -q -c 1 -W 0.2 10.0.0.2 >/dev/null'
}

@test "xdp_drop: somebody detaches the program" {
	says 1 'xdp_drop: detached from veth0: the interface is gone, or somebody detached the program' \
		'start server build/xdp_drop veth0
		link=$(sed -n "s/^link_id:[[:space:]]*//p" /proc/$(pid-of server xdp_drop)/fdinfo/* | sort -n | tail -n 1)
		bpftool link detach id $link
		wait-for ended server xdp_drop; errors-of server xdp_drop; stop server xdp_drop'
}

@test "xdp_drop: the interface vanishes while the program is attached" {
	says 1 'xdp_drop: detached from veth0: the interface is gone, or somebody detached the program' \
		'start server build/xdp_drop veth0; ip -n client link delete veth0
		wait-for ended server xdp_drop; errors-of server xdp_drop; stop server xdp_drop'
}

# -- parsing -------------------------------------------------------------------------------------

@test "parsing: a wrong command line" {
	misused "parsing: which interface?" 'build/parsing'
	misused "parsing: one interface only, not also 'veth1'" 'build/parsing veth0 veth1'
	misused "parsing: no mode 'offload': native or generic" 'build/parsing -m offload veth0'
	for port in 0 70000 -1 ssh 22x ''; do
		misused "parsing: no port '$port': 1 to 65535" "build/parsing -p '$port' veth0"
	done
	for n in -1 4294967296 many ''; do
		misused "parsing: one frame of '$n': 0 to 4294967295" "build/parsing -s '$n' veth0"
	done
	misused "parsing: -w wants a file: stdout shows the samples" 'build/parsing -s 1 -w - veth0'
	misused "parsing: -w writes samples: give -s too" 'build/parsing -w /dev/null veth0'
}

@test "parsing: no such interface" {
	says 1 'parsing: attach to eth9: No such device' 'on server build/parsing eth9'
}

@test "parsing: a capture file that cannot be written; nothing is attached" {
	says 1 'parsing: write /nowhere/x.pcap: No such file or directory' 		'on server build/parsing -s 1 -w /nowhere/x.pcap veth0'
	says 1 'parsing: write /dev/shm/pipe: No such device or address' \
		'mkfifo /dev/shm/pipe; on server build/parsing -s 1 -w /dev/shm/pipe veth0'
}

@test "parsing: a second one that cannot attach leaves the capture file of the first alone" {
	says 0 '2' 'start server build/parsing -s 1 -w $TMPDIR/x.pcap veth0
		on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null
		! on server build/parsing -s 1 -w $TMPDIR/x.pcap veth0 2>/dev/null
		on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null
		stop server parsing
		tcpdump -nr $TMPDIR/x.pcap 2>/dev/null | wc -l'
}

@test "parsing: Ctrl-C ends it while samples keep coming faster than they can be shown" {
	says 0 '' 'start server build/parsing -s 1 veth0
		bpftool prog pin id "$(id-of prog server parsing parsing)" /sys/fs/bpf/parsing
		head -c 64 /dev/zero >$TMPDIR/frame
		bpftool prog run pinned /sys/fs/bpf/parsing data_in $TMPDIR/frame repeat 100000000 >/dev/null &
		wait-for grep -q length "$(log-of server parsing).out"
		stop server parsing
		kill -9 $!'
}

@test "parsing: a full disk is told of, and the frames go on" {
	says 1 'parsing: write /dev/full: samples are missing (is the disk full?)' 		'start server build/parsing -s 1 -w /dev/full veth0
		on client ping -q -c 3 -i 0.01 -W 1 10.0.0.2 >/dev/null
		status=0; stop server parsing || status=$?
		errors-of server parsing; exit $status'
}

@test "parsing: after kill -9 the capture file holds all samples so far" {
	says 0 '3' 'start server build/parsing -s 1 -w $TMPDIR/x.pcap veth0; disown
		on client ping -q -c 3 -i 0.01 -W 1 10.0.0.2 >/dev/null
		three() { [ "$(output-of server parsing | grep -c ICMP)" = 3 ]; }
		wait-for three
		kill -9 $(pid-of server parsing)
		tcpdump -nr $TMPDIR/x.pcap 2>/dev/null | wc -l'
}

@test "parsing: the interface vanishes while the program is attached" {
	says 1 'parsing: detached from veth0: the interface is gone, or somebody detached the program' \
		'start server build/parsing veth0; ip -n client link delete veth0
		wait-for ended server parsing; errors-of server parsing; stop server parsing'
}

# -- maps ----------------------------------------------------------------------------------------

@test "maps: a wrong command line" {
	misused "maps: which interface?" 'build/maps'
	misused "maps: one interface only, not also 'veth1'" 'build/maps veth0 veth1'
	misused "maps: no mode 'offload': native or generic" 'build/maps -m offload veth0'
	misused "maps: unrecognized option '--stay'" 'build/maps --stay veth0'
}

@test "maps: what cannot be attached leaves no pin" {
	gone='{ [ -e /sys/fs/bpf/maps ] || echo no pin; exit 1; }'
	says 1 $'maps: attach to eth9: No such device\nno pin' "on server build/maps eth9 || $gone"
	says 1 $'maps: attach to lo in native mode: Operation not supported (its driver has no native XDP: -m generic)\nno pin' \
		"on server build/maps lo || $gone"
	says 1 "maps: pin to /sys/fs/bpf/maps: Permission denied (this needs root: sudo)" \
		"on server $AS_USER build/maps veth0"
}

@test "maps: no bpffs" {
	run -1 in-lab 'while umount /sys/fs/bpf; do :; done 2>/dev/null; on server build/maps veth0'
	[[ $output == 'maps: pin to /sys/fs/bpf/maps: '*' (is bpffs mounted there?)' ]]
}

@test "maps: a second one, while the first is there" {
	says 1 'maps: pin to /sys/fs/bpf/maps: another maps holds the data plane (with --keep it would not)' \
		'start server build/maps veth0; on server build/maps veth0'
}

@test "maps: a data plane that is elsewhere, or in the other mode, is not taken over" {
	says 1 'maps: attach to veth0: the data plane is on another interface already (mapsctl stop ends it)' \
		'on server build/maps --keep veth0 >/dev/null; on client build/maps veth0'
	says 1 'maps: attach to veth0: the data plane is there in the other mode (mapsctl stop ends it)' \
		'on server build/maps --keep -m generic veth0 >/dev/null; on server build/maps veth0'
	says 0 'ready' 'on server build/maps --keep -m generic veth0 >/dev/null
		on server build/maps --keep -m generic veth0'
}

@test "maps: one that is refused changes nothing of the one that is there" {
	says 0 '' 'on server build/maps --keep --chain veth0 >/dev/null; build/mapsctl block 10.0.0.1
		bpftool map delete pinned /sys/fs/bpf/maps/stages key 0 0 0 0
		! on client build/maps veth0 2>/dev/null
		on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null'
}

@test "maps: two that start at once: one of them is the data plane" {
	says 0 '' 'for round in {1..10}; do
			on server build/maps --keep veth0 >/dev/null 2>&1 & on server build/maps --keep veth0 >/dev/null 2>&1 || :
			wait $! || :
			build/mapsctl list
			build/mapsctl stop
		done'
}

@test "maps: an interface with another program" {
	says 1 'maps: attach to veth0 in native mode: Device or resource busy (another XDP program is there: ip link show)' \
		'start server build/xdp_drop veth0; on server build/maps veth0'
}

@test "maps: SIGINT and SIGTERM end the data plane, pins and all; kill -9 does not" {
	for signal in INT TERM; do
		says 0 '' "start server build/maps veth0; build/mapsctl block 10.0.0.1
			! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null
			kill -$signal \$(pid-of server maps); wait \$(pid-of server maps)
			[ ! -e /sys/fs/bpf/maps ]
			on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null"
	done
	says 0 '10.0.0.1/32                                 2' 'start server build/maps veth0; disown
		build/mapsctl block 10.0.0.1
		! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null
		kill -9 $(pid-of server maps)
		! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null
		build/mapsctl list'
}

@test "maps: --keep leaves the data plane running; a new one takes over all that it knows" {
	says 0 'ready
10.0.0.1/32                                 2
ready' 'on server build/maps --keep veth0; build/mapsctl block 10.0.0.1
		! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null
		start server build/maps --chain veth0
		! on client ping -q -c 1 -W 0.1 10.0.0.2 >/dev/null
		build/mapsctl list
		stop server maps
		on server build/maps --keep veth0; build/mapsctl list
		on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null'
}

@test "maps: after kill -9 before it was attached, the next one starts well" {
	says 0 '' 'mkdir /sys/fs/bpf/maps
		bpftool map create /sys/fs/bpf/maps/ports type hash key 4 value 8 entries 1024 name ports
		start server build/maps veth0; build/mapsctl block-port 23/tcp; stop server maps'
}

@test "maps: a pinned map of another kind is told of" {
	run in-lab 'mkdir /sys/fs/bpf/maps
		bpftool map create /sys/fs/bpf/maps/ports type hash key 8 value 8 entries 1024 name ports
		on server build/maps veth0'
	[ "$status" = 1 ]
	[[ $output == 'maps: load: Invalid argument ('*"pinned map at '/sys/fs/bpf/maps/ports'"* ]]
}

@test "maps: the interface vanishes while the program is attached; the rules stay for a new one" {
	says 1 'maps: detached from veth0: the interface is gone, or somebody stopped the data plane' \
		'start server build/maps veth0; ip -n client link delete veth0
		wait-for ended server maps; errors-of server maps; stop server maps'
	says 0 '10.0.0.1/32                                 0' \
		'start server build/maps veth0; build/mapsctl block 10.0.0.1
		ip -n client link delete veth0; wait-for ended server maps; stop server maps || :
		rm "$LOGS/wires"; wire client server
		start server build/maps veth0; build/mapsctl list'
}

@test "maps: Ctrl-C ends it in a flood of drops" {
	says 0 '' 'start server build/maps veth0; build/mapsctl block 10.0.0.1
		{ tests/frame tcp4 | on client build/flood veth0 0 & } 2>/dev/null; disown
		wait-for grep -q blocked_prefix: "$(log-of server maps).out"
		stop server maps
		kill -9 $(ip netns pids client)'
}

# -- tc ------------------------------------------------------------------------------------------

@test "tc: a wrong command line" {
	misused "tc: which interface?" build/tc
	misused "tc: one interface only, not also 'veth1'" 'build/tc veth0 veth1'
	misused "tc: --ttl-by-helper: to what? give -t" 'build/tc --ttl-by-helper veth0'
	misused "tc: --mirror-every: to where? give -M" 'build/tc --mirror-every 5 veth0'
	while IFS='|' read -r option text reason; do
		misused "tc: $reason" "build/tc $option '$text' veth0"
	done <<-'END'
		-a|fast|no way 'fast': clsact or tcx
		-t|0|no TTL '0': 1 to 255
		-t|256|no TTL '256': 1 to 255
		-V|4095|no VLAN '4095': 1 to 4094
		--mirror-every|0|no N '0': 1 to 4294967295
		-f|80|no forwarding '80': as 80:8080
		-f|80:70000|no port '70000': 1 to 65535
		-f|:80|no port '': 1 to 65535
		-f|80:80|port 80 is forwarded to itself
		-m|10.0.0.0/8|10.0.0.0/8: which mark? as 10.0.0.0/8=7
		-m|10.0.0.0/8=0|10.0.0.0/8=0: which mark? as 10.0.0.0/8=7
		-m|10.0.0.0/33=1|10.0.0.0/33=1: a length is 0 to 32
		-m|10.0.0/8=1|10.0.0/8=1: not an address
		-d|80=64|80=64: which DSCP? 0 to 63, as 80=46
		-d|0=1|0=1: a port is 1 to 65535
		-c|80=1|80=1: which class? as 80=1:10, in hex
		-c|80=-1:10|80=-1:10: which class? as 80=1:10, in hex
		-c|80=1:10000|80=1:10000: which class? as 80=1:10, in hex
		-l|10.0.0.1|10.0.0.1: how many bytes a second? as 10.0.0.1=125000
		-l|10.0.0.1=5,0|10.0.0.1=5,0: a burst is 1 to 4294967295 bytes
		-l|10.0.0.0/8=5|10.0.0.0/8=5: an address, no prefix
	END
}

@test "tc: more rules of a kind than there is room for" {
	says 2 "tc: 10.0.1.65=1: too many of them"$'\n'"Try \`tc --help' or \`tc --usage' for more information." \
		'build/tc $(for i in {1..65}; do echo "-m 10.0.1.$i=1"; done) veth0'
}

@test "tc: no such interface, to attach to or to mirror to; no privilege" {
	says 1 'tc: attach to eth9: No such device' 'on server build/tc eth9'
	says 1 'tc: mirror to eth9: No such device' 'on server build/tc -M eth9 veth0'
	says 1 'tc: load: Operation not permitted (loading BPF needs root: sudo)' "on server $AS_USER build/tc veth0"
}

# -- lb ------------------------------------------------------------------------------------------

@test "lb: a wrong command line" {
	misused "lb: which interface?" build/lb
	misused "lb: at most 16 interfaces" 'build/lb $(echo veth{0..16})'
	misused "lb: no mode 'offload': native or generic" 'build/lb -m offload veth0'
	for slots in 0 1 4094 65536 1048577 x 4093x -7; do
		misused "lb: no ring of '$slots' slots: a prime number up to 1048576, as 4093 or 65537" "build/lb -r '$slots' veth0"
	done
	for flows in 0 16777217 x; do
		misused "lb: no number of flows '$flows': 1 to 16777216" "build/lb -f '$flows' veth0"
	done
}

@test "lb: no such interface, the first or another; nothing is left of it" {
	says 1 'lb: attach to eth9: No such device' 'on server build/lb eth9'
	says 1 'lb: attach to eth9: No such device' 'router server; on server build/lb veth0 eth9 || { [ ! -e /sys/fs/bpf/lb ]; exit 1; }'
}

@test "lb: no privilege; no bpffs" {
	says 1 'lb: pin to /sys/fs/bpf/lb: Permission denied (this needs root: sudo)' "on server $AS_USER build/lb veth0"
	run -1 in-lab 'while umount /sys/fs/bpf; do :; done 2>/dev/null; on server build/lb veth0'
	[[ $output == 'lb: pin to /sys/fs/bpf/lb: '*' (is bpffs mounted there?)' ]]
}

@test "lb: on a host that is no router it warns, and how to mend it" {
	says 0 'lb: veth0 does not forward IPv4, so no packet will: sysctl net.ipv4.ip_forward=1
lb: veth0 does not forward IPv6, so no packet will: sysctl net.ipv6.conf.all.forwarding=1' \
		'start server build/lb veth0; errors-of server lb'
	says 0 '' 'router server; start server build/lb veth0; errors-of server lb'
}

@test "lb: two at once; another mode; other sizes; another program in the way" {
	says 1 'lb: pin to /sys/fs/bpf/lb: another lb holds the data plane (with --keep it would not)' \
		'router server; start server build/lb veth0; on server build/lb veth0'
	says 1 'ready
lb: attach to veth0: the data plane is there in the other mode (lbd stop ends it)' \
		'router server; on server build/lb --keep veth0; on server build/lb -m generic veth0'
	says 1 'ready
ready
lb: take over the data plane: its map empty_ring has 4093 entries, not 65537 (lbd stop ends it)' \
		'router server; on server build/lb --keep -r 4093 veth0; on server build/lb --keep veth0; on server build/lb -r 65537 veth0'
	says 1 'lb: attach to veth0 in native mode: Device or resource busy (another XDP program is there: ip link show)' \
		'router server; start server build/xdp_drop -p udp veth0; on server build/lb veth0 || { [ ! -e /sys/fs/bpf/lb ]; exit 1; }'
}

# -- all -----------------------------------------------------------------------------------------

@test "loaders: --help says what it is for, on stdout, and exits 0" {
	for loader in hello xdp_drop parsing maps mapsctl tc lb lbd; do
		run -0 --separate-stderr build/$loader --help
		[[ $output == "Usage: $loader [OPTION...]"* ]]
		[ -z "$stderr" ]
	done
}

@test "loaders: SIGTERM and SIGINT end them well, and nothing stays attached" {
	for signal in INT TERM; do
		says 0 '' "start server build/xdp_drop veth0
			kill -$signal \$(pid-of server xdp_drop); wait \$(pid-of server xdp_drop)
			on client ping -q -c 1 -W 1 10.0.0.2 >/dev/null"
	done
}

@test "loaders: after kill -9 nothing stays attached" {
	says 0 '' 'start server build/xdp_drop veth0; disown
		kill -9 $(pid-of server xdp_drop)
		wait-for on client ping -q -c 1 -W 0.2 10.0.0.2'
}

# refused STEM FILE FROM TO [ARGUMENT…]: what the loader STEM says of its program, when in FILE FROM is TO.
refused() {
	rm -rf "$BATS_TEST_TMPDIR/tree"
	cp -r --preserve=mode,timestamps . "$BATS_TEST_TMPDIR/tree" # and be its owner
	cd "$BATS_TEST_TMPDIR/tree" || return
	sed -i "s/$3/$4/" "$2"
	make -s "build/$1"
	run -1 in-lab "on server timeout 5 build/$1 ${*:5} veth0"
	cd - >/dev/null || return
	[ "${lines[0]}" = "$1: load: the verifier refuses the program" ]
	[ "${lines[1]}" = '  at the source line' ]
}

@test "loaders: what the verifier refuses is shown with its source line, and in plain words" {
	refused xdp_drop labs/02-xdp-drop/xdp_drop.bpf.c '= verdict_on(ctx);' \
		'= verdict_on(ctx) + *(__u8 *)(long)ctx->data;'
	[[ ${lines[2]} == *'= verdict_on(ctx) + *(__u8 *)(long)ctx->data;'* ]]
	[[ $output == *'invalid access to packet, off=0 size=1'*'which means'*'compare with data_end first'*'(labs/03-parsing/README.md)'* ]]
}

@test "loaders: a stale packet pointer, and a call under a spin lock, are said in plain words" {
	refused tc labs/05-tc/tc.bpf.c '	parse_skb(skb, [p]);' '' -t 9 --ttl-by-helper -f 80:8080
	[[ $output == *'which means'*'stale'*'(labs/05-tc/README.md, “Stale pointers”)'* ]]
	refused tc labs/05-tc/tc.bpf.c '	bpf_spin_lock([&]limit->lock);' '& now = bpf_ktime_get_ns();' -l 10.0.0.1=5
	[[ $output == *'not allowed while holding a lock'*'which means'*'nothing may be called while the lock is held'* ]]
}
