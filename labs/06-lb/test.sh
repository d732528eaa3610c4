#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story of lab 06: one address, three servers behind it. One is drained, one dies, and the load balancer's
# own programs are killed; and whoever calls is answered.
source "$(dirname "$0")/../../common/netns.sh"

host client
host lb
for server in b1 b2 b3; do host "$server"; done
wire client lb
lan 6 lb b1 b2 b3
router lb
ip -n client route add default via 10.0.0.2
! has-ipv6 || ip -n client route add default via fd00::2
runs-xdp client veth0
runs-xdp lan6 veth0
for server in b1 b2 b3; do GREETING="I am $server" serve "$server" 8080; done
cat >"$TMPDIR/lb.conf" <<-END
	vip 10.0.6.100 80/tcp nat
	  backend 10.0.6.11 8080 weight 2
	  backend 10.0.6.12 8080
	  backend 10.0.6.13 8080
	  check interval 0.1 fall 2 rise 1
END
! has-ipv6 || cat >>"$TMPDIR/lb.conf" <<-END
	vip fd00:6::100 80/tcp nat
	  backend fd00:6::11 8080
	  backend fd00:6::12 8080
	  backend fd00:6::13 8080
	  check interval 0.1 fall 2 rise 1
END
start lb build/lb veth0 veth1
start lb build/lbd -c "$TMPDIR/lb.conf"
stage "$@"

# call N ADDRESS: N connections to port 80 there, and how many each server has answered. All must be.
call() {
	local answers

	answers=$(for ((i = 0; i < $1; i++)); do on client socat -u "TCP:$2:80,connect-timeout=2" - || :; done)
	[ "$(grep -c '^I am b[123]$' <<<"$answers")" = "$1" ] || fail "not all of $1 calls to $2 were answered"
	sort <<<"$answers" | uniq -c
}

# state ADDRESS STATE: do the backends with that address have it?
state() {
	on lb build/lbd status --json |
		jq -e --arg a "$1" --arg s "$2" '[.vips[].backends[] | select(.address == $a).state] | all(. == $s)' >/dev/null
}

say "what is to be balanced"
cat "$TMPDIR/lb.conf"

say "the client calls one address, and three servers answer"
call 20 10.0.6.100
! over-ipv6 || call 10 '[fd00:6::100]'
show client ping -q -c 2 -i 0.01 -W 1 10.0.6.100 || fail "the VIP does not answer pings"

say "b1 is drained: it ends what it has begun, and gets nothing new"
show lb build/lbd drain 10.0.6.11 --quiet 1
call 20 10.0.6.100 >"$TMPDIR/answers"
cat "$TMPDIR/answers"
! grep -q b1 "$TMPDIR/answers" || fail "b1 was called, though it takes no new flow (exercise 6.2)"

say "the server on b2 dies; its health check finds out"
# shellcheck disable=SC2046 # a word each
kill $(ip netns pids b2)
wait-for state 10.0.6.12 down || fail "lbd has not noticed"
call 20 10.0.6.100

say "the loader and the control plane are killed; the data plane is not"
{ kill -9 "$(pid-of lb lbd)" "$(pid-of lb lb)" && wait "$(pid-of lb lbd)" "$(pid-of lb lb)"; } 2>/dev/null || :
call 20 10.0.6.100

say "new ones take over what they find"
start lb build/lb veth0 veth1
start lb build/lbd -c "$TMPDIR/lb.conf"
show lb build/lbd undrain 10.0.6.11
call 20 10.0.6.100

say "in all"
show lb build/lbd status
stop lb lbd
stop lb lb || fail "lb did not end well"
