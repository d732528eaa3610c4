#!/usr/bin/env bats
# The student edition: nothing of a solution is left, it builds and loads, exactly the tests of the
# blank exercises fail, and with the solutions put back all pass. And wrong marks are told of.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
	HANDOUT=$BATS_TEST_TMPDIR/handout
}

# -- the edition ---------------------------------------------------------------------------------

# build DIR: without a warning, for a warning is an error. What is as in this tree is built already.
build() {
	[ -e "$1/build" ] || cp -r --preserve=mode,timestamps build "$1"
	make -s -C "$1" all >/dev/null
}

# sources LAB: what the lab's program, once built, was made of.
sources() {
	local stem=${1#*-}

	sed 's/^[^:]*://; s/\\$//' "build/${stem//-/_}.bpf.d" | tr -s ' ' '\n' | grep . | sort -u
}

# graded DIR LAB: the TAP of the lab's graded tests in an edition. They are run once for each form of
# the lab, since editions share most labs, and run side by side.
graded() {
	local tap

	tap=$BATS_FILE_TMPDIR/$2-$(cd "$1" && sources "$2" | xargs cat | sha1sum | cut -d' ' -f1)
	{
		flock 9
		[ -e "$tap" ] || (cd "$1" && common/netns.sh bats "tests/$2.bats") >"$tap" 9>&- || :
	} 9>"$tap.lock"
	[ "$(grep -cE '^(not )?ok' "$tap")" = "$(grep -c '^@test' "tests/$2.bats")" ] || echo "not all ran"
	cat "$tap"
}

# stands-on-blank LAB BLANK…: is the lab's program made of exercises of another lab, which is blank?
stands-on-blank() {
	local lab=$1 blank
	shift

	for blank; do
		[ "$blank" = "${lab%%-*}" ] ||
			! sources "$lab" | xargs grep -q "EXERCISE $((10#$blank))\." || return 0
	done
	return 1
}

# fails-only DIR BLANK…: of all labs' tests, those of the labs BLANK all fail, and no others. (But those
# of labs that stand on a blank one may fail: who has not solved lab 03 has no parser for lab 04.)
fails-only() {
	local dir=$1 lab wrong
	shift

	for lab in $(labs-here); do
		case " $* " in
		# what a blank program never does need not be waited for long
		*" ${lab%%-*} "*) wrong=$(DEADLINE=1 graded "$dir" "$lab" | grep -v '^not ok\|^#\|^1\.\.') || : ;;
		*)
			! stands-on-blank "$lab" "$@" || continue
			wrong=$(graded "$dir" "$lab" | grep -v '^ok\|^1\.\.') || :
			;;
		esac
		[ -z "$wrong" ] || { echo "blank: $*; wrongly judged in $lab: $wrong" && return 1; }
	done
}

