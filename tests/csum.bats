#!/usr/bin/env bats
# common/csum.h, compiled natively, against the checksum's definition.

@test "csum: the incremental update agrees with a new sum, in two million cases" {
	cd "$BATS_TEST_DIRNAME/.."
	gcc -O2 -Wall -Wextra -Werror -Icommon tests/csum.c -o "$BATS_TEST_TMPDIR/csum"
	"$BATS_TEST_TMPDIR/csum"
}
