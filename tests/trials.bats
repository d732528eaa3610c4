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
	cd "$BATS_TEST_TMPDIR/tree"
	source tests/proved.bash
	export TENTH=none # nothing is repeated
	unset FULL
}

# prove FILE…: notes that these trials ended well.
prove() {
	notes . "$@" >"$PROVED"
}

# is-due FILE: would its trial be run?
is-due() {
	[ -n "$(due "$1" 2>/dev/null)" ]
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
		! is-due "$WHEAT"
		cp "$change" "$BATS_TEST_TMPDIR/as-it-was"
		echo >>"$change"
		is-due "$WHEAT" || { echo "not due after a change of $change" && false; }
		cp "$BATS_TEST_TMPDIR/as-it-was" "$change"
		! is-due "$WHEAT"
	done
	echo >tests/packets/new.hex
	is-due "$WHEAT"
}

@test "trials: on another kernel, or with other tools, it is due again" {
	prove "$WHEAT"
	uname() { echo 7.9.1; }
	is-due "$WHEAT"
	unset -f uname
	! is-due "$WHEAT"
	TOOLS=$(CLANG=echo tools)
	is-due "$WHEAT"
}

@test "trials: what concerns another lab leaves it proved" {
	prove "$WHEAT"
	for change in labs/03-parsing/{parsing.bpf.c,README.md} tests/{03-parsing,vm}.bats common/doctor.sh; do echo >>"$change"; done
	! is-due "$WHEAT"
}

@test "trials: ten tenths are the whole, and FULL=1 is all at once" {
	shopt -s nullglob
	set -- tests/mutants/0[12]/*
	prove "$@"
	[ "$(for TENTH in {0..9}; do due "$@" 2>/dev/null; done | sort)" = "$(printf '%s\n' "$@" | sort)" ]
	[ "$(FULL=1 due "$@")" = "$(printf '%s\n' "$@")" ]
}

@test "trials: of the notes of a trial the last counts, and none that it failed or is gone" {
	set -- $(compgen -G 'tests/mutants/02/*' | head -n 3)
	prove "$@"
	note "$1"$'\tbefore\tbefore' 0
	note "$(notes . "$2")" 1
	rm "$3"
	settle-notes
	[ "$(cat "$PROVED")" = "$1"$'\tbefore\tbefore' ]
}

@test "trials: a copy of the tree for a trial holds its inputs, and nothing else" {
	mkdir build && echo >build/tool
	copy=$BATS_TEST_TMPDIR/copy NAME=02/flat
	source <(sed -n '/^copy-tree() {/,/^}/p' tests/trials)
	mkdir "$copy"
	copy-tree "$WHEAT"
	[ "$(cd "$copy" && find . -type f ! -path './build/*' -printf '%P\n' | sort)" = "$(lab-inputs 02 | sort)" ]
	[ "$(ls "$copy/build")" = tool ]
}
