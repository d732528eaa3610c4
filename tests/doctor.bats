#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of `make doctor` and `make deps`. The doctor is shown this machine, whole and then broken in
# one way at a time; deps.sh is given package managers that only write down what they are told.
#
#     common/netns.sh bats tests/doctor.bats     (the doctor's tests need root)

# shellcheck disable=SC2016,SC2164 # breakages and fakes are shell in quotes; Bats stops at an error

bats_require_minimum_version 1.5.0
load needs

setup() {
	cd "$BATS_TEST_DIRNAME/.."
	PATH=$PATH:/usr/sbin:/sbin
	TOLD=$BATS_TEST_TMPDIR/told # what the fakes were told
	BIN=$BATS_TEST_TMPDIR/bin # the whole PATH of deps.sh
	export TOLD
	mkdir "$BIN"
	: >"$TOLD"
	find-user
	[[ $BATS_TEST_DESCRIPTION = deps:* || $(id -u) = 0 ]] ||
		lacks 'root is missing, which breaks a copy of this machine'
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
# /usr: a copy, which only COMMAND sees. Before, the copy gets an empty program for each command that the VM needs and this
# machine lacks. So a test finds the same VM on every machine.
broken() {
	local layer=$BATS_TEST_TMPDIR/layer

	mkdir -p "$layer"
	unshare --mount bash -euc '
		mount -t tmpfs tmpfs "$1"
		mkdir "$1/upper" "$1/work"
		mount -t overlay overlay /usr \
			-o "lowerdir=/usr,upperdir=$1/upper,workdir=$1/work"
		lacks=$(source common/deps.sh && vm-lacks)
		for command in $(tr -d , <<<"${lacks%%:*}"); do install -m 755 /dev/null "/usr/bin/$command"; done
		eval "$2"
		exec "${@:3}"' - "$layer" "$@"
}

# fake NAME: a program of that name for deps.sh, a shell script on stdin.
fake() {
	{ echo "#!$BASH" && cat; } >"$BIN/$1"
	chmod +x "$BIN/$1"
}

# deps USER ARGUMENT…: runs deps.sh as the user of that number, with nothing but the fakes and what it is itself
# written with.
deps() {
	local tool

	for tool in bash cat cp cut dirname env grep mkdir mktemp paste realpath sed setpriv stat tail; do
		ln -sf "$(command -v "$tool")" "$BIN"
	done
	fake id <<<"echo $1"
	run env -i PATH="$BIN" TOLD="$TOLD" bash common/deps.sh "${@:2}" </dev/null
}

# find-user: set BY_USER to the words that run a command as a user who is not root, where there is no terminal to ask for a
# password. That user is the owner of the tree, because another user may have no right to enter the owner's home. If root
# owns the tree, that user is nobody.
find-user() {
	local ids

	ids=$(stat -c '%u %g' .)
	[ "${ids% *}" != 0 ] || ids='65534 65534'
	BY_USER=(setsid -w setpriv --reuid "${ids% *}" --regid "${ids#* }" --clear-groups)
}

# A breakage: a sudo that is there and says this of anybody.
sudo-says() {
	printf 'printf "%%s\n" "#!/bin/sh" "echo %s >&2" "exit 1" >/usr/bin/sudo; chmod +x /usr/bin/sudo' "'$1'"
}

# -- doctor --------------------------------------------------------------------------------------

@test "doctor: this machine is well, and each thing has its line" {
	# As on a machine that systemd has booted: the one tracefs is mounted where the sandbox wants it.
	run -0 broken 'mountpoint -q /sys/kernel/tracing ||
		mount -t tracefs tracefs /sys/kernel/tracing' common/doctor.sh
	for name in root capabilities clang gcc bpftool ip unshare ethtool ping socat nft jq bats 'C headers' libelf \
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
		'labs 01 to 06 cannot run here yet: packages are missing; "make deps" installs them'
	never-says 'no package'
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
	says 'ok          kprobe programs' 'lab 07      needs the VM (fentry programs: load: refused)' \
		'labs 01 to 06 can run here; lab 07 will use the VM'
}

@test "doctor: a kernel that refuses what the labs load cannot run them" {
	run -1 broken "$(kernel xdp raw_tp)" common/doctor.sh
	says 'missing     xdp programs (load: refused): boot the distribution*' \
		'missing     raw_tp programs (load: refused): *' 'ok          tc programs' \
		'labs 01 to 06 cannot run here: this kernel refuses*' 'they can run in a VM here: make vm-lab-01'
	never-says 'make deps'
}

@test "doctor: without the right to make namespaces, it says what fails" {
	run -1 broken : setpriv --bounding-set -sys_admin common/doctor.sh
	says 'missing     capabilities (root does not have CAP_SYS_ADMIN here; * --privileged): make vm-lab-NN *' \
		'labs 01 to 06 cannot run here: they need root *' 'they can run in a VM here: make vm-lab-01'
	never-says 'make deps'
	says 'missing     network namespaces (unshare: *: Operation not permitted): *' \
		'missing     bpffs (*' 'not probed  veth: needs network namespaces' \
		'not probed  xdp programs: needs the sandbox'
}

@test "doctor: a user without sudo is told so, and what needs no root is probed" {
	run -1 broken 'rm -f /usr/bin/sudo' "${BY_USER[@]}" common/doctor.sh
	says 'missing     root (this user is not root, and sudo is not installed): make vm-lab-NN *' 'ok          libbpf' \
		"ok          clang's BPF target" 'not probed  network namespaces: needs root' \
		'not probed  xdp programs: needs the sandbox' \
		'labs 01 to 06 cannot run here: they need root *' 'they can run in a VM here: make vm-lab-01'
	never-says 'make deps' # which would say that nothing is missing
	never-says 'sudo make'
	never-says 'sudo apt'
}

@test "doctor: a user whom sudo refuses is told what sudo says" {
	run -1 broken "$(sudo-says 'sudo: a password is required')" "${BY_USER[@]}" common/doctor.sh
	says 'missing     root (sudo does not make this user root (sudo: a password is required)): make vm-lab-NN *'
}

@test "doctor: with no_new_privs, sudo is not tried" {
	run -1 broken "$(sudo-says 'tried')" "${BY_USER[@]}" setpriv --no-new-privs common/doctor.sh
	says 'missing     root (no_new_privs is set for this process, so sudo *): make vm-lab-NN *'
	never-says tried
	run -0 setpriv --no-new-privs common/doctor.sh # root needs no sudo
}

@test "doctor: the root of a user namespace is not taken for root" {
	local become=("${BY_USER[@]}" unshare --user --map-root-user)

	"${become[@]}" true || lacks 'a user may make no user namespace here'
	run -1 "${become[@]}" common/doctor.sh
	says 'ok          root' 'missing     capabilities (this root is the root of a user namespace only*): make vm-lab-NN *'
}

@test "doctor: packages and root can be missing both, and each has its line" {
	run -1 broken 'rm -f /usr/bin/sudo $(type -ap jq cpio)' "${BY_USER[@]}" common/doctor.sh
	says 'labs 01 to 06 cannot run here yet: packages are missing; "make deps (as root)" installs them' \
		'labs 01 to 06 cannot run here: they need root *' \
		'they could run in a VM: first "make deps FOR=vm (as root)", then make vm-lab-01'
}

@test "doctor: a kernel without IPv6 has its line, and so has one that switches it off" {
	run -0 broken 'mount -t tmpfs tmpfs /proc/sys/net' common/doctor.sh
	says 'no IPv6     this kernel runs without it *' 'labs 01 to 0[67] can run here*'
	run -0 broken 'echo 1 >/run/one; mount --bind /run/one /proc/sys/net/ipv6/conf/default/disable_ipv6' common/doctor.sh
	says 'IPv6 off    by default *' 'labs 01 to 0[67] can run here*'
}

@test "doctor: what the VM lacks has its line, and is no need of labs 01 to 06" {
	run -0 broken 'rm -f $(type -ap cpio zstd)' common/doctor.sh
	says 'no VM       without*cpio, zstd: make deps FOR=vm'
	never-says 'ok          the VM'
}

@test "doctor: where lab 07 needs a VM and none can be made, it says how to get one" {
	run -0 broken "$(kernel kprobe)"'; rm -f $(type -ap cpio)' common/doctor.sh
	says 'labs 01 to 06 can run here; lab 07 needs the VM: make deps FOR=vm'
}

# -- without root ----------------------------------------------------------------------------------

@test "root: without sudo, each target is one line, with the way that works" {
	make -s build/xdp_drop tools # which nobody could not write, if root owns the tree
	for target in lab-02 check-02 shell-02 test mutants; do
		run -2 broken 'rm -f /usr/bin/sudo' "${BY_USER[@]}" make --no-print-directory -o all -o build/xdp_drop "$target"
		says "*$target needs root: this user is not root, and sudo is not installed. The VM needs *: make vm-$target"
		never-says 'sudo:'
	done
}

@test "root: a container's root without capabilities is told which, and how to start the container" {
	run -1 setpriv --bounding-set -sys_admin,-net_admin,-bpf env GOAL=lab-02 common/netns.sh true
	[ "${#lines[@]}" = 1 ] || wrong 'one line'
	says 'lab-02 needs root: root does not have CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_BPF here; *--privileged. The VM *: make vm-lab-02'
	run -1 setpriv --bounding-set -net_admin env GOAL=lab-02 common/netns.sh true
	says 'lab-02 needs root: root does not have CAP_NET_ADMIN here; *'
	run -0 setpriv --bounding-set -bpf common/netns.sh true # CAP_SYS_ADMIN includes it
}

@test "root: a lab that this kernel cannot run goes to the VM without root" {
	run -0 broken 'mount -t tmpfs tmpfs /sys/bus/event_source/devices
		printf "#!/bin/sh\necho booted" >/usr/bin/booted; chmod +x /usr/bin/booted
		mount --bind /usr/bin/booted common/vm/run; rm -f /usr/bin/sudo' \
		"${BY_USER[@]}" common/vm/or-here 07 common/netns.sh true
	says 'Lab 07 cannot run on this kernel (kprobe: this kernel has none). It runs in a VM on *' booted
	run -1 broken 'mount -t tmpfs tmpfs /sys/bus/event_source/devices; rm -f $(type -ap cpio)' common/vm/or-here 07 true
	says 'Lab 07 cannot run on this kernel (*). It would run in a VM, but the VM lacks cpio: make deps FOR=vm'
}

@test "root: make test skips a lab that nothing here can run, with the command that mends it; CI does not" {
	run -0 broken 'rm -f $(type -ap cpio)' env -u CI tests/run --in-vm 07
	says 'ok - all tests of lab 07, which this kernel cannot run # skip the VM lacks cpio: make deps FOR=vm'
	run -1 broken 'rm -f $(type -ap cpio)' env CI=true tests/run --in-vm 07
	says 'not ok - all tests of lab 07, which this kernel cannot run: the VM lacks cpio: make deps FOR=vm'
}

# A ping that hangs shows when the sandbox lives; the end of its pipe shows when all in it is dead.
@test "doctor: nothing is left behind when it is killed" {
	exec 8< <(broken 'ping=$(command -v ping); rm "$ping"
		printf "%s\n" "#!/bin/sh" "[ \$1 = -V ] || { echo hangs >&9; sleep 1000; }" >"$ping"
		chmod +x "$ping"' \
		bash -c 'echo $$ >&9; exec common/doctor.sh' 9>&1 >/dev/null 2>&1 3>&-)
	read -r -t 120 -u 8 doctor
	read -r -t 120 -u 8 hangs # on a busy machine it takes a while to get there
	[ "$hangs" = hangs ]
	kill -9 "$doctor"
	status=0
	read -r -t $((${DEADLINE:-5} * 2 / 5)) -u 8 || status=$?
	[ "$status" = 1 ] || output='' wrong "the sandbox gone within 2 s, or more on an emulator" # above 128: it timed out
}

# -- deps ----------------------------------------------------------------------------------------

@test "deps: dnf installs what rpm does not know, without a question, and its sizes are said first" {
	fake dnf <<-'END'
		case $* in *--assumeno*) printf '%s\n' 'Total download size: 12 M' 'Installed size: 40 M' && exit 1 ;; esac
		echo "dnf $*" >>"$TOLD"; echo chatter; [ /dev/stdin -ef /dev/null ]
	END
	fake rpm <<<'[ "$1 $2" = "-q --whatprovides" ] &&
		case $3 in jq | iproute-tc | bats) exit 1 ;; esac'
	deps 0 --goals
	[ "$status" = 0 ] || wrong "success"
	says 'deps: for labs 01 to 06 these packages are missing here:' \
		'    bats             runs the graded tests' '    iproute-tc       *' '    jq               *' \
		'deps: with all that they depend on: 12 M to download, 40 M on disk'
	told 'dnf -y --setopt=install_weak_deps=False install iproute-tc jq bats'
}

