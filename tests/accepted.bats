#!/usr/bin/env bats
# tests/accepted.tsv: which programs the verifiers of which kernels accept, as tests/accepted found. (A new wheat is not missed
# here: run tests/accepted for it.)

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	TABLE=tests/accepted.tsv
}

# expected: print the first four columns of all lines that the table must have. The kernels are those of
# tests/verified.tsv. clang knows version v4 of the instruction set from clang 18 on, and the kernel from Linux 6.6 on.
expected() {
	local kernel clang version kind

	# shellcheck disable=SC2013 # a word each
	for kernel in $(awk '/^[0-9]/ { print $1 }' tests/verified.tsv | sort -u); do
		for clang in 14 19 21; do
			for version in v2 v3 v4; do
				[ "$version" != v4 ] || { [ "$clang" -ge 18 ] && [ "$kernel" != 6.1 ]; } || continue
				for kind in solutions blank wheats; do
					printf '%s\t%s\t%s\t%s\n' "$kernel" "$clang" "$version" "$kind"
				done
			done
		done
	done | sort
}

@test "accepted: each kernel accepts every program, by each compiler, for each version of the instruction set" {
	run -0 awk -F '\t' '!/^#/ && ($5 != $6 || $7 != "-")' "$TABLE"
	[ -z "$output" ] || { echo "not all were accepted:"$'\n'"$output" && false; }
	missing=$(expected | comm -23 - <(grep -v '^#' "$TABLE" | cut -f 1-4 | sort))
	[ -z "$missing" ] || { echo "not tried yet, by tests/accepted:"$'\n'"$missing" && false; }
}

@test "accepted: the solution and the blank program of every lab were tried" {
	labs=$(compgen -G 'labs/*' | wc -l)
	run -0 awk -F '\t' -v labs="$labs" '/\t(solutions|blank)\t/ && $6 != labs' "$TABLE"
	[ -z "$output" ] || { echo "there are $labs labs:"$'\n'"$output" && false; }
}
