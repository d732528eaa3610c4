#!/usr/bin/env bats
# What each program costs the verifier, against tests/verified.tsv.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	KERNEL=$(uname -r | cut -d. -f1,2)
	CLANG=$(clang -dumpversion | cut -d. -f1)
}

# rows: the lines of the table for this kernel and this clang: NAME INSTRUCTIONS COMMAND…
rows() {
	awk -v kernel="$KERNEL" -v clang="$CLANG" '$1 == kernel && $2 == clang { $1 = $2 = ""; print }' \
		tests/verified.tsv
}

# cost NAME COMMAND…: how many instructions the verifier followed of the program NAME that this loads.
cost() {
	common/netns.sh bash -euo pipefail -c 'source tests/helper.bash; name=$1; shift
		host client; host server; wire client server
		start server "$@"
		pin server "$1"
		build/verified "$PINS/$name"' - "$@" | cut -d' ' -f2
}

@test "verified: no program costs the verifier a tenth more than the table says" {
	[ -n "$(rows)" ] || skip "no rows for kernel $KERNEL and clang $CLANG in tests/verified.tsv"
	while read -r name expected command; do
		# shellcheck disable=SC2086 # a word each
		got=$(cost "$name" $command)
		[ "$got" -le $((expected * 11 / 10)) ] || {
			echo "$name: the verifier followed $expected instructions, now $got:"
			echo "if that is worth it, say why in tests/verified.tsv"
			false
		}
	done < <(rows)
}

@test "verified: the table has a row for each program of each lab" {
	for source in labs/*/*.bpf.c; do
		sed -n '/^SEC("[a-z]/ { n; s/^int \([a-z_]*\)(.*/\1/p }' "$source"
	done | sort >"$BATS_TEST_TMPDIR/programs"
	[ -s "$BATS_TEST_TMPDIR/programs" ]
	while read -r pair; do
		awk -v pair="$pair" '$1 " " $2 == pair { print $3 }' tests/verified.tsv | sort -u |
			comm -23 "$BATS_TEST_TMPDIR/programs" - >"$BATS_TEST_TMPDIR/missing"
		[ ! -s "$BATS_TEST_TMPDIR/missing" ] || { echo "$pair: $(cat "$BATS_TEST_TMPDIR/missing")" && false; }
	done < <(awk '/^[0-9]/ { print $1, $2 }' tests/verified.tsv | sort -u)
}
