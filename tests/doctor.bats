#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of `make doctor` and `make deps`. The doctor is shown this machine, whole and then broken in
# one way at a time; deps.sh is given package managers that only write down what they are told.
#
#     common/netns.sh bats tests/doctor.bats     (the doctor's tests need root)

# shellcheck disable=SC2016,SC2164 # breakages and fakes are shell in quotes; Bats stops at an error

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.."
	PATH=$PATH:/usr/sbin:/sbin
	TOLD=$BATS_TEST_TMPDIR/told # what the fakes were told
	BIN=$BATS_TEST_TMPDIR/bin # the whole PATH of deps.sh
	export TOLD
	mkdir "$BIN"
	: >"$TOLD"
	[[ $BATS_TEST_DESCRIPTION = deps:* || $(id -u) = 0 ]] ||
		missing 'root, to break a copy of this machine'
}

# -- what the tests are written with -------------------------------------------------------------

# says LINE…: each is a whole line of what was printed; a * in it stands for anything.
says() {
	local line

	for line in "$@"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $'\n'$output$'\n' = *$'\n'$line$'\n'* ]] || wrong "the line $line"
	done
}

# never-says PATTERN: no such thing was printed.
never-says() {
	# shellcheck disable=SC2053 # a pattern
	[[ $output != *$1* ]] || wrong "nothing like $1"
}

wrong() {
	printf 'expected  %s\ngot       status %s and\n%s\n' "$1" "${status:-}" "$output"
	return 1
}

# told LINE…: the fakes were told just this.
told() {
	local expected

	expected=$(printf '%s\n' "$@")
	[ "$(cat "$TOLD")" = "$expected" ] ||
		wrong "told:"$'\n'"$expected"$'\n'"instead of:"$'\n'"$(cat "$TOLD")"
}

# broken BREAKAGE COMMAND…: runs COMMAND where the shell command BREAKAGE has been at work on
# /usr: a copy, which only COMMAND sees.
broken() {
	local layer=$BATS_TEST_TMPDIR/layer

	mkdir -p "$layer"
	unshare --mount bash -euc '
		mount -t tmpfs tmpfs "$1"
		mkdir "$1/upper" "$1/work"
		mount -t overlay overlay /usr \
			-o "lowerdir=/usr,upperdir=$1/upper,workdir=$1/work"
		eval "$2"
		exec "${@:3}"' - "$layer" "$@"
}

# missing REASON: skips the test with its reason; where CI is set, nothing may be missing.
missing() {
	[ -z "${CI:-}" ] || { echo "missing: $1" && return 1; }
	skip "$1"
}

# fake NAME: a program of that name for deps.sh, a shell script on stdin.
fake() {
	{ echo "#!$BASH" && cat; } >"$BIN/$1"
	chmod +x "$BIN/$1"
}

# deps USER [ARGUMENT…]: runs deps.sh as the user of that number, with nothing but the fakes and
# what it is itself written with.
deps() {
	local tool

	for tool in bash cat cut env paste; do
		ln -sf "$(command -v "$tool")" "$BIN"
	done
	fake id <<<"echo $1"
	run env -i PATH="$BIN" TOLD="$TOLD" bash common/deps.sh "${@:2}" </dev/null
}

# -- doctor --------------------------------------------------------------------------------------

@test "doctor: this machine is well, and each thing has its line" {
	# As on a machine that systemd has booted: the one tracefs is mounted where the sandbox wants it.
	run -0 broken 'mountpoint -q /sys/kernel/tracing ||
		mount -t tracefs tracefs /sys/kernel/tracing' common/doctor.sh
	for name in root clang gcc bpftool ip unshare ethtool ping socat nft jq bats 'C headers' libelf \
		libz libbpf "clang's BPF target" 'Linux 6.1' BTF 'network namespaces' bpffs tracefs veth \
		'the sandbox' 'Bats 1.5' 'a ping' {bpf,xdp,tc,tracepoint,raw_tp}' programs'; do
		says "ok          $name"
	done
	for name in kprobe fentry; do
		says "*$name programs*"
	done
	[[ ${lines[-1]} = 'labs 01 to 0'[67]' can run here'* ]] || wrong "a verdict"
}

@test "doctor: a kernel that is too old has its line, and no sandbox is tried on it" {
	run -1 unshare --mount sh -c 'echo 5.10.0-46-amd64 >"$0/release" && : >"$0/btf"
		mount --bind "$0/release" /proc/sys/kernel/osrelease
		mount --bind "$0/btf" /sys/kernel/btf/vmlinux
		common/doctor.sh' "$BATS_TEST_TMPDIR"
	says 'missing     Linux 6.1 (this kernel, Linux 5.10.0-46-amd64, is too old): *' 'not probed  the sandbox: needs Linux 6.1'
}

