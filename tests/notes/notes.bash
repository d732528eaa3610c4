# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the experiments of tests/notes.bats are written with, inside the sandbox. The objects that
# the test has compiled are in $OBJECTS; one that is loaded is pinned as /sys/fs/bpf/NAME.

source common/netns.sh

# lab: two hosts and a wire.
lab() {
	host client
	host server
	wire client server
}

# expect EXPECTED GOT: they are the same.
expect() {
	[ "$1" = "$2" ] || fail "expected $1, got $2"
}

# comes-to EXPECTED COMMAND…: what COMMAND prints is that, by and by.
comes-to() {
	wait-for prints "$@" || expect "$1" "$("${@:2}")"
}

# prints TEXT COMMAND…: does COMMAND print that?
prints() {
	[ "$("${@:2}")" = "$1" ]
}

# fails COMMAND…: it does, having said what is then in $SAID.
fails() {
	! SAID=$("$@" 2>&1) || fail "succeeded: $*"
}

# said TEXT: a line of $SAID has it.
said() {
	grep -qF -- "$1" <<<"$SAID" || fail "expected '$1', got:"$'\n'"$SAID"
}

# load NAME [WORD…]: loads the program in the object NAME, and pins it; bpftool is given these words too.
load() {
	bpftool prog load "$OBJECTS/$1.o" "/sys/fs/bpf/$1" "${@:2}" >"$TMPDIR/verifier" 2>&1 ||
		fail "$1 is refused:"$'\n'"$(cat "$TMPDIR/verifier")"
}

# refused NAME TEXT: the verifier refuses the program in the object NAME, and says TEXT.
refused() {
	fails bpftool prog load "$OBJECTS/$1.o" "/sys/fs/bpf/$1"
	said "$2"
}

# about NAME FILTER: what the kernel knows of a loaded program, through jq.
about() {
	bpftool -j prog show pinned "/sys/fs/bpf/$1" | jq -r "$2"
}

# returns NAME: what a loaded program returns on a frame of 64 zeros.
returns() {
	head -c 64 /dev/zero >"$TMPDIR/frame"
	bpftool -j prog run pinned "/sys/fs/bpf/$1" data_in "$TMPDIR/frame" | jq .retval
}

# links NAME: how many links, and so attachments, a loaded program has.
links() {
	bpftool -j link show | jq "map(select(.prog_id == $(about "$1" .id))) | length"
}

# variable NAME VARIABLE: a global variable of a loaded program that has no other map.
variable() {
	bpftool -j map dump id "$(about "$1" ".map_ids[0]")" | jq "[.. | objects | .$2? // empty][0]"
}

# gone prog|map ID: is there none of that id any more?
gone() {
	! bpftool "$1" show id "$2"
}

# pings N: sends N pings from client to server; does one get an answer?
pings() {
	on client ping -q -c "$1" -i 0.01 -W "${2:-0.2}" 10.0.0.2 >/dev/null
}

# xdp-mode HOST INTERFACE: the mode in which an XDP program is attached, as `ip` calls it: xdp,
# xdpgeneric; or none.
xdp-mode() {
	local mode

	mode=$(ip -n "$1" link show dev "$2" | sed -nE '1s/.* (xdp[a-z]*)[ /].*/\1/p')
	echo "${mode:-none}"
}

# judges NAME FRAME: what a loaded program returns on that frame.
judges() {
	tests/frame "$2" >"$TMPDIR/frame"
	bpftool -j prog run pinned "/sys/fs/bpf/$1" data_in "$TMPDIR/frame" | jq .retval
}

# tc-attach HOST ingress|egress NAME [WORD…]: attaches a loaded program to HOST's first wire, as a
# filter of tc. (The wire must have a clsact.)
tc-attach() {
	on "$1" tc filter add dev veth0 "$2" "${@:4}" bpf direct-action object-pinned "/sys/fs/bpf/$3"
}

# changes ID FRAME: the bytes that program ID changes in that frame: NUMBER OLD NEW, the number from 1,
# the bytes in octal.
changes() {
	tests/frame "$2" >"$TMPDIR/before"
	bpftool prog run id "$1" data_in "$TMPDIR/before" data_out "$TMPDIR/after" >/dev/null
	cmp -l "$TMPDIR/before" "$TMPDIR/after" | xargs
}

