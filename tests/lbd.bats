#!/usr/bin/env bats
# The control plane of lab 06, by itself: what it is told, what it makes of it in the maps, and that neither
# its death nor a wrong file changes what the data plane does.

bats_require_minimum_version 1.5.0
load says
load needs

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# What a script of this file can say, on a server whose data plane has small rings:
#     config LINE…       writes the file
#     begin              starts the daemon
#     lbd COMMAND…       on the server
#     shown FILTER       what `status --json` has there, by jq, a line
#     backends           ADDRESS NUMBER.GENERATION STATE SLOTS of each
#     flow PORT VIP BACKEND GENERATION   as the data plane writes it: a client's flow, from that port
#     said REGEX         has the daemon said so?
#     behind COMMAND…    lbd in the background; its process id is $pid
#     early              starts the daemon where no data plane is
WORDS='
	SLOW=$((DEADLINE / 5)) # 1, and more where all takes longer
	DEADLINE=$((20 * SLOW)) # a busy machine takes its time to load the data plane
	PINS=/sys/fs/bpf/lb CONF=$TMPDIR/lb.conf
	config() { printf "%s\n" "$@" >$CONF; }
	begin() { start server build/lbd -c $CONF; }
	lbd() { on server build/lbd "$@"; }
	shown() { lbd status --json | jq -rc "$1"; }
	backends() { shown ".vips[].backends[] | \"\(.address) \(.number).\(.generation) \(.state) \(.slots)\""; }
	key() { printf "00 00 00 00 00 00 00 00 00 00 ff ff 0a 00 00 01 %02x %02x %02x 00 00 00 00 00" $(($1 / 256)) $(($1 % 256)) $2; }
	flow() { bpftool map update pinned $PINS/flows key hex $(key $1 $2) value hex $(printf "%02x 00 00 00 %02x 00 00 00" $3 $4); }
	end-flow() { bpftool map delete pinned $PINS/flows key hex $(key $1 $2); }
	said() { output-of server lbd | grep -qE "$1"; }
	behind() { nsenter --net=/run/netns/server build/lbd "$@" 3>&- & pid=$!; }
	early() { behind -c $CONF >"$LOGS/server-lbd.out" 2>"$LOGS/server-lbd.err"; echo $pid >"$LOGS/server-lbd.pid"; }
'

# with SCRIPT: what runs there.
with() {
	echo "$WORDS
		start server build/lb -r 251 veth0
		$1"
}

# tells STATUS LINE SCRIPT: the same, of what ends with STATUS, having said LINE and nothing else.
tells() {
	says "$1" "$2" "$(with "$3")"
}

# Two backends of one VIP, who answer nothing and are not asked.
TWO="config 'vip 10.9.0.1 80/tcp nat' 'check none' 'backend 10.0.0.1 8080' 'backend 10.0.0.3 8080'"

# -- what it is told -----------------------------------------------------------------------------

@test "lbd: a wrong command line" {
	misused 'lbd: which command? (-c FILE is the daemon)' build/lbd
	misused "lbd: no command 'ban'" 'build/lbd ban'
	misused 'lbd: drain takes a backend, as 10.0.6.11 or 10.0.6.11:8080' 'build/lbd drain'
	misused "lbd: drain takes nothing more: '10.0.6.12'" 'build/lbd drain 10.0.6.11 10.0.6.12'
	misused "lbd: status takes nothing more: 'all'" 'build/lbd status all'
	misused 'lbd: reload has no option --json' 'build/lbd reload --json'
	misused 'lbd: status has no option --config' 'build/lbd -c FILE status'
	misused 'lbd: undrain has no option --no-wait' 'build/lbd undrain --no-wait 10.0.6.11'
	misused "lbd: no time 'long': 0 to 86400 seconds" 'build/lbd drain --quiet long 10.0.6.11'
	run -0 build/lbd --help
	[[ $output == 'Usage: lbd [OPTION...] -c FILE'* ]]
}

@test "lbd: no data plane, no daemon, no privilege" {
	for command in status stop; do
		says 1 'lbd: no data plane is running: lb IFACE starts one' "build/lbd $command"
	done
	for command in reload 'drain 10.0.6.11' 'undrain 10.0.6.11'; do
		says 1 "lbd: $command: no lbd runs in this network namespace: lbd -c FILE starts one" "build/lbd $command"
		says 1 "lbd: $command: this needs root: sudo" "$AS_USER build/lbd $command"
	done
	says 1 'lbd: open /sys/fs/bpf/lb: Permission denied (this needs root: sudo)' "$AS_USER build/lbd status"
	says 1 'lbd: open /sys/fs/bpf/lb: Permission denied (this needs root: sudo)' \
		"echo vip 10.9.0.1 80/tcp nat >\$TMPDIR/lb.conf; $AS_USER build/lbd -c \$TMPDIR/lb.conf"
}