@test "deps: zypper installs what rpm does not know, without a question" {
	fake zypper <<-'END'
		case $* in *--dry-run*) echo 'Overall download size: 1.5 MiB. Already cached: 0 B.' && exit ;; esac
		echo "zypper $*" >>"$TOLD"; [ /dev/stdin -ef /dev/null ]
	END
	fake rpm <<<'[ "$1 $2" = "-q --whatprovides" ] && case $3 in libelf-devel | socat) exit 1 ;; esac'
	deps 0 --goals
	[ "$status" = 0 ] || wrong "success"
	says '    libelf-devel     *' '    socat            *' 'deps: with all that they depend on: 1.5 MiB to download'
	told 'zypper --non-interactive install --no-recommends libelf-devel socat'
}

@test "deps: pacman installs what it does not have, without a question" {
	fake pacman <<<'case "$*" in
		"-Q bpf" | "-Q bash-bats") exit 1 ;;
		-Q* | *--print*) ;;
		*) echo "pacman $*" >>"$TOLD"; [ /dev/stdin -ef /dev/null ] ;;
	esac'
	deps 0 --goals
	[ "$status" = 0 ] || wrong "success"
	says '    bpf              *' '    bash-bats        runs the graded tests'
	never-says 'depend on' # it does not say how much
	told 'pacman -S --needed --noconfirm bpf bash-bats'
}

