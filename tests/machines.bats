#!/usr/bin/env bats
# tests/machines: the file of what each machine has proved, and the table that is made of it.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	export MACHINES=$BATS_TEST_TMPDIR/machines.tsv
	# A line names the tree's commit. A copy of the tree without Git has no commit.
	git rev-parse HEAD >/dev/null 2>&1 || skip "the tree is not a Git repository"
}

@test "machines: a line for each machine and lab, sorted, and a later one replaces an earlier one" {
	tests/machines record "B, Linux 6.1" 02 10/10 ok 5/5 ""
	tests/machines record "B, Linux 6.1" 01 3/10 failed 1/5 "too slow"
	tests/machines record "A, Linux 6.12" 02 10/10 - 5/5 ""
	tests/machines record "B, Linux 6.1" 01 10/10 ok 5/5 ""
	run -0 cut -f 1-5 "$MACHINES"
	[ "$output" = "machine	lab	points	story	tests
A, Linux 6.12	02	10/10	-	5/5
B, Linux 6.1	01	10/10	ok	5/5
B, Linux 6.1	02	10/10	ok	5/5" ]
	run -0 awk -F '\t' '$6 == "too slow"' "$MACHINES"
	[ -z "$output" ]
	run ! grep -vP '\t\d{4}-\d\d-\d\d\t[0-9a-f]+\+?$' <(tail -n +2 "$MACHINES")
}

@test "machines: the table has a row for each lab and a column for each machine" {
	tests/machines record "B" 07 8/10 failed 4/5 "no jump"
	tests/machines record "A" 02 10/10 ok 5/5 ""
	tests/machines record "A" 03 - - - "no XDP"
	run -0 tests/machines table
	[ "${lines[0]}" = "| lab | A | B |" ]
	[ "${lines[2]}" = "| 02 | 10/10 | - |" ]
	[ "${lines[3]}" = "| 03 | not here: no XDP | - |" ]
	[ "${lines[4]}" = "| 07 | - | 8/10, story failed: no jump |" ]
}

@test "machines: what is not as it should be is refused, and the file stays as it was" {
	tests/machines record "A" 02 10/10 ok 5/5 ""
	before=$(cat "$MACHINES")
	run -1 tests/machines record "A" 02 9/10 ok 5/5 ""
	[[ $output == *"points are missing (9/10), and REASON does not say why" ]]
	run -1 tests/machines record "A" 02 - - - ""
	run -1 tests/machines record "A" 2 10/10 ok 5/5 ""
	run -1 tests/machines record "A" 02 ten ok 5/5 ""
	run -1 tests/machines record "A" 02 10/10 maybe 5/5 ""
	run -1 tests/machines record "A	B" 02 10/10 ok 5/5 ""
	run -2 tests/machines record "A"
	[ "$(cat "$MACHINES")" = "$before" ]
}

@test "machines: the table in the README is that of the file" {
	diff README.md <(MACHINES=tests/machines.tsv tests/machines readme) ||
		{ echo 'tests/machines readme >README.new && mv README.new README.md' && false; }
}

@test "machines: the file in the tree is one that tests/machines writes" {
	MACHINES=tests/machines.tsv tests/machines table >/dev/null
	[ "$(head -n 1 tests/machines.tsv)" = "$(printf 'machine\tlab\tpoints\tstory\ttests\treason\tdate\tcommit')" ]
	run -0 awk -F '\t' 'NF != 8' tests/machines.tsv
	[ -z "$output" ]
}
