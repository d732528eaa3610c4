#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What `make deps` runs: installs the packages that this machine lacks for what is asked, with the distribution's
# own package manager.
#
#     common/deps.sh SET…            the sets by name: core, vm, test, lint
#     common/deps.sh --goals GOAL…   the sets that these goals of make use; without a goal, core
#
# It says first which packages are missing and how much is to be downloaded. It writes the package manager's output
# to a log, build/deps.log. (common/doctor.sh and common/vm/ source this, to name the command that mends.)
set -euo pipefail

TOP=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
# shellcheck source=common/root.sh
source "$TOP/common/root.sh"

# A line per need: its package on each distribution, and why. A need goes by its name on apt. A `-`:
# the package of another line brings it.
CORE='
# apt           dnf                    pacman        zypper                 why
clang           clang                  clang         clang                  compiles the BPF programs
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
# What only the tests of the house need: a test that lacks its package is skipped, or nothing is drawn.
TEST='
# apt           dnf                    pacman        zypper                 why
libclang-rt-dev compiler-rt            compiler-rt   -                      fuzzes the parser
python3         python3                python        python3                serves files over HTTP behind the load balancer
curl            curl                   curl          curl                   asks for them
git             git                    git           git                    applies patches: wrong programs, mended ones
tshark          wireshark-cli          wireshark-cli wireshark              dissects frames as the parser does, for a test
gnuplot-nox     gnuplot                gnuplot       gnuplot                draws what was measured
'
# What a VM with another kernel is made of. The emulator is the one of this machine's processor.
VM='
# apt           dnf                    pacman        zypper                 why
qemu-system-x86 qemu-system-x86-core   qemu-system-x86 qemu-x86             emulates a machine for the VM
busybox-static  busybox                busybox       busybox-static         starts the guest
cpio            cpio                   cpio          cpio                   packs what starts it
xz-utils        xz                     xz            xz                     unpacks a kernel'"'"'s modules
zstd            zstd                   zstd          zstd                   unpacks those of newer kernels
'
[ "$HOSTTYPE" != aarch64 ] || VM=${VM//qemu-system-x86 qemu-system-x86-core   qemu-system-x86 qemu-x86/qemu-system-arm qemu-system-aarch64-core qemu-system-aarch64 qemu-arm}
# What checks the sources, for contributors.
LINT='
# apt           dnf                    pacman        zypper                 why
clang-format    clang-tools-extra      clang         /usr/bin/clang-format  the style of C
shellcheck      ShellCheck             shellcheck    ShellCheck             finds mistakes in shell
clang-tidy      clang-tools-extra      clang         /usr/bin/clang-tidy    finds mistakes in C
gcc-aarch64-linux-gnu -                -             -                      compiles for arm64
qemu-system-arm -                      -             -                      emulates an arm64 machine
fakeroot        -                      -             -                      makes the disk of that machine without root
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

# by-root COMMAND…: print the command to type so that root runs it.
by-root() {
	if [ "$(id -u)" = 0 ]; then
		echo "$*"
	elif command -v sudo >/dev/null; then
		echo "sudo $*"
	else
		echo "$* (as root)"
	fi
}

# mend NEED: print the command that installs it here, to type.
mend() {
	local need package why

	while read -r need package why; do
		[ "$need" = "$1" ] || continue
		package=$(chosen "$package")
		# `make deps` updates the package lists, and only then they know such a package.
		offered "$package" || { by-root make deps && return; }
		case $MANAGER in
		apt) by-root apt-get install "$package" ;;
		pacman) by-root pacman -S "$package" ;;
		*) by-root "$MANAGER" install "$package" ;;
		esac
		return
	done < <([ -z "$MANAGER" ] || needs "$CORE$VM")
	echo "install $1 as this system installs things"
}

# vm-lacks: print which commands the VM needs and this machine does not have, in one line, with what installs them;
# print nothing if all are here. The commands count and not the packages, because some come in other ways.
vm-lacks() {
	local command lacks=''

	for command in "qemu-system-$(uname -m)" busybox cpio depmod xz zstd socat; do
		command -v "$command" >/dev/null || lacks+=", $command"
	done
	[ -z "$lacks" ] || echo "${lacks#, }: $(by-root make deps FOR=vm)"
}

# -- which sets ----------------------------------------------------------------------------------

