# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# For tests that run outside the sandbox: waiting on an event, as `wait-for` of common/netns.sh does.

# wait-for COMMAND…: runs COMMAND until it succeeds; fails when it has not within 10 s, and says for what it has waited.
wait-for() {
	local end=$((SECONDS + 10))

	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { echo "waited 10 s in vain for: $*" >&2 && return 1; }
		sleep 0.05
	done
}
