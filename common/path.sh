# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Where the tools are, to be sourced. A user's PATH, and sudo's, may lack ip, tc and bpftool. And Ubuntu's
# bpftool refuses a kernel whose own tools are not installed, while those of any other would serve.
PATH=$PATH:/usr/sbin:/sbin
for tool in /usr/lib/linux-tools/*/bpftool; do
	[ ! -x "$tool" ] || PATH=${tool%/*}:$PATH
done
export PATH
