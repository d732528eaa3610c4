#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story of lab 04: rules change under a running firewall, a flood from one source is limited while
# another's pings pass, a guard does that by itself, and all of it outlives the loader.
source "$(dirname "$0")/../../common/netns.sh"

host client
host server
wire client server
ip -n client addr add 10.0.0.3/24 dev veth0 # a second source, on the same wire
start server build/maps veth0
stage "$@"

# call SECONDS: connects to port 23 of the server, and shows what it says.
call() { show client socat -u "TCP:10.0.0.2:23,connect-timeout=$1" -; }

# guard-says WORDS: has the guard said so?
guard-says() { output-of server mapsctl | grep -qF "$1"; }

serve server 23
say "without a rule, port 23 answers"
call 2 || fail "port 23 does not answer: maps dropped too much"

say "the control plane blocks it; the program on the interface stays as it is"
show server build/mapsctl block-port 23/tcp
! call 0.3 || fail "port 23 was reached although it is blocked (exercise 4.2)"
output-of server maps | grep ' blocked_port: ' || fail "no drop was told of (exercise 4.5)"

say "a prefix, and one that lies in it"
show server build/mapsctl block fd00::1234/16 fd00::/64
! over-ipv6 || ! show client ping -q -c 1 -W 0.1 fd00::2 || fail "fd00::1 got through although fd00::/16 is blocked (exercise 4.3)"
show server build/mapsctl unblock fd00::/16 fd00::/64

say "a flood from 10.0.0.3: the guard sees it, and has each source limited"
start server build/mapsctl guard --on 500 --off 200 --limit 100
yes | on client socat -u -b 64 - UDP-DATAGRAM:10.0.0.2:9,bind=10.0.0.3 &
wait-for guard-says 'the limit is on' || fail "the guard did not turn the limit on (exercise 4.1)"
output-of server mapsctl | tail -n 1
show client ping -q -c 20 -i 0.01 -W 0.2 10.0.0.2 || fail "the other source, 10.0.0.1, was limited too (exercise 4.4)"

say "the loader is killed; its firewall stays"
{ kill -9 "$(pid-of server maps)" && wait "$(pid-of server maps)"; } 2>/dev/null || : # bash would tell of it
! call 0.3 || fail "port 23 was reached when the loader was dead"

say "a new one takes over; the flood ends, and the guard lifts the limit"
start server build/maps veth0
# shellcheck disable=SC2046 # a word each
kill $(ip netns pids client)
wait-for guard-says 'the limit is off' || fail "the guard did not lift the limit"
output-of server mapsctl | tail -n 1
show server build/mapsctl stats
limited=$(build/mapsctl stats --json | sed 's/.*"limited":{"packets":\([0-9]*\).*/\1/')
[ "$limited" -gt 100 ] || fail "of a flood only $limited packets were dropped (exercise 4.4)"
