#!/usr/bin/env bats
# The graded tests of lab 04. Each name begins with the exercise that it grades. Time stands still in
# most of them: the program's clock is set by the test.

load helper

setup() {
	briefly
	lasting client server || { host client && host server && wire client server; }
	requires server xdp
	rm -rf /sys/fs/bpf/maps
}

# firewall: attaches the data plane.
firewall() {
	attach server build/maps veth0
}

# ctl COMMAND…: the control plane does it.
ctl() {
	on server build/mapsctl "$@" >"$BATS_TEST_TMPDIR/ctl" || wrong "mapsctl $*" "status $?"
}

# counters PROTOCOL|VERDICT NAME: packets and bytes that mapsctl stats shows for it.
counted-as() {
	on server build/mapsctl stats --json | jq -r ".$1.$2 | \"\(.packets) \(.bytes)\""
}

# counts KIND NAME PACKETS BYTES: that is what has been counted.
counts() {
	local got

	got=$(counted-as "$1" "$2")
	[ "$got" = "$3 $4" ] || wrong "$2: $3 packets, $4 bytes" "packets and bytes: $got"
}

# set-variable NAME VALUE: sets a global variable of 64 bits in the program.
set-variable() {
	local bytes

	bytes=$(dump bss | jq --arg name "$1" --argjson value "$2" -r '
		[.[0].formatted.value[".bss"][] | to_entries[0]
			| if .key == $name then .value = $value else . end | .value] | map(
				. as $n | range(8) | ($n / pow(256; .) | floor) % 256) | join(" ")')
	# shellcheck disable=SC2086 # a byte each
	bpftool map update pinned "$PINS/maps/bss" key 0 0 0 0 value $bytes
}

# at MILLISECONDS: it is that time, from now on.
at() {
	set-variable clock $((1000000000000 + $1 * 1000000))
}

# passed N: of N frames more, how many pass. (The frame that was sent last.)
passes-of() {
	local n passed=0

	for ((n = 0; n < $1; n++)); do
		send "$FRAME"
		[ "$(got-verdict)" = XDP_DROP ] || passed=$((passed + 1))
	done
	echo "$passed"
}
