# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# For tests that need a program which the labs themselves do not need, so `make deps` may not have installed it.

# needs COMMAND…: skip the test if one of these commands is missing, with the reason. Where CI is set, the test fails.
needs() {
	local command

	for command; do
		! (source common/path.sh && command -v "$command") >/dev/null || continue
		lacks "there is no $command: make deps FOR=test" || return
	done
}

# lacks REASON: skip the test with this reason. Where CI is set, the test fails.
lacks() {
	[ -z "${CI:-}" ] || { echo "$1" && return 1; }
	skip "$1"
}