# apt LACKING OFFERED: a fake apt; dpkg lacks the packages of one pattern until they are installed, and after an
# update, not before, the other pattern's packages can be had.
apt() {
	fake dpkg-query <<-END
		[[ " \$(tail -n 1 "\$TOLD") " != *" \${*: -1} "* ]] || { echo 'installed ' && exit; }
		case \${*: -1} in $1) echo 'no packages found' >&2; exit 1 ;; esac
		echo 'installed installed ' # two architectures
	END
	fake apt-get <<-'END'
		case $* in *--assume-no*)
			echo '0 upgraded, 86 newly installed, 0 to remove and 0 not upgraded.'
			echo 'Need to get 119 MB/120 MB of archives.'
			echo 'After this operation, 532 MB of additional disk space will be used.'
			exit 1 ;;
		esac
		echo "$DEBIAN_FRONTEND apt-get $*" >>"$TOLD"
		echo chatter
		[ /dev/stdin -ef /dev/null ]
	END
	fake apt-cache <<-END
		[[ \$(cat "\$TOLD") != *update* || \$2 != $2 ]] || echo "Package: \$2"
	END
}

@test "deps: apt updates its lists, then installs, without a question or recommendations" {
	apt 'jq | libc6-dev | bpftool | linux-tools*' '*'
	deps 0 --goals lab-02
	[ "$status" = 0 ] || wrong "success"
	says '    jq               reads what bpftool prints' '    bpftool          *' 'deps: all packages for lab-02 are installed'
	told ' apt-get -q update' 'noninteractive apt-get -y -o DPkg::Lock::Timeout=120 '"$(
		)"'--no-install-recommends install libc6-dev bpftool jq'
}