@test "doctor: without clang, only what needs clang is not probed" {
	run -1 broken 'rm $(command -v clang); rm -f /usr/bin/apt-*
		ln -s true /usr/bin/dnf' common/doctor.sh
	says 'missing     clang: dnf install clang' \
		"not probed  clang's BPF target: needs clang" \
		'ok          libbpf' 'ok          xdp programs' \
		'labs 01 to 06 cannot run here yet *'
	[ "$(grep -cE '^(missing|not probed) ' <<<"$output")" = 2 ] || wrong "two complaints"
}

@test "doctor: each tool or library that is missing has its line, with what mends it" {
	run -1 broken 'rm -f $(type -ap ethtool ping socat jq bats bpftool)
		elf=$(gcc -print-file-name=libelf.so); rm -f "$elf" "${elf%so}a"
		printf "#!/bin/sh\necho Package: it\n" >/usr/bin/apt-cache; chmod +x /usr/bin/apt-cache
		ln -sf true /usr/bin/apt-get' common/doctor.sh
	for tool in ethtool socat jq bats bpftool; do
		says "missing     $tool: apt-get install $tool"
	done
	says 'missing     ping: apt-get install iputils-ping' \
		'missing     libelf (*cannot find -lelf*): apt-get install libelf-dev' \
		'not probed  Bats 1.5: needs bats' 'not probed  a ping: needs ping' \
		'not probed  libbpf: needs libelf' 'ok          libz' 'ok          the sandbox'
}

@test "doctor: without gcc, what it would have built is not probed" {
	run -1 broken 'rm $(command -v gcc); ln -sf false /usr/bin/apt-cache
		ln -sf true /usr/bin/apt-get' common/doctor.sh
	says 'missing     gcc: make deps' # which updates the lists that do not know it yet
	says 'ok          clang' 'ok          veth' 'ok          Bats 1.5' \
		'not probed  C headers: needs gcc' 'not probed  libelf: needs gcc' \
		'not probed  libbpf: needs C headers' 'not probed  xdp programs: needs libbpf'
}

@test "doctor: a header that is missing is named" {
	run -1 broken 'rm /usr/include/bpf/libbpf_common.h' common/doctor.sh
	says 'ok          C headers' 'missing     libbpf (*libbpf_common.h: No such file *): *' \
		"not probed  clang's BPF target: needs libbpf"
}

@test "doctor: a libbpf before 1.0 and a Bats without run -1 will not do" {
	run -1 broken 'echo "#define LIBBPF_MAJOR_VERSION 0" >/usr/include/bpf/libbpf_version.h
		printf "%s\n" "#!/bin/sh" "[ \$1 = --version ] || { echo too old; exit 1; }" \
			>$(command -v bats)' common/doctor.sh
	says 'missing     libbpf (*libbpf 1.0 or newer is needed*): *' \
		'ok          bats' 'missing     Bats 1.5 (too old): *'
}

# Ubuntu's bpftool, on a kernel that is not the one whose tools are installed.
WRAPPER='tool=$(command -v bpftool); mkdir -p /usr/lib/linux-tools/6.8.0-45-generic
	cp --remove-destination "$tool" /usr/lib/linux-tools/6.8.0-45-generic/bpftool
	printf "%s\n" "#!/bin/sh" "echo WARNING: bpftool not found for kernel 6.11 >&2" "exit 2" \
		>/usr/bin/wrapper
	chmod +x /usr/bin/wrapper; ln -sf wrapper /usr/bin/bpftool; ln -sf ../bin/wrapper "$tool"'

@test "doctor: Ubuntu's wrapper that finds no bpftool is not taken for one" {
	mends='apt-get install linux-tools-generic'
	run -1 broken "$WRAPPER"'; rm -r /usr/lib/linux-tools
		printf "%s\n" "#!/bin/sh" "[ \$2 = bpftool ] || echo Package: it" >/usr/bin/apt-cache
		chmod +x /usr/bin/apt-cache; ln -sf true /usr/bin/apt-get' common/doctor.sh
	says 'missing     bpftool (WARNING: bpftool not found for kernel 6.11): '"$mends"
}

@test "doctor: behind Ubuntu's wrapper, the bpftool of another kernel is found" {
	run -0 broken "$WRAPPER" common/doctor.sh
	says 'ok          bpftool'
}

