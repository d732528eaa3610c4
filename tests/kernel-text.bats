#!/usr/bin/env bats
# kprobe_vs_xdp text and safety: which of the kernel's code a hook changes, and what the verifier refuses.

bats_require_minimum_version 1.5.0
load says
load summary

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# -- text ----------------------------------------------------------------------------------------

@test "text: a wrong command line" {
	misused "kprobe_vs_xdp: which interface?" 'build/kprobe_vs_xdp text'
	misused "kprobe_vs_xdp: one interface only, not also 'veth1'" 'build/kprobe_vs_xdp text veth0 veth1'
}

@test "text: what cannot be" {
	says 1 'kprobe_vs_xdp: attach to eth9: No such device' 'on server build/kprobe_vs_xdp text eth9'
	says 1 'kprobe_vs_xdp: probe moon: /proc/kallsyms has no address of it (as root: there is no such function)' \
		'on server build/kprobe_vs_xdp text -f moon veth0'
	says 1 'kprobe_vs_xdp: load: Operation not permitted (loading BPF needs root: sudo)' \
		"on server $AS_USER build/kprobe_vs_xdp text veth0"
}

@test "text: XDP, tc and tracepoints change the kernel's code, too" {
	run -0 in-lab 'on server build/kprobe_vs_xdp text --summary veth0'
	echo "$output"
	[ "$(wc -l <<<"$output")" = 13 ]
	[ "$(field 'raw tracepoint' 2)" -ge 1 ]
	[ "$(field 'raw tracepoint' 3)" -ge 4 ]
	# Where programs have a dispatcher.
	[ "$(uname -m)" != x86_64 ] || [ "$(field 'XDP, native' 2)" = 2 ]
	# No such hook is in the function that is probed.
	for way in 'XDP, native' 'XDP, generic' 'tc, clsact' 'raw tracepoint' tracepoint; do
		probed "$way" -
	done
}

@test "text: it says what it finds in words, and that all is back" {
	run -0 in-lab 'on server build/kprobe_vs_xdp text veth0'
	echo "$output"
	[[ $output == *'nothing (the control)'* ]]
	[[ $output == *'__tracepoint_'*' -> '* || $output == *'nop -> jmp (static key'* ]]
	[[ $output == *'Of the driver, veth, native XDP changes 0 places'* ]]
	[[ $output == *'All detached: every byte is back'* ]]
	[[ $output != *NOT* ]]
}

@test "text: a lonely interface without native XDP has all other ways" {
	run -0 in-lab 'on server build/kprobe_vs_xdp text --summary lo'
	echo "$output"
	[ "$(field 'XDP, native' 2)" = - ]
	[ "$(field 'raw tracepoint' 2)" -ge 1 ]
}

@test "text: Ctrl-C ends it, and kill -9 leaves no program attached" {
	run -0 in-lab 'DEADLINE=60
		for signal in INT KILL; do
			rm -f $TMPDIR/said
			nsenter --net=/run/netns/server build/kprobe_vs_xdp text veth0 >$TMPDIR/said 2>&1 & pid=$!
			wait-for grep -q "^XDP, native" $TMPDIR/said
			kill -$signal $pid; wait $pid 2>/dev/null || echo $signal: $?
			tail -n 1 $TMPDIR/said | grep interrupted || :
			optimized() { [ "$(cat /proc/sys/debug/kprobes-optimization 2>/dev/null || echo 1)" = 1 ]; }
			wait-for optimized
			ip -n server link show veth0 | grep xdp || :
		done' 2>&1
	echo "$output"
	[ "$output" = 'INT: 1
kprobe_vs_xdp: interrupted: not every way has been tried
KILL: 137' ]
}

# -- safety --------------------------------------------------------------------------------------

@test "safety: a wrong command line; no privilege" {
	misused "kprobe_vs_xdp: no argument expected, not 'veth0'" 'build/kprobe_vs_xdp safety veth0'
	says 1 'kprobe_vs_xdp: load: Operation not permitted (loading BPF needs root: sudo)' \
		"$AS_USER build/kprobe_vs_xdp safety"
}

# verdict N WORDS: the program N is judged so.
verdict() {
	sed -n "/^$1\. /,/^\$/p" <<<"$output" | grep -qF "$2" || { echo "program $1: no '$2'" && false; }
}

@test "safety: four wrong programs are refused, each with its reason; a right one is not" {
	run -0 in-lab 'build/kprobe_vs_xdp safety'
	echo "$output"
	for wrong in 1 2 3 4; do verdict "$wrong" 'verdict:      refused'; done
	verdict 1 "map_value_or_null"
	verdict 1 "compare with NULL"
	verdict 2 "infinite loop detected"
	verdict 2 "count its rounds"
	verdict 3 "PT_REGS_PARM1(ctx) = 0"
	verdict 3 "invalid mem access 'scalar'"
	verdict 4 "invalid mem access 'scalar'"
	verdict 5 'verdict:      accepted'
	[[ $output == *'a null pointer, its read returns -'* ]]
	[[ $output == *'-14 (Bad address)'* ]]
}
