#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What `make deps` runs: installs what the labs need and this machine lacks, with the distribution's
# own package manager, and says what each package is for. `common/deps.sh lint` installs what checks
# the sources, for contributors. (common/doctor.sh sources this, to name the command that mends.)
set -euo pipefail

# A line per need: its package on each distribution, and why. A need goes by its name on apt. A `-`:
# the package of another line brings it.
CORE='
# apt           dnf                    pacman        zypper                 why
clang           clang                  clang         clang                  compiles the BPF programs
llvm            llvm                   llvm          llvm                   shows what clang made (llvm-objdump)
gcc             gcc                    gcc           gcc                    compiles the loaders
libc6-dev       glibc-devel            glibc         glibc-devel            the headers of C and of the kernel
make            make                   make          make                   builds and runs everything
libbpf-dev      libbpf-devel           libbpf        libbpf-devel           loads BPF programs
libelf-dev      elfutils-libelf-devel  libelf        libelf-devel           libbpf reads objects with it
zlib1g-dev      zlib-devel             zlib          zlib-devel             libelf unpacks sections with it
libpcap-dev     libpcap-devel          libpcap       libpcap-devel          writes samples for tcpdump and Wireshark
bpftool         bpftool                bpf           bpftool                generates and shows what is loaded
iproute2        iproute                iproute2      iproute2               makes the test networks (ip)
-               iproute-tc             -             -                      attaches to traffic control (tc)
util-linux      util-linux             util-linux    util-linux             makes the sandbox (unshare, nsenter)
diffutils       diffutils              diffutils     diffutils              compares frames (cmp)
kmod            kmod                   kmod          kmod                   loads the kernel module of veth
ethtool         ethtool                ethtool       ethtool                sets the offloads of test interfaces
iputils-ping    iputils                iputils       iputils                sends pings
socat           socat                  socat         socat                  sends TCP, UDP and raw frames
tcpdump         tcpdump                tcpdump       tcpdump                shows what is on a wire
nftables        nftables               nftables      nftables               shows what comes after tc (nft)
jq              jq                     jq            jq                     reads what bpftool prints
bats            bats                   bash-bats     bats                   runs the graded tests
'
# What only tests of the house need: without it they are skipped, or there is no drawing.
TESTS='
# apt           dnf                    pacman        zypper                 why
libclang-rt-dev compiler-rt            compiler-rt   -                      fuzzes the parser
python3         python3                python        python3                serves files over HTTP behind the load balancer
curl            curl                   curl          curl                   asks for them
git             git                    git           git                    applies patches: wrong programs, mended ones
tshark          wireshark-cli          wireshark-cli wireshark              dissects frames as the parser does, for a test
gnuplot-nox     gnuplot                gnuplot       gnuplot                draws what was measured
'
# What a VM with another kernel is made of: without it there is none. The emulator goes by its processor.
VM='
# apt           dnf                    pacman        zypper                 why
qemu-system-x86 qemu-system-x86-core   qemu-system-x86 qemu-x86             emulates a machine for the VM
busybox-static  busybox                busybox       busybox-static         starts the guest
cpio            cpio                   cpio          cpio                   packs what starts it
xz-utils        xz                     xz            xz                     unpacks a kernel'"'"'s modules
zstd            zstd                   zstd          zstd                   unpacks those of newer kernels
'
[ "$HOSTTYPE" != aarch64 ] || VM=${VM//qemu-system-x86 qemu-system-x86-core   qemu-system-x86 qemu-x86/qemu-system-arm qemu-system-aarch64-core qemu-system-aarch64 qemu-arm}
LINT='
# apt           dnf                    pacman        zypper                 why
clang-format    clang-tools-extra      clang         /usr/bin/clang-format  the style of C
shellcheck      ShellCheck             shellcheck    ShellCheck             finds mistakes in shell
clang-tidy      clang-tools-extra      clang         /usr/bin/clang-tidy    finds mistakes in C
gcc-aarch64-linux-gnu -                -             -                      compiles for arm64
qemu-system-arm -                      -             -                      emulates an arm64 machine
'

# -- the package manager -------------------------------------------------------------------------

# package-manager: apt, dnf, zypper or pacman: the first that is here; nothing when none is.
package-manager() {
	local command

	for command in apt-get dnf zypper pacman; do
		! command -v "$command" >/dev/null || { echo "${command%-get}" && return; }
	done
}

MANAGER=$(package-manager)

# installed PACKAGE: does the package manager's database say so?
installed() {
	case $MANAGER in
	apt) [[ " $(dpkg-query -W -f '${db:Status-Status} ' "$1")" = *' installed '* ]] ;;
	dnf | zypper) rpm -q --whatprovides "$1" ;; # what replaced a package provides its name
	pacman) pacman -Q "$1" ;;
	esac &>/dev/null
}

