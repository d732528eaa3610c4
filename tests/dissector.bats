#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# common/parse.h, compiled natively, against tshark, a dissector that is independent of it: of each of
# the frames that tests/frames.c makes, both name class, addresses and ports. Other frames, or more:
#
#     SEED=7 FRAMES=100000 bats tests/dissector.bats     (needs build/frames, of `make test`)

# shellcheck disable=SC2164 # Bats stops at an error

load needs

SEED=${SEED:-1}
FRAMES=${FRAMES:-20000} # besides those of tests/packets

setup() {
	cd "$BATS_TEST_DIRNAME/.."
	FOLDER=$BATS_FILE_TMPDIR
}

# parsed: the file in which parse.h's view is, of the frames in $FOLDER/pcap; made at first.
parsed() {
	[ -e "$FOLDER/parsed" ] ||
		build/frames "$SEED" "$FRAMES" "$FOLDER/pcap" tests/packets/*.hex >"$FOLDER/parsed"
	echo "$FOLDER/parsed"
}

# disagreements: parse.h's line and tshark's of each frame of which they are not of one opinion. At
# the end, how often tshark had none.
disagreements() {
	awk -F '\t' '
	NR == FNR { parsed[$1] = $0; next }
	$2 == "?" { silent++ }
	$2 != "?" && parsed[$1] != $0 { printf "parse.h %s\ntshark  %s\n", parsed[$1], $0 }
	{ delete parsed[$1] }
	END {
		for (number in parsed)
			printf "parse.h %s\ntshark  nothing\n", parsed[number]
		print "silent", silent + 0
	}' "$@"
}

# explain FILE: the first few disagreements in FILE, each with the bytes of the frame.
explain() {
	local who number line

	echo "SEED=$SEED FRAMES=$FRAMES: $(grep -c ^tshark "$1") disagreements"
	grep -m 10 -v ^silent "$1" | while read -r who number line; do
		echo "$who $number $line"
		[ "$who" = parse.h ] || tshark -n -r "$FOLDER/pcap" -Y "frame.number == $number" -x 2>/dev/null
	done
}

@test "dissector: parse.h and tshark see the same in every frame" {
	local who count

	needs tshark
	parsed >/dev/null
	tests/dissect "$FOLDER/pcap" >"$FOLDER/dissected"
	disagreements "$FOLDER/parsed" "$FOLDER/dissected" >"$FOLDER/disagreements"
	! grep -q ^tshark "$FOLDER/disagreements" || { explain "$FOLDER/disagreements" && return 1; }
	read -r who count <"$FOLDER/disagreements"
	echo "tshark had no say in $count of $FRAMES frames"
	[ "$((count * 100))" -lt "$FRAMES" ]
}

@test "dissector: the frames are of every class, and enough of each" {
	cut -f 2 "$(parsed)" | sort | uniq -c | awk -v least=$((FRAMES / 100)) '
	{ print; if ($1 >= least) classes++ }
	END { exit classes != 9 }'
}
