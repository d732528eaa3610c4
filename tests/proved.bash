# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Which trials need not be run again; to be sourced in the top folder. A trial is the judgement of one mutant,
# tests/mutants/NN/NAME.patch, or of one wheat, tests/wheats/NN/NAME.bpf.c. There are hundreds of trials, and most changes
# concern a few of them. So a trial that ends well is noted in tests/trials.proved, with hashes of all that went into it, its
# inputs. While its inputs stay the same, the trial is proved, and a run leaves it out. But each run repeats a tenth of the
# proved trials, chosen at random, and FULL=1 repeats all of them.
#
# A trial sees no other file than its inputs, because its copy of the tree is made of them alone (tests/trials).

PROVED=$PWD/tests/trials.proved # lines FILE, tab, hash of what the lab's trials have in common, tab, hash of FILE
export TENTH=${TENTH:-$((RANDOM % 10))} # which tenth is repeated; a run in the VM repeats the one that its caller chose

# lab-inputs NN: print the names of the files that all trials of lab NN depend on, a line each: what the program, its loader
# and the tools of the tests are made of; what runs and judges them; and what is in the VM, if the lab runs there.
lab-inputs() {
	{
		printf '%s\n' Makefile labs/*/*.h tests/*.bash tests/*.[ch] tests/trials tests/frame
		find labs/"$1"-* tests/packets tests/"$1"-*.bats -type f
		find common -type f ! -path 'common/vm/*' ! -name doctor.sh ! -name deps.sh
		! compgen -G "labs/$1-*/kernel" >/dev/null || find common/vm common/deps.sh -type f
	} | sort -u
}

# tools: print the tools whose version could change a judgement.
tools() {
	"${CLANG:-clang}" --version | head -n 1
	(source common/path.sh && bpftool version | head -n 1)
	bats --version
}
export TOOLS=${TOOLS:-$(tools)} # asked once in a run

# kernel NN: print the kernel on which the trials of lab NN are judged.
kernel() {
	local version

	version=$(uname -r | cut -d . -f 1,2)
	common/vm/or-here --can "$1" || version=${KERNEL:-6.12}
	echo "Linux $version $(uname -m)"
}

# lab-hash NN FOLDER: print a hash of all that the trials of lab NN have in common, its inputs being those in FOLDER.
lab-hash() {
	{ kernel "$1" && echo "$TOOLS" && cd "$2" && lab-inputs "$1" | xargs -d '\n' sha256sum; } | sha256sum | cut -c 1-16
}

# notes FOLDER FILE…: print the lines that say of these trials, with the inputs in FOLDER, that they are proved.
notes() {
	local folder=$1 lab
	shift

	for lab in $(printf '%s\n' "$@" | cut -d / -f 3 | sort -u); do
		printf '%s\n' "$@" | grep "^tests/[a-z]*/$lab/" | xargs -d '\n' sha256sum |
			awk -v lab="$(lab-hash "$lab" "$folder")" '{ print $2 "\t" lab "\t" substr($1, 1, 16) }'
	done
}

# due FILE…: print those whose trials must be run. Say on stderr how many trials were left out.
due() {
	notes . "$@" | awk -F '\t' -v proved="$PROVED" -v full="${FULL:-}" -v tenth="$TENTH" '
		function digit(n) { return index("0123456789abcdef", substr($3, n, 1)) - 1 }
		BEGIN { while ((getline line <proved) > 0) known[line] = 1 }
		full || !($0 in known) || (digit(1) * 16 + digit(2)) % 10 == tenth { print $1; next }
		{ out++ }
		END { if (out) print "# " out " trials are left out: proved with just these inputs (tests/trials.proved)" >"/dev/stderr" }'
}

# note LINE STATUS: note a line of notes() if STATUS is 0, the trial ended well; else, that this trial is not proved.
note() {
	[ "$2" = 0 ] || set -- "${1%%$'\t'*}"$'\tfailed' "$2"
	echo "$1" >>"$PROVED"
}

# settle-notes: of each trial that still exists, keep the last note, if that says that the trial ended well.
settle-notes() {
	local file rest sorted
	local -A last=()

	while IFS=$'\t' read -r file rest; do last[$file]=$rest; done <"$PROVED"
	sorted=$(for file in "${!last[@]}"; do
		[ ! -e "$file" ] || [ "${last[$file]}" = failed ] || printf '%s\t%s\n' "$file" "${last[$file]}"
	done | sort -V)
	echo "$sorted" >"$PROVED" # the same file: its owner may be another user
}