# describe SET: print what the set is for.
describe() {
	case $1 in
	core) echo 'labs 01 to 06' ;;
	vm) echo 'virtual machines, which run other kernels and need no root' ;;
	test) echo 'those tests of the labs that need further tools' ;;
	lint) echo 'what checks the sources' ;;
	esac
}

# table SET: print the set's table.
table() {
	case $1 in
	core) echo "$CORE" ;;
	vm) echo "$VM" ;;
	test) echo "$TEST" ;;
	lint) echo "$LINT" ;;
	esac
}

# vm-for [NN-]: print `vm` if it can be seen before libbpf is there that this kernel cannot run lab NN; without NN,
# one of the labs. A kernel with kprobes has a folder for them in sysfs.
vm-for() {
	[ -d /sys/bus/event_source/devices/kprobe ] || ! grep -qs kprobe "$TOP"/labs/"${1:-}"*/kernel || echo vm
}

# sets-of GOAL…: print the sets that these goals of make use, each once and in order; without a goal, core.
sets-of() {
	local goal sets=' core '

	for goal; do
		case $goal in
		lab-* | check-* | shell-*) sets+="$(vm-for "${goal#*-}-") " ;;
		check) sets+="$(vm-for) " ;;
		test | mutants | wheats | bench | fuzz) sets+="$(vm-for) test " ;;
		test-all | vm-test* | vm-mutants | vm-wheats | vm-bench) sets+='vm test ' ;;
		test-kernels | vm-*) sets+='vm ' ;;
		lint | format) sets+='lint ' ;;
		esac
	done
	in-order "$sets"
}

# in-order SETS: print these sets, each once, in the order in which they are installed.
in-order() {
	local set

	for set in core vm test lint; do
		[[ " $1 " != *" $set "* ]] || echo "$set"
	done
}

declare -A MISSING=() # of each set that was looked for, what is missing of it

# -- what it takes -------------------------------------------------------------------------------

# dry-run PACKAGE…: let the package manager say what it would do, without root and without doing it.
dry-run() {
	case $MANAGER in
	apt) apt-get -o Debug::NoLocking=1 --assume-no --no-install-recommends install "$@" ;;
	dnf) dnf --assumeno --setopt=install_weak_deps=False install "$@" ;;
	zypper) zypper --non-interactive install --dry-run --no-recommends "$@" ;;
	pacman) pacman -S --print --print-format '%s' "$@" ;;
	esac
}

# how-much PACKAGE…: print how many packages these are with all that they depend on, and how much there is to
# download and to store; print nothing if the package manager does not say so.
how-much() {
	local size='([0-9.,]+ ?[kKMG]?i?B?)'

	LC_ALL=C dry-run "$@" 2>/dev/null </dev/null | sed -nE "
		s/^[0-9]+ upgraded, ([0-9]+) newly installed.*/\1 new packages/p
		s/^Need to get $size(\/$size)? of archives.*/\1 to download/p
		s/^After this operation, $size (of additional|extra).*/\1 on disk/p
		s/^Total download size: $size.*/\1 to download/p
		s/^Installed size: $size.*/\1 on disk/p
		s/.*Need to download $size\..*/\1 to download/p
		s/^(Overall|Package) download size: *$size.*/\2 to download/p
		s/.*additional $size will be used.*/\1 on disk/p
		s/^([0-9]+)$/\1 bytes to download/p" | paste -sd , | sed 's/,/, /g' || :
}

# look-for SET…: set ${MISSING[SET]} to the lines of `lacking`, of each set.
look-for() {
	local set

	for set; do MISSING[$set]=$(lacking "$(table "$set")"); done
}

# incomplete SET…: print those of these sets of which something is missing.
incomplete() {
	local set

	for set; do [ -z "${MISSING[$set]}" ] || echo "$set"; done
}

# announce SET…: print which needs of these sets are missing, and how much there is to download.
announce() {
	local set need package why size packages=()

	echo "deps: for $WHAT these packages are missing here:"
	while read -r need package why; do
		package=$(chosen "$package")
		packages+=("$package")
		printf '    %-16s %s\n' "$package" "$why"
	done < <(for set; do echo "${MISSING[$set]}"; done)
	size=$(how-much "${packages[@]}")
	[ -z "$size" ] || echo "deps: with all that they depend on: $size"
}

# -- installation --------------------------------------------------------------------------------

