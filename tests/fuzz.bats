#!/usr/bin/env bats
# The fuzzer of common/parse.h, for FUZZ_SECONDS (10); and proof that it would find something.

bats_require_minimum_version 1.5.0
load needs

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
	needs-fuzzer
}

# needs-fuzzer: skip the test if clang has no fuzzer, with the reason. Where CI is set, the test fails.
needs-fuzzer() {
	echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }' |
		clang -fsanitize=fuzzer,address -x c -o "$BATS_TEST_TMPDIR/nothing" - 2>/dev/null && return
	lacks 'clang has no libFuzzer here: make deps FOR=test'
}

@test "fuzz: no frame fools the parser" {
	run -0 make fuzz SECONDS="${FUZZ_SECONDS:-10}"
	[[ $output =~ ([0-9]+)" frames in" ]]
	[ "${BASH_REMATCH[1]}" -gt 100000 ]
}

# fooled PATTERN COMMAND…: in a copy of the tree that COMMAND changes, the fuzzer finds a frame, says
# PATTERN of it, and shows it.
fooled() {
	local pattern=$1
	shift

	cp -r --preserve=mode,timestamps Makefile common labs tests build "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return
	"$@"
	run ! cmp -s common/parse.h "$OLDPWD/common/parse.h"
	run -2 make fuzz
	[[ $output == *$pattern*"this frame fools the parser:"* ]]
}

@test "fuzz: a parser that looks one byte too far is found, and the frame is shown" {
	fooled heap-buffer-overflow sed -i 's/size > c->left ||/size > c->left + 1 ||/
		s/start + size > c->end/start + size > c->end + 1/' common/parse.h
}

@test "fuzz: a parser that takes padding for data is found" {
	fooled "deadly signal" sed -i 's/^	c->left = size;/	(void)size;/' common/parse.h
}
