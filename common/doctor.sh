#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What `make doctor` runs: a line for each thing that the labs need of this machine, found by trying
# it and not by its version: `ok`, or `missing` and the command that mends it. Ends with 0 when labs
# 01 to 06 can run. It changes nothing: what it has to write, it writes in a sandbox's own memory.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C # reasons are cut from what tools say, and shown to whoever is asked for help
export GOAL=lab-NN # what a message that there is no root speaks of
source common/path.sh
# shellcheck source=common/deps.sh
source common/deps.sh

# -- what is said --------------------------------------------------------------------------------

declare -A GOOD=() # what was probed and is well, by name
LACKING='' # what keeps labs 01 to 06 from running here: the words packages, root, kernel
VM07='' # set once lab 07 cannot run on this kernel
VM_READY='' # set once the VM is known to be able to run

line() {
	printf '%-12s%s\n' "$1" "$2"
}

# ok NAME
ok() {
	GOOD[$1]=yes
	line ok "$1"
}

# missing WHAT MEND: say that WHAT is missing, and what mends it. MEND is the call of a function that prints that:
# a call and not its result, because it may have to search all that the package manager offers. The function also
# tells what kind of thing is missing.
missing() {
	case $2 in
	*root-mend*) LACKING+=' root' ;;
	*kernel-mend* | veth-mend) LACKING+=' kernel' ;;
	*) LACKING+=' packages' ;;
	esac
	line missing "$1: $(eval "$2")"
}

# probeable WHAT NAME…: are all these well, without which WHAT cannot be probed? Says which is not. (That one has
# said already what is missing.)
probeable() {
	local what=$1 name
	shift

	for name in "$@"; do
		[ -z "${GOOD[$name]:-}" ] || continue
		line 'not probed' "$what: needs $name"
		return 1
	done
}

# reason COMMAND…: prints nothing if COMMAND succeeds, otherwise the line that says why not.
reason() {
	local said

	! said=$("$@" 2>&1 </dev/null) || return 0
	# A compiler leads up to its error; a linker only begins with it.
	grep -m 1 -E 'cannot find |error: ' <<<"$said" || grep -m 1 . <<<"$said" || echo "$1 failed"
}

# judge NAME MEND REASON: NAME is well without a REASON why not.
judge() {
	if [ -z "$3" ]; then
		ok "$1"
	else
		missing "$1 ($3)" "$2"
	fi
}

# try NAME MEND COMMAND…: NAME is well if COMMAND succeeds.
try() {
	judge "$1" "$2" "$(reason "${@:3}")"
}

# kernel-mend: what to do when it is the kernel that lacks something, or that refuses.
kernel-mend() {
	[[ $LACKING != *root* ]] || { echo 'this comes of what root may not do (see above)' && return; }
	echo "boot the distribution's own kernel, 6.1 or newer (a container: start it with --privileged)"
}

# -- tools ---------------------------------------------------------------------------------------

# tool NEED COMMAND ARGUMENT…: is it there, and does it start?
tool() {
	local need=$1
	shift

	if command -v "$1" >/dev/null; then
		try "$1" "mend $need" "$@"
	else
		missing "$1" "mend $need"
	fi
}

probe-tools() {
	tool clang clang --version
	tool gcc gcc --version
	tool bpftool bpftool version
	tool iproute2 ip -V
	tool util-linux unshare --version
	tool ethtool ethtool --version
	tool iputils-ping ping -V
	tool socat socat -V
	tool nftables nft --version
	tool jq jq --version
	tool bats bats --version
}

# has-library NEED NAME: can a program be linked with it?
has-library() {
	! probeable "$2" gcc ||
		try "$2" "mend $1" gcc -shared -o /dev/null -x c /dev/null "-l${2#lib}"
}

# libbpf-mend: a libbpf before 1.0 is as old as its distribution.
libbpf-mend() {
	if [ -n "$MANAGER" ] && ! grep -q '^libbpf-dev ' <<<"$(lacking "$CORE")"; then
		echo 'a newer release of this distribution brings libbpf 1.0'
	else
		mend libbpf-dev
	fi
}

