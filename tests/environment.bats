#!/usr/bin/env bats
# A user's machine is not a clean one. Whatever stands in the environment of a user, and wherever the tree lies,
# `make lab-02` and `make check-02` do the same as ever.

bats_require_minimum_version 1.5.0
load elsewhere

setup() {
	setup-elsewhere
}

# as-ever [BEFORE] VARIABLE=VALUE…: after the commands BEFORE, the lab and its grading give WHO, the user by default, with
# these variables what they give without. What a shell says of a VALUE on stderr does not count.
as-ever() {
	local before=$1 variables=''
	shift

	[ $# = 0 ] || variables=$(printf '%q ' "$@")
	run --separate-stderr elsewhere "$before
		${WHO:-user} $variables ${MAKE_HERE:-make} lab-02 | tail -n 4
		echo graded
		${WHO:-user} $variables ${MAKE_HERE:-make} check-02 | sed '/^make/d'"
	# shellcheck disable=SC2154 # `run` has set it
	[[ "status $status $output" == 'status 0 '*' sent back 4, '*$'\ngraded\n'"$GRADED" ]] ||
		{ echo "status $status: $output"$'\n'"$stderr" && false; }
}

# What changes how a shell, grep or git work, and a file that every shell would run first.
SHELLS=(POSIXLY_CORRECT=1 CDPATH=.:/usr:/ GREP_OPTIONS=--color=always GREP_COLORS=mt=01 TERM=dumb IFS=/-
	BASH_ENV=/mnt/noise ENV=/mnt/noise SHELLOPTS=braceexpand:hashall:noclobber:noglob BASHOPTS=failglob:nocasematch
	GIT_DIR=/nowhere GIT_WORK_TREE=/nowhere)
NOISE='echo "echo noise; set -o noclobber; cd /" >/mnt/noise'

@test "environment: variables that change a shell, a user's" {
	as-ever "$NOISE" "${SHELLS[@]}"
}

@test "environment: variables that change a shell, root's" {
	WHO=root as-ever "$NOISE" "${SHELLS[@]}"
}

@test "environment: a umask of 077, and all is built anew" {
	as-ever 'rm -r build; umask 077' V=
}

@test "environment: a locale that does not exist" {
	as-ever '' LC_ALL=de_XX.UTF-8 LANG=de_XX.UTF-8 TERM=xterm
}

@test "environment: a locale in which I is not the capital of i" {
	command -v localedef >/dev/null && [ -e /usr/share/i18n/locales/tr_TR ] || skip 'no Turkish locale can be made here'
	as-ever 'mkdir /mnt/locales && localedef -i tr_TR -f UTF-8 /mnt/locales/tr_TR.UTF-8' \
		LOCPATH=/mnt/locales LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8
}

@test "environment: a TMPDIR that does not exist" {
	as-ever 'rm build/xdp_drop build/xdp_drop.*' TMPDIR=/nowhere
	# A VM keeps files there.
	run -0 elsewhere "user TMPDIR=/nowhere make -s --eval 'file: ; mktemp' file"
}

@test "environment: a TMPDIR where nothing may be executed" {
	as-ever 'mkdir /mnt/noexec; mount -t tmpfs -o mode=1777,noexec tmpfs /mnt/noexec; rm build/xdp_drop build/xdp_drop.*' \
		TMPDIR=/mnt/noexec
}

@test "environment: MAKEFLAGS, and variables that make and compilers read" {
	as-ever 'rm build/xdp_drop build/xdp_drop.*' MAKEFLAGS='-j4 -wrR --warn-undefined-variables' \
		CC=false CFLAGS=-g0 LDFLAGS=-s V= SHELL=/bin/false
}

@test "environment: a path with spaces, quotes, a dollar and letters of other scripts; make from another folder" {
	export TREE="/mnt/it's \"my\" \$HOME tree, äöü é 日本/under (hood) & labs; #1 %s * [a]"
	MAKE_HERE='make -C "$TREE"' as-ever 'cd /; rm "$TREE/build/xdp_drop" "$TREE"/build/xdp_drop.*'
}

@test "environment: make -j4 check" {
	run --separate-stderr elsewhere 'rm -r labs/0[3-7]* build/xdp_drop build/xdp_drop.*
		sed -i "/^# -- 1.2/,\$d" tests/01-hello.bats
		user make -j4 check'
	[[ "status $status $output" == 'status 0 lab 01'*"$GRADED"$'\nin all '* ]] || { echo "status $status: $output"$'\n'"$stderr" && false; }
}

@test "environment: a clone where git makes CRLF of LF" {
	command -v git >/dev/null && [ -e .git ] || skip 'this is no clone'
	git -c safe.directory='*' -c core.autocrlf=true clone -q . "$BATS_TEST_TMPDIR/clone"
	run ! grep -rlI --exclude-dir=.git $'\r' "$BATS_TEST_TMPDIR/clone"
	run -0 make -C "$BATS_TEST_TMPDIR/clone" lab-02
}