# kernel KIND…: a breakage: the kernel refuses programs of these kinds, and takes all others.
kernel() {
	cat <<-END
		mv /usr/bin/gcc /usr/bin/real-gcc
		cat >/usr/bin/gcc <<'GCC'
		#!/bin/bash
		[[ \${*: -1} = */probe ]] || exec real-gcc "\$@"
		printf '%s\n' '#!/bin/bash' \
			'[[ " $* " != *" \$1 "* ]] || { echo "load: refused" && exit 1; }' >"\${*: -1}"
		chmod +x "\${*: -1}"
		GCC
		chmod +x /usr/bin/gcc
	END
}

@test "doctor: a kernel that takes everything runs lab 07 too" {
	run -0 broken "$(kernel)" common/doctor.sh
	says 'ok          kprobe programs' 'ok          fentry programs' \
		'labs 01 to 07 can run here'
}

@test "doctor: without kprobes or fentry, only lab 07 needs the VM" {
	run -0 broken "$(kernel fentry)" common/doctor.sh
	says 'ok          kprobe programs' 'lab 07 will use the VM (fentry programs: load: refused)' \
		'labs 01 to 06 can run here; lab 07 will use the VM'
}

@test "doctor: a kernel that refuses what the labs load cannot run them" {
	run -1 broken "$(kernel xdp raw_tp)" common/doctor.sh
	says 'missing     xdp programs (load: refused): boot the distribution*' \
		'missing     raw_tp programs (load: refused): *' 'ok          tc programs' \
		'labs 01 to 06 cannot run here yet *'
}

@test "doctor: without the right to make namespaces, it says what fails" {
	run -1 broken : setpriv --bounding-set -sys_admin common/doctor.sh
	says 'missing     network namespaces (unshare: *: Operation not permitted): *' \
		'missing     bpffs (*' 'not probed  veth: needs network namespaces' \
		'not probed  xdp programs: needs the sandbox'
}

@test "doctor: a user without sudo is told so, and what needs no root is probed" {
	run -1 broken 'rm -f /usr/bin/sudo' \
		setpriv --reuid 65534 --regid 65534 --clear-groups common/doctor.sh
	says "missing     root (there is no sudo): su -c 'make doctor'" 'ok          libbpf' \
		"ok          clang's BPF target" 'not probed  network namespaces: needs root' \
		'not probed  xdp programs: needs the sandbox'
}

@test "doctor: what the VM lacks has its line, and is no need of labs 01 to 06" {
	run -0 broken 'rm -f $(type -ap cpio zstd)' common/doctor.sh
	says 'no VM       without*cpio (*) zstd (*)'
	never-says '*ok          the VM'
}

# A ping that hangs shows when the sandbox lives; the end of its pipe shows when all in it is dead.
@test "doctor: nothing is left behind when it is killed" {
	exec 8< <(broken 'ping=$(command -v ping); rm "$ping"
		printf "%s\n" "#!/bin/sh" "[ \$1 = -V ] || { echo hangs >&9; sleep 1000; }" >"$ping"
		chmod +x "$ping"' \
		bash -c 'echo $$ >&9; exec common/doctor.sh' 9>&1 >/dev/null 2>&1 3>&-)
	read -r -t "${DEADLINE:-5}" -u 8 doctor
	read -r -t "${DEADLINE:-5}" -u 8 hangs
	[ "$hangs" = hangs ]
	kill -9 "$doctor"
	status=0
	read -r -t $((${DEADLINE:-5} * 2 / 5)) -u 8 || status=$?
	[ "$status" = 1 ] || output='' wrong "the sandbox gone within 2 s, or more on an emulator" # above 128: it timed out
}

# -- deps ----------------------------------------------------------------------------------------

@test "deps: dnf installs what rpm does not know, without a question" {
	fake dnf <<<'echo "dnf $*" >>"$TOLD"; [ /dev/stdin -ef /dev/null ]'
	fake rpm <<<'[ "$1 $2" = "-q --whatprovides" ] &&
		case $3 in jq | iproute-tc | bats) exit 1 ;; esac'
	deps 0
	[ "$status" = 0 ] || wrong "success"
	says 'installing: bats (runs the graded tests)' 'installing: iproute-tc (*' 'installing: jq (*'
	told 'dnf -y --setopt=install_weak_deps=False install iproute-tc jq bats'
}

@test "deps: zypper installs what rpm does not know, without a question" {
	fake zypper <<<'echo "zypper $*" >>"$TOLD"; [ /dev/stdin -ef /dev/null ]'
	fake rpm <<<'[ "$1 $2" = "-q --whatprovides" ] && case $3 in libelf-devel | socat) exit 1 ;; esac'
	deps 0
	[ "$status" = 0 ] || wrong "success"
	says 'installing: libelf-devel (*' 'installing: socat (*'
	told 'zypper --non-interactive install --no-recommends libelf-devel socat'
}

