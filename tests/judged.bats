#!/usr/bin/env bats
# Whose fault is it? A program that does not compile has 0 points. Whatever else goes wrong is this machine's affair: then a lab
# could not be judged, tests/check ends with status 3, and the line says why. And what is skipped costs no student points.

bats_require_minimum_version 1.5.0
load elsewhere

setup() {
	setup-elsewhere
}

# graded STATUS PATTERN SCRIPT: after SCRIPT the user's tests/check of lab 02 ends with STATUS, and prints what is like PATTERN. The
# user has what stands in AS.
graded() {
	run --separate-stderr elsewhere "$3
		user ${AS:-} tests/check 02"
	# shellcheck disable=SC2053,SC2154 # a pattern; `run` has set them
	[[ "status $status $output" == "status $1 "$2 ]] ||
		{ printf 'expected status %s: %s\ngot      status %s: %s\n%s\n' "$1" "$2" "$status" "$output" "$stderr" && false; }
}

# no-points REASON SCRIPT: after SCRIPT the lab could not be judged, for that REASON.
no-points() {
	graded 3 "lab 02-xdp-drop"$'\n'"  could not be judged: $1" "$2"
}

PROGRAM=labs/02-xdp-drop/xdp_drop.bpf.c

# -- the student's fault -------------------------------------------------------------------------

@test "judged: a program that does not compile has 0 points" {
	graded 1 $'lab 02-xdp-drop\n  ✗ it does not compile\n*xdp_drop.bpf.c:*error: *\n  0 of 14 points' "echo 'int x = ;' >>$PROGRAM"
}

@test "judged: so has one that lacks what its loader needs" {
	graded 1 $'*✗ it does not compile\n*no member named *\n  0 of 14 points' "sed -i 's/\\bpackets\\b/frames/' $PROGRAM"
}

@test "judged: so has one of which no skeleton can be made" {
	graded 1 $'*✗ it does not compile\n*\n  0 of 14 points' \
		"echo 'struct { __uint(nonsense, 1); } bad SEC(\".maps\");' >>$PROGRAM"
}

@test "judged: an error in the parser of lab 03 is the student's, also where the tools of the tests include it" {
	graded 1 $'*✗ it does not compile\n*common/parse.h:*error: *\n  0 of 14 points' "echo 'int x = ;' >>common/parse.h"
}

@test "judged: a program that includes <stdio.h> has 0 points, and a line says what to do instead" {
	graded 1 $'*✗ it does not compile\n*A BPF program has no C library, *bpf_printk()*\n  0 of 14 points' \
		"sed -i '0,/^#include/s//#include <stdio.h>\\n&/' $PROGRAM"
}

# -- this machine's ------------------------------------------------------------------------------

CHANGED="touch $PROGRAM;" # so that something is to be built

@test "judged: a file system that is read-only" {
	no-points 'cannot write to /mnt/tree/build as nobody: the file system is read-only; copy the tree to *' \
		"$CHANGED mount --bind . . && mount -o remount,bind,ro . && cd \"\$PWD\""
}

@test "judged: what is built can be graded there all the same" {
	run -0 elsewhere 'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && user tests/check 02'
	[ "$output" = "$GRADED" ]
}

@test "judged: a tree of somebody else's, a build folder that root has made, files that may not be written" {
	no-points 'cannot write to /mnt/tree/build as nobody: it belongs to root; copy the tree to *' "$CHANGED chown -R root ."
	no-points "cannot write to /mnt/tree/build as nobody: it belongs to root; sudo chown -R nobody '/mnt/tree/build'" \
		"$CHANGED chown -R root build"
	no-points "cannot write to /mnt/tree/build as nobody: its permissions forbid it; chmod -R u+w '/mnt/tree/build'" \
		"$CHANGED chmod a-w build"
	no-points "cannot write to /mnt/tree/build/xdp_drop.bpf.o as nobody: it belongs to root; sudo chown *" \
		"$CHANGED chown root build/xdp_drop.bpf.o"
	no-points 'cannot write to /mnt/tree as nobody: it belongs to root; copy the tree to *' 'rm -r build; chown root .'
}

@test "judged: a full disk" {
	no-points '*No space left on device*' "$CHANGED mkdir /mnt/full; mount -t tmpfs -o size=64m tmpfs /mnt/full
		cp -a build/. /mnt/full; mount --bind /mnt/full build
		head -c 64M /dev/zero 2>/dev/null >build/rest || :"
}

@test "judged: no compiler, no bpftool, no libbpf" {
	AS=CLANG=/nowhere/clang no-points '*/nowhere/clang*not found*' "$CHANGED"
	no-points '*bpftool*' "$CHANGED mount --bind /dev/null \"\$(PATH=\$PATH:/usr/sbin command -v bpftool)\""
	no-points "*'bpf/bpf_helpers.h' file not found" \
		"$CHANGED mount -t tmpfs tmpfs /usr/include/bpf"
}