@test "lbd: what is wrong in a file is told with its line, to who reloads it too, and nothing changes" {
	cat >"$BATS_TEST_TMPDIR/cases" <<-'END'
		line 1: vips: unknown word; a line begins with vip, backend or check|vips 10.9.0.1 80/tcp nat
		line 1: a VIP is as: vip 10.0.6.100 80/tcp nat|vip 10.9.0.1
		line 1: 10.9.0.256: not an address|vip 10.9.0.256 80/tcp nat
		line 1: 10.9.0.0/24: an address, no prefix|vip 10.9.0.0/24 80/tcp nat
		line 1: 0.0.0.0: no address that a packet can be sent to|vip 0.0.0.0 80/tcp nat
		line 1: 127.0.0.1: no address that a packet can be sent to|vip 127.0.0.1 80/tcp nat
		line 1: 239.0.0.1: no address that a packet can be sent to|vip 239.0.0.1 80/tcp nat
		line 1: 255.255.255.255: no address that a packet can be sent to|vip 255.255.255.255 80/tcp nat
		line 1: ::ffff:127.0.0.1: no address that a packet can be sent to|vip ::ffff:127.0.0.1 80/tcp nat
		line 1: ::: no address that a packet can be sent to|vip :: 80/tcp nat
		line 1: ::1: no address that a packet can be sent to|vip ::1 80/tcp nat
		line 1: ff02::1: no address that a packet can be sent to|vip ff02::1 80/tcp nat
		line 1: fe80::1: no address that a packet can be sent to|vip fe80::1 80/tcp nat
		line 1: 80: which protocol? as 80/tcp or 53/udp|vip 10.9.0.1 80 nat
		line 1: 80/sctp: which protocol? as 80/tcp or 53/udp|vip 10.9.0.1 80/sctp nat
		line 1: 0/tcp: a port is 1 to 65535|vip 10.9.0.1 0/tcp nat
		line 1: 70000/tcp: a port is 1 to 65535|vip 10.9.0.1 70000/tcp nat
		line 1: +80/tcp: a port is 1 to 65535|vip 10.9.0.1 +80/tcp nat
		line 1: /tcp: a port is 1 to 65535|vip 10.9.0.1 /tcp nat
		line 1: 99999999999999999999/tcp: a port is 1 to 65535|vip 10.9.0.1 99999999999999999999/tcp nat
		line 1: which mode? nat, dsr or ipip|vip 10.9.0.1 80/tcp
		line 1: gre: which mode? nat, dsr or ipip|vip 10.9.0.1 80/tcp gre
		line 1: limit: unknown word; behind the mode may be: new-flows N|vip 10.9.0.1 80/tcp nat limit 5
		line 1: new-flows …: not a number from 0 to 4294967295|vip 10.9.0.1 80/tcp nat new-flows
		line 1: new-flows many: not a number from 0 to 4294967295|vip 10.9.0.1 80/tcp nat new-flows many
		line 1: new-flows -1: not a number from 0 to 4294967295|vip 10.9.0.1 80/tcp nat new-flows -1
		line 1: 7: unknown word; behind the mode may be: new-flows N|vip 10.9.0.1 80/tcp nat new-flows 5 7
		line 2: 10.9.0.1 80/tcp is a VIP already, line 1|vip 10.9.0.1 80/tcp nat\nvip ::ffff:10.9.0.1 80/tcp dsr
		line 3: a backend of which VIP? one must be above it|# one\n\nbackend 10.0.0.1 80\nvip 10.9.0.1 80/tcp nat
		line 2: a backend is as: backend 10.0.6.11 8080|vip 10.9.0.1 80/tcp nat\nbackend
		line 2: 10.0.0: not an address|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0 80
		line 2: 10.0.0.0/24: an address, no prefix|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.0/24 80
		line 2: fd00::1: the VIP is an address of IPv4|vip 10.9.0.1 80/tcp nat\nbackend fd00::1 80
		line 2: 10.0.0.1: the VIP is an address of IPv6|vip fd09::1 80/tcp nat\nbackend 10.0.0.1 80
		line 2: which port? as: backend 10.0.6.11 8080|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1
		line 2: which port? as: backend 10.0.6.11 8080|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 weight 2
		line 2: 0: a port is 1 to 65535|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 0
		line 2: 80/tcp: a port is 1 to 65535|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 80/tcp
		line 2: 8080: no port: in mode dsr the VIP's stays|vip 10.9.0.1 80/tcp dsr\nbackend 10.0.0.1 8080
		line 2: 8080: no port: in mode ipip the VIP's stays|vip 10.9.0.1 80/tcp ipip\nbackend 10.0.0.1 8080
		line 2: weight 1001: not a number from 0 to 1000|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 80 weight 1001
		line 2: weight …: not a number from 0 to 1000|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 80 weight
		line 2: 2: unknown word; last may be: weight N|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 80 2
		line 2: backup: unknown word; last may be: weight N|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 80 weight 2 backup
		line 3: 10.0.0.1 is a backend of this VIP already, line 2|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 80\nbackend 10.0.0.1 80
		line 4: 10.0.0.1 has that port for 10.9.0.1 80/tcp already, line 2: whose a reply is could not be told|vip 10.9.0.1 80/tcp nat\nbackend 10.0.0.1 80\nvip 10.9.0.2 80/tcp nat\nbackend 10.0.0.1 80
		line 2: 10.9.0.2 is the address of a VIP, line 3; it cannot be a backend|vip 10.9.0.1 80/tcp nat\nbackend 10.9.0.2 80\nvip 10.9.0.2 80/tcp nat
		line 1: a check of which VIP? one must be above it|check none\nvip 10.9.0.1 80/tcp nat
		line 3: the VIP has a check already, line 2|vip 10.9.0.1 80/tcp nat\ncheck none\ncheck 80
		line 2: 0: a port is 1 to 65535|vip 10.9.0.1 80/tcp nat\ncheck 0
		line 2: http: unknown word; a check is as: check 80 interval 1 fall 3 rise 2|vip 10.9.0.1 80/tcp nat\ncheck http
		line 2: 5: unknown word; behind none is nothing|vip 10.9.0.1 80/tcp nat\ncheck none 5
		line 2: interval …: not seconds from 0.1 to 3600|vip 10.9.0.1 80/tcp nat\ncheck interval
		line 2: interval 0.09: not seconds from 0.1 to 3600|vip 10.9.0.1 80/tcp nat\ncheck interval 0.09
		line 2: interval 3601: not seconds from 0.1 to 3600|vip 10.9.0.1 80/tcp nat\ncheck interval 3601
		line 2: interval 1.2.3: not seconds from 0.1 to 3600|vip 10.9.0.1 80/tcp nat\ncheck interval 1.2.3
		line 2: interval 1e3: not seconds from 0.1 to 3600|vip 10.9.0.1 80/tcp nat\ncheck interval 1e3
		line 2: interval inf: not seconds from 0.1 to 3600|vip 10.9.0.1 80/tcp nat\ncheck interval inf
		line 2: timeout 0: not seconds from 0.1 to 3600|vip 10.9.0.1 80/tcp nat\ncheck timeout 0
		line 2: fall 0: not a number from 1 to 1000|vip 10.9.0.1 80/tcp nat\ncheck fall 0
		line 2: rise …: not a number from 1 to 1000|vip 10.9.0.1 80/tcp nat\ncheck fall 2 rise
		line 2: which port? a check is a TCP connection, and the VIP is of UDP|vip 10.9.0.1 53/udp nat\ncheck interval 2
		line 1: p: too many words|vip a b c d e f g h i j k l m n o p
		line 2: a NUL byte: is this a text?|vip 10.9.0.1 80/tcp nat\nbackend\0
		no VIP in it|# nothing
		no VIP in it|
	END
	run -0 in-lab "$(with "$TWO"'
		begin
		before=$(shown .vips)
		while IFS="|" read -r _ text; do
			printf "%b\n" "$text" >$CONF
			! lbd reload 2>&1 >/dev/null | sed s/^lbd:.//
		done <'"$BATS_TEST_TMPDIR/cases"' >$TMPDIR/told
		cut -d"|" -f 1 '"$BATS_TEST_TMPDIR/cases"' | sed "s|^|$CONF: |" >$TMPDIR/expected
		diff $TMPDIR/expected $TMPDIR/told
		errors-of server lbd | sed s/^lbd:.// | diff $TMPDIR/expected -
		[ "$(shown .vips)" = "$before" ]')"
}