# offered PACKAGE: can it be installed? Only apt is asked, which can name a package that exists in
# no version. Its lists are empty until its first update.
offered() {
	[ "$MANAGER" != apt ] || [ -n "$(apt-cache show "$1" 2>/dev/null)" ]
}

# install-command PACKAGE…: the command, a word a line, that installs without a question, and no
# more than asked for. apt waits for its lock, as a fresh Ubuntu updates itself for some minutes.
# pacman gets no -y: new lists without an upgrade of the whole system may break it.
install-command() {
	case $MANAGER in
	apt) printf '%s\n' env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=120 \
		--no-install-recommends install "$@" ;;
	dnf) printf '%s\n' dnf -y --setopt=install_weak_deps=False install "$@" ;;
	zypper) printf '%s\n' zypper --non-interactive install --no-recommends "$@" ;;
	pacman) printf '%s\n' pacman -S --needed --noconfirm "$@" ;;
	esac
}

# as-root COMMAND…
as-root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		command -v sudo >/dev/null || die "this needs root, and there is no sudo: $*"
		sudo "$@"
	fi
}

die() {
	echo "deps: $*" >&2
	exit 1
}

# -- needs ---------------------------------------------------------------------------------------

# needs TABLE: a line `NEED PACKAGE WHY…` for each need that has a package of its own here.
needs() {
	# shellcheck disable=SC2034 # the columns are read by the name in MANAGER
	while read -r apt dnf pacman zypper why; do
		case $apt in '' | '#') continue ;; esac
		[ "${!MANAGER}" = - ] || echo "$apt ${!MANAGER} $why"
	done <<<"$1"
}

# choices PACKAGE: the packages that serve, the best first. Ubuntu had no package bpftool before
# 24.10; of its linux-tools, those of any kernel will do (the labs' PATH finds them).
choices() {
	case $MANAGER:$1 in
	apt:bpftool) echo bpftool linux-tools-generic ;;
	*) echo "$1" ;;
	esac
}

# lacking TABLE: the lines of `needs` of which no choice is installed.
lacking() {
	local need package why choice

	needs "$1" | while read -r need package why; do
		for choice in $(choices "$package"); do
			! installed "$choice" || continue 2
		done
		echo "$need $package $why"
	done
}

# chosen PACKAGE: the best choice that is offered; without any, its own name, for the package
# manager to complain of.
chosen() {
	local choice

	for choice in $(choices "$1"); do
		! offered "$choice" || { echo "$choice" && return; }
	done
	echo "$1"
}

# mend NEED: the command that installs it here, to type.
mend() {
	local need package why sudo=''

	[ "$(id -u)" = 0 ] || sudo='sudo '
	while read -r need package why; do
		[ "$need" = "$1" ] || continue
		package=$(chosen "$package")
		# What the lists do not know is found after an update, and `make deps` does that.
		offered "$package" || { echo "make deps" && return; }
		case $MANAGER in
		apt) echo "${sudo}apt-get install $package" ;;
		pacman) echo "${sudo}pacman -S $package" ;;
		*) echo "$sudo$MANAGER install $package" ;;
		esac
		return
	done < <([ -z "$MANAGER" ] || needs "$CORE$VM")
	echo "install $1 as this system installs things"
}

# -- entry ---------------------------------------------------------------------------------------

# install-all TABLE: installs what it names and is not there, and says why.
install-all() {
	local lines package why packages=() command

	lines=$(lacking "$1")
	[ -n "$lines" ] || { echo "nothing is missing" && return; }
	# A list that cannot be fetched may be one that is not needed.
	[ "$MANAGER" != apt ] || as-root apt-get -q update </dev/null ||
		echo "deps: going on with the package lists that are there" >&2
	while read -r _ package why; do
		package=$(chosen "$package")
		packages+=("$package")
		echo "installing: $package ($why)"
	done <<<"$lines"
	mapfile -t command < <(install-command "${packages[@]}")
	as-root "${command[@]}" </dev/null || die "this failed: ${command[*]}"
}

main() {
	local table tests='' extra

	case $* in
	'') table=$CORE tests=$TESTS extra=$VM ;;
	lint) table=$LINT extra='' ;;
	*) echo "usage: $0 [lint]" >&2 && exit 2 ;;
	esac
	[ -n "$MANAGER" ] || die "no apt-get, dnf, zypper or pacman here; please install:" \
		"$(MANAGER=apt needs "$table$extra$tests" | cut -d' ' -f1 | paste -sd ' ')"
	install-all "$table"
	[ -z "$(lacking "$extra")" ] || (install-all "$extra") || echo "deps: going on without, there will be no VM" >&2
	[ -z "$(lacking "$tests")" ] || (install-all "$tests") || echo "deps: going on without, some tests will be skipped" >&2
}

[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
