#!/usr/bin/env bats
# The chapters tell the truth: their excerpts stand in the sources, their commands run, and what the
# commands print is what the chapter shows (numbers aside: ids, times and sizes differ by machine).

bats_require_minimum_version 1.5.0
load needs

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
}

# -- excerpts ------------------------------------------------------------------------------------

# blocks KIND FILE: writes each fenced block of that kind to $BATS_TEST_TMPDIR/KIND.1, .2 …
blocks() {
	awk -v kind="$1" -v to="$BATS_TEST_TMPDIR/$1." '
		$0 == "```" kind { n++; on = 1; next }
		$0 == "```" { on = 0 }
		on { print > to n }' "$2"
}

# stands-in EXCERPT FILE…: the lines of EXCERPT follow one another in one of the files.
stands-in() {
	local excerpt file source

	excerpt=$(cat "$1")
	shift
	for file; do
		source=$'\n'$(cat "$file")$'\n'
		[[ $source != *$'\n'"$excerpt"$'\n'* ]] || return 0
	done
	printf 'not in %s:\n%s\n' "$*" "$excerpt"
	return 1
}

@test "chapters: every excerpt stands in the sources as it is shown" {
	for chapter in labs/*/README.md; do
		rm -f "$BATS_TEST_TMPDIR"/c.*
		blocks c "$chapter"
		for excerpt in "$BATS_TEST_TMPDIR"/c.*; do
			stands-in "$excerpt" "$(dirname "$chapter")"/*.[ch] common/*.[ch]
		done
	done
}

# exercises LAB: "NUMBER [POINTS]" of each exercise of a lab, whichever source it is in.
exercises() {
	grep -oh "EXERCISE $((10#${1%%-*}))\.[0-9]* \[[0-9]\]" "labs/$1"/*.bpf.c "labs/$1"/answers common/*.h 2>/dev/null |
		sed 's/EXERCISE //' | sort -u
}

@test "chapters: every exercise of a program has its section, with the same points" {
	for lab in labs/*; do
		lab=${lab#labs/}
		[ "$(exercises "$lab")" = "$(sed -n 's/^### Exercise \([0-9.]* \[[0-9]\]\).*/\1/p' \
			"labs/$lab/README.md" | sort -u)" ]
	done
}

@test "chapters: every exercise has at least two graded tests, with the same points" {
	for lab in labs/*; do
		lab=${lab#labs/}
		while read -r exercise; do
			tests=$(grep -cF "@test \"$exercise " "tests/$lab.bats")
			[ "$tests" -ge 2 ] || { echo "$exercise: $tests tests" && false; }
		done < <(exercises "$lab")
	done
}

@test "chapters: every link leads somewhere" {
	for chapter in README.md labs/*/README.md; do
		for link in $(grep -o '](\([^)#]*\))' "$chapter" | tr -d '()]'); do
			[ -e "$(dirname "$chapter")/$link" ] ||
				{ echo "$chapter: no $link" && false; }
		done
	done
}

# -- commands ------------------------------------------------------------------------------------

# run-block FILE: runs the commands of a console block. A first command `$ make shell-NN` opens the
# lab's shell, and gets the lines behind the prompt `lab-NN# ` typed into it.
run-block() {
	local command

	command=$(sed -n '1s/^\$ //p' "$1")
	# shellcheck disable=SC2086 # words of a command line
	{
		echo 'set -e'
		sed -n 's/^lab-[0-9]*# //p' "$1"
	} | $command
}

# plain: output without what differs from machine to machine.
plain() {
	sed -E 's/ run_time_ns .*//; s/[0-9a-f]*[0-9][0-9a-f]*/N/g; s/\bcpu\b.*//; s/[[:space:]]+/ /g; s/ $//'
}

# shows FILE: what a console block shows, its commands and ellipses left out.
shows() {
	grep -vE '^(\$|lab-[0-9]*#) |^…$' "$1" | plain
}

# in-order EXPECTED GOT: each line of EXPECTED is in GOT, behind the one before it.
in-order() {
	awk 'NR == FNR { got[++n] = $0; next }
		{ while (++i <= n && got[i] != $0); if (i > n) { print "not printed: " $0; exit 1 } }' \
		"$2" "$1"
}

# runs-here LAB: does this kernel run all that the lab needs?
runs-here() {
	common/vm/or-here --can "${1%%-*}"
}

# runs CHAPTER: its commands run, and print what it shows.
runs() {
	rm -f "$BATS_TEST_TMPDIR"/console.*
	blocks console "$1"
	for block in "$BATS_TEST_TMPDIR"/console.*; do
		head -n 1 "$block"
		run-block "$block" >"$BATS_TEST_TMPDIR/printed" 2>&1 ||
			{ cat "$BATS_TEST_TMPDIR/printed" && return 1; }
		plain <"$BATS_TEST_TMPDIR/printed" >"$BATS_TEST_TMPDIR/got"
		shows "$block" >"$BATS_TEST_TMPDIR/expected"
		in-order "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/got" ||
			{ cat "$BATS_TEST_TMPDIR/printed" && return 1; }
	done
}

@test "chapters: every command runs, and prints what the chapter shows" {
	for lab in labs/*; do
		! runs-here "${lab#labs/}" || runs "$lab/README.md"
	done
}

@test "chapters: so does every command of a lab that runs in a VM here" {
	chapters=()
	for lab in labs/*; do
		runs-here "${lab#labs/}" || chapters+=("$lab/README.md")
	done
	[ ${#chapters[@]} -gt 0 ] || skip 'this kernel runs every lab'
	missing=$(common/vm/or-here --lacks)
	[ -z "$missing" ] || lacks "the VM lacks $missing"
	for chapter in "${chapters[@]}"; do runs "$chapter"; done
}