@test "lbd: more than there is room for" {
	tells 1 'lbd: /dev/shm/lb.conf: line 65: more than 64 VIPs
lbd: /dev/shm/lb.conf: line 8193: more than 8191 backends
lbd: /dev/shm/lb.conf: line 1: longer than 255 bytes' '
		for i in {1..65}; do echo "vip 10.9.0.$i 80/tcp nat"; done >$CONF; ! lbd -c $CONF
		{ echo "vip 10.9.0.1 80/tcp dsr"; printf "backend 10.0.%d.%d\n" $(for i in {0..8191}; do echo $((i / 256)) $((i % 256)); done); } >$CONF
		! lbd -c $CONF
		head -c 256 /dev/zero | tr "\0" "#" >$CONF; lbd -c $CONF'
}

@test "lbd: a file that is none" {
	says 1 'lbd: /nowhere: No such file or directory' 'build/lbd -c /nowhere'
	says 1 'lbd: /tmp: not a file that can be read again' 'build/lbd -c /tmp'
	says 1 'lbd: /dev/zero: not a file that can be read again' 'build/lbd -c /dev/zero'
	says 1 'lbd: /dev/shm/fifo: not a file that can be read again' 'mkfifo /dev/shm/fifo; build/lbd -c /dev/shm/fifo'
}