@test "judged: no Bats, no root, no sandbox" {
	no-points 'bats is not installed (make deps)' 'mount --bind /dev/null /usr/bin/bats'
	no-points '*needs root: *make vm-*' 'rm /mnt/bin/sudo; [ ! -e /usr/bin/sudo ] || mount --bind /dev/null /usr/bin/sudo'
	no-points '*needs root: sudo does not make this user root (sudo: no)*' 'printf "%s\n" "#!/bin/sh" "echo sudo: no >&2; exit 1" >/mnt/bin/sudo'
	no-points 'unshare: no' 'printf "%s\n" "#!/bin/sh" "echo unshare: no >&2; exit 1" >/mnt/unshare; chmod +x /mnt/unshare
		mount --bind /mnt/unshare "$(command -v unshare)"'
}

@test "judged: Bats ends before its end, and a total of labs says which could not be judged" {
	run --separate-stderr elsewhere 'echo "kill -9 \$(cut -d \" \" -f 4 /proc/\$PPID/stat)" >kill
		sed -i "/^@test/ { n; r kill
		}" tests/02-xdp-drop.bats
		sed -i "/^# -- 1.2/,\$d" tests/01-hello.bats
		user tests/check 01 02'
	[ "$status" = 3 ]
	[[ $output == *'could not be judged: '*$'\n'"in all "*" points; could not be judged: 02-xdp-drop" ]] || { echo "$output" && false; }
}

@test "judged: make says the same in a line when it builds" {
	for target in lab-02 build/xdp_drop all; do
		run elsewhere "$CHANGED chown -R root .; user make -s $target"
		[ "$status" = 2 ]
		[[ $output == "cannot write to /mnt/tree/build as nobody: it belongs to root; copy the tree to "*$'\nmake: '* ]] ||
			{ echo "$output" && false; }
		[ "$(wc -l <<<"$output")" = 2 ]
	done
}

# -- points --------------------------------------------------------------------------------------

# scored STATUS LINES TAP: of that TAP of lab 02's tests, tests/score makes these LINES and STATUS.
scored() {
	run tests/score <<<$'suite tests/02-xdp-drop.bats\n'"$3"
	[ "$status $output" = "$1 $2" ] || { printf 'status %s: %s\n' "$status" "$output" && false; }
}

# tap RESULT…: the extended TAP of tests of the exercises 2.1 [2], 2.2 [1] and so on, N of them as `N RESULT`, in which RESULT is ok,
# skip or not.
tap() {
	local result number=0

	echo "1..$#"
	for result; do
		number=$((number + 1))
		name="$number 2.${result%% *} [${result%% *}] a test"
		echo "begin $name"
		case $result in
		*skip) echo "ok $name # skip this machine lacks it" ;;
		*ok) echo "ok $name" ;;
		*) echo "not ok $name" ;;
		esac
	done
}

@test "judged: a test that is skipped does not cost its exercise, if another has passed" {
	scored 0 $'  ✓ 2.1 [1] the bounds check\n      not all of its tests were run: this machine lacks it\n  1 of 1 points' \
		"$(tap '1 ok' '1 skip')"
	scored 0 $'  ✓ 2.1 [1] the bounds check\n      not all of its tests were run: this machine lacks it\n  1 of 1 points' \
		"$(tap '1 skip' '1 ok')"
}

@test "judged: an exercise of which all tests are skipped is in no total" {
	scored 3 $'  ✓ 2.1 [1] the bounds check\n  – 2.2 [2] drop all\n      could not be judged: this machine lacks it\n  1 of 1 points; 2 could not be judged' \
		"$(tap '1 ok' '2 skip' '2 skip')"
}

@test "judged: one that has failed has failed, whatever was skipped" {
	for order in '1 skip,1 not,1 ok' '1 not,1 skip,1 skip' '1 ok,1 not,1 skip'; do
		IFS=, read -r -a order <<<"$order"
		run -1 tests/score <<<$'suite tests/02-xdp-drop.bats\n'"$(tap "${order[@]}")"
		[ "${lines[-1]}" = '  0 of 1 points' ]
	done
}

@test "judged: fewer results than Bats has planned are no points" {
	run -3 tests/score <<<$'suite tests/02-xdp-drop.bats\n'"$(tap '1 ok' '2 ok' | head -n 3)"
	[ "${lines[-1]}" = '  could not be judged: Bats ended after 1 of 2 tests' ]
	run -3 tests/score </dev/null
	[ "$output" = '  could not be judged: Bats ended after 0 of its tests' ]
}
