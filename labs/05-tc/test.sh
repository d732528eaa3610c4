#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story of lab 05: netfilter, behind tc, sees what tc has set; a tap gets clones of what came; what goes out
# is sorted into classes; a port is forwarded, and its answers come back; and a limit is kept.
source "$(dirname "$0")/../../common/netns.sh"

host client
host server
host tap
wire client server
wire server tap
# 8 Mbit/s for all: at least three quarters for the class 1:10, a quarter for 1:20.
on server tc -batch - <<-END
	qdisc add dev veth0 root handle 1: htb
	class add dev veth0 parent 1: classid 1:1 htb rate 8mbit quantum 1514
	class add dev veth0 parent 1:1 classid 1:10 htb rate 6mbit ceil 8mbit quantum 4542
	class add dev veth0 parent 1:1 classid 1:20 htb rate 2mbit ceil 8mbit quantum 1514
END
start server build/tc -t 9 -m 10.0.0.0/24=7 -f 80:8080 -M veth1 --mirror-every 2 \
	-d 5001=46 -c 5001=1:10 -c 5002=1:20 -l fd00::1=1,500 veth0
output-of server tc | head -n 1
stage "$@"

# packets-in CLASS: what has gone through it so far.
packets-in() { on server tc -s class show dev veth0 classid "$1" | awk '$1 == "Sent" { print $4 }'; }

# sorted: has enough gone through both classes to compare?
sorted() { [ "$(packets-in 1:10)" -gt 300 ] && [ "$(packets-in 1:20)" -gt 100 ]; }

say "what tc has set at the door, netfilter sees behind it"
on server nft -f - <<-END
	table ip behind {
		chain tc {
			type filter hook input priority filter
			meta mark 7 ip ttl 9 icmp type echo-request counter
		}
	}
END
show client ping -q -c 10 -i 0.002 -W 1 10.0.0.2
show server nft list chain ip behind tc
[[ $(on server nft list chain ip behind tc) == *' packets 10 '* ]] || fail "not 10 with the mark 7 and the TTL 9 (exercises 5.1 and 5.3)"

say "a tap gets clones of one packet of two, as they came"
capture tap veth0 -v -c 1 icmp
on client ping -q -c 4 -i 0.002 -W 1 10.0.0.2 >/dev/null
wait-for ended tap tcpdump || fail "no clone came to the tap (exercise 5.6)"
output-of tap tcpdump | sed 's/^/    /'

say "two floods of one size go out; one class gets three times as much as the other, and has DSCP 46, ef"
on client nft 'table ip behind { chain tc { type filter hook input priority filter
	udp dport 5001 ip dscp ef counter; udp dport 5001 ip dscp != ef counter; }; }'
for port in 5001 5002; do
	yes "$(printf %1400s '')" | on server socat -u -b 1401 - UDP-DATAGRAM:10.0.0.1:$port &
done 2>/dev/null
wait-for sorted || fail "nothing goes through the classes (exercise 5.4 stands before them)"
printf '    1:10 %s packets, 1:20 %s packets\n' "$(packets-in 1:10)" "$(packets-in 1:20)"
# shellcheck disable=SC2046 # a word each
kill $(ip netns pids server | grep -vx "$(pid-of server tc)")
show client nft list chain ip behind tc
[[ $(on client nft list chain ip behind tc) == *' != ef counter packets 0 '* ]] || fail "not all had DSCP 46 (exercise 5.4)"

serve server 8080
say "a server on port 8080 answers whoever calls port 80"
show client socat -u TCP:10.0.0.2:80,connect-timeout=2 - || fail "port 80 does not answer (exercise 5.7)"
! over-ipv6 || show client socat -u 'TCP:[fd00::2]:80,connect-timeout=2' - || fail "port 80 does not answer over IPv6 (exercise 5.7)"

say "to fd00::1 may go 500 bytes, and then one a second"
if over-ipv6; then
	show client ping -q -c 10 -i 0.002 -W 0.1 fd00::2 >"$TMPDIR/pings" || :
	cat "$TMPDIR/pings"
	! grep -q ' 10 received' "$TMPDIR/pings" || fail "all answers went out (exercise 5.5)"
fi

say "in all"
stop server tc || fail "tc did not end well"
output-of server tc | tail -n 1
on server tc qdisc show dev veth0
