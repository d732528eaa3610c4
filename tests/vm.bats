#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# common/vm: what a command finds in the guest, each way in which a run can end, and that nothing of it
# stays. A boot takes some seconds, so what can look at one boot shares it, and what can end one early does.

bats_require_minimum_version 1.5.0
load wait

# started NAME COMMAND…: a run of the VM with its output, log and status in $RUNS/NAME.*
started() {
	local name=$1 status=0
	shift

	common/vm/run -t 300 -l "$RUNS/$name.log" "$@" >"$RUNS/$name.out" 2>"$RUNS/$name.err" </dev/null || status=$?
	echo "$status" >"$RUNS/$name.status"
}

# What the command of the boot that most tests look at does.
EVERYTHING='
	printf "\0\377out\r\n\n"; printf "\1err\n\r" >&2
	{ pwd; uname -r; echo "$CI$DEADLINE" "${UNKNOWN:-}"; ls /sys/class/net; nproc; grep -c underhood.icount /proc/cmdline; } >"$RUNS/seen"
	grep -c -e " /sys/fs/cgroup cgroup2 " -e " /sys/fs/bpf bpf " -e " /sys/kernel/tracing tracefs " \
		-e " /sys/kernel/debug debugfs " -e " /dev/pts devpts " -e " /dev/shm tmpfs " /proc/mounts >>"$RUNS/seen"
	modprobe dummy && ls -d /sys/module/dummy >>"$RUNS/seen"
	common/netns.sh true && echo a sandbox >>"$RUNS/seen"
	echo again >/dev/stderr
	touch "/etc/underhood.$BATS_ROOT_PID" && echo written >>"$RUNS/seen"
	head -c 2G /dev/zero >/etc/full 2>"$RUNS/full"; echo "status $?" >>"$RUNS/full"; rm /etc/full
	sleep 1000 & # it holds the output open
	exit 7'

# A module of the kernel that writes to address 0 when it is loaded: one that is there, with its signature off
# and `xor %eax,%eax; mov %eax,(%rax)` in its first function, behind the five bytes of ftrace's.
CRASH='
	set -e
	objcopy --strip-debug "$(modinfo -n dummy)" /run/bad.ko
	start=$(objdump --section-headers /run/bad.ko | awk "\$2 == \".init.text\" { print \$6 }")
	printf "\061\300\211\0" | dd of=/run/bad.ko bs=1 seek=$((0x$start + 5)) conv=notrunc status=none
	insmod /run/bad.ko 2>/dev/null || echo "insmod: $?"
'

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return
	# common/vm/run runs as the owner of the tree. If root ran Bats, the owner could not write into Bats's folders.
	[ "$(id -u)" != 0 ] || [ "$(stat -c %u .)" = 0 ] || { echo "run this as the owner of the tree" && return 1; }
	# The guest may write to the tree, and to nothing else.
	mkdir -p build
	RUNS=$(mktemp -d "$PWD/build/vm-test.XXXXXX")
	export RUNS
	! common/vm/or-here --inside || return 0
	common/vm/kernel 6.12 >"$RUNS/kernels" 2>&1 && common/vm/kernel 6.1 >>"$RUNS/kernels" 2>&1 || return 0
	KERNELS=yes
	export KERNELS
	CI=here DEADLINE=77 UNKNOWN=here started everything -m 640 bash -c "
		RUNS='$RUNS' BATS_ROOT_PID=$BATS_ROOT_PID; $EVERYTHING" 3>&- &
	{
		started well -i -k 6.1 bash -c 'cat /proc/cmdline; nproc; touch "$1/new" /run/newer; ls -t "$1/new" /run/newer' - "$RUNS"
		started oops -I -k 6.1 bash -c "$CRASH"'
			echo "$(nproc) $(grep -c underhood.icount /proc/cmdline) $(grep -cm1 "QEMU TCG" /proc/cpuinfo)"
			echo "WARNING: CPU: 0 PID: 1 at here.c:1" >/dev/kmsg; echo done'
		started panic -c 1 bash -c 'echo this far; until [ -s /run/vm/out ]; do sleep 0.1; done; echo c >/proc/sysrq-trigger; sleep 60'
	} 3>&- &
	wait
}

