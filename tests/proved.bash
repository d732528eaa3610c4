# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Which trials need not be run again; to be sourced in the top folder. A trial is the judgement of one mutant,
# tests/mutants/NN/NAME.patch; or of one wheat, tests/wheats/NN/NAME.bpf.c; or of a whole lab on a kernel for the VM, which has
# a name like that of a file, tests/kernels/NN/6.12. There are hundreds of trials, and most changes concern a few of them. So
# a trial that ends well is noted in tests/trials.proved, with hashes of all that went into it, its inputs. While its inputs
# stay the same, the trial is proved, and a run leaves it out. But each run repeats a tenth of the proved trials, chosen at
# random, and FULL=1 repeats all of them.
#
# The trial of a mutant or a wheat sees no other file than its inputs, because its copy of the tree is made of them alone
# (tests/trials).

PROVED=$PWD/tests/trials.proved # lines TRIAL, tab, hash of what the lab's trials have in common, tab, hash of the file itself
export TENTH=${TENTH:-$((RANDOM % 10))} # which tenth is repeated; a run in the VM repeats the one that its caller chose

# lab-inputs NN: print the names of the files that all trials of lab NN depend on, a line each: what the program, its loader
# and the tools of the tests are made of; what runs and judges them; and what is in the VM, if the lab runs there.
lab-inputs() {
	{
		printf '%s\n' Makefile labs/*/*.h tests/*.bash tests/*.[ch] tests/trials tests/frame
		find labs/"$1"-* tests/packets tests/"$1"-*.bats -type f ! -name README.md
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

# kernel NN: print the kernel on which the mutants and wheats of lab NN are judged: $ON_NN, if that is known.
kernel() {
	local known=ON_$1

	if [ -n "${!known:-}" ]; then
		echo "${!known}"
	elif common/vm/or-here --can "$1"; then
		uname -r | cut -d . -f 1,2
	else
		echo "${KERNEL:-6.12}"
	fi
}

# find-judges NN…: set $TOOLS and, for these labs, $ON_NN, here and in what is started from here: they are found once in a run.
find-judges() {
	local number

	TOOLS=$(tools)
	export TOOLS
	for number; do export "ON_$number=$(kernel "$number")"; done
}

# lab-hash NN FOLDER: print a hash of all that the trials of lab NN have in common, its inputs being those in FOLDER.
lab-hash() {
	{ kernel "$1" && uname -m && echo "${TOOLS:-$(tools)}" && cd "$2" && lab-inputs "$1" | xargs -d '\n' sha256sum; } |
		sha256sum | cut -c 1-16
}

# own-hashes TRIAL…: print `HASH TRIAL` of what belongs to this trial alone: its file, or the version of its kernel and how that
# is booted.
own-hashes() {
	local trial version

	for trial; do
		case $trial in
		tests/kernels/*)
			version=$(common/vm/kernel "${trial##*/}" 2>/dev/null | sed -nE '1s/^([0-9]+\.[0-9]+).*/\1/p')
			cat <(echo "$trial $version") tests/kernels tests/verified* common/deps.sh common/vm/* |
				sha256sum | sed "s|-$|$trial|"
			;;
		esac
	done
	printf '%s\n' "$@" | grep -v '^tests/kernels/' | xargs -r -d '\n' sha256sum
}

# notes FOLDER TRIAL…: print the lines that say of these trials, with the inputs in FOLDER, that they are proved.
notes() {
	local folder=$1 lab
	shift

	for lab in $(printf '%s\n' "$@" | cut -d / -f 3 | sort -u); do
		# shellcheck disable=SC2046 # a word each
		own-hashes $(printf '%s\n' "$@" | grep "^tests/[a-z]*/$lab/") |
			awk -v lab="$(lab-hash "$lab" "$folder")" '{ print $2 "\t" lab "\t" substr($1, 1, 16) }'
	done
}

# due TRIAL…: print those that must be run. Say on stderr how many trials were left out.
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
	flock "$PROVED" tee -a "$PROVED" <<<"$1" >/dev/null
}

# settle-notes: of each trial that still exists, keep the last note, if that says that the trial ended well. The lock keeps
# notes from being taken meanwhile.
settle-notes() (
	declare -A last=()

	exec 9<"$PROVED"
	flock 9
	while IFS=$'\t' read -r trial rest; do last[$trial]=$rest; done <"$PROVED"
	sorted=$(for trial in "${!last[@]}"; do
		[[ -e $trial || $trial == tests/kernels/* ]] || continue
		[ "${last[$trial]}" = failed ] || printf '%s\t%s\n' "$trial" "${last[$trial]}"
	done | sort -V)
	echo "$sorted" >"$PROVED" # the same file: its owner may be another user
)
