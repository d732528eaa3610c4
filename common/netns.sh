#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The private sandbox that every lab runs in, and the test network inside it.
#
#     common/netns.sh COMMAND [ARGUMENT…]     runs a command in a sandbox
#     source common/netns.sh                  moves a script into one, and gives it the functions below
#
# Nothing is cleaned up here, because nothing can leak: network, mounts and processes live in
# namespaces of their own, and the kernel takes all of them back when the outermost process dies.
set -euo pipefail

# -- the sandbox ---------------------------------------------------------------------------------

TOP=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
source "$TOP/common/path.sh"
# shellcheck source=common/root.sh
source "$TOP/common/root.sh"
export LC_ALL=C # what tools say is compared; and bash takes a fifth less time over bytes than over characters

# in-sandbox: is this process in the mount namespace that enter-sandbox made?
in-sandbox() {
	[ "${SANDBOX:-}" = "$(readlink /proc/self/ns/mnt)" ]
}

NEWEST_HELPER=BPF_FUNC_user_ringbuf_drain # the last that came with Linux 6.1

# demand-kernel: ends with status 3, and says so, where the kernel is too old for the labs. A kernel from 6.1 on has all
# that they need. An older version says little, because enterprise distributions bring newer BPF into old kernels: there
# the kernel's own type information tells whether it has a helper that came with 6.1. (No process is started here.)
demand-kernel() {
	local version major minor

	read -r version </proc/sys/kernel/osrelease
	IFS=.- read -r major minor _ <<<"$version"
	if ((major > 6 || (major == 6 && minor >= 1))) || grep -qaF "$NEWEST_HELPER" /sys/kernel/btf/vmlinux 2>/dev/null; then
		return
	fi
	echo "this kernel, Linux $version, is too old: the labs need Linux 6.1 or newer with BTF." \
		"A newer one runs them in a VM: make vm-lab-NN, make vm-check-NN, make vm-shell-NN" >&2
	exit 3
}

# enter-sandbox COMMAND…: becomes COMMAND in a new sandbox, as root. COMMAND's status is the caller's. Where that cannot be,
# one line says why, and the status is 1, or 3 if the kernel is too old.
enter-sandbox() {
	demand-kernel
	demand-root
	if [ "$(id -u)" != 0 ]; then
		# Should sudo be killed, what it started must die too: hence the death signal.
		exec sudo env ${CI:+"CI=$CI"} ${DEADLINE:+"DEADLINE=$DEADLINE"} setpriv --pdeathsig KILL "$TOP/common/netns.sh" "$@"
	fi
	# Should make be killed, so is this.
	exec setpriv --pdeathsig KILL \
		unshare --net --mount --pid --fork --kill-child --mount-proc \
		"$TOP/common/netns.sh" --first-process "$@"
}

# first-process COMMAND…: what process 1 of the sandbox does. Its end is the end of all others.
first-process() {
	mkdir -p /run/netns /dev/shm
	mount -t tmpfs -o mode=755 tmpfs /run/netns
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	mount -t bpf -o mode=700 bpf /sys/fs/bpf
	# There is one tracefs, and it cannot be mounted twice in one place.
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	ip link set lo up
	SANDBOX=$(readlink /proc/self/ns/mnt)
	TMPDIR=/dev/shm LOGS=/dev/shm/logs
	export SANDBOX TMPDIR LOGS
	mkdir "$LOGS"
	mkfifo /dev/shm/never # nobody ever writes there
	# Process 1 ignores every signal that it has no trap for.
	trap 'exit 130' INT
	trap 'exit 143' TERM
	"$@" || exit $?
}

# -- what a story says ---------------------------------------------------------------------------

