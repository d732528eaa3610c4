#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# common/verifier.c against the verifier's logs: those in tests/verifier-logs, each as its kernel has written it, those of
# the running kernel, and pieces of them. (To add a kernel: build/refusals record build/refused.bpf.o DIR there.)

bats_require_minimum_version 1.5.0

# What is read of the log of each program in tests/refused.bpf.c and tests/unlicensed.bpf.c, on any kernel: words of the
# source line, of the reason (one of several), and of the meaning. A dash: what is there does not matter.
EXPECTED='
call_under_lock    |= bpf_ktime_get_ns(); |function calls are not allowed while holding a lock |lock is held
endless_loop       |while (bpf_get_pran   |infinite loop detected at insn                      |count its rounds
foreign_helper     |bpf_skb_pull_data     |cannot use helper;unknown func                      |-
kept_reference     |return XDP_PASS;      |Unreleased reference id=                            |submits nor discards
large_stack        |-                     |combined stack size of 2 calls                      |-
number_for_pointer |bpf_map_lookup_elem(  |R1 type=scalar expected=map_ptr                     |-
past_the_context   |*)ctx)[100];          |invalid bpf_context access off=400 size=4           |-
past_the_value     |locked[1].number      |invalid access to map value, value_size=16 off=24   |-
stale_pointer      |return data[0];       |invalid mem access '"'scalar'"'                     |stale
too_complex        |-                     |too large;the log ends before                       |-
unbounded_offset   |if (data + offset + 1 |math between pkt pointer and register               |unbounded number
unchecked_lookup   |number_of(0)->number  |map_value_or_null                                   |compare with NULL
unchecked_packet   |return eth->h_proto;  |invalid access to packet, off=12 size=              |data_end first
unlicensed         |bpf_probe_read_kernel |cannot call GPL-restricted function                 |LICENSE
unreachable_code   |-                     |unreachable insn                                    |-
unset_variable     |r0 = r3; %0 = r0      |!read_ok                                            |not set
wrong_verdict      |return 77;            |At program exit the register R0 has                 |-
'

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return
	local safe=-fsanitize=address,undefined

	gcc $safe -x c -o /dev/null - <<<'int main(void) { return 0; }' 2>/dev/null || safe=''
	# shellcheck disable=SC2086 # a word, or none
	gcc -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE -Icommon $safe tests/refusals.c common/verifier.c \
		-lbpf -o "$BATS_FILE_TMPDIR/refusals"
}

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	REFUSALS=$BATS_FILE_TMPDIR/refusals
	TAB=$'\t'
}

# has TEXT WORDS[;WORDS…]: are some of these words in it?
has() {
	local words choices

	IFS=';' read -ra choices <<<"$2"
	for words in "${choices[@]}"; do
		[[ $words != - && $1 != *"$words"* ]] || return 0
	done
	return 1
}

# read-well DIR: the logs there are those of all programs, and of each is read what is expected.
read-well() {
	local program source reason meaning line log wrong='' logs=0

	while IFS='|' read -r program source reason meaning; do
		[ -n "$program" ] || continue
		read -r program <<<"$program" && read -r source <<<"$source" && read -r reason <<<"$reason"
		log=$1/$program.log logs=$((logs + 1))
		line=$("$REFUSALS" read "$log")
		has "$(cut -f 2 <<<"$line")" "$source" && has "$(cut -f 3 <<<"$line")" "$reason" &&
			has "$(cut -f 4 <<<"$line")" "$meaning" || wrong+="expected: $source | $reason | $meaning"$'\n'"got: $line"$'\n'
	done <<<"$EXPECTED"
	[ "$(find "$1" -name '*.log' | wc -l)" = "$logs" ]
	[ -z "$wrong" ] || { echo "$wrong" && false; }
}

@test "refusals: source, reason and meaning are read from the log of each kernel" {
	for kernel in 6.1 6.12 6.18 7.3; do
		read-well "tests/verifier-logs/$kernel"
	done
}

@test "refusals: the same of the running kernel's own logs" {
	make -s build/refused.bpf.o build/unlicensed.bpf.o
	for object in refused unlicensed; do
		common/netns.sh "$REFUSALS" record "build/$object.bpf.o" "$BATS_TEST_TMPDIR"
	done
	read-well "$BATS_TEST_TMPDIR"
}

@test "refusals: no log, however cut and glued, is without a reason, or read past its end" {
	run -0 "$REFUSALS" fuzz 10000 tests/verifier-logs/*/*.log
	[ -z "$output" ] || { echo "$output" && false; }
}

@test "refusals: a log that is full, or has nothing, says that it has no reason" {
	full=$BATS_TEST_TMPDIR/full
	yes '5: (95) exit' | head -c $(((1 << 22) - 1)) >"$full"
	run -0 "$REFUSALS" read "$full"
	[ "$output" = "$full$TAB${TAB}the log is full: this program is too large for it$TAB" ]
	echo >"$full"
	run -0 "$REFUSALS" read "$full"
	[ "$output" = "$full$TAB${TAB}the log ends before the verifier's reason$TAB" ]
}

@test "refusals: a student sees the reason first, and of a newer kernel's explanation what is about the C" {
	run -0 "$REFUSALS" explain tests/verifier-logs/7.3/stale_pointer.log
	[ "${lines[0]}" = '  at the source line' ]
	[ "${lines[3]}" = "    R6 invalid mem access 'scalar'" ]
	[[ $output == *'which means'*'labs/05-tc/README.md'*'8: (71) r0 = *(u8 *)(r6 +0)'*'the kernel explains'*'>>> 79 |'*'invalidated: R6'*'Suggestion:'* ]]
	[[ $output != *'>>> 8 |'* && $output != *'context:'* && $output != *processed* ]]
	run -0 "$REFUSALS" explain tests/verifier-logs/6.18/stale_pointer.log
	[ "${lines[3]}" = "    R6 invalid mem access 'scalar'" ]
	[[ $output != *'the kernel explains'* && $output != *processed* && ${lines[-1]} == *'(71) r0 = *(u8 *)(r6 +0)' ]]
}
