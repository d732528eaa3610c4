#!/usr/bin/env bats
# What each program costs the verifier, against tests/verified.tsv.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	TABLE=tests/verified.tsv
}

@test "verified: no program costs the verifier a tenth more than the table says" {
	cat "${NOW:-/dev/null}" >"$BATS_TEST_TMPDIR/now" # where they have been counted already
	[ -n "${NOW:-}" ] || tests/verified >"$BATS_TEST_TMPDIR/now"
	read -r kernel clang _ <"$BATS_TEST_TMPDIR/now"
	grep -q "^$kernel $clang " "$TABLE" || skip "no lines for kernel $kernel, clang $clang in $TABLE"
	run -0 awk '
		{ program = $1 " " $2 " " $3; cost = $4; $1 = $2 = $3 = $4 = ""; command = $0 }
		NR == FNR { was[program command] = cost; next }
		cost > 1.1 * was[program command] {
			print program ": the verifier followed " was[program command] " instructions, now " cost
			print "if that is worth it, say why in the table"
		}' "$TABLE" "$BATS_TEST_TMPDIR/now"
	[ -z "$output" ] || { echo "$output" && false; }
}

@test "verified: the table has a line for each program of each lab" {
	for lab in labs/*; do
		stem=${lab#*-}
		sed -nE '/^SEC\("\??[a-z]/ { n; s/^int (BPF_[A-Z]+\()?([a-z_]+)[(,].*/\2/p }' "$lab/${stem//-/_}.bpf.c"
	done | sort >"$BATS_TEST_TMPDIR/programs"
	[ -s "$BATS_TEST_TMPDIR/programs" ]
	while read -r pair; do
		awk -v pair="$pair" '$1 " " $2 == pair { print $3 }' "$TABLE" | sort -u |
			comm -23 "$BATS_TEST_TMPDIR/programs" - >"$BATS_TEST_TMPDIR/missing"
		[ ! -s "$BATS_TEST_TMPDIR/missing" ] || { echo "$pair: $(cat "$BATS_TEST_TMPDIR/missing")" && false; }
	done < <(awk '/^[0-9]/ { print $1, $2 }' "$TABLE" | sort -u)
}