teardown_file() {
	rm -rf "$RUNS"
}

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	[ -n "${KERNELS:-}" ] && return
	! common/vm/or-here --inside || skip 'this is a VM already'
	[ -z "${CI:-}" ] || { cat "$RUNS/kernels" && return 1; }
	skip "$(tail -n 1 "$RUNS/kernels")"
}

# shows NAME STATUS: the run of that name had that status; if not, all that it said is shown.
shows() {
	[ "$(cat "$RUNS/$1.status")" = "$2" ] || {
		echo "expected status $2, got $(cat "$RUNS/$1.status")"
		tail -n 20 "$RUNS/$1".{out,err,log}
		return 1
	}
}

# -- what the command finds ----------------------------------------------------------------------

@test "vm: the status is the command's own" {
	shows everything 7
}

@test "vm: stdout and stderr are kept apart, and every byte is as it was" {
	cmp "$RUNS/everything.out" <(printf "\0\377out\r\n\n")
	cmp "$RUNS/everything.err" <(printf "\1err\n\ragain\n")
}

@test "vm: the command is in the same folder, on that kernel, with the variables that count, without a network" {
	mapfile -t seen <"$RUNS/seen"
	[ "${seen[0]}" = "$PWD" ]
	[[ ${seen[1]} == 6.12.* ]]
	[ "${seen[2]}" = 'here77 ' ]
	[ "${seen[3]}" = lo ]
	[ "${seen[4]}" = 2 ]
	[ "${seen[5]}" = 0 ] # its clock is a clock
}

@test "vm: modules, file systems and sandboxes are there" {
	mapfile -t seen <"$RUNS/seen"
	[ "${seen[6]}" = 6 ]
	[ "${seen[7]}" = /sys/module/dummy ]
	[ "${seen[8]}" = 'a sandbox' ]
}

@test "vm: what is written outside the tree is gone, and a full disk there is the command's own affair" {
	grep -qx written "$RUNS/seen"
	[ ! -e "/etc/underhood.$BATS_ROOT_PID" ]
	grep -q 'No space left' "$RUNS/full"
	grep -qx 'status 1' "$RUNS/full"
}

@test "vm: the kernel's log is in a file of its own, whole" {
	grep -q 'the log ends here' "$RUNS/everything.log"
	run ! grep -q $'\r' "$RUNS/everything.log"
	[ -s "$RUNS/everything.log" ]
}

@test "vm: with -i there is one CPU, and the guest is told that it counts instructions" {
	run -0 cat "$RUNS/well.out"
	[[ ${lines[0]} == *' underhood.vm underhood.icount'* ]]
	[ "${lines[1]}" = 1 ]
	[ "${lines[2]}" = /run/newer ] # its clock is not behind that of the tree
}

@test "vm: with -I it does so, but not under KVM" {
	[ "$(uname -m)" = x86_64 ] || skip 'what is emulated says so on x86'
	run -0 cat "$RUNS/oops.out"
	[[ ${lines[1]} == '1 1 1' || ${lines[1]} == '2 0 0' ]]
}

# -- how a run can end ---------------------------------------------------------------------------

@test "vm: what goes well has status 0, and says nothing of its own" {
	shows well 0
	[ ! -s "$RUNS/well.err" ]
}

@test "vm: an oops or a warning of the kernel fails the run, though the command went well" {
	[ "$(uname -m)" = x86_64 ] || skip 'the oops is in the instructions of x86'
	shows oops 125
	run -0 cat "$RUNS/oops.out"
	[ "${lines[0]}" = 'insmod: 137' ] # killed
	[ "${lines[-1]}" = 'done' ] # and all went on
	grep -q "the guest's kernel complains, in $RUNS/oops.log" "$RUNS/oops.err"
	grep -q 'BUG: kernel NULL pointer dereference, address: 0000000000000000' "$RUNS/oops.err"
	grep -q 'Oops: 0002' "$RUNS/oops.err"
	grep -q 'WARNING: CPU: 0 PID: 1 at here.c:1' "$RUNS/oops.err"
}

@test "vm: a panic fails the run, and what was said before it is not lost" {
	shows panic 125
	[ "$(cat "$RUNS/panic.out")" = 'this far' ]
	grep -q "Kernel panic - not syncing: sysrq" "$RUNS/panic.err"
	[[ $(tail -n 1 "$RUNS/panic.err") == "vm: the guest's kernel panicked: $RUNS/panic.log" ]]
}