# The compilers with what they include and link: each is given a real source.
probe-compilers() {
	! probeable 'C headers' gcc ||
		try 'C headers' "mend libc6-dev" gcc -fsyntax-only \
			-include stdio.h -include linux/bpf.h -x c /dev/null
	has-library libelf-dev libelf
	has-library zlib1g-dev libz
	has-library libpcap-dev libpcap
	! probeable libbpf 'C headers' libelf libz ||
		try libbpf libbpf-mend gcc -Wall -Wextra -Werror -D_GNU_SOURCE \
			common/probe.c -lbpf -lelf -lz -o /dev/null
	! probeable "clang's BPF target" clang libbpf ||
		try "clang's BPF target" "mend clang" clang -target bpf -O2 -g -Wall -Werror \
			-idirafter "/usr/include/$(gcc -print-multiarch)" \
			-c common/probe.bpf.c -o /dev/null
}

# -- the kernel, as root -------------------------------------------------------------------------

# root-mend: what to do without root, or with a root that is not the machine's.
root-mend() {
	echo "make vm-lab-NN needs none, it runs lab NN in a VM"
}

# probe-root: can this user be root, and may root do here what a lab does?
probe-root() {
	local why

	why=$(why-no-root)
	[ -z "$why" ] || { missing "root ($why)" root-mend && return; }
	ok root
	why=$(why-weak-root)
	[ -z "$why" ] || { missing "capabilities ($why)" root-mend && return; }
	ok capabilities
}

# privileged NAME MEND COMMAND…: like try, as root. Only for commands that are gone in an instant.
privileged() {
	local name=$1 mend=$2
	shift 2

	! probeable "$name" root unshare || try "$name" "$mend" as-root env "PATH=$PATH" "$@"
}

# Without it, no sandbox is made. What its message says besides is said here by the other lines.
probe-kernel() {
	local why

	why=$(reason common/netns.sh --kernel)
	judge 'Linux 6.1' kernel-mend "${why%%:*}"
}

# veth-mend: why there can be no veth: what loads its module, or the module, is not there.
veth-mend() {
	if ! command -v modprobe >/dev/null; then
		mend kmod
	elif [ -d /lib/modules ] && [ ! -d "/lib/modules/$(uname -r)" ]; then
		echo 'sudo reboot (the modules of the running kernel are no longer installed)'
	else
		kernel-mend
	fi
}

# Each part of the sandbox by itself, so that it is known which one fails, then the whole.
probe-sandbox() {
	privileged 'network namespaces' kernel-mend unshare --net true
	privileged bpffs kernel-mend unshare --mount mount -t bpf bpf /sys/fs/bpf
	# There is one tracefs, which cannot be mounted twice in one place.
	privileged tracefs kernel-mend unshare --mount sh -c 'mountpoint -q /sys/kernel/tracing ||
		mount -t tracefs tracefs /sys/kernel/tracing'
	! probeable veth ip 'network namespaces' || privileged veth veth-mend \
		unshare --net ip link add veth0 type veth peer name veth1
	! probeable 'the sandbox' root ip bpffs tracefs 'Linux 6.1' ||
		try 'the sandbox' kernel-mend common/netns.sh true
}

PROGRAMS=(bpf xdp tc tracepoint raw_tp kprobe fentry)

# What can be tried only inside the sandbox: prints `NAME REASON` of each, without REASON if it is
# well. This runs as a program of its own, for only a new one can be started in there.
inside() {
	local program

	printf '%s\n' 'bats_require_minimum_version 1.5.0' '@test "run -1" { run -1 false; }' \
		>"$TMPDIR/probe.bats"
	echo "bats $(reason bats "$TMPDIR/probe.bats")"
	echo "ping $(reason ping -q -c 1 -i 0.01 -W 1 127.0.0.1)"
	gcc -D_GNU_SOURCE common/probe.c -lbpf -lelf -lz -o "$TMPDIR/probe" 2>/dev/null || return 0
	ip link add veth0 type veth peer name veth1 2>/dev/null || :
	for program in "${PROGRAMS[@]}"; do
		echo "$program $(reason "$TMPDIR/probe" "$program" veth0)"
	done
}

