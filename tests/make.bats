#!/usr/bin/env bats
# The Makefile: what it lists, what it builds again and what not, and that a new lab needs no rule.

bats_require_minimum_version 1.5.0

setup() {
	cp -r --preserve=mode,timestamps "$BATS_TEST_DIRNAME/.." "$BATS_TEST_TMPDIR/tree"
	cd "$BATS_TEST_TMPDIR/tree" || return
	unset MAKEFLAGS MAKELEVEL
}

# built: builds both loaders, and prints what was made anew, without build/.
built() {
	make build/hello build/xdp_drop | sed -n 's|^ *[A-Z]* *build/||p' | sort | xargs
}

# rebuilds FILE WHAT…: after a change of FILE, just WHAT is made again.
rebuilds() {
	local file=$1 made
	shift

	touch -d '+1 minute' "$file"
	made=$(built)
	[ "$made" = "$*" ] || { echo "$file: expected: $*; got: $made" && return 1; }
	touch -d '-1 hour' "$file"
}

@test "make: a header is enough to make again what includes it, and nothing else" {
	built
	[ -z "$(built)" ]
	rebuilds common/csum.h xdp_drop xdp_drop.bpf.o xdp_drop.o xdp_drop.skel.h
	rebuilds common/loader.h hello hello.o loader.o pins.o xdp_drop xdp_drop.o
	rebuilds common/verifier.h hello loader.o verifier.o xdp_drop
	rebuilds labs/01-hello/hello.h hello hello.bpf.o hello.o hello.skel.h
	rebuilds labs/02-xdp-drop/xdp_drop.h xdp_drop xdp_drop.bpf.o xdp_drop.o xdp_drop.skel.h
}

@test "make: a source is enough as well" {
	built
	rebuilds labs/01-hello/hello.bpf.c hello hello.bpf.o hello.o hello.skel.h
	rebuilds labs/01-hello/hello.c hello hello.o
	rebuilds common/loader.c hello loader.o xdp_drop
}

@test "make: the parts of a loader are built and linked as well" {
	make build/parsing
	touch -d '+1 minute' labs/03-parsing/sample.c
	run -0 make build/parsing
	[[ $output == *"build/sample.o"*"build/parsing"* ]]
	touch -d '+2 minutes' common/parse.h
	run -0 make build/parsing
	[[ $output == *"build/parsing.bpf.o"*"build/parsing.skel.h"*"build/sample.o"*"build/parsing"* ]]
}

@test "make: a further program of a lab is built and linked with its parts" {
	make build/maps
	touch -d '+1 minute' labs/04-maps/mapsctl/keys.c
	run -0 make build/maps
	[[ $output == *"build/keys.o"*"build/mapsctl"* ]]
	touch -d '+2 minutes' labs/04-maps/counts.c
	run -0 make build/maps
	[[ $output == *"build/counts.o"* && $output == *"build/mapsctl"* && $output == *"build/maps"* ]]
	cp labs/04-maps/mapsctl/keys.c labs/01-hello/
	run ! make build/maps
	[[ $output == *"two files have one name: labs/01-hello/keys.c labs/04-maps/mapsctl/keys.c"* ]]
	rm labs/01-hello/keys.c
}

@test "make: all that a story runs is built for it" {
	make clean
	for lab in labs/*; do
		plan=$(make -n "lab-$(basename "$lab" | cut -d- -f1)")
		while read -r program; do
			[[ $plan == *"LINK  $program\""* ]] || { echo "$lab: $program" && return 1; }
		done < <(grep -oE 'build/[a-z0-9_]+' "$lab/test.sh")
	done
}

@test "make: a header that is gone does not stop the build" {
	built
	sed -i 's/#include "csum.h"/#include "sum.h"/' labs/02-*/xdp_drop.bpf.c
	mv common/csum.h common/sum.h
	make build/xdp_drop
}

@test "make: what fails half way is not taken for made" {
	echo 'syntax error' >>labs/01-hello/hello.bpf.c
	run ! make build/hello
	[ ! -e build/hello.bpf.o ]
	git checkout labs/01-hello/hello.bpf.c 2>/dev/null || sed -i '$d' labs/01-hello/hello.bpf.c
	make build/hello
}