# fail MESSAGE: ends the story as failed, and shows what the running programs had to say.
fail() {
	local log

	printf '\nFAILED: %s\n' "$*" >&2
	for log in "${LOGS:-/nowhere}"/*.err; do
		[ -s "$log" ] || continue
		printf '%s said:\n' "$(basename "$log" .err)"
		sed 's/^/    /' "$log"
	done >&2
	[[ $- != *i* ]] || kill -INT $$ # who plays in a shell is back at its prompt
	# shellcheck disable=SC2034 # Bats shows the line of the test that it noted last
	BATS_DEBUG_LAST_STACK_TRACE_IS_VALID=yes
	exit 1
}

# say MESSAGE: a heading of the story.
say() {
	printf '\n-- %s\n' "$*"
}

# show HOST COMMAND…: runs COMMAND on HOST like `on`, and shows it as one would see it typed there.
show() {
	local host=$1 status=0
	shift

	printf '%s# %s\n' "$host" "$*"
	on "$host" "$@" 2>&1 | sed 's/^/    /' || status=$?
	return "$status"
}

# -- the test network ----------------------------------------------------------------------------

# has-ipv6: does this kernel have IPv6? It has none when it was booted with ipv6.disable=1, or built without.
has-ipv6() {
	[ -e /proc/sys/net/ipv6 ]
}

# over-ipv6: has-ipv6, for a part of a story that needs IPv6. If there is none, it says that this part is left out.
over-ipv6() {
	has-ipv6 || { echo '    (left out: this kernel has no IPv6)' && return 1; }
}

# without-ipv6: copies stdin to stdout. Where the kernel has no IPv6, it leaves out the lines with an IPv6 address.
without-ipv6() {
	if has-ipv6; then cat; else sed /::/d; fi
}

# host NAME: a host of the test network, a network namespace with only a loopback interface.
host() {
	ip netns add "$1" || fail "host $1: cannot make the network namespace"
	# The machine may have IPv6 disabled by default; a host of the test network has it. No address waits to be
	# found unique, and no router is asked for: what is sent is the test's.
	on "$1" sh -c 'cd /proc/sys/net/ipv6/conf 2>/dev/null || exit 0
		for each in all default; do
			echo 0 >$each/disable_ipv6
			echo 0 >$each/accept_dad; echo 0 >$each/accept_ra
			echo 0 >$each/router_solicitations
		done'
	ip -n "$1" link set lo up
}

# on HOST COMMAND…: runs COMMAND on HOST. (Not by `ip netns exec`, which mounts a new /sys and so
# hides bpffs and tracefs.)
on() {
	local host=$1
	shift

	nsenter --net=/run/netns/"$host" "$@"
}

# wire A B: a cable from host A to host B. Wire number W (0 for the first) joins A's next free
# interface, with 10.0.W.1 and fd00:W::1, to B's, with 10.0.W.2 and fd00:W::2.
wire() {
	local a=$1 b=$2 wires end_a end_b hex

	wires=$(wc -l 2>/dev/null <"$LOGS/wires" || echo 0)
	echo "$a $b" >>"$LOGS/wires"
	end_a=veth$(interfaces "$a") end_b=veth$(interfaces "$b")
	hex=$(printf '%02x' "$wires")
	ip link add "$end_a" netns "$a" address "02:00:00:00:$hex:01" \
		type veth peer name "$end_b" netns "$b" address "02:00:00:00:$hex:02" ||
		fail "wire $a $b: cannot make a veth pair"
	plug "$a" "$end_a" "$wires" 1 2
	plug "$b" "$end_b" "$wires" 2 1
}

# interfaces HOST: how many ends of wires HOST has.
interfaces() {
	ip -n "$1" -o link show type veth | wc -l
}

# plug HOST INTERFACE WIRE OWN OTHER: gives one end of a wire its addresses, and tells it its
# neighbour's, so that no test depends on ARP or on neighbour discovery.
plug() {
	local host=$1 interface=$2 wire=$3 own=$4 other=$5 mac

	mac=$(printf '02:00:00:00:%02x:%02x' "$wire" "$other")
	# Without ARP nobody asks for a neighbour, and IPv6 joins no multicast group that it would report:
	# the wire carries what a test sends and nothing else, so a count on it is exact.
	without-ipv6 <<-END | ip -n "$host" -batch -
		link set $interface arp off up
		addr add 10.0.$wire.$own/24 dev $interface
		addr add fd00:$wire::$own/64 dev $interface nodad
		neigh add 10.0.$wire.$other lladdr $mac dev $interface nud permanent
		neigh add fd00:$wire::$other lladdr $mac dev $interface nud permanent
	END
	no-offloads "$host" "$interface"
}

# no-offloads HOST INTERFACE: a veth leaves checksums and segmentation to hardware that is not there;
# frames that XDP handles must be as they would be on a real wire.
no-offloads() {
	on "$1" ethtool -K "$2" tx off tso off gso off >/dev/null 2>&1 ||
		fail "cannot switch off the offloads of $2 on $1"
}

# lan W ROUTER HOST…: a network of many, 10.0.W.0/24 and fd00:W::/64: a switch, the host lanW, and a
# cable from each of these to it. The router has the addresses 1, the hosts 11, 12, 13 …, and their default
# route goes to it. Here neighbours are asked for, as on a real network.
lan() {
	local network=$1 router=$2 host port=0 address
	shift

	host "lan$network"
	ip -n "lan$network" link add bridge0 type bridge forward_delay 0 mcast_snooping 0 ||
		fail "lan $network: cannot make a bridge"
	ip -n "lan$network" link set bridge0 up
	for host; do
		address=$((port == 0 ? 1 : 10 + port))
		join "$host" "lan$network" "$port" "$network" "$address"
		[ "$host" = "$router" ] || without-ipv6 <<-END | ip -n "$host" -batch -
			route add default via 10.0.$network.1
			route add default via fd00:$network::1
		END
		port=$((port + 1))
	done
}

# join HOST LAN PORT NETWORK ADDRESS: a cable from HOST's next free interface to a port of the switch LAN.
join() {
	local host=$1 lan=$2 port=veth$3 network=$4 address=$5 interface

	interface=veth$(interfaces "$host")
	ip link add "$interface" netns "$host" \
		address "$(printf '02:00:00:01:%02x:%02x' "$network" "$address")" \
		type veth peer name "$port" netns "$lan" || fail "lan: cannot make a veth pair"
	ip -n "$lan" link set "$port" master bridge0 up
	without-ipv6 <<-END | ip -n "$host" -batch -
		link set $interface up
		addr add 10.0.$network.$address/24 dev $interface
		addr add fd00:$network::$address/64 dev $interface nodad
	END
	no-offloads "$host" "$interface"
	no-offloads "$lan" "$port"
}

# router HOST: it sends on what is for others.
router() {
	on "$1" sh -c 'cd /proc/sys/net && echo 1 >ipv4/ip_forward && { [ ! -e ipv6 ] || echo 1 >ipv6/conf/all/forwarding; }' ||
		fail "router $1: cannot make it forward"
}

# runs-xdp HOST INTERFACE: from now on a program there passes everything. A veth takes frames that its
# peer's programs send, by XDP_TX or XDP_REDIRECT, only while it runs XDP itself; any program will do.
runs-xdp() {
	local pin=/sys/fs/bpf/pass-$1-$2

	{ bpftool prog load build/pass.bpf.o "$pin" && on "$1" bpftool net attach xdpdrv pinned "$pin" dev "$2"; } ||
		fail "runs-xdp: cannot attach a program to $2 on $1"
}

# -- traffic -------------------------------------------------------------------------------------

# socat-listener KIND PORT: prints the socat address of a server on PORT, over IPv4 and IPv6; without IPv6 in the kernel,
# over IPv4. KIND is TCP-LISTEN or another of socat's words for a server.
socat-listener() {
	if has-ipv6; then echo "${1/-/6-}:$2,ipv6only=0"; else echo "${1/-/4-}:$2"; fi
}

# serve HOST PORT…: a TCP server on each PORT of HOST, over IPv4 and IPv6, that greets with GREETING, or
# hello. (From a file: socat loses what a child has said that ends at once.)
serve() {
	local host=$1 port file
	file=$TMPDIR/greeting-$host
	shift

	echo "${GREETING:-hello}" >"$file"
	for port; do
		on "$host" socat -U "$(socat-listener TCP-LISTEN "$port"),fork,reuseaddr" "OPEN:$file,rdonly" 2>/dev/null 3>&- &
		wait-for on "$host" socat -u OPEN:/dev/null "TCP4:127.0.0.1:$port" ||
			fail "no server on $host, port $port"
	done
}

# throw HOST FRAME: puts the frame tests/packets/FRAME.hex on HOST's first wire, as it is.
throw() {
	tests/frame "$2" | on "$1" socat -u - INTERFACE:veth0
}

# capture HOST INTERFACE [WORD…]: from now on tcpdump, given these words too, shows what is on that
# interface; `output-of HOST tcpdump` has it, and once it has ended `ended HOST tcpdump`.
capture() {
	local host=$1 log
	log=$(log-of "$1" tcpdump)
	shift

	nsenter --net=/run/netns/"$host" tcpdump -n -l --immediate-mode -i "$@" >"$log.out" 2>"$log.err" 3>&- &
	echo $! >"$log.pid"
	wait-for grep -q listening "$log.err" || fail "tcpdump on $host does not listen"
}

# -- programs ------------------------------------------------------------------------------------

DEADLINE=${DEADLINE:-5} # seconds that any wait below may take

# wait-for COMMAND…: runs COMMAND until it succeeds; fails when it has not by the deadline, and says for what it has waited.
wait-for() {
	local end=$((${EPOCHREALTIME/[.,]/} + DEADLINE * 1000000))

	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || { echo "waited $DEADLINE s in vain for: $*" >&2 && return 1; }
		pause
	done
}

# pause: a hundredth of a second, without a process: there may be many, on an emulated machine too.
pause() {
	[ -n "${NEVER:-}" ] || exec {NEVER}<>/dev/shm/never
	read -r -t 0.01 -u "$NEVER" || :
}

# start HOST PROGRAM [ARGUMENT…]: runs a loader on HOST, and returns once it says `ready`. What it
# prints is in $LOGS/HOST-PROGRAM.out and .err.
start() {
	local host=$1 program=$2 log
	log=$(log-of "$1" "$2")
	shift 2

	[ ! -e "$log.pid" ] || rm -f "$log".*
	{
		nsenter --net=/run/netns/"$host" "$program" "$@" \
			>"$log.out" 2>"$log.err" 3>&- </dev/null &
	} 2>/dev/null # a shell at a terminal would speak of a job here
	echo $! >"$log.pid"
	wait-for ready-or-ended "$host" "$program" ||
		fail "$program $* on $host: not ready after $DEADLINE s"
	is-ready "$host" "$program" ||
		fail "$program $* on $host: ended before it was ready"
}

# log-of HOST PROGRAM: what the names of a started loader's files begin with.
log-of() {
	echo "$LOGS/$1-${2##*/}"
}

