#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# 07-kprobe-vs-xdp.sh [FILE.svg]: what each hook adds to a packet's path, and what the notes say that it does:
# in a table, and drawn. Runs on any kernel; on one that counts instructions, these are measured.
source "$(dirname "$0")/../../common/netns.sh"

DRAWING=${1:-build/bench-07.svg}

# The notes' figures, in ns, as the lines of what is measured.
NOTES=$'the notes: XDP\t\t10\t50\nthe notes: a kprobe\t\t1000\t5000'

# rows FILE: what gnuplot draws of the lines in FILE: row, median, low, high, text, name; the first one on top.
# The notes give only a range, and a logarithm has no place for what is not above 0.
rows() {
	awk -F '\t' -v OFS='\t' '
		function drawn(x) { return x < 1 ? 1 : x }
		{ line[NR] = $0 }
		END {
			for (i = 1; i <= NR; i++) {
				split(line[i], f)
				text = f[2] == "" ? f[3] " to " f[4] : sprintf("%.0f", f[2])
				print NR - i + 1, drawn(f[2]), drawn(f[3]), drawn(f[4]), text, f[1]
			}
		}' "$1"
}

# draw FILE: draws the lines in FILE, of which those of the notes come last.
draw() {
	local unit measured count

	unit=$(cut -f 5 "$1" | head -n 1)
	{ grep -v '^no hook' "$1" && echo "$NOTES"; } >"$TMPDIR/lines"
	rows "$TMPDIR/lines" >"$TMPDIR/rows"
	count=$(wc -l <"$TMPDIR/rows")
	measured=$((count - $(wc -l <<<"$NOTES")))
	gnuplot <<-END
		set terminal svg size 900,$((110 + 28 * count)) font "sans-serif,14" background "white"
		set rmargin 4
		set output "$DRAWING"
		set datafile separator "\t"
		set title "What a hook adds to a packet's path, Linux $(uname -r)" noenhanced
		set xlabel "$unit for each packet (the notes' figures: ns), logarithmic"
		set logscale x
		set xrange [1:50000]
		set yrange [0.3:$count + 0.7]
		set grid xtics
		set border 1
		set tics nomirror scale 0.5
		set style fill solid 0.9 noborder
		unset key # each row says what it is
		rows = "$TMPDIR/rows"
		plot rows every ::0::$((measured - 1)) using 2:1:(1):2:(\$1-0.3):(\$1+0.3):ytic(6) \\
				with boxxyerror linecolor rgb "#4477aa", \\
			rows every ::0::$((measured - 1)) using 2:1:3:4 with xerrorbars \\
				pointtype 0 linewidth 2 linecolor rgb "#222222", \\
			rows every ::$measured using 4:1:3:4:(\$1-0.3):(\$1+0.3):ytic(6) \\
				with boxxyerror linecolor rgb "#ee8866", \\
			rows using 4:1:5 with labels left offset 1,0
	END
	chown --reference=. "$DRAWING" # not root's, under sudo
	printf '\ndrawn: %s\n' "$DRAWING"
}

host client
host server
wire client server
on server build/kprobe_vs_xdp cost -r 8 --from client --tsv veth0 >"$TMPDIR/costs" || exit 1

# In the columns of bench.
printf '\n%-50s %8s %19s\n' "$(cut -f 5 "$TMPDIR/costs" | head -n 1) that a hook adds" cost quartiles
awk -F '\t' '{ printf "%-50s %8.1f %9.1f %9.1f\n", $1 == "no hook" ? "a packet, with no hook" : $1, $2, $3, $4 }' "$TMPDIR/costs"
if command -v gnuplot >/dev/null; then
	draw "$TMPDIR/costs"
else
	printf '\nnot drawn: gnuplot is missing (make deps FOR=test)\n'
fi
