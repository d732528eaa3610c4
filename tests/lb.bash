# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Words for tests of lab 06, in a sandbox: client — lb — lan 6 with the backends b1, b2, b3; web servers there, and
# what lbd has of them.
declare -F wire >/dev/null || source common/netns.sh

CONF=$TMPDIR/lb.conf

# network: the hosts, all of which find lb; whatever XDP sends arrives.
network() {
	local host

	for host in client lb b1 b2 b3; do host "$host"; done
	wire client lb
	lan 6 lb b1 b2 b3
	router lb
	ip -n client route add default via 10.0.0.2
	! has-ipv6 || ip -n client route add default via fd00::2
	runs-xdp client veth0
	runs-xdp lan6 veth0
}

# mac NUMBER: the MAC address of the host with that address in lan 6.
mac() {
	printf '02:00:00:01:06:%02x' "$1"
}

# neighbour NUMBER…: lb knows where those are, and need not ask.
neighbour() {
	local number to

	for number; do
		to="lladdr $(mac "$number") dev veth1 nud permanent"
		printf 'neigh replace %s %s\n' "10.0.6.$number" "$to" "fd00:6::$number" "$to"
	done | without-ipv6 | ip -n lb -batch -
}

# balance: starts the load balancer, of which [OPTION…] is told, with the file on stdin.
balance() {
	cat >"$CONF"
	start lb build/lb "$@" veth0 veth1
	start lb build/lbd -c "$CONF"
}

# again: gives lbd another file, on stdin.
again() {
	cat >"$CONF"
	on lb build/lbd reload >/dev/null
}

# nat WORD…: the lines of a file for both IP versions, VIP 100 and port 80, mode nat with port 8080; words:
# numbers of backends, each followed by options if it is quoted.
nat() {
	local word

	echo 'vip 10.0.6.100 80/tcp nat'
	for word; do echo "backend 10.0.6.${word%% *} 8080 ${word#"${word%% *}"}"; done
	echo "check ${CHECK:-none}"
	echo 'vip fd00:6::100 80/tcp nat'
	for word; do echo "backend fd00:6::${word%% *} 8080 ${word#"${word%% *}"}"; done
	echo "check ${CHECK:-none}"
}

# web HOST…: an HTTP server on port 8080 of each, with two files: `name`, a line that begins with the host's name
# and is 8000 characters longer, and `long`, 10 MB that are the same everywhere.
web() {
	local host

	[ -e "$TMPDIR/long" ] || head -c 10000000 /dev/urandom >"$TMPDIR/long"
	for host; do
		mkdir -p "$TMPDIR/web-$host"
		ln -f "$TMPDIR/long" "$TMPDIR/web-$host/long"
		echo "$host $(head -c 4000 "$TMPDIR/long" | basenc --base16 -w 0)" >"$TMPDIR/web-$host/name"
		on "$host" /usr/bin/python3 -m http.server --directory "$TMPDIR/web-$host" --bind :: 8080 >/dev/null 2>&1 3>&- &
	done
	for host; do wait-for on "$host" socat -u OPEN:/dev/null 'TCP6:[::1]:8080' || fail "no web server on $host"; done
}

# slowly HOST…: what they send takes its time: 10 MB two seconds and a half, and more where all takes longer.
slowly() {
	local host

	for host; do on "$host" tc qdisc add dev veth0 root tbf rate $((32000 * 5 / DEADLINE))kbit burst 16k limit 1m; done
}

# names ADDRESS FIRST N: asks N times who is there, from the ports FIRST, FIRST + 1, … (what the load balancer makes
# of these is the same in each run); prints "N HOST" for each that has answered, each time with its whole line.
names() {
	local port

	for ((port = $2; port < $2 + $3; port++)); do
		printf 'url = "http://%s/name"\nlocal-port = %d\nheader = "Connection: close"\nmax-time = 5\nnext\n' "$1" "$port"
	done | sed '$d' | on client curl -s -g -K - >"$TMPDIR/names" || fail "not all of $3 requests were answered"
	! sort -u "$TMPDIR/names" | grep -vxFf <(cat "$TMPDIR"/web-*/name) || fail "that is not what a server has"
	cut -d' ' -f1 "$TMPDIR/names" | sort | uniq -c | awk '{ print $1, $2 }'
}

# state ADDRESS: what lbd has of the backend with it.
state() {
	on lb build/lbd status --json | jq -r --arg a "$1" '[.vips[].backends[] | select(.address == $a).state][0]'
}

is-state() {
	[ "$(state "$1")" = "$2" ]
}

# wait-for-state ADDRESS STATE: until lbd has the backend with that address in it.
wait-for-state() {
	wait-for is-state "$@" || fail "$1 is $(state "$1"), not $2"
}

# reason REASON: how often that has become of a packet.
reason() {
	on lb build/lbd status --json | jq ".reasons.$1"
}
