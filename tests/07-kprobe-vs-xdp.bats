#!/usr/bin/env bats
# The graded tests of lab 07. Each name begins with the exercise that it grades. Probes cannot be run
# on a frame by themselves, so all packets are real: datagrams from one host to another, of known size.

bats_require_minimum_version 1.5.0

load helper

setup() {
	briefly
	lasting client server || { host client && host server && wire client server && quiet; }
	on server nft 'table ip slow; delete table ip slow' # what another test has left
}

# quiet: nobody complains about datagrams that no program waits for.
quiet() {
	for host in client server; do
		on "$host" nft 'table ip quiet { chain output { type filter hook output priority filter
			icmp type destination-unreachable drop; }; }'
	done
}

# The keys of `counts`.
XDP=0 FENTRY=4 FEXIT=5 KPROBE=6 KRETPROBE=8

HEADERS=28 # bytes of IPv4 and UDP, which a function of the IPv4 layer sees
FRAME=42 # and with the Ethernet header

# count-by HOOK…: attaches these hooks, and no others, to the server.
count-by() {
	local IFS=,

	attach server build/kprobe_vs_xdp -o "$*" veth0
	snapshot
}

# arrive N SIZE: so many datagrams, of SIZE bytes of data, come from the client.
arrive() {
	on client build/volley 10.0.0.2 9 "$@" >/dev/null
}

# strangers: packets that are none of ours: to the client, whose interface has the same number as the server's,
# and to the server by another interface.
strangers() {
	on server build/volley 10.0.0.1 9 7 >/dev/null
	on server build/volley 127.0.0.1 9 7 >/dev/null
}

# -- 7.1: XDP ------------------------------------------------------------------------------------

@test "7.1 [2] XDP counts each frame, and all of its bytes" {
	count-by xdp
	# shellcheck disable=SC2034 # send reads it
	TESTED=on_xdp
	for name in ipv4-tcp22 arp ipv6-udp22 vlan-tcp22; do
		snapshot
		send "$name"
		verdict XDP_PASS
		counted counts $XDP "1,$((${#INPUT} / 4))"
	done
}

@test "7.1 [2] on a real wire too, in native mode and in generic" {
	for mode in native generic; do
		attach server build/kprobe_vs_xdp -o xdp -m "$mode" veth0
		snapshot
		arrive 50 100
		arrive 5 1000
		counted counts $XDP "55,$((50 * (100 + FRAME) + 5 * (1000 + FRAME)))"
		stop server build/kprobe_vs_xdp
	done
}

# -- 7.2: a kprobe -------------------------------------------------------------------------------

@test "7.2 [2] a kprobe counts each packet, with its length" {
	requires server kprobe
	count-by kprobe
	arrive 50 100
	counted counts $KPROBE "50,$((50 * (100 + HEADERS)))"
	arrive 5 1000
	counted counts $KPROBE "55,$((50 * (100 + HEADERS) + 5 * (1000 + HEADERS)))"
}

@test "7.2 [2] it sees all that the kernel receives, and counts what arrives on the interface" {
	requires server kprobe
	count-by kprobe
	strangers
	arrive 3 0
	strangers
	counted counts $KPROBE "3,$((3 * HEADERS))"
}

# -- 7.3 and 7.4: how long it took ---------------------------------------------------------------