# -- the notes' load balancer --------------------------------------------------------------------

# balanced [AGEING]: client, backend1, backend2, backend3 and lb on one switch, which remembers who is
# where for so many hundredths of a second; for none, and so it is a hub. The backends, 10.0.1.1 to
# 10.0.3.1, greet on port 80. What client calls is 10.0.0.2, an address of lb. All send by lb what is
# for others, and lb forwards what it does not rewrite: so a backend's answers come by it.
balanced() {
	local host n=0

	host switch
	ip -n switch link add bridge up type bridge ageing_time "${1:-0}"
	for host in client backend{1..3} lb; do
		host "$host"
		wire "$host" switch
		ip -n switch link set "veth$n" master bridge
		n=$((n + 1))
	done
	router lb
	on lb sh -c 'cd /proc/sys/net/ipv4/conf && for each in all veth0; do echo 0 >$each/send_redirects; done'
	n=0
	for host in client backend{1..3}; do
		ip -n "$host" neigh replace "10.0.$n.2" lladdr 02:00:00:00:04:01 dev veth0 nud permanent
		ip -n "$host" route add default via "10.0.$n.2"
		ip -n lb addr add "10.0.$n.2/24" dev veth0
		ip -n lb neigh add "10.0.$n.1" lladdr "02:00:00:00:0$n:01" dev veth0 nud permanent
		[ "$host" = client ] || serve "$host" 80
		n=$((n + 1))
	done
}

# balance SLOTS [PORT]: loads the object balancer, if it is not, and gives it a VIP, 10.0.0.2 and PORT (80) of
# TCP. So many of its 64 slots are filled: the first with 10.0.1.1, the next with 10.0.2.1, …
balance() {
	local n slots=()

	[ -e /sys/fs/bpf/balancer ] || load balancer pinmaps /sys/fs/bpf/maps
	for n in {1..64}; do
		[ "$n" -le "$1" ] || n=0
		# address, MAC, weight
		slots+=($((n ? 10 : 0)) 0 "$n" $((n > 0)) $((n ? 2 : 0)) 0 0 0 "$n" $((n > 0)) 0 0)
	done
	bpftool map update pinned /sys/fs/bpf/maps/backends \
		key 10 0 0 2 $((${2:-80} >> 8)) $((${2:-80} & 255)) 6 0 value "${slots[@]}"
}

# call SECONDS [PORT]: what the client reads at the VIP; it waits so long to be connected (from that port).
call() {
	on client socat -u "TCP4:10.0.0.2:80,connect-timeout=$1${2:+,sourceport=$2}" -
}

# tallies: what the balancer has counted: `REWRITTEN DROPPED`.
tallies() {
	build/counters /sys/fs/bpf/maps/stats | sed -n 's/^stats [02] //p' | xargs
}

# count-of HOST NAME: a counter of HOST's stack, as nstat calls it.
count-of() {
	on "$1" nstat -asz "$2" | sed -n "s/^$2 *\([0-9]*\).*/\1/p"
}

# clients N: so many, from everywhere: `ADDRESS PORT` each.
clients() {
	awk -v n="$1" 'BEGIN {
		srand(6)
		while (n--)
			printf "%d.%d.%d.%d %d\n", 1 + rand() * 223, rand() * 256, rand() * 256, rand() * 256,
				1024 + rand() * 64512
	}'
}

# judged NAME [COMMAND…]: what a loaded program, run by COMMAND, does with a SYN of each client on stdin, to
# 10.0.0.2 and port 80: `VERDICT DESTINATION`.
judged() {
	tests/frame tcp4 >"$TMPDIR/frame"
	"${@:2}" "$OBJECTS/syns" "/sys/fs/bpf/$1" "$TMPDIR/frame"
}

# rewritten FRAME: the numbers of the bytes that the balancer changes in it.
rewritten() {
	changes "$(about balancer .id)" "$1" | xargs -n 3 | cut -d" " -f1 | xargs
}