# remember, nothing-new: of the runs that a test starts with TMPDIR=$MINE.
remember() {
	MINE=$BATS_TEST_TMPDIR/mine
	mkdir "$MINE"
}

nothing-left() {
	[ -z "$(ls "$MINE")" ] && ! grep -qzs "$MINE" /proc/[0-9]*/cmdline
}

# booting: has the guest's kernel said something?
booting() {
	grep -qs . "$MINE"/*/log
}

@test "vm: what is not done by the deadline is ended, with status 124, and leaves nothing" {
	remember
	TMPDIR=$MINE run -124 --separate-stderr common/vm/run -t 2 -l "$BATS_TEST_TMPDIR/log" sleep 1000
	# shellcheck disable=SC2154 # `run` has set it
	[[ $stderr == "vm: not done in 2 s; the kernel's log is $BATS_TEST_TMPDIR/log" ]]
	nothing-left
}

@test "vm: Ctrl-C, SIGTERM and kill -9 end the guest at once, and leave nothing" {
	remember
	for each in INT:130 TERM:143 KILL:137; do
		TMPDIR=$MINE env --default-signal=INT setsid common/vm/run sleep 1000 >/dev/null 2>&1 3>&- &
		wait-for booting
		kill "-${each%:*}" $!
		status=0
		wait $! || status=$?
		[ "$status" = "${each#*:}" ] || { echo "after $each: status $status" && false; }
		wait-for nothing-left || { echo "after $each: $(ls "$MINE"; pgrep -af "$MINE")" && false; }
	done
}

@test "vm: without space on the host the result is lost, and it says so in a line" {
	unshare --user --map-root-user --mount true || skip 'this kernel lets only root make a small disk'
	run -125 --separate-stderr unshare --user --map-root-user --mount bash -c '
		mkdir "$1" && mount -t tmpfs -o size=16k tmpfs "$1" && TMPDIR=$1 common/vm/run -t 300 -l "$2" true' \
		- "$BATS_TEST_TMPDIR/small" "$BATS_TEST_TMPDIR/log"
	[[ $stderr == "vm: no space is left in $BATS_TEST_TMPDIR/small"* ]]
}

@test "vm: a terminal is handed through, with its size, and Ctrl-C goes to the command" {
	command -v socat >/dev/null || skip 'no socat'
	# The keys are typed once the guest asks for them.
	cat >"$BATS_TEST_TMPDIR/keys" <<-'END'
		stty rows 33 cols 99
		common/vm/run -t 300 -l "$1" bash -c 'trap "echo interrupted; exit 9" INT; stty size; tty; echo type; read -r line'
		echo "status $?"
		stty -a | grep -q " icanon" && echo as before
	END
	mkfifo "$BATS_TEST_TMPDIR/typed"
	socat -t 300 "EXEC:bash $BATS_TEST_TMPDIR/keys $BATS_TEST_TMPDIR/log,pty,setsid,ctty,stderr" - \
		<>"$BATS_TEST_TMPDIR/typed" >"$BATS_TEST_TMPDIR/screen" 3>&- &
	for _ in {1..12}; do ! wait-for grep -q type "$BATS_TEST_TMPDIR/screen" || break; done # it boots
	printf '\003' >"$BATS_TEST_TMPDIR/typed"
	wait-for grep -q 'as before' "$BATS_TEST_TMPDIR/screen"
	run -0 cat "$BATS_TEST_TMPDIR/screen"
	[[ $output == *'33 99'*/dev/pts/*type*interrupted*'status 9'* ]] || { echo "$output" && false; }
}

# -- what is wrong before it starts --------------------------------------------------------------

# complains LINE COMMAND…: it fails, having said just this.
complains() {
	local line=$1
	shift

	run -1 "$@"
	# shellcheck disable=SC2053 # a pattern
	[[ $output == $line ]] || { echo "expected: $line"$'\n'"got: $output" && false; }
}

# unpacked VERSION FILE…: makes files in the folder of such a kernel's modules, at $ROOT/usr/lib/modules.
unpacked() {
	local modules=$ROOT/usr/lib/modules/$1 file

	for file in "${@:2}" modules.order modules.builtin.modinfo; do
		mkdir -p "$(dirname "$modules/$file")"
		touch "$modules/$file"
	done
}

@test "vm: a kernel that cannot be is one clear line" {
	ROOT=$BATS_TEST_TMPDIR/kernels
	mkdir -p "$ROOT/boot"
	complains 'vm: KERNEL=old is neither a version such as 6.12, nor newest, nor a PATH*' common/vm/run -k old true
	complains 'vm: /nowhere: there is no such folder' common/vm/run -k /nowhere true
	complains "vm: $ROOT: no kernel in it, *" common/vm/run -k "$ROOT" true
	touch "$ROOT/boot/vmlinuz-6.7-a"
	complains "vm: $ROOT: no modules in it, lib/modules/6.7-a; *package linux-modules-6.7-a" common/vm/run -k "$ROOT" true
	unpacked 6.7-a kernel/any
	complains "vm: $ROOT: no modules.builtin in it; *package linux-base-6.7-a: *" common/vm/run -k "$ROOT" true
	[ ! -e "$ROOT/usr/lib/modules/6.7-a/modules.builtin.bin" ] # no index that would be wrong
	touch "$ROOT/boot/vmlinuz-6.8-b"
	complains "vm: $ROOT: several kernels in it, and it should be one: 6.7-a 6.8-b" common/vm/run -k "$ROOT" true
}

@test "vm: a kernel of several packages, unpacked over one another, is found with what is built in" {
	ROOT=$BATS_TEST_TMPDIR/kernel MODULES=$BATS_TEST_TMPDIR/kernel/usr/lib/modules/7.8-c
	unpacked 7.8-c vmlinuz kernel/any
	echo kernel/drivers/virtio/virtio_pci.ko >"$MODULES/modules.builtin"
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR run -0 common/vm/kernel "$ROOT"
	[ "${lines[0]}" = 7.8-c ]
	[ "$(realpath "${lines[1]}" "${lines[2]}")" = "$MODULES/vmlinuz"$'\n'"$MODULES" ]
	run -0 modprobe -d "${lines[2]%/lib/modules/*}" -S 7.8-c --show-depends virtio_pci
	[ "$output" = 'builtin virtio_pci' ]
}

@test "vm: an index that does not know what is built in is made again" {
	ROOT=$BATS_TEST_TMPDIR/kernel MODULES=$BATS_TEST_TMPDIR/kernel/usr/lib/modules/7.8-c
	unpacked 7.8-c vmlinuz kernel/any
	ln -s usr/lib "$ROOT/lib" # depmod looks in either
	depmod -b "$ROOT" 7.8-c 2>/dev/null
	echo kernel/drivers/virtio/virtio_pci.ko >"$MODULES/modules.builtin"
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR run -0 common/vm/kernel "$ROOT"
	run -0 modprobe -d "${lines[2]%/lib/modules/*}" -S 7.8-c --show-depends virtio_pci
	[ "$output" = 'builtin virtio_pci' ]
}

@test "vm: a kernel without 9p says which module it lacks, and only one for clouds is said to be one" {
	for version in 7.8-c 7.8-cloud-c; do
		ROOT=$BATS_TEST_TMPDIR/$version
		unpacked "$version" vmlinuz kernel/any
		echo kernel/drivers/virtio/virtio_pci.ko >"$ROOT/usr/lib/modules/$version/modules.builtin"
	done
	export XDG_CACHE_HOME=$BATS_TEST_TMPDIR
	complains 'vm: kernel 7.8-c has no module 9pnet_virtio, neither in *' common/vm/run -k "$BATS_TEST_TMPDIR/7.8-c" true
	complains 'vm: kernel 7.8-cloud-c has no module 9pnet_virtio, as it is for clouds: *' \
		common/vm/run -k "$BATS_TEST_TMPDIR/7.8-cloud-c" true
}

# archive PACKAGE…: an apt that offers these packages only, of empty content; what it is asked to download is in
# $BATS_TEST_TMPDIR/asked. That of three packages is 7.8.9, in four files as apt and dpkg would have it.
archive() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/offered"
	cat >"$BATS_TEST_TMPDIR/bin/apt-get" <<-END
		#!/bin/bash
		words="\$*"
		[[ \$words == *' download '* ]] || exit 0
		for each in \${words##* download }; do echo "\$each" >>$BATS_TEST_TMPDIR/asked; : >"\$each.deb"; done
	END
	cat >"$BATS_TEST_TMPDIR/bin/apt-cache" <<-END
		#!/bin/bash
		case "\$*" in
		*' pkgnames '*) cat $BATS_TEST_TMPDIR/offered ;;
		*' depends linux-image-7.8.9+a-$(dpkg --print-architecture)') printf '  Depends: %s\n' \
			kmod linux-{base,binary,modules}-7.8.9+a-$(dpkg --print-architecture) linux-base-other ;;
		esac
	END
	cat >"$BATS_TEST_TMPDIR/bin/dpkg-deb" <<-'END'
		#!/bin/bash
		name=$(basename "$2" .deb) version=${2#*/linux-*-} version=${version%.deb}
		modules=$3/usr/lib/modules/$version
		mkdir -p "$modules/kernel"
		touch "$modules"/modules.{order,builtin.modinfo}
		case $name in
		linux-binary-* | linux-image-7.7.*) : >"$modules/vmlinuz" ;;&
		linux-base-* | linux-image-7.7.*) echo kernel/virtio_pci.ko >"$modules/modules.builtin" ;;
		esac
	END
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH XDG_CACHE_HOME=$BATS_TEST_TMPDIR
	export PATH XDG_CACHE_HOME
}

