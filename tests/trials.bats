#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Which trials are left out: only those that are proved with the very inputs that they have now (tests/proved.bash). Nothing
# is judged here.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	mkdir "$BATS_TEST_TMPDIR/tree"
	tar --exclude=./build --exclude=./.git -c . | tar -x -C "$BATS_TEST_TMPDIR/tree"
	cd "$BATS_TEST_TMPDIR/tree" || return
	source tests/proved.bash
	export TENTH=none # nothing is repeated
	unset FULL TOOLS ON_02 ON_06
}

# prove TRIAL…: write the notes which say that these trials ended well with the present inputs.
prove() {
	notes . "$@" >"$PROVED"
}

# is-due TRIAL: succeed if a run would repeat this trial. is-left-out TRIAL: succeed if a run would leave it out.
is-due() {
	[ -n "$(due "$1" 2>/dev/null)" ]
}

is-left-out() {
	[ -z "$(due "$1" 2>/dev/null)" ]
}

WHEAT=tests/wheats/02/flat.bpf.c

@test "trials: what is proved is left out, and that is said" {
	MUTANT=$(compgen -G 'tests/mutants/06/6.1-*' | head -n 1)
	prove "$MUTANT" "$WHEAT"
	run -0 --separate-stderr due "$MUTANT" "$WHEAT"
	[ -z "$output" ]
	# shellcheck disable=SC2154 # `run` has set it
	[[ $stderr == '# 2 trials are left out: '* ]]
}

@test "trials: after a change of any input, a trial is due again" {
	for change in Makefile common/csum.h common/netns.sh labs/02-xdp-drop/xdp_drop.{bpf.c,c,h} labs/05-tc/tc.h tests/02-xdp-drop.bats \
		tests/helper.bash tests/through.c tests/packets/tcp4.hex tests/trials "$WHEAT"; do
		prove "$WHEAT"
		is-left-out "$WHEAT"
		cp "$change" "$BATS_TEST_TMPDIR/as-it-was"
		echo >>"$change"
		is-due "$WHEAT" || { echo "not due after a change of $change" && false; }
		cp "$BATS_TEST_TMPDIR/as-it-was" "$change"
		is-left-out "$WHEAT"
	done
	echo >tests/packets/new.hex
	is-due "$WHEAT"
}

@test "trials: on another kernel, or with other tools, it is due again" {
	prove "$WHEAT"
	# shellcheck disable=SC2317 # kernel() calls it
	uname() { echo 7.9.1; }
	is-due "$WHEAT"
	unset -f uname
	is-left-out "$WHEAT"
	TOOLS=$(CLANG="echo" tools)
	is-due "$WHEAT"
}

@test "trials: a lab on a kernel for the VM is due after a change of the kernel, of the VM or of the lab" {
	trial=tests/kernels/02/newest
	offered() { printf '#!/bin/sh\necho %s\n' "$1" >common/vm/kernel && chmod +x common/vm/kernel; }
	offered 7.8.9+a
	prove "$trial"
	offered 7.9.1 # is the newest now
	is-due "$trial"
	offered 7.8.9+a
	is-left-out "$trial"
	for change in common/vm/init labs/02-xdp-drop/test.sh tests/kernels tests/verified.tsv; do
		cp "$change" "$BATS_TEST_TMPDIR/as-it-was"
		echo >>"$change"
		is-due "$trial" || { echo "not due after a change of $change" && false; }
		cp "$BATS_TEST_TMPDIR/as-it-was" "$change"
	done
	is-left-out "$trial"
}

@test "trials: what concerns another lab leaves it proved" {
	prove "$WHEAT"
	for change in labs/03-parsing/parsing.bpf.c labs/02-xdp-drop/README.md tests/{03-parsing,vm}.bats common/doctor.sh; do echo >>"$change"; done
	is-left-out "$WHEAT"
}

@test "trials: ten tenths are the whole, and FULL=1 is all at once" {
	shopt -s nullglob
	set -- tests/mutants/0[12]/*
	prove "$@"
	[ "$(for TENTH in {0..9}; do due "$@" 2>/dev/null; done | sort)" = "$(printf '%s\n' "$@" | sort)" ]
	[ "$(FULL=1 due "$@")" = "$(printf '%s\n' "$@")" ]
}

@test "trials: of the notes of a trial the last counts, and none that it failed or is gone" {
	shopt -s nullglob
	set -- tests/mutants/02/*
	set -- "${@:1:3}"
	prove "$@"
	note "$1"$'\tbefore\tbefore' 0
	note "$(notes . "$2")" 1
	rm "$3"
	settle-notes
	[ "$(cat "$PROVED")" = "$1"$'\tbefore\tbefore' ]
}

@test "trials: a copy of the tree for a trial holds its inputs, and nothing else" {
	mkdir build && echo >build/tool
	# shellcheck disable=SC2034 # copy-tree() reads it
	copy=$BATS_TEST_TMPDIR/copy NAME=02/flat
	# shellcheck disable=SC1090 # that function alone
	source <(sed -n '/^copy-tree() {/,/^}/p' tests/trials)
	mkdir "$copy"
	copy-tree "$WHEAT"
	[ "$(cd "$copy" && find . -type f ! -path './build/*' -printf '%P\n' | sort)" = "$(lab-inputs 02 | sort)" ]
	[ "$(ls "$copy/build")" = tool ]
}
