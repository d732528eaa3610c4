# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# For tests of what a program says: all of it, and with which exit status.

# in-lab SCRIPT: runs SCRIPT in a sandbox with a wire between client and server.
in-lab() {
	common/netns.sh bash -c "source common/netns.sh
		host client; host server; wire client server
		$1"
}

# says STATUS LINE SCRIPT: SCRIPT ends with STATUS, having said LINE and nothing else.
says() {
	local status_expected=$1 line=$2

	run in-lab "$3"
	# shellcheck disable=SC2154 # `run` has set them
	if [ "$status" != "$status_expected" ] || [ "$output" != "$line" ]; then
		printf 'expected status %s: %s\ngot      status %s: %s\n' \
			"$status_expected" "$line" "$status" "$output"
		return 1
	fi
}

# misused LINE COMMAND: a wrong command line is exit status 2, LINE, and where to read more.
misused() {
	says 2 "$1"$'\n'"Try \`${1%%:*} --help' or \`${1%%:*} --usage' for more information." "$2"
}

# shellcheck disable=SC2034 # for the scripts of the tests
AS_USER='setpriv --reuid 65534 --regid 65534 --clear-groups'
