#!/usr/bin/env bats
# Everything compiles for arm64, and an arm64 kernel has loaded the BPF programs as they are now. (That the labs run there
# too is proved less often: tests/arm64 prove.)

bats_require_minimum_version 1.5.0
load needs

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
	command -v aarch64-linux-gnu-gcc >/dev/null || lacks 'there is no aarch64-linux-gnu-gcc: make deps FOR=lint'
	command -v apt-get >/dev/null || lacks 'there is no apt-get, which fetches the packages for arm64'
}

# machine-of FILE: prints the processor that a program is for.
machine-of() {
	readelf -h "$1" | sed -n 's/^ *Machine: *//p'
}

@test "arm64: every lab and tool compiles, without a warning" {
	run -0 tests/arm64 compile
	for lab in labs/*; do
		stem=${lab#*-}
		[ "$(machine-of "build/arm64/tree/build/${stem//-/_}")" = AArch64 ]
	done
}

@test "arm64: a warning in a loader, or in a BPF program, is an error" {
	root=$(tests/arm64 --do sysroot)
	cp -r build/arm64/tree "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR/tree"
	for source in labs/01-hello/hello.c labs/01-hello/hello.bpf.c; do
		cp "$source" "$BATS_TEST_TMPDIR/source"
		echo 'static int shadow(void) { int unused; return 0; } int (*use)(void) = shadow;' >>"$source"
		run -2 make ARCH=arm64 CC="aarch64-linux-gnu-gcc --sysroot=$root" MULTI="$root/usr/include/aarch64-linux-gnu" build/hello
		[[ $output == *"unused variable"* ]]
		cp "$BATS_TEST_TMPDIR/source" "$source"
	done
}

@test "arm64: its kernel has loaded these BPF programs, as this clang makes them" {
	tests/arm64 current && return
	echo "tests/arm64.proved has no line for these sources and this clang: they are loaded now, in a VM" >&3
	tests/arm64 load
	tests/arm64 current
	echo "they are loaded: commit tests/arm64.proved" >&3
}

@test "arm64: programs that were changed since have not been loaded" {
	mkdir "$BATS_TEST_TMPDIR/tree"
	tar --exclude=./build --exclude=./.git -c . | tar -x -C "$BATS_TEST_TMPDIR/tree"
	cd "$BATS_TEST_TMPDIR/tree"
	printf '%s\tx\t0\tx\tx\n' "$(tests/arm64 --do inputs)" >tests/arm64.proved
	tests/arm64 current
	for file in labs/06-lb/lb.bpf.c common/parse.h labs/02-xdp-drop/xdp_drop.h; do
		cp "$file" "$BATS_TEST_TMPDIR/source"
		echo >>"$file"
		run ! tests/arm64 current
		cp "$BATS_TEST_TMPDIR/source" "$file"
		tests/arm64 current
	done
	sed -i 's/^BPFFLAGS = /&-mcpu=v2 /' Makefile
	run ! tests/arm64 current
}
