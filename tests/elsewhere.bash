# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# For tests of what an ordinary user meets, on another machine than this one: a copy of the tree, and a user who may use sudo,
# in a mount namespace that no other process sees.

# What a script of `elsewhere` begins with. The sudo is this test's own, because a machine may have none, or one that asks for
# a password. Like any other it drops the environment. Of lab 02 only two exercises are graded here, because that is quick.
WORDS='
	set -euo pipefail
	mount -t tmpfs -o mode=755 tmpfs /mnt
	mkdir -p /mnt/bin /mnt/home "$TREE"
	cp "$(command -v setpriv)" /mnt/bin/as-root && chmod u+s /mnt/bin/as-root
	printf "%s\n" "#!/bin/sh" "[ \"\$1\" != -n ] || shift" "exec /mnt/bin/as-root --reuid 0 --regid 0 --clear-groups env -i $ROOT_ENVIRONMENT \"\$@\"" \
		>/mnt/bin/sudo && chmod +x /mnt/bin/sudo
	cp -r --preserve=mode,timestamps Makefile common labs tests build "$TREE"
	cd "$TREE"
	sed -i "/^# -- 2.3/,\$d" tests/02-xdp-drop.bats
	chown -R 65534:65534 /mnt/home "$TREE"
	as() { setpriv --reuid "$1" --regid "$1" --clear-groups env -i HOME=/mnt/home "${@:2}"; }
	user() { as 65534 PATH=/mnt/bin:/usr/local/bin:/usr/bin:/bin "$@"; }
	root() { env -i $ROOT_ENVIRONMENT "$@"; }
'
export ROOT_ENVIRONMENT='PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root'
export TREE=/mnt/tree

# What the two exercises are worth.
# shellcheck disable=SC2034 # for the tests
GRADED=$'lab 02-xdp-drop\n  ✓ 2.1 [2] the bounds check\n  ✓ 2.2 [1] drop all\n  3 of 3 points'

# setup-elsewhere: what a test begins with.
setup-elsewhere() {
	cd "$BATS_TEST_DIRNAME/.." || return
	[ "$(id -u)" = 0 ] || skip 'being another user needs root'
	unset MAKEFLAGS MAKELEVEL
	make -s tools build/xdp_drop
}

# elsewhere SCRIPT: runs SCRIPT, in the folder $TREE, where the copy is, which belongs to the user. In it `user COMMAND…` runs
# a command as that user, `root COMMAND…` as root, both with nothing in the environment but VARIABLE=VALUE words that
# stand before the command. What the script mounts is gone afterwards.
elsewhere() {
	unshare --mount bash -c "$WORDS$1"
}