@test "deps: pacman installs what it does not have, without a question" {
	fake pacman <<<'case "$*" in
		"-Q bpf" | "-Q bash-bats") exit 1 ;;
		-Q*) ;;
		*) echo "pacman $*" >>"$TOLD"; [ /dev/stdin -ef /dev/null ] ;;
	esac'
	deps 0
	[ "$status" = 0 ] || wrong "success"
	says 'installing: bpf (*' 'installing: bash-bats (runs the graded tests)'
	told 'pacman -S --needed --noconfirm bpf bash-bats'
}

# apt LACKING OFFERED: a fake apt; dpkg lacks the packages of one pattern, and after an update, not
# before, the other pattern's packages can be had.
apt() {
	fake dpkg-query <<-END
		case \${*: -1} in $1) echo 'no packages found' >&2; exit 1 ;; esac
		echo 'installed installed ' # two architectures
	END
	fake apt-get <<-'END'
		echo "$DEBIAN_FRONTEND apt-get $*" >>"$TOLD"
		[ /dev/stdin -ef /dev/null ]
	END
	fake apt-cache <<-END
		[[ \$(cat "\$TOLD") != *update* || \$2 != $2 ]] || echo "Package: \$2"
	END
}

@test "deps: apt updates its lists, then installs, without a question or recommendations" {
	apt 'jq | libc6-dev | bpftool | linux-tools*' '*'
	deps 0
	[ "$status" = 0 ] || wrong "success"
	says 'installing: jq (reads what bpftool prints)' 'installing: bpftool (*'
	told ' apt-get -q update' 'noninteractive apt-get -y -o DPkg::Lock::Timeout=120 '"$(
		)"'--no-install-recommends install libc6-dev bpftool jq'
}

@test "deps: without a package bpftool, Ubuntu's linux-tools-generic brings it" {
	apt 'bpftool | linux-tools-*' 'linux-*'
	deps 0
	says 'installing: linux-tools-generic (*'
	[[ $(tail -n 1 "$TOLD") = *' install linux-tools-generic' ]] || told '… linux-tools-generic'
}

@test "deps: a package that dpkg knows and that is not installed is missing" {
	apt nothing '*'
	fake dpkg-query <<<'[ "${*: -1}" = jq ] && echo "not-installed " || echo "installed "'
	deps 0
	[[ $(tail -n 1 "$TOLD") = *' install jq' ]] || told '… install jq'
}

@test "deps: when nothing is missing it says so, and neither updates nor installs" {
	apt 'bpftool' '*' # linux-tools-generic is there in its place
	deps 1000
	[ "$status" = 0 ] || wrong "success"
	says 'nothing is missing'
	[ ! -s "$TOLD" ] || told nothing
}

@test "deps: a user's package manager runs through sudo, and nothing else does" {
	fake dnf <<<'echo "dnf $*" >>"$TOLD"'
	fake rpm <<<'[ "$*" != "-q --whatprovides jq" ]'
	fake sudo <<<'echo "sudo $1" >>"$TOLD"; "$@"'
	deps 1000
	told 'sudo dnf' 'dnf -y --setopt=install_weak_deps=False install jq'
}

@test "deps: a user without sudo is told what needs root" {
	fake dnf <<<'echo "dnf $*" >>"$TOLD"'
	fake rpm <<<'[ "$*" != "-q --whatprovides jq" ]'
	deps 1000
	[ "$status" = 1 ] || wrong "failure"
	says 'deps: this needs root, and there is no sudo: dnf *install jq'
	[ ! -s "$TOLD" ] || told nothing
}

@test "deps: an installation that fails is a failure, in one line" {
	fake dnf <<<'exit 7'
	fake rpm <<<'[ "$*" != "-q --whatprovides jq" ]'
	deps 0
	[ "$status" = 1 ] || wrong "failure"
	says 'deps: this failed: dnf *install jq'
}

@test "deps: without a package manager, one line lists what is needed" {
	deps 0
	[ "$status" = 1 ] || wrong "failure"
	[ "${#lines[@]}" = 1 ] || wrong "one line"
	says 'deps: no apt-get, dnf, zypper or pacman here; please install: clang llvm * gnuplot-nox'
	never-says ' - '
}

@test "deps: lint is what checks the sources, and nothing else" {
	apt '*' '*'
	deps 0 lint
	[[ $(tail -n 1 "$TOLD") = *' install clang-format shellcheck clang-tidy' ]] ||
		told '… install clang-format shellcheck clang-tidy'
	deps 0 lin
	[ "$status" = 2 ] || wrong "2, for a usage that is wrong"
	says 'usage: common/deps.sh \[lint\]'
}
