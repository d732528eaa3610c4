#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story of lab 03: port 22 is closed, to sockets and to frames that wrap it in every way they can;
# and what passes by is shown as tcpdump would show it.
source "$(dirname "$0")/../../common/netns.sh"

host client
host server
wire client server
capture=$TMPDIR/samples.pcap
start server build/parsing -s 1 -w "$capture" veth0
stage "$@"

# call ADDRESS PORT SECONDS: connects to that port of the server, and shows what it says.
call() { show client socat -u "TCP:$1:$2,connect-timeout=$3" -; }

# dropped: how many samples say that a frame was dropped that was thrown: no socket has this port.
dropped() { output-of server parsing | grep -c '\.40000 > .* dropped' || :; }
dropped-are() { [ "$(dropped)" = "$1" ]; }

serve server 80 22
say "port 80 answers, over IPv4 and IPv6"
call 10.0.0.2 80 2 || fail "port 80 over IPv4 does not answer: parsing dropped too much"
! over-ipv6 || call '[fd00::2]' 80 2 || fail "port 80 over IPv6 does not answer: parsing dropped too much"

say "port 22 does not"
! call 10.0.0.2 22 0.3 || fail "port 22 was reached over IPv4 (exercise 3.7)"
! over-ipv6 || ! call '[fd00::2]' 22 0.3 || fail "port 22 was reached over IPv6 (exercise 3.7)"

say "nor do the six ways round the notes' filter lead there: each of these frames is dropped"
for frame in ipv4-options vlan qinq ipv6 ipv6-chain ipv6-first-fragment; do
	sed -n '1s/^# //p' "tests/packets/$frame-tcp22.hex"
	throw client "$frame-tcp22"
done
wait-for dropped-are 6 || fail "only $(dropped) of 6 were dropped (exercises 3.2 to 3.6)"
output-of server parsing | grep '\.40000 > ' | sed 's/^/    /'

say "in all"
stop server parsing || fail "parsing did not end well"
output-of server parsing | tail -n 10

say "the samples, as tcpdump reads them"
show server tcpdump -n -r "$capture" -c 4 || fail "tcpdump cannot read what parsing wrote"
