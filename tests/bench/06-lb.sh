#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What memory a flow takes, followed or not: the map has room for all of them from the start.
source "$(dirname "$0")/../../common/netns.sh"

MOST=110 # bytes

# bytes-of FLOWS: what the map of a load balancer for so many takes.
bytes-of() {
	local id

	start lb build/lb --flows "$1" veth0
	id=$(id-of map lb build/lb flows)
	bpftool map show id "$id" | sed -n 's/.*memlock \([0-9]*\)B.*/\1/p'
	stop lb build/lb
}

host client
host lb
wire client lb
router lb

# In the columns of bench.
printf '\n%-50s %8s\n' bytes cost
for flows in 65536 1048576; do
	bytes=$(bytes-of "$flows")
	awk -v flows="$flows" -v bytes="$bytes" -v most="$MOST" 'BEGIN {
		each = bytes / flows
		printf "%-50s %8.1f %27s  at most %d: %s\n", "a flow, of " flows, each, "", most,
			each <= most ? "met" : "MISSED"
	}'
done