@test "lbd: comments, blanks, any order, any line ends, both IP versions, all modes" {
	tells 0 '10.9.0.1 80 tcp nat 1000: 10.0.0.1:8080*2,10.0.0.3:8080*0
10.9.0.1 80 udp nat 0: 10.0.0.1:8080*1
fd09::1 53 udp dsr 0: fd00::1:0*1
fd09::2 443 tcp ipip 0: 
10.9.0.2 80 tcp dsr 0: 10.0.0.1:0*1
10.9.0.2 81 tcp dsr 0: 10.0.0.1:0*1000' '
		printf "%b" "# all\n\n\tvip\t::ffff:10.9.0.1 80/tcp  nat new-flows 1000 # limited\r\n" \
			"check 22 fall 1 interval 0.5 rise 9\nbackend 10.0.0.1 8080 weight 2\r\n  backend 10.0.0.3 8080 weight 0\n" \
			"vip 10.9.0.1 80/udp nat new-flows 0\nbackend 10.0.0.1 8080\n" \
			"vip fd09::1 53/udp dsr\n  backend FD00:0::1\nvip fd09::2 443/tcp ipip\n" \
			"vip 10.9.0.2 80/tcp dsr\nbackend 10.0.0.1\nvip 10.9.0.2 81/tcp dsr\nbackend 10.0.0.1 weight 1000" >$CONF
		begin
		shown ".vips[] | \"\(.address) \(.port) \(.protocol) \(.mode) \(.new_flows_limit): \" +
			([.backends[] | \"\(.address):\(.port // 0)*\(.weight)\"] | join(\",\"))"'
}

# -- rings ---------------------------------------------------------------------------------------

@test "lbd: rings are even, and a backend that goes moves few flows of others" {
	gcc -O2 -Wall -Wextra -Werror -Ilabs/06-lb -Ilabs/06-lb/lbd tests/quality.c labs/06-lb/lbd/maglev.c \
		-o "$BATS_TEST_TMPDIR/quality"
	"$BATS_TEST_TMPDIR/quality"
}

@test "lbd: the data plane's rings have each slot filled, of the size that it says, by weight" {
	for size in 251 4093 65537; do
		says 0 "$size true" "$WORDS
			start server build/lb -r $size veth0
			config 'vip 10.9.0.1 80/tcp dsr' 'check none' 'backend 10.0.0.1' 'backend 10.0.0.2 weight 2' 'backend 10.0.0.3 weight 0'
			begin
			shown '[.vips[0].backends[].slots] as \$s | \"\(\$s | add) \((\$s[1] - 2 * \$s[0] | fabs) <= 2 and \$s[2] == 0)\"'"
	done
}

# -- what stays, what changes --------------------------------------------------------------------

@test "lbd: a reload leaves numbers, generations and states of who stays, in whatever order the file is" {
	tells 0 '/dev/shm/lb.conf: VIPs: 2, backends: 3 (new: 1, gone: 1)
10.0.0.3 2.1 draining 0
10.0.0.4 3.1 up 251
10.0.0.5 4.1 up 251
/dev/shm/lb.conf: VIPs: 2, backends: 3 (new: 1, gone: 1)
10.0.0.9 1.2 up 251
10.0.0.3 2.1 draining 0
10.0.0.5 4.1 up 251' '
		config "vip 10.9.0.1 80/tcp dsr" "check none" "backend 10.0.0.1" "backend 10.0.0.3" "backend 10.0.0.4"
		begin
		lbd drain --no-wait 10.0.0.3
		config "vip 10.9.0.2 80/tcp dsr" "check none" "backend 10.0.0.5" \
			"vip 10.9.0.1 80/tcp dsr" "check none" "backend 10.0.0.4" "backend 10.0.0.3"
		lbd reload; backends
		config "vip 10.9.0.1 80/tcp dsr" "check none" "backend 10.0.0.9" "backend 10.0.0.3" \
			"vip 10.9.0.2 80/tcp dsr" "check none" "backend 10.0.0.5"
		lbd reload; backends'
}

@test "lbd: mode, weight and limit change where a VIP stands; its addresses, replies and rings follow" {
	dump='dump() { bpftool -j map dump pinned $PINS/$1 | jq length; }
		all() { echo "$(dump vips) $(dump replies) $(bpftool -j map dump pinned $PINS/rings | jq "map(select(.key[0] != \"0x00\")) | length")"; }'
	tells 0 '3 2 2
1 dsr 7 1 1000
2 0 1
1 ipip 0 1 1
3 0 1' "$dump"'
		config "vip 10.9.0.1 80/tcp nat" "backend 10.0.0.1 8080" "vip 10.9.0.1 81/tcp nat" "backend 10.0.0.1 8081"
		begin; all
		config "vip 10.9.0.1 80/tcp dsr new-flows 7" "check none" "backend 10.0.0.1 weight 1000"
		lbd reload >/dev/null
		shown ".vips[] | \"\(.number) \(.mode) \(.new_flows_limit) \(.backends | length) \(.backends[0].weight)\""; all
		config "vip 10.9.0.1 80/tcp ipip" "check none" "backend 10.0.0.1" "vip 10.9.0.1 81/udp ipip"
		lbd reload >/dev/null
		shown ".vips[0] | \"\(.number) \(.mode) \(.new_flows_limit) \(.backends | length) \(.backends[0].weight)\""; all'
}

@test "lbd: a backend of another VIP answers for that one at once" {
	tells 0 'true' '
		config "vip 10.9.0.1 80/tcp nat" "check none" "backend 10.0.0.1 8080" "vip 10.9.0.2 80/tcp nat"
		begin
		config "vip 10.9.0.1 80/tcp nat" "vip 10.9.0.2 80/tcp nat" "check none" "backend 10.0.0.1 8080"
		lbd reload >/dev/null
		bpftool -j map dump pinned $PINS/replies | jq -c "length == 1 and .[0].formatted.value.address[3] == 33556746"'
}

@test "lbd: a number that changes hands counts from 0, and its flows are nobody's" {
	tells 0 '[true,1]
[0,0]' "$TWO"'
		begin
		bpftool map update pinned $PINS/backend_counts key 1 0 0 0 value $(printf "5 0 0 0 0 0 0 0 %.0s" {1..3})
		flow 1000 1 1 1
		shown "[.vips[0].backends[0] | .packets > 0, .open_flows]"
		config "vip 10.9.0.1 80/tcp nat" "check none" "backend 10.0.0.4 8080"
		lbd reload >/dev/null
		config "vip 10.9.0.1 80/tcp nat" "check none" "backend 10.0.0.5 8080" "backend 10.0.0.4 8080"
		lbd reload >/dev/null
		shown "[.vips[0].backends[] | select(.number == 1) | .packets, .open_flows]"'
}

@test "lbd: all VIPs and most backends make room for as many others" {
	tells 0 '/dev/shm/lb.conf: VIPs: 64, backends: 8128 (new: 8128, gone: 8128)
64 8128 64
0 0' '
		gen() { for v in {1..64}; do echo "vip 10.$1.0.$v 80/tcp nat"; echo "check none"; printf "backend 10.0.$v.%d 80\n" {1..127}; done; }
		gen 8 >$CONF; begin
		gen 9 >$CONF; lbd reload
		shown ".vips | \"\(length) \(map(.backends | length) | add) \(map(select((.backends | map(.slots) | add) == 251)) | length)\""
		config "vip 10.9.0.1 80/tcp nat"; lbd reload >/dev/null
		echo "$(shown ".vips[0].backends | length") $(bpftool -j map dump pinned $PINS/replies | jq length)"'
}

@test "lbd: what the kernel refuses is told, and who asked is told as well" {
	tells 1 'lbd: write the reply of 10.0.0.4 8080: Operation not permitted
lbd: write the reply of 10.0.0.4 8080: Operation not permitted' "$TWO"'
		begin
		bpftool map freeze pinned $PINS/replies
		config "vip 10.9.0.1 80/tcp nat" "check none" "backend 10.0.0.4 8080"
		status=0; lbd reload || status=$?
		errors-of server lbd; exit $status'
}

# -- deaths --------------------------------------------------------------------------------------

@test "lbd: an end, a kill -9 and a new one change nothing" {
	tells 0 'true' "$TWO"'
		begin
		lbd drain --no-wait 10.0.0.3
		rings() { bpftool -j map dump pinned $PINS/rings | jq -c "[.[].value]"; }
		before="$(rings) $(backends)"
		stop server lbd
		[ "$before" = "$(rings) $(shown ".vips" >/dev/null; backends)" ]
		begin; disown
		[ "$before" = "$(rings) $(backends)" ]
		kill -9 $(pid-of server lbd)
		begin
		[ "$before" = "$(rings) $(backends)" ] && shown .daemon'
}

@test "lbd: a kill -9 at any moment: the next one makes it what the file says" {
	tells 0 '' '
		one() { for v in {1..8}; do echo "vip 10.9.0.$v 80/tcp nat"; echo "check none"; printf "backend 10.0.$v.%d 80\n" {1..40}; done; }
		two() { for v in {5..12}; do echo "vip 10.9.0.$v 80/tcp nat"; echo "check none"; printf "backend 10.0.$v.%d 80\n" {21..60}; done; }
		one >$TMPDIR/one; two >$TMPDIR/two
		cp $TMPDIR/one $CONF; begin; stop server lbd
		for round in {1..25}; do
			behind -c $TMPDIR/two >/dev/null 2>&1; disown
			sleep 0.0$((round % 5))$((RANDOM % 10))
			kill -9 $pid 2>/dev/null || :; while kill -0 $pid 2>/dev/null; do :; done
			begin; stop server lbd
			[ "$(shown "[.vips[] | select((.backends | length) == 40 and (.backends | map(.slots) | add) == 251)] | length")" = 8 ]
			[ "$(bpftool -j map dump pinned $PINS/replies | jq length) $(bpftool -j map dump pinned $PINS/vips | jq length)" = "320 16" ]
			[ "$(bpftool -j map dump pinned $PINS/backends | jq "[.[].formatted.value | select(.vip != 0)] | length")" = 320 ]
		done'
}

@test "lbd: a second one" {
	tells 1 'lbd: start: another lbd runs in this network namespace' "$TWO"'; begin; lbd -c $CONF'
}

@test "lbd: it waits for a data plane, says once that there is none, and takes care of the next" {
	says 0 'lbd: no data plane is running: lb IFACE starts one
lbd: no data plane is running: lb IFACE starts one
ready
/dev/shm/lb.conf is applied to a new data plane
4093 true' "$WORDS$TWO"'
		early
		wait-for grep -q "no data plane" "$LOGS/server-lbd.err"
		start server build/lb -r 251 veth0
		wait-for said ready
		lbd stop
		two() { [ "$(errors-of server lbd | wc -l)" = 2 ]; }
		wait-for two
		start server build/lb -r 4093 veth0
		wait-for said new
		errors-of server lbd; output-of server lbd
		shown "\"\(.ring_size) \(([.vips[].backends[].slots] | add) == 4093)\""'
}

@test "lbd: for a new data plane it finds out anew who is down" {
	tells 0 '10.0.0.1 1.1 down 0' '
		config "vip 10.9.0.1 80/tcp nat" "check interval 0.1 fall 1" "backend 10.0.0.1 8080"
		begin
		wait-for said "is down"
		lbd stop
		wait-for ended server lb
		start server build/lb -r 251 veth0
		again() { [ "$(output-of server lbd | grep -c "is down")" = 2 ]; }
		wait-for again
		backends'
}

@test "lbd: a reload without a data plane is told, and done once there is one" {
	says 1 'lbd: /dev/shm/lb.conf is applied once a data plane runs: lb IFACE starts one
10.0.0.7' "$WORDS$TWO"'
		early
		wait-for grep -q "no data plane" "$LOGS/server-lbd.err"
		config "vip 10.9.0.1 80/tcp dsr" "check none" "backend 10.0.0.7"
		status=0; lbd reload || status=$?
		start server build/lb -r 251 veth0
		wait-for said ready
		shown ".vips[].backends[].address"; exit $status'
}

@test "lbd: SIGHUP has it read the file again; SIGTERM ends it well, and the data plane goes on" {
	tells 0 '10.0.0.7 3.1 up 251
false' "$TWO"'
		begin
		config "vip 10.9.0.1 80/tcp dsr" "check none" "backend 10.0.0.7"
		kill -HUP $(pid-of server lbd)
		wait-for said "new: 1, gone: 2"
		backends
		kill -TERM $(pid-of server lbd); wait $(pid-of server lbd)
		shown .daemon'
}

# -- checks --------------------------------------------------------------------------------------

@test "lbd: a backend that refuses is down, and up again when it answers; a new lbd knows" {
	tells 0 '10.0.0.1 1.1 down 0
10.0.0.2 2.1 up 251
10.0.0.1 1.1 down 0
10.0.0.2 2.1 up 251
ready
10.0.0.1 8080 of 10.9.0.1 80/tcp is up
10.0.0.1 1.1 up true' '
		serve server 8080
		config "vip 10.9.0.1 80/tcp nat" "check interval 0.1 fall 2 rise 2" "backend 10.0.0.1 8080" "backend 10.0.0.2 8080"
		begin
		wait-for said "^10.0.0.1 8080 of 10.9.0.1 80/tcp is down: Connection refused$"
		backends
		stop server lbd; begin
		backends
		serve client 8080
		wait-for said "is up$"
		output-of server lbd
		backends | sed -n "1s/[0-9]*$/true/p"'
}

@test "lbd: a backend that does not answer is down, also when only its port is checked; others do not wait" {
	tells 0 '10.0.0.9 of 10.9.0.1 80/tcp is down: Connection timed out
10.9.0.1 80/tcp has no backend for new flows
10.0.0.9 1.1 down 0
10.0.0.1 2.1 up 251' '
		serve client 22
		ip -n server neigh add 10.0.0.9 lladdr 02:00:00:00:00:99 dev veth0
		config "vip 10.9.0.1 80/tcp dsr" "check interval 0.1 timeout 0.2 fall 1" "backend 10.0.0.9" \
			"vip 10.9.0.2 53/udp nat" "check 22 interval 0.1 fall 1" "backend 10.0.0.1 5353"
		begin
		wait-for said "for new flows"
		output-of server lbd | tail -n +2
		backends'
}

@test "lbd: backends of both IP versions are checked, each by its own port" {
	tells 0 '10.0.0.1 2.1 up 251
fd00::1 1.1 up 251
10.0.0.1 of 10.9.0.1 81/tcp is down: Connection refused
fd00::1 8080 of fd09::1 80/tcp is down: Connection refused' '
		serve client 80 81 8080
		config "vip fd09::1 80/tcp nat" "check interval 0.1 fall 1" "backend fd00::1 8080" \
			"vip 10.9.0.1 81/tcp dsr" "check interval 0.1 fall 1" "backend 10.0.0.1"
		capture client veth0 "port 8080 or port 81"
		begin
		checked() { [ "$(output-of client tcpdump | grep -c " IP6* .*Flags \\[R")" -ge 6 ]; } # each ends with RST
		wait-for checked
		backends | sort
		kill $(ip netns pids client) 2>/dev/null
		both() { [ "$(output-of server lbd | grep -c "is down")" = 2 ]; }
		wait-for both
		output-of server lbd | grep "is down" | sort'
}

@test "lbd: who is not checked is up, though nobody is there; but it is connected to" {
	tells 0 '10.0.0.1 1.1 up 251
10.0.0.1 1.1 down 0
10.0.0.1 1.1 up 251' '
		capture client veth0 "tcp[tcpflags] & tcp-syn != 0 and dst port 8080"
		config "vip 10.9.0.1 80/tcp nat" "check none" "backend 10.0.0.1 8080"
		begin
		three() { [ "$(output-of client tcpdump | grep -c "Flags \[S\]")" -ge 3 ]; }
		wait-for three
		backends
		config "vip 10.9.0.1 80/tcp nat" "check interval 0.1" "backend 10.0.0.1 8080"
		lbd reload >/dev/null
		wait-for said "for new flows"
		backends
		config "vip 10.9.0.1 80/tcp nat" "check none" "backend 10.0.0.1 8080"
		lbd reload >/dev/null
		backends'
}

@test "lbd: fall and rise count in a row, and survive a reload" {
	tells 0 true '
		config "vip 10.9.0.1 80/tcp nat" "check interval 0.$SLOW fall 20" "backend 10.0.0.1 8080"
		capture client veth0 "tcp[tcpflags] == tcp-syn and dst port 8080"
		begin
		asked() { [ "$(output-of client tcpdump | wc -l)" -ge $1 ]; }
		wait-for asked 12
		lbd reload >/dev/null
		wait-for said "is down"
		n=$(output-of client tcpdump | wc -l)
		# If the reload began the count again, there would be 32 or more. Some checks may follow before this looks.
		[ $n -ge 20 ] && [ $n -le 31 ] && echo true || echo "$n connections"'
}

@test "lbd: five hundred backends are checked, and none waits for another; nothing is left in TIME_WAIT" {
	tells 0 'false 250 250 0' '
		on client ip addr add 10.1.0.0/16 dev lo
		ip -n server route add 10.1.0.0/16 via 10.0.0.1
		# The kernel answers for this listener, which takes the first connection and no other from its queue.
		on client socat TCP4-LISTEN:8080,fork,max-children=1,reuseaddr,backlog=4000 EXEC:"sleep 1000" 2>/dev/null 3>&- &
		{ echo "vip 10.9.0.1 80/tcp nat"; echo "check interval $((SLOW / 2)).5 fall 2"
			printf "backend 10.1.0.%d 8080\n" {1..250}; printf "backend 10.1.1.%d 8081\n" {1..250}; } >$CONF
		begin
		all() { [ "$(shown "[.vips[].backends[] | select(.state == \"down\")] | length")" = 250 ]; }
		wait-for all
		shown "[.vips[].backends[]] | map(select((.address | startswith(\"10.1.1.\")) == (.state == \"up\"))) == [] | not" | tr "\n" " "
		shown "\"\([.vips[].backends[] | select(.state == \"up\")] | length) \([.vips[].backends[] | select(.slots > 0)] | length)\"" | tr "\n" " "
		on server ss -tan state time-wait | tail -n +2 | wc -l'
}

# -- drain ---------------------------------------------------------------------------------------

@test "lbd: drain waits for the flows of the backend, and of no other" {
	tells 0 '2 flows are open
1 flows are open
10.0.0.1 is drained
10.0.0.1 1.1 draining 0
10.0.0.3 2.1 up 251' "$TWO"'
		begin
		flow 1000 1 1 1; flow 1001 1 1 1; flow 1002 1 2 1; flow 1003 1 1 9
		behind drain 10.0.0.1 >$TMPDIR/drain
		wait-for grep -q "2 flows" $TMPDIR/drain
		end-flow 1000 1
		wait-for grep -q "1 flows" $TMPDIR/drain
		bpftool map update pinned $PINS/flows key hex $(key 1001 1) value hex 01 00 01 00 01 00 00 00 # it is closing
		wait $pid
		cat $TMPDIR/drain; backends'
}

@test "lbd: drain ends when no packet comes, or at once, or when the backend goes" {
	tells 0 '1 flows are open
10.0.0.1:8080 is drained: no packet has come for 1 s
1 flows are open
10.0.0.1 is no backend any more' "$TWO"'
		begin
		flow 1000 1 1 1
		lbd drain --quiet 1 10.0.0.1:8080
		lbd drain --no-wait 10.0.0.1
		behind drain 10.0.0.1 >$TMPDIR/drain
		wait-for grep -q open $TMPDIR/drain
		config "vip 10.9.0.1 80/tcp dsr"; lbd reload >/dev/null
		wait $pid; cat $TMPDIR/drain'
}

@test "lbd: Ctrl-C, or somebody who undrains, ends the waiting" {
	tells 1 '10.0.0.1 1.1 draining 0
10.0.0.3 2.1 up 251
lbd: drain 10.0.0.1: interrupted; it stays draining, with 1 flows open
lbd: drain 10.0.0.1: somebody has undrained it' "$TWO"'
		begin
		flow 1000 1 1 1
		drain() { behind drain 10.0.0.1 >$TMPDIR/drain 2>>$TMPDIR/told; wait-for grep -q open $TMPDIR/drain; }
		drain; kill -INT $pid; ! wait $pid
		backends
		drain; lbd undrain 10.0.0.1; status=0; wait $pid || status=$?
		cat $TMPDIR/told; exit $status'
}

@test "lbd: draining lasts over reloads and restarts, and over what checks find, until undrain" {
	tells 0 '10.0.0.1 1.1 draining 0
10.0.0.1 1.1 draining 0
10.0.0.1 1.1 down 0
10.0.0.1 8080 of 10.9.0.1 80/tcp is up
10.0.0.1 1.1 up 251' '
		config "vip 10.9.0.1 80/tcp nat" "check interval 0.1 fall 2 rise 2" "backend 10.0.0.1 8080"
		serve client 8080
		begin
		lbd drain --no-wait 10.0.0.1
		lbd reload >/dev/null
		stop server lbd; begin
		backends
		kill $(ip netns pids client) 2>/dev/null
		wait-for said "is down"
		backends
		lbd undrain 10.0.0.1
		backends
		serve client 8080
		wait-for said "is up"
		output-of server lbd | tail -n 1
		backends'
}

@test "lbd: backends by address, or by address and port; what is none" {
	tells 1 '10.0.0.1 1.1 draining 0
10.0.0.1 2.1 up 251
fd00::1 3.1 draining 0
10.0.0.1 1.1 draining 0
10.0.0.1 2.1 draining 0
fd00::1 3.1 up 251
lbd: 10.0.0.1:82: no VIP has this backend
lbd: 10.0.0.9: no VIP has this backend
lbd: 10.0.0: not an address
lbd: 10.0.0.1:: which backend? as 10.0.6.11, 10.0.6.11:8080 or [fd00:6::11]:8080
lbd: 10.0.0.1:0: which backend? as 10.0.6.11, 10.0.6.11:8080 or [fd00:6::11]:8080
lbd: [fd00::1: which backend? as 10.0.6.11, 10.0.6.11:8080 or [fd00:6::11]:8080
lbd: [fd00::1]80: which backend? as 10.0.6.11, 10.0.6.11:8080 or [fd00:6::11]:8080
lbd: 10.0.0.1/32: an address, no prefix' '
		config "vip 10.9.0.1 80/tcp dsr" "check none" "backend 10.0.0.1" "vip 10.9.0.1 81/tcp nat" "check none" "backend 10.0.0.1 8081" \
			"vip fd09::1 80/tcp nat" "check none" "backend fd00::1 8080"
		begin
		lbd drain 10.0.0.1:80 >/dev/null; lbd drain [fd00::1]:8080 >/dev/null; backends
		lbd undrain fd00::1; lbd drain --no-wait 10.0.0.1; backends
		for each in 10.0.0.1:82 10.0.0.9 10.0.0 10.0.0.1: 10.0.0.1:0 "[fd00::1" "[fd00::1]80"; do ! lbd drain $each; done
		lbd undrain 10.0.0.1/32'
}

# -- who talks to it -----------------------------------------------------------------------------

# client SCRIPT: Python, with `s` connected to the daemon.
CLIENT='client() { on server ${PYTHON:-} /usr/bin/python3 -c "
import socket, sys
def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(b\"\\0underhood/lbd\")
    s.settimeout(3)
    return s
s = connect()
$1"; }
'

@test "lbd: garbage on its socket, a client that says nothing, or leaves, or is not root, does no harm" {
	needs /usr/bin/python3
	tells 0 "b'na client wants what is no command'
b'na client wants what is no command'
b''
b''
20 asleep
/dev/shm/lb.conf: VIPs: 1, backends: 2 (new: 0, gone: 0)" "$CLIENT$TWO"'
		begin
		client "s.send(bytes(range(256)) * 16); print(s.recv(100))"
		client "s.send(b\"drain\"); print(s.recv(100))"
		client "s.send(b\"\"); print(s.recv(100))"
		client "s.send(b\"reload\"); s.close()"
		PYTHON="'"$AS_USER"'" client "print(s.recv(100))"
		client "
import time
all = [connect() for i in range(20)]
print(len(all), \"asleep\", flush=True)
time.sleep(60)" >$TMPDIR/asleep 2>/dev/null 3>&- & disown
		wait-for grep asleep $TMPDIR/asleep; cat $TMPDIR/asleep
		lbd reload'
}

@test "lbd: another at its socket, who is not root, is not believed" {
	says 1 'lbd: reload: no lbd runs in this network namespace: lbd -c FILE starts one' "
		on server $AS_USER socat ABSTRACT-LISTEN:underhood/lbd,type=5,fork EXEC:cat 2>/dev/null &
		bound() { on server ss -xl | grep -q underhood; }
		wait-for bound
		on server build/lbd reload"
}

# -- what it shows -------------------------------------------------------------------------------

@test "lbd: status is a table, and JSON, of the maps alone" {
	tells 0 'VIP                           MODE         packets         bytes  new flows
10.9.0.1 80/tcp               nat                0             0          0
  10.0.0.1 8080  weight 1     up                 0                              0 %
  10.0.0.3 8080  weight 1     up                 0                              0 %
no lbd runs here: nobody checks the backends
{"number":1,"address":"10.9.0.1","port":80,"protocol":"tcp","mode":"nat","new_flows_limit":0,"packets":0,"bytes":0,"flows":0}
{"number":1,"address":"10.0.0.1","port":8080,"generation":1,"state":"up","weight":1,"packets":0,"bytes":0,"flows":0,"open_flows":1,"slots":126}
["daemon","ring_size","vips","reasons"]
{"replies":0,"icmp_errors":0,"pings":0,"unfollowed":0,"no_neighbor":0,"too_long":0,"fragments":0,"no_backend":0,"no_route":0,"expired":0}' "$TWO"'
		begin
		flow 1000 1 1 1
		stop server lbd
		lbd status
		shown ".vips[0] | del(.backends)"
		shown ".vips[0].backends[0]"
		shown keys_unsorted
		shown .reasons'
}

@test "lbd: status counts the packets and flows of a client, and draws whose they are" {
	tells 0 'VIP                           MODE         packets         bytes  new flows
10.9.0.1 80/udp               nat                8           344          8
  10.0.0.1 8080  weight 3     up                 6  ###################        75 %
  10.0.0.3 8080  weight 1     up                 2  ######                     25 %
10.9.0.2 80/udp               ipip               0             0          0
no backend 2, no route 8
{"packets":8,"bytes":344,"flows":8}
[[6,6],[2,2]]
{"no_backend":2,"no_route":8}' '
		config "vip 10.9.0.1 80/udp nat" "check none" "backend 10.0.0.1 8080 weight 3" "backend 10.0.0.3 8080" "vip 10.9.0.2 80/udp ipip"
		ip -n client route add 10.9.0.0/24 via 10.0.0.2
		begin
		datagram() { echo | on client socat -u - UDP:10.9.0.$1:80,bind=:$2,shut-none; }
		for port in 2000{1..8}; do datagram 1 $port; done
		datagram 2 20001; datagram 2 20002
		lbd status
		shown ".vips[0] | {packets, bytes, flows}"
		shown "[.vips[0].backends[] | [.packets, .flows]]"
		shown ".reasons | with_entries(select(.value > 0))"'
}

@test "lbd: status --watch shows it again each second; it ends with the data plane" {
	tells 1 '2 lbd: no data plane is running: lb IFACE starts one' "$TWO"'
		begin
		behind status --json --watch >$TMPDIR/status 2>$TMPDIR/told
		two() { [ "$(wc -l <$TMPDIR/status)" = 2 ]; }
		wait-for two
		lbd stop
		status=0; wait $pid || status=$?
		echo "$(jq -c .ring_size $TMPDIR/status | wc -l) $(cat $TMPDIR/told)"; exit $status'
}

@test "lbd: stop ends the data plane, and its loader with it" {
	tells 0 'lb: detached from veth0: the interface is gone, or somebody stopped the data plane' '
		lbd stop
		[ ! -e /sys/fs/bpf/lb ]
		wait-for ended server lb; errors-of server lb | tail -n 1'
}

@test "lbd: a write that fails is told" {
	tells 1 'lbd: write: No space left on device' 'lbd status >/dev/full'
}
