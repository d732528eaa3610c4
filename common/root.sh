# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Root, to be sourced: asks whether this process is root or can become root, and explains in one line why not.
# A message ends with the way that works without root: the virtual machine, `make vm-TARGET`. $GOAL is the
# target that make was asked for; the Makefile sets it.

# The capabilities that a lab needs, each with its bit in /proc/PID/status. CAP_SYS_ADMIN includes CAP_BPF.
CAPABILITIES='CAP_NET_ADMIN=12 CAP_SYS_ADMIN=21 CAP_BPF=39'

# status-field NAME: print this field of /proc/self/status; nothing if the kernel does not have it.
status-field() {
	local name value

	while IFS=$':\t' read -r name value; do
		[ "$name" != "$1" ] || echo "$value"
	done </proc/self/status
}

# has-terminal: is there a terminal at which sudo can ask for a password?
has-terminal() {
	{ : </dev/tty; } 2>/dev/null
}

# why-no-root: print why this process is not root and cannot become root; print nothing if it can. At a terminal
# this lets sudo ask for the password.
why-no-root() {
	local said

	[ "$(id -u)" != 0 ] || return 0
	if [ "$(status-field NoNewPrivs)" = 1 ]; then
		echo 'no_new_privs is set for this process, so sudo cannot make it root'
	elif ! command -v sudo >/dev/null; then
		echo 'this user is not root, and sudo is not installed'
	elif said=$(sudo -n true 2>&1) || { has-terminal && sudo true; }; then
		return 0
	else
		echo "sudo does not make this user root (${said%%$'\n'*})"
	fi
}

# missing-capabilities: print the names of the capabilities that a lab needs and that root does not have here. A
# user who is not root is judged by the bounding set, because sudo cannot give more than that.
missing-capabilities() {
	local field=CapBnd set each names=''

	[ "$(id -u)" != 0 ] || field=CapEff
	set=$(status-field "$field")
	for each in $CAPABILITIES; do
		! ((0x$set >> ${each#*=} & 1)) || continue
		[ "${each%=*}" != CAP_BPF ] || [[ $names == *CAP_SYS_ADMIN* ]] || continue
		names+=" ${each%=*}"
	done
	echo "${names# }"
}

# why-weak-root: print why root here may not do what a lab does, and how to start the container so that root may;
# print nothing if root may.
why-weak-root() {
	local ids names

	read -ra ids </proc/self/uid_map
	names=$(missing-capabilities)
	if [ "${ids[*]}" != '0 0 4294967295' ]; then
		echo 'this root is the root of a user namespace only, and the kernel lets no such root load BPF programs;' \
			'a container must be started by the real root, with --privileged'
	elif [ -n "$names" ]; then
		echo "root does not have ${names// /, } here; a container must be started with --privileged"
	fi
}

# why-no-lab: print why this process can neither do what a lab does nor become root that can; print nothing if it can.
why-no-lab() {
	local why

	why=$(why-no-root)
	[ -n "$why" ] || why=$(why-weak-root)
	[ -z "$why" ] || echo "$why"
}

# demand-root: return if this process can do what a lab does, or can by sudo. Otherwise explain in one line why not,
# and what to do, and exit with status 1.
demand-root() {
	local why

	why=$(why-no-lab)
	[ -z "$why" ] || {
		echo "${GOAL:-this} needs root: $why. The VM needs no root and no capability: make vm-${GOAL:-lab-NN}" >&2
		exit 1
	}
}

# as-root COMMAND…: run COMMAND as root, by sudo if necessary. Explain in one line and exit with status 1 if this
# process cannot become root. Installing packages needs no capability that a container lacks, so none is asked for.
as-root() {
	local why

	[ "$(id -u)" != 0 ] || { "$@"; return; }
	why=$(why-no-root)
	[ -z "$why" ] || { echo "${0##*/}: this needs root, and $why: $*" >&2 && exit 1; }
	sudo "$@"
}

# find-owner: set AS_OWNER to the words that, before a command, make it run as the owner of the tree $TOP, in that user's
# home. There are none if this process is not root, or if the tree is root's.
find-owner() {
	local owner home

	AS_OWNER=()
	owner=$(stat -c %u "$TOP")
	[ "$(id -u)" = 0 ] && [ "$owner" != 0 ] || return 0
	AS_OWNER=(setpriv --reuid "$owner" --regid "$(stat -c %g "$TOP")")
	home=$(getent passwd "$owner" | cut -d: -f6) || :
	if [ -d "$home" ]; then
		AS_OWNER+=(--init-groups env -u XDG_CACHE_HOME "HOME=$home")
	else
		AS_OWNER+=(--clear-groups)
	fi
}

# as-owner COMMAND…: run COMMAND as the owner of the tree $TOP if root runs this, so that new files are the owner's.
as-owner() {
	find-owner
	"${AS_OWNER[@]}" "$@"
}