@test "vm: X.Y is the newest kernel of that version, newest is that of all, with all its packages, and no other flavour" {
	arch=$(dpkg --print-architecture)
	archive linux-image-{7.7.9,7.7.10,7.7.11-cloud,7.7.11-rt,7.8.9+a,7.8.8+b,7.9-rc1,7.70.1-other}-"$arch" "linux-image-$arch" \
		linux-image-7.8.10+a-"${arch}x"
	run -0 --separate-stderr common/vm/kernel 7.7
	[ "${lines[0]}" = "7.7.10-$arch" ]
	[ "$(cat "$BATS_TEST_TMPDIR/asked")" = "linux-image-7.7.10-$arch" ]
	rm "$BATS_TEST_TMPDIR/asked"
	run -0 --separate-stderr common/vm/kernel newest
	[ "${lines[0]}" = "7.8.9+a-$arch" ]
	[[ $stderr == *"vm: the newest kernel is 7.8.9+a-$arch "* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/asked")" = "$(printf "linux-%s-7.8.9+a-$arch\n" image base binary modules)" ]
	complains "*vm: apt offers no kernel 7.1 for $arch: it offers 7.7 7.8*" common/vm/kernel 7.1
}

@test "vm: a kernel that was fetched needs no apt any more; of another processor it has a place of its own" {
	arch=$(dpkg --print-architecture)
	archive "linux-image-7.8.9+a-$arch" linux-image-7.7.9-other
	common/vm/kernel newest
	common/vm/kernel -a other 7.7
	[ "$(ls "$XDG_CACHE_HOME/underhood/kernels")" = 7.7-other$'\n'newest ]
	ln -sf /bin/false "$BATS_TEST_TMPDIR/bin/apt-get"
	ln -sf /bin/false "$BATS_TEST_TMPDIR/bin/apt-cache"
	run -0 --separate-stderr common/vm/kernel newest
	[ "${lines[0]}" = "7.8.9+a-$arch" ]
	run -0 common/vm/kernel -a other 7.7
	[ "${lines[0]}" = 7.7.9-other ]
}

@test "vm: a program that is missing is one line, with what mends it" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	for tool in bash env grep realpath dirname id stat uname cat cut setpriv dpkg-query apt-cache apt-get paste; do
		ln -s "$(command -v "$tool" || echo /bin/false)" "$BATS_TEST_TMPDIR/bin/$tool"
	done
	[ -n "$(command -v apt-get)" ] || skip 'knows the packages of apt only'
	mkdir -p "$BATS_TEST_TMPDIR/common/vm"
	cp common/deps.sh common/root.sh "$BATS_TEST_TMPDIR/common"
	touch "$BATS_TEST_TMPDIR/common/path.sh"
	cp common/vm/run "$BATS_TEST_TMPDIR/common/vm"
	PATH=$BATS_TEST_TMPDIR/bin complains 'vm: qemu-system-* is missing: *' "$BATS_TEST_TMPDIR/common/vm/run" true
}

@test "vm: a usage that is wrong is status 2" {
	run -2 common/vm/run -x true
	run -2 common/vm/run
	[[ $output == usage:* ]]
}