@test "deps: before it installs it says how much, and what apt says is in a log that it names" {
	apt jq '*'
	deps 0 --goals lab-02
	says 'deps: the output of apt goes to build/deps.log' \
		'deps: with all that they depend on: 86 new packages, 119 MB to download, 532 MB on disk'
	[[ $output = *'MB to download'*'deps: installing '* ]] || wrong 'first the sizes, then the installation'
	never-says chatter
	[ "${#lines[@]}" = 7 ] || wrong 'seven lines'
	[[ $(cat build/deps.log) = *apt-get*update*chatter*install\ jq*chatter* ]] || wrong "a log: $(cat build/deps.log)"
}

@test "deps: the log is the tree owner's, also under sudo" {
	mkdir -p "$BATS_TEST_TMPDIR/tree"
	cp -r common labs "$BATS_TEST_TMPDIR/tree"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
	chown -R 65534:65534 "$BATS_TEST_TMPDIR/tree"
	cd "$BATS_TEST_TMPDIR/tree"
	apt jq '*'
	ln -s "$(command -v setpriv)" "$BIN"
	deps 0 --goals
	[ "$status" = 0 ] || wrong "success"
	[ "$(stat -c '%u %s' build build/deps.log | grep -c '^65534 [1-9]')" = 2 ] || wrong "$(stat -c '%n %u %s' build build/deps.log)"
	chmod a-w build
	rm build/deps.log
	: >"$TOLD"
	deps 0 --goals
	[[ $output = *"the output of apt goes to /"* ]] || wrong 'a log elsewhere'
}