# open-log: set $LOG to the file that the package manager's output goes to. Under sudo it belongs to the owner of
# the tree. In a tree that cannot be written to, it is a temporary file.
open-log() {
	LOG=build/deps.log
	{ as-owner mkdir -p build && as-owner cp /dev/null "$LOG"; } 2>/dev/null || LOG=$(mktemp)
}

# logged COMMAND…: run COMMAND as root, with its output in the log. Nobody answers its questions.
logged() {
	printf '\n# %s\n' "$*" >>"$LOG"
	as-root "$@" </dev/null >>"$LOG" 2>&1
}

# update-lists: let apt fetch its package lists. Where that fails, the old lists have to do, because the list that
# cannot be fetched may be one that is not needed.
update-lists() {
	[ "$MANAGER" = apt ] || return 0
	echo 'deps: updating the package lists of apt'
	logged apt-get -q update || echo 'deps: not every list could be updated; going on with the lists that are there' >&2
}

# install-set SET: install what is missing of it. Print the package manager's errors if that fails, and return 1.
install-set() {
	local package packages=() command

	while read -r _ package _; do
		packages+=("$(chosen "$package")")
	done <<<"${MISSING[$1]}"
	mapfile -t command < <(install-command "${packages[@]}")
	echo "deps: installing the packages for $(describe "$1")"
	logged "${command[@]}" && return
	{
		echo "deps: this failed: ${command[*]}"
		grep -E '^(E|Err|Error|error)[: ]' "$LOG" | tail -n 5 | sed 's/^/    /' || :
		echo "deps: its output is in $LOG"
	} >&2
	return 1
}

# install-sets SET…: install what is missing of these sets. A set that fails stops what follows if it is the core,
# or if it was asked for by its name; otherwise the goals go on without it.
install-sets() {
	local set

	for set; do
		install-set "$set" && continue
		[ "$set" != core ] && [ "$BY_NAME" = no ] || exit 1
		echo "deps: going on without the packages for $(describe "$set")" >&2
	done
}

# -- entry ---------------------------------------------------------------------------------------

# provide SET…: make sure that these sets are here, and say what happens.
provide() {
	local sets why

	look-for "$@"
	mapfile -t sets < <(incomplete "$@")
	[ ${#sets[@]} -gt 0 ] || { echo "deps: nothing is missing for $WHAT" && return; }
	why=$(why-no-root)
	[ -z "$why" ] || die "installing packages for $WHAT needs root, and $why." \
		"Ask an administrator of this machine to run here, as root: make deps"
	open-log
	echo "deps: the output of $MANAGER goes to $LOG"
	update-lists
	announce "${sets[@]}"
	install-sets "${sets[@]}"
	look-for "${sets[@]}"
	[ -n "$(incomplete "$@")" ] || echo "deps: all packages for $WHAT are installed"
}

# no-manager SET…: name the needs of these sets as apt does, and exit with status 1.
no-manager() {
	die 'no apt-get, dnf, zypper or pacman here; please install what apt calls' \
		"$(for set; do MANAGER=apt needs "$(table "$set")"; done | cut -d' ' -f1 | paste -sd ' ')"
}

# usage: print it, and exit with status 2.
usage() {
	echo "usage: $0 core|vm|test|lint…, or $0 --goals [GOAL…]" >&2
	exit 2
}

main() {
	local sets word

	cd "$TOP"
	if [ "${1:-}" = --goals ]; then
		shift
		BY_NAME=no WHAT=${*:-$(describe core)} sets=$(sets-of "$@")
	else
		[ $# -gt 0 ] || usage
		for word; do [ -n "$(table "$word")" ] || usage; done
		BY_NAME=yes WHAT=$* sets=$(in-order " core $* ")
	fi
	# shellcheck disable=SC2086 # a set each
	set -- $sets
	[ -n "$MANAGER" ] || no-manager "$@"
	provide "$@"
	[ "$WHAT" != "$(describe core)" ] || next
}

# next: after `make deps` alone, say what to do next, and how to get the sets that are not here.
next() {
	local sets set

	echo 'deps: next: make lab-01 (or make doctor, which tries everything)'
	look-for vm test
	sets=$(incomplete vm test)
	[ -n "$sets" ] || return 0
	echo 'deps: not installed, because nothing has asked for it:'
	for set in $sets; do printf '    %-32s %s\n' "$(by-root make deps FOR="$set")" "$(describe "$set")"; done
}

[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