# in-slots MAP [LOW HIGH]: how many times are in the histogram's slots from LOW to HIGH; default: in all.
in-slots() {
	local slot sum=0

	for slot in $(moved "$1"); do
		((${slot%:*} < ${2:-0} || ${slot%:*} > ${3:-99})) || sum=$((sum + ${slot#*:}))
	done
	echo "$sum"
}

# timed N MAP HOOK: N packets have been timed, each once.
timed() {
	local got

	got=$(in-slots "$2")
	[ "$got" = "$1" ] || wrong "$1 times in $2" "$got: $(moved "$2")" || return
	counted counts "$3" "$1,0"
}

# slow-down: from now on netfilter asks 10,000 questions about each packet that the server's IPv4 layer
# hands on, inside the probed function: nearly all of the time that it takes to send one.
slow-down() {
	on server nft -f - <<-END
		table ip slow {
			chain hundred { $(printf 'meta length 1 drop; %.0s' {1..100}) }
			chain tenfold { $(printf 'jump hundred; %.0s' {1..10}) }
			chain input {
				type filter hook input priority filter
				$(printf 'jump tenfold; %.0s' {1..10})
			}
		}
	END
}

# as-slow MAP: most of the times in MAP, the shortest first, are in the slot of what a packet took to send, the shortest
# first, or in the one below.
as-slow() {
	local took got

	snapshot
	took=$(on client build/volley 10.0.0.2 9 50)
	got=$(moved "$1")
	tr ' :' '\n ' <<<"$got" | sort -n | awk '
		NR == FNR { for (; $2 > 0; $2--) slot[++n] = $1; next }
		{ for (expected = 0; $1 >= 2 ^ (expected + 1); ) expected++; near += expected - slot[FNR] ~ /^[01]$/ }
		END { exit !(near * 2 > FNR && n == FNR) }' - <(echo "$took") ||
		wrong "50 times in $1, somewhat less than the packets took to send:"$'\n'"$(xargs <<<"$took") ns" "slot:times $got"
}

@test "7.3 [3] by kprobe and kretprobe each packet is timed, once" {
	requires server kprobe
	count-by kprobe kretprobe
	arrive 50 100
	timed 50 kretprobe_times $KRETPROBE
}

@test "7.3 [3] what is none of ours is not timed" {
	requires server kprobe
	count-by kprobe kretprobe
	strangers
	arrive 3 100
	strangers
	timed 3 kretprobe_times $KRETPROBE
}

@test "7.3 [3] the time is the function's, in the slot of its highest bit" {
	requires server kprobe
	count-by kprobe kretprobe
	slow-down
	as-slow kretprobe_times
}

@test "7.4 [3] fentry counts each packet, with its length; fexit times it" {
	requires server fentry
	count-by fentry fexit
	arrive 50 100
	counted counts $FENTRY "50,$((50 * (100 + HEADERS)))"
	timed 50 fexit_times $FEXIT
}

@test "7.4 [3] what is none of ours is neither counted nor timed" {
	requires server fentry
	count-by fentry fexit
	strangers
	arrive 3 100
	strangers
	counted counts $FENTRY "3,$((3 * (100 + HEADERS)))"
	timed 3 fexit_times $FEXIT
}

@test "7.4 [3] the time is the function's" {
	requires server fentry
	count-by fentry fexit
	slow-down
	as-slow fexit_times
}

@test "7.4 [3] the packet is read as the verifier knows it, without a helper" {
	requires server fentry
	count-by fentry fexit
	arrive 1 100
	counted counts $FENTRY "1,$((100 + HEADERS))"
	run ! grep -o 'bpf_probe_read[a-z_]*' <(bpftool prog dump xlated pinned "$PINS/on_fentry")
}

# -- 7.5: explained by measuring -----------------------------------------------------------------

# answer QUESTION: what the file of answers says, for this processor if it has a line `QUESTION on PROCESSOR`; nothing when
# it has no such line.
answer() {
	local question said

	for question in "$1 on $(uname -m)" "$1"; do
		said=$(sed -nE "s/^${question}[[:space:]]*=[[:space:]]*(.*[^[:space:]])[[:space:]]*$/\1/p" labs/07-kprobe-vs-xdp/answers)
		[ -z "$said" ] || break
	done
	tail -n 1 <<<"$said"
}

# is QUESTION MEASURED: that is the answer.
is() {
	local said

	said=$(answer "$1")
	[ "$said" = "$2" ] || wrong "$1 = $2, as measured here" "${said:-no answer} (labs/07-kprobe-vs-xdp/answers)"
}

# is-about QUESTION MEASURED: the answer is a number, and neither is more than two and a half times the other.
is-about() {
	local said

	said=$(answer "$1")
	awk -v said="$said" -v measured="$2" 'BEGIN { exit !(said > 0 && said <= 2.5 * measured && measured <= 2.5 * said) }' ||
		wrong "$1 about $2, as measured here" "${said:-no answer} (labs/07-kprobe-vs-xdp/answers)"
}

# least FILE: of each hook on a function what it adds, by the least that packets took with it and without: what else
# the machine does can only take longer.
least() {
	awk -F '\t' '$1 == "no hook" { without = $6 } /^(k|fe)/ { printf "%s\t%.0f\n", $1, $6 - without }' "$1"
}

# is-dearest FILE: the hook that the answer names costs the most of those on a function; or nearly.
is-dearest() {
	local said

	said=$(answer dearest)
	least "$1" | awk -F '\t' -v said="$said" '
		{
			sub(/^kprobe, /, "")
			if ($2 > most) most = $2
			if ($1 == said) cost = $2
		}
		END { exit !(cost > 0.75 * most) }' ||
		wrong "dearest = the one that costs most here"$'\n'"$(least "$1")" "$said (labs/07-kprobe-vs-xdp/answers)"
}

# field WAY N FILE: that column of the line of that way, tabs between them.
field() {
	awk -F '\t' -v way="$1" -v n="$2" '$1 == way { print $n }' "$3"
}

@test "7.5 [2] what the kernel writes into its code is what text finds there" {
	requires server kprobe
	local found=$BATS_TEST_TMPDIR/text offset

	on server build/kprobe_vs_xdp text --summary veth0 >"$found"
	is entry "$(field 'kprobe, ftrace' 4 "$found")"
	offset=$(field 'kprobe, jump' 4 "$found")
	[ "$offset" != - ] || offset=$(field 'kprobe, int3' 4 "$found") # a kernel that makes no jump
	is offset "$offset"
	is unoptimized "$(field 'kprobe, int3' 4 "$found")"
	is xdp-places "$(field 'XDP, native' 2 "$found")"
}

@test "7.5 [2] what a hook costs is what cost measures" {
	requires server kprobe
	local found=$BATS_TEST_TMPDIR/cost int3

	on server build/kprobe_vs_xdp cost --from client --tsv veth0 >"$found"
	is-dearest "$found"
	int3=$(least "$found" | sed -n 's/^kprobe, int3\t//p')
	is-about int3-percent "$(awk -v int3="$int3" -v path="$(field 'no hook' 6 "$found")" \
		'BEGIN { printf "%.1f", 100 * int3 / path }')"
}