@test "make: a warning is an error, in the BPF program and in the loader" {
	echo 'int unused(void) { int x; return 0; }' >>labs/01-hello/hello.bpf.c
	run ! make build/hello.bpf.o
	echo 'static int unused(void) { return 0; }' >>labs/02-xdp-drop/xdp_drop.c
	run ! make build/xdp_drop.o
}

@test "make: a new lab needs no new rule" {
	mkdir labs/09-second-hello
	for file in hello.h hello.c hello.bpf.c; do
		sed 's/hello\(_bpf\|\.skel\)/second_hello\1/g; s/progs\.hello/progs.second_hello/
			s/^int hello(/int second_hello(/' "labs/01-hello/$file" \
			>"labs/09-second-hello/${file/hello./second_hello.}"
	done
	cp labs/01-hello/hello.h labs/09-second-hello/
	sed 's/hello/second_hello/; s/veth0//' <<-'END' >labs/09-second-hello/test.sh
		#!/bin/bash
		source "$(dirname "$0")/../../common/netns.sh"; host server; start server build/hello
	END
	chmod +x labs/09-second-hello/test.sh
	make lab-09
}

@test "make: under sudo the build belongs to the owner of the tree" {
	chown -R 65534:65534 .
	make build/hello
	[ -z "$(find build ! -user 65534)" ]
}

@test "make: alone it lists what can be made, each with a line" {
	run -0 make
	for target in deps doctor lab-NN check-NN check shell-NN test bench format lint clean; do
		grep -qE "^  make $target +[a-z]" <<<"$output" || { echo "$target is missing" && false; }
	done
}

@test "make: clean removes what was built, and nothing else" {
	before=$(git status --porcelain --ignored | grep -v build/ || :)
	make build/hello
	make clean
	[ ! -e build ]
	[ "$(git status --porcelain --ignored | grep -v build/ || :)" = "$before" ]
}

# as-on VERSION BTF COMMAND…: runs COMMAND where the kernel seems to be of that version, and to know the words BTF.
as-on() {
	echo "$1" >"$BATS_TEST_TMPDIR/osrelease"
	echo "$2" >"$BATS_TEST_TMPDIR/btf"
	unshare --mount sh -c 'mount --bind "$0/osrelease" /proc/sys/kernel/osrelease
		mount --bind "$0/btf" /sys/kernel/btf/vmlinux
		exec "$@"' "$BATS_TEST_TMPDIR" "${@:3}"
}

@test "make: a kernel that is too old for the labs is said in one line by all that loads BPF, and judges nothing" {
	make -s all
	for target in lab-02 shell-02 test test-all mutants wheats; do
		run -2 --separate-stderr as-on 5.10.0-46-amd64 '' make -s "$target" </dev/null
		[[ $output != *points* && $output != *ok* ]] || { echo "$target: $output" && false; }
		# shellcheck disable=SC2154 # `run` has set it
		[[ $stderr == 'this kernel, Linux 5.10.0-46-amd64, is too old: the labs need Linux 6.1 '*vm-lab-NN*$'\n'*"[Makefile:"*"$target] Error 3" ]] ||
			{ echo "$target: $stderr" && false; }
		[ "$(grep -c 'too old' <<<"$stderr")" = 1 ]
	done
	run -2 as-on 5.10.0-46-amd64 '' make -s check-02 </dev/null
	[[ $output == *'  could not be judged: this kernel, Linux 5.10.0-46-amd64, is too old: '*"check-02] Error 3" && $output != *points* ]] ||
		{ echo "$output" && false; }
}

@test "make: a kernel is new enough by its version, or by what it knows" {
	as-on 6.1.0-57-amd64 '' common/netns.sh --kernel
	as-on 7.0.1 '' common/netns.sh --kernel
	as-on 10.0 '' common/netns.sh --kernel
	as-on 5.14.0-570.el9 'BPF_FUNC_loop BPF_FUNC_user_ringbuf_drain' common/netns.sh true
	for version in 6.0.19 5.15.1 4.19; do
		run -3 as-on "$version" BPF_FUNC_loop common/netns.sh --kernel
	done
}
