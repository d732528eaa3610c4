#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A machine whose IPv6 is switched off, in a VM. Where it is only disabled by default, the test network has it all the same.
# Where the kernel has none, what needs it on a wire is skipped, and no student loses points.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	! common/vm/or-here --inside || skip 'this is a VM already'
	common/vm/kernel 6.12 >"$BATS_TEST_TMPDIR/kernel" 2>&1 && return
	[ -z "${CI:-}" ] || { cat "$BATS_TEST_TMPDIR/kernel" && return 1; }
	skip "$(tail -n 1 "$BATS_TEST_TMPDIR/kernel")"
}

# booted WORD: boots a kernel with WORD on its command line, and runs lab 03's story and lab 02's grading there. (Where CI is
# set, a test that is skipped would be a failure; here it is what should happen.)
booted() {
	make -s tools build/parsing build/xdp_drop
	run --separate-stderr env -u CI common/vm/run -t 800 -p "$1" bash -c '
		cat /proc/cmdline; common/netns.sh labs/03-parsing/test.sh && tests/check 02'
	# shellcheck disable=SC2154 # `run` has set it
	[[ "status $status $output" == "status 0 "*" $1"* ]] || { echo "status $status: $output"$'\n'"$stderr" && false; }
}

@test "ipv6: disabled by default, and the test network has it" {
	booted ipv6.disable_ipv6=1
	[[ $output == *"client# socat -u TCP:[fd00::2]:80"*"14 of 14 points" ]]
	[[ $output != *"left out"* ]]
	[[ $output != *"not all of its tests"* ]]
}

@test "ipv6: none in the kernel, and only what needs it is left out" {
	booted ipv6.disable=1
	[[ $output == *"(left out: this kernel has no IPv6)"*"14 of 14 points" ]]
	[[ $output == *"  ✓ 2.6 "*"not all of its tests were run: this kernel has no IPv6"* ]]
}