# The sets that a goal asks for are what is missing where dpkg has nothing.
@test "deps: a goal installs what it needs, and no more" {
	apt '*' '*'
	for each in lab-02:jq:qemu,gnuplot,clang-format vm-lab-02:jq,qemu:gnuplot test-all:jq,qemu,gnuplot:clang-format \
		fuzz:libclang-rt-dev:clang-format lint:clang-tidy:qemu-system-x86,gnuplot; do
		IFS=: read -r goal with without <<<"$each"
		: >"$TOLD"
		deps 0 --goals "$goal"
		for package in ${with//,/ }; do grep -q "install.* $package" "$TOLD" || told "… $package for $goal"; done
		for package in ${without//,/ }; do ! grep -q "install.* $package" "$TOLD" || told "no $package for $goal"; done
	done
}

@test "deps: on a kernel without kprobes, lab 07 brings the VM; on one with them, it does not" {
	[ "$(id -u)" = 0 ] || lacks 'root is missing, which hides a folder of this machine'
	for each in : 'mkdir /sys/bus/event_source/devices/kprobe'; do
		run -0 broken "mount -t tmpfs tmpfs /sys/bus/event_source/devices; $each" bash -c '
			source common/deps.sh; echo $(sets-of lab-07), $(sets-of lab-06), $(sets-of check), $(sets-of test)'
		[ "$each" != : ] || says 'core vm, core, core vm, core vm test'
		[ "$each" = : ] || says 'core, core, core, core test'
	done
}

@test "deps: make hands it the goals beside it, or what FOR says" {
	run -0 make -n deps lab-02 check-03
	[[ $output = *'common/deps.sh --goals lab-02 check-03'* ]] || wrong 'the goals'
	run -0 make -n deps FOR='vm test'
	[[ $output = *'common/deps.sh vm test'* ]] || wrong 'the sets'
}

@test "deps: without a package bpftool, Ubuntu's linux-tools-generic brings it" {
	apt 'bpftool | linux-tools-*' 'linux-*'
	deps 0 core
	says '    linux-tools-generic *'
	[[ $(tail -n 1 "$TOLD") = *' install linux-tools-generic' ]] || told '… linux-tools-generic'
}

@test "deps: a package that dpkg knows and that is not installed is missing" {
	apt nothing '*'
	fake dpkg-query <<<'[ "${*: -1}" = jq ] && echo "not-installed " || echo "installed "'
	deps 0 core
	[[ $(tail -n 1 "$TOLD") = *' install jq' ]] || told '… install jq'
	never-says 'are installed' # for it is still not
}

@test "deps: when nothing is missing it says so, and neither updates nor installs; nor needs it root" {
	apt 'bpftool | gnuplot-nox' '*' # linux-tools-generic is there in its place
	deps 1000 --goals
	[ "$status" = 0 ] || wrong "success"
	says 'deps: nothing is missing for labs 01 to 06' 'deps: next: make lab-01 *' \
		'    make deps FOR=test *'
	never-says FOR=vm
	[ ! -s "$TOLD" ] || told nothing
}

@test "deps: a user's package manager runs through sudo, and nothing else does" {
	fake dnf <<<'[[ $* = *assumeno* ]] || echo "dnf $*" >>"$TOLD"'
	fake rpm <<<'[ "$*" != "-q --whatprovides jq" ]'
	fake sudo <<<'[ "$1" = -n ] && exit; echo "sudo $1" >>"$TOLD"; "$@"'
	deps 1000 core
	told 'sudo dnf' 'dnf -y --setopt=install_weak_deps=False install jq'
}

@test "deps: a user without sudo is told what needs root, before anything is fetched" {
	fake dnf <<<'echo "dnf $*" >>"$TOLD"'
	fake rpm <<<'[ "$*" != "-q --whatprovides jq" ]'
	deps 1000 --goals lab-02
	[ "$status" = 1 ] || wrong "failure"
	says 'deps: installing packages for lab-02 needs root, and this user is not root, and sudo is not installed. *'
	[ ! -s "$TOLD" ] || told nothing
}

@test "deps: an installation that fails is a failure, with the package manager's reason and its log" {
	apt jq '*'
	fake apt-get <<<'[[ $* = *update* ]] || { echo "E: no space left" && exit 100; }'
	deps 0 core
	[ "$status" = 1 ] || wrong "failure"
	says 'deps: this failed: env *apt-get *install jq' '    E: no space left' 'deps: its output is in build/deps.log'
}

@test "deps: what only some tests need may fail beside a goal, not when it is asked for by its name" {
	apt gnuplot-nox '*'
	fake apt-get <<<'[[ $* = *update* ]]'
	deps 0 --goals test
	[ "$status" = 0 ] || wrong "success"
	says 'deps: going on without the packages for those tests *'
	never-says 'are installed'
	deps 0 test
	[ "$status" = 1 ] || wrong "failure"
}

@test "deps: without a package manager, one line lists what is needed" {
	deps 0 core test
	[ "$status" = 1 ] || wrong "failure"
	[ "${#lines[@]}" = 1 ] || wrong "one line"
	says 'deps: no apt-get, dnf, zypper or pacman here; please install what apt calls clang gcc * gnuplot-nox'
	never-says ' - '
}

@test "deps: a set that is none is status 2" {
	deps 0 lin
	[ "$status" = 2 ] || wrong "2, for a usage that is wrong"
	says 'usage: common/deps.sh *'
}
