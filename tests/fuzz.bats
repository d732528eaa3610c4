#!/usr/bin/env bats
# The fuzzer of common/parse.h, for FUZZ_SECONDS (10); and proof that it would find something.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
}

@test "fuzz: no frame fools the parser" {
	run -0 make fuzz SECONDS="${FUZZ_SECONDS:-10}"
	[[ $output =~ ([0-9]+)" frames in" ]]
	[ "${BASH_REMATCH[1]}" -gt 100000 ]
}

@test "fuzz: a parser that looks one byte too far is found, and the frame is shown" {
	cp -r --preserve=mode,timestamps Makefile common labs tests build "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	sed -i 's/size > c->left ||/size > c->left + 1 ||/; s/start + size > c->end/start + size > c->end + 1/' common/parse.h
	run ! cmp -s common/parse.h "$OLDPWD/common/parse.h"
	run -2 make fuzz
	[[ $output == *"heap-buffer-overflow"*"this frame fools the parser:"* ]]
}