# labs-here: those that this kernel can run. (Of others `tests/trials blank` sees to it, on one that can.)
labs-here() {
	local lab

	for lab in labs/*; do
		lab=${lab#labs/}
		! common/vm/or-here --can "${lab%%-*}" || echo "$lab"
	done
}

# edition NN: the handout where lab NN alone is blank.
edition() {
	make -s handout DIR="$HANDOUT-$1" LABS="$1"
	build "$HANDOUT-$1"
	fails-only "$HANDOUT-$1" "$1"
}

# numbers: of these labs.
numbers() {
	labs-here | cut -d- -f1
}

@test "handout: each lab alone is blank" {
	export HANDOUT
	export -f edition build fails-only graded sources stands-on-blank labs-here
	numbers | xargs -I NN -P "$(nproc)" bash -euo pipefail -c 'edition NN'
}

@test "handout: all labs are blank; with the solutions put back all pass" {
	make -s handout DIR="$HANDOUT"
	build "$HANDOUT"
	# shellcheck disable=SC2046 # a number each
	fails-only "$HANDOUT" $(numbers)
	for source in labs/*/*.bpf.c labs/*/answers common/*.h; do cp "$source" "$HANDOUT/$source"; done
	build "$HANDOUT"
	fails-only "$HANDOUT"
}

# given: what a student is given of the sources.
given() {
	awk -v task=blank -v labs="$(seq -s' ' 0 99)" -f tests/exercises.awk labs/*/*.bpf.c labs/*/answers labs/*/*.h common/*.h
}

# solution-lines: the lines of all solutions that say something, and that what is given does not say. (An
# exercise names the map that it wants.)
solution-lines() {
	given >"$BATS_TEST_TMPDIR/given"
	awk -v task=lines -f tests/exercises.awk labs/*/*.bpf.c labs/*/answers common/*.h |
		sed 's/^[[:space:]]*//' | awk 'length >= 16 && !/^__(uint|type|array)\(/' | sort -u |
		while IFS= read -r line; do
			grep -qF -- "$line" "$BATS_TEST_TMPDIR/given" || printf '%s\n' "$line"
		done
}

@test "handout: no line of a solution is anywhere in it" {
	make handout DIR="$HANDOUT"
	[ "$(solution-lines | wc -l)" -gt 30 ]
	# (In tests/notes are programs that the notes print: no secret.)
	run grep -rnFf <(solution-lines) --exclude-dir=notes "$HANDOUT"
	[ "$status" = 1 ] || { echo "$output" && false; }
	run ! grep -rn 'SOLUTION \*/' "$HANDOUT/labs"
	[ ! -e "$HANDOUT/tests/mutants" ]
	[ ! -e "$HANDOUT/tests/wheats" ]
}

@test "handout: it loads with every knob" {
	make handout DIR="$HANDOUT"
	build "$HANDOUT"
	cd "$HANDOUT"
	common/netns.sh bash -c 'source common/netns.sh; host client; host server; wire client server
		start client build/hello -n client
		for knobs in "" "-p icmp" "-p tcp -e" "-m generic -p udp -e"; do
			start server build/xdp_drop $knobs veth0
			stop server build/xdp_drop
		done
		for knobs in "" "-s 1" "-p 80 -s 3 -m generic"; do
			start server build/parsing $knobs veth0
			stop server build/parsing
		done
		for knobs in "" "--chain" "-m generic"; do
			start server build/maps $knobs veth0
			stop server build/maps
		done
		for knobs in "" "-t 9 -m ::/0=1 -f 80:8080 -M lo -l 10.0.0.1=1 -d 80=1 -c 80=1:1 -V 5" \
			"-a clsact -t 9 --ttl-by-helper -f 80:8080"; do
			start server build/tc $knobs veth0
			stop server build/tc
		done'
}

@test "handout: a student's own commands work in it" {
	export DEADLINE=1
	make handout DIR="$HANDOUT"
	cd "$HANDOUT"
	run -2 make lab-02
	[[ $output == *"FAILED: a ping was answered through xdp_drop (exercise 2.2)"* ]]
	run -2 make lab-03
	[[ $output == *"FAILED: port 22 was reached over IPv4 (exercise 3.7)"* ]]
	run -2 make lab-04
	[[ $output == *"FAILED: port 23 was reached although it is blocked (exercise 4.2)"* ]]
	run -2 make lab-05
	[[ $output == *"FAILED: not 10 with the mark 7 and the TTL 9 (exercises 5.1 and 5.3)"* ]]
	run -2 make check-01
	[[ $output == *"✗ 1.1 [1] say hello"*"read labs/01-hello/README.md"*"0 of 10 points"* ]]
	[ "$(git log --oneline | wc -l)" = 1 ]
	[ -z "$(git status --porcelain)" ]
}

@test "handout: it never writes over something" {
	mkdir "$HANDOUT"
	echo mine >"$HANDOUT/file"
	run ! make handout DIR="$HANDOUT"
	[ "$(ls "$HANDOUT")" = file ]
}

# -- marks ---------------------------------------------------------------------------------------

# told LINE COMMAND…: in a copy of the tree that COMMAND changes, the handout stops and says LINE.
told() {
	local line=$1
	shift

	rm -rf "$BATS_TEST_TMPDIR/tree" "$HANDOUT"
	cp -r . "$BATS_TEST_TMPDIR/tree"
	(cd "$BATS_TEST_TMPDIR/tree" && "$@")
	run -1 "$BATS_TEST_TMPDIR/tree/tests/handout" "$HANDOUT"
	[[ $output == *"$line"* ]] || { printf 'expected: %s\ngot: %s\n' "$line" "$output" && return 1; }
	[ ! -e "$HANDOUT" ]
}

# place FILE TEXT: FILE:LINE of the first line with TEXT.
place() {
	echo "$1:$(grep -m 1 -nF "$2" "$1" | cut -d: -f1)"
}

@test "handout: marks out of order stop it, with file and line" {
	source=labs/01-hello/hello.bpf.c
	begin=$(place $source 'BEGIN SOLUTION') last=$source:$(grep -n 'BEGIN SOLUTION' $source | tail -n 1 | cut -d: -f1)
	end=$(place $source 'END SOLUTION')
	told "$last: BEGIN SOLUTION without an END SOLUTION" \
		sed -i '/1.2 \[2\]/,$ { /END SOLUTION/d }' $source
	told "$end: END SOLUTION without a BEGIN SOLUTION" \
		sed -i '0,/BEGIN SOLUTION/s/BEGIN SOLUTION/nothing/' $source
	told "BEGIN SOLUTION inside the one that begins in line ${begin#*:}" \
		sed -i '0,/BEGIN SOLUTION/s/.*BEGIN SOLUTION.*/&\n&/' $source
	told "$begin: BEGIN SOLUTION without an EXERCISE above it" \
		sed -i '0,/EXERCISE/s/EXERCISE/exercise/' $source
	told "an EXERCISE without a solution" \
		sed -i '$a /* EXERCISE 1.6 [1]: nothing */' $source
	told "not of the form EXERCISE 3.2 [2]" \
		sed -i 's/EXERCISE 1.1 \[1\]/EXERCISE 1.1 (1)/' $source
	told "$(place $source 'EXERCISE 1.1 '): exercise 7.1 stands in another lab's folder" \
		sed -i 's/EXERCISE 1.1 /EXERCISE 7.1 /' $source
}

@test "handout: program, chapter and tests must agree, or it stops with file and line" {
	chapter=labs/02-xdp-drop/README.md tests=tests/02-xdp-drop.bats
	told "$(place $chapter 'Exercise 2.3'): exercise 2.3 has [4] points, but [3] in" \
		sed -i 's/Exercise 2.3 \[3\]/Exercise 2.3 [4]/' $chapter
	told "$(place $tests '"2.4 [2] each CPU'): exercise 2.4 has [3] points, but [2] in" \
		sed -i 's/"2.4 \[2\] each CPU/"2.4 [3] each CPU/' $tests
	told "exercise 2.5 is not in the tests" sed -i '/^@test "2.5 /,/^}/d' $tests
	told "exercise 2.2 is not in the chapter" sed -i 's/^### Exercise 2.2/### Task 2.2/' $chapter
	told "exercise 2.7 is not in the program" \
		sed -i '$a ### Exercise 2.7 [1]: nothing' $chapter
	told "exercise 2.8 comes after 2.6" \
		sed -i '$a ### Exercise 2.8 [1]: nothing' $chapter
}