probe-inside() {
	local name why program needs
	local -A found=()

	[ -z "${GOOD[the sandbox]:-}" ] || while read -r name why; do
		found[$name]=$why
	done < <(exec setpriv --pdeathsig KILL common/netns.sh common/doctor.sh --inside)

	! probeable 'Bats 1.5' bats 'the sandbox' ||
		judge 'Bats 1.5' "mend bats" "${found[bats]-not tried}"
	! probeable 'a ping' ping 'the sandbox' ||
		judge 'a ping' "mend iputils-ping" "${found[ping]-not tried}"
	for program in "${PROGRAMS[@]}"; do
		needs=(libbpf 'the sandbox')
		case $program in xdp | tc) needs+=(veth) ;; esac
		! probeable "$program programs" "${needs[@]}" ||
			judge-program "$program" "${found[$program]-not tried}"
	done
}

# judge-program KIND REASON: only lab 07 needs kprobes and fentry, and it has another way.
judge-program() {
	case $1:$2 in
	kprobe:?* | fentry:?*)
		VM07=yes
		line 'lab 07' "needs the VM ($1 programs: $2)"
		;;
	*) judge "$1 programs" kernel-mend "$2" ;;
	esac
}

# probe-vm: is all there that makes a VM? Labs 01 to 06 do not need one, so the VM is not called missing.
probe-vm() {
	local lacks

	lacks=$(vm-lacks)
	[ -z "$lacks" ] || { line 'no VM' "without $lacks" && return; }
	VM_READY=yes
	ok 'the VM'
}

# probe-ipv6: the labs run without IPv6 too, so its absence is not called missing.
probe-ipv6() {
	local sysctl=/proc/sys/net/ipv6

	if [ ! -d "$sysctl" ]; then
		line 'no IPv6' 'this kernel runs without it (ipv6.disable=1?): the labs run, and tests of IPv6 are skipped'
	elif [ "$(cat "$sysctl/conf/default/disable_ipv6")" = 1 ]; then
		line 'IPv6 off' 'by default (disable_ipv6=1): the labs run, and switch it on in their own networks'
	else
		ok IPv6
	fi
}

# -- entry ---------------------------------------------------------------------------------------

# why-not: for each kind of thing that keeps labs 01 to 06 from running here, a line that says what to do.
why-not() {
	[[ $LACKING != *packages* ]] || echo "labs 01 to 06 cannot run here yet: packages are missing;" \
		"\"$(by-root make deps)\" installs them"
	[[ $LACKING != *root* ]] || echo "labs 01 to 06 cannot run here: they need root with its capabilities," \
		"and no package brings that"
	[[ $LACKING != *kernel* || $LACKING == *root* ]] || echo "labs 01 to 06 cannot run here: this kernel refuses" \
		"what they need, and no package changes that"
	[[ $LACKING != *root* && $LACKING != *kernel* ]] || vm-instead
}

# vm-instead: say how the labs run in a VM, and what that needs first.
vm-instead() {
	if [ -n "$VM_READY" ]; then
		echo 'they can run in a VM here: make vm-lab-01'
	else
		echo "they could run in a VM: first \"$(by-root make deps FOR=vm)\", then make vm-lab-01"
	fi
}

# verdict: say which labs can run here, in the last lines; exit with status 1 if labs 01 to 06 cannot.
verdict() {
	if [ -n "$LACKING" ]; then
		why-not
		exit 1
	elif [ -z "$VM07" ]; then
		echo 'labs 01 to 07 can run here'
	elif [ -n "$VM_READY" ]; then
		echo 'labs 01 to 06 can run here; lab 07 will use the VM'
	else
		echo "labs 01 to 06 can run here; lab 07 needs the VM: $(by-root make deps FOR=vm)"
	fi
}

case ${1:-} in
--inside) inside && exit ;;
'') ;;
*) echo "usage: $0" >&2 && exit 2 ;;
esac
probe-root
probe-tools
probe-compilers
probe-kernel
try BTF kernel-mend head -c 1 /sys/kernel/btf/vmlinux
probe-sandbox
probe-inside
probe-ipv6
probe-vm
verdict
