# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What kprobe_vs_xdp text --summary has printed, in $output.

# field WAY N: of the summary's line for WAY the field N.
# shellcheck disable=SC2154 # what `run` leaves
field() {
	awk -F '\t' -v way="$1" -v n="$2" '$1 == way { print $n }' <<<"$output"
}

# probed WAY INSTRUCTION: such an instruction was where WAY probes, if this kernel has it.
probed() {
	[[ "$(field "$1" 4)" =~ ^($2|-)$ ]] || { echo "$1: expected $2, got $(field "$1" 4)" && false; }
}