# pid-of HOST PROGRAM: the process id of a started loader.
pid-of() {
	local pid

	read -r pid 2>/dev/null <"$(log-of "$1" "$2").pid" || fail "$2 was not started on $1"
	echo "$pid"
}

# held prog|map HOST PROGRAM: "ID NAME" of those that a started loader has a file descriptor of; a map
# that holds global variables is called bss or rodata.
held() {
	local ids

	ids=$(sed -n "s/^$1_id:[[:space:]]*//p" "/proc/$(pid-of "$2" "$3")"/fdinfo/*)
	bpftool "$1" show | sed -nE "s/^(${ids//$'\n'/|}): .* name ([^ ]*\.)?([^ ]*).*/\1 \3/p"
}

# id-of prog|map HOST PROGRAM NAME: the id of what a started loader holds by that name. Names are the
# whole machine's, and another sandbox may have the same; ids are one each.
id-of() {
	held "$1" "$2" "$3" | sed -n "s/ $4\$//p"
}

# output-of HOST PROGRAM: all that a started loader has printed so far.
output-of() {
	cat "$(log-of "$1" "$2").out"
}

# errors-of HOST PROGRAM: what it has said on stderr.
errors-of() {
	cat "$(log-of "$1" "$2").err"
}

is-ready() {
	local line

	while read -r line; do
		[ "$line" != ready ] || return 0
	done <"$LOGS/$1-${2##*/}.out"
	return 1
}

ready-or-ended() {
	is-ready "$1" "$2" || ended "$1" "$2"
}

# process-field NAME PID: a field of /proc/PID/status; nothing when there is no such process.
process-field() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status" 2>/dev/null || :
}

