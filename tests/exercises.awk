# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The marks of exercises in a source file. An exercise is
#
#     /* EXERCISE 3.2 [2]: what to do */      its number, its points
#     /* BEGIN SOLUTION */
#     …
#     /* END SOLUTION */
#
# and may have several such parts, each under its own EXERCISE. With task=list this prints a line
# `NUMBER POINTS FILE:LINE` for each part; with task=lines the lines of the solutions; with task=blank
# the file, where the solutions of the labs in `labs` (as " 1 3 ") are replaced by YOUR CODE HERE. Marks
# that are out of order are told on stderr, with file and line, and end it with status 1.

function wrong(line, what) {
	printf "%s:%d: %s\n", file, line, what > "/dev/stderr"
	failed = 1
}

FNR == 1 {
	ended()
	file = FILENAME
}

/EXERCISE / {
	if (!match($0, /EXERCISE [0-9]+\.[0-9]+ \[[0-9]+\]/)) {
		wrong(FNR, "not of the form EXERCISE 3.2 [2]: " $0)
	} else if (open) {
		wrong(FNR, "an EXERCISE inside the solution that begins in line " open)
	} else {
		split(substr($0, RSTART, RLENGTH), words, " ")
		number = words[2]
		points = words[3]
		split(number, parts, ".")
		if (match(FILENAME, /labs\/[0-9]+-/) && substr(FILENAME, RSTART + 5) + 0 != parts[1])
			wrong(FNR, "exercise " number " stands in another lab's folder")
		fresh = FNR
	}
}

/BEGIN SOLUTION/ {
	if (open)
		wrong(FNR, "BEGIN SOLUTION inside the one that begins in line " open)
	else if (!fresh)
		wrong(FNR, "BEGIN SOLUTION without an EXERCISE above it")
	open = FNR
	blank = task == "blank" && index(labs, " " parts[1] " ")
	if (task == "list" && fresh)
		printf "%s %s %s:%d\n", number, points, FILENAME, fresh
	fresh = 0
	if (blank) {
		sub(/BEGIN SOLUTION/, "YOUR CODE HERE")
		print
	}
}

/END SOLUTION/ {
	if (!open)
		wrong(FNR, "END SOLUTION without a BEGIN SOLUTION above it")
	hide = blank
	open = blank = 0
	if (hide)
		next
}

open && task == "lines" && FNR > open { print }

task == "blank" && !blank { print }

function ended() {
	if (open)
		wrong(open, "BEGIN SOLUTION without an END SOLUTION")
	if (fresh)
		wrong(fresh, "an EXERCISE without a solution")
	open = blank = fresh = 0
}

END {
	ended()
	exit failed
}