# ended HOST PROGRAM: has it exited? (A child that nobody has waited for yet is a zombie, Z.)
ended() {
	local pid fields=()

	read -r pid 2>/dev/null <"$LOGS/$1-${2##*/}.pid" || fail "$2 was not started on $1"
	# All at once, for it may change between two lines; and without a process, for this is asked often.
	mapfile -t fields 2>/dev/null <"/proc/$pid/status" || return 0
	[[ "${fields[*]}" != *State:* || "${fields[*]}" == *State:$'\t'Z* ]]
}

# stop HOST PROGRAM: interrupts a loader as Ctrl-C does, and returns its exit status (0 when
# another shell started it: only that one can learn it).
stop() {
	local pid status=0

	pid=$(pid-of "$1" "$2")
	kill -INT "$pid" 2>/dev/null || :
	wait-for ended "$1" "$2" || fail "$2 on $1 did not stop within $DEADLINE s of SIGINT"
	wait "$pid" 2>/dev/null || status=$?
	[ "$status" = 127 ] || return "$status" # 127: not a child of this shell
}

# stage [shell]: a story calls this once its network and programs are up. Given `shell`, as
# `make shell-NN` does, it opens a shell there, and the story ends with it.
stage() {
	local status=0

	[ "${1:-}" = shell ] || return 0
	# shellcheck disable=SC2046 # a name each
	export -f $(compgen -A function)
	export DEADLINE
	printf '%s\n' "hosts: $(ip netns list | awk '{ print $1 }' | sort | xargs)" \
		'type: on HOST COMMAND…, start HOST PROGRAM…, stop HOST PROGRAM; exit when done'
	PS1="lab-$(basename "$(dirname "$0")" | cut -d- -f1)# " env -u LC_ALL bash --norc --noprofile || status=$?
	[ ! -t 0 ] || exit 0 # at a terminal the last command's status is no failure of the lab
	exit "$status"
}

# -- entry ---------------------------------------------------------------------------------------

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	case ${1:-} in
	--first-process) shift && first-process "$@" ;;
	--kernel) demand-kernel ;;
	'') fail "usage: $0 COMMAND [ARGUMENT…]" ;;
	*) enter-sandbox "$@" ;;
	esac
else
	in-sandbox || enter-sandbox "$BASH" "$0" "$@"
	cd "$TOP"
	# A ping ends well by Ctrl-C, and bash would go on with the story. (Bats has a trap of its own.)
	[[ $0 == *bats* ]] || trap 'exit 130' INT
fi
