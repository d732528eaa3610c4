#!/usr/bin/env bats
# kprobe_vs_xdp text and safety: which of the kernel's code a hook changes, and what the verifier refuses.
# What text says is compared with what the kernel says elsewhere: its list of probes, and /proc/kcore.

bats_require_minimum_version 1.5.0
load says

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# needs-kprobes: skips the test on a kernel without; the run in a VM, on a stock kernel, has it.
needs-kprobes() {
	local reason

	reason=$(in-lab 'on server build/probe kprobe veth0') || [ -n "$reason" ]
	[ -z "$reason" ] ||
		skip "this kernel runs no kprobe program ($reason); a stock kernel does: make vm-test"
}

# field WAY N: of the summary's line for WAY the field N.
field() {
	awk -F '\t' -v way="$1" -v n="$2" '$1 == way { print $n }' <<<"$output"
}

# probed WAY INSTRUCTION: such an instruction was where WAY probes, if this kernel has it.
probed() {
	[[ "$(field "$1" 4)" =~ ^($2|-)$ ]] || { echo "$1: expected $2, got $(field "$1" 4)" && false; }
}

# -- text ----------------------------------------------------------------------------------------

@test "text: a wrong command line" {
	misused "kprobe_vs_xdp: which interface?" 'build/kprobe_vs_xdp text'
	misused "kprobe_vs_xdp: one interface only, not also 'veth1'" 'build/kprobe_vs_xdp text veth0 veth1'
}

@test "text: what cannot be" {
	says 1 'kprobe_vs_xdp: attach to eth9: No such device' 'on server build/kprobe_vs_xdp text eth9'
	says 1 'kprobe_vs_xdp: probe moon: no such function in /proc/kallsyms' \
		'on server build/kprobe_vs_xdp text -f moon veth0'
	says 1 'kprobe_vs_xdp: read /proc/kallsyms: it gives no addresses (this needs root: sudo)' \
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

@test "text: a probe is a call, a jump or a breakpoint, as the kernel's own list has it" {
	needs-kprobes
	run -0 in-lab '
		mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
		on server build/kprobe_vs_xdp text --summary veth0 >$TMPDIR/said & pid=$!
		# Without a fork, for it must be quick: each is attached for a part of a second.
		while kill -0 $pid 2>/dev/null; do
			read -r optimization </proc/sys/debug/kprobes-optimization
			mapfile -t listed </sys/kernel/debug/kprobes/list
			printf "listed $optimization %s\n" "${listed[@]#* }"
		done | sort -u
		wait $pid
		cat $TMPDIR/said'
	echo "$output"
	probed 'kprobe, ftrace' call
	probed kretprobe call
	probed 'kprobe, jump' jmp
	probed 'kprobe, int3' int3
	probed fentry call
	probed kprobe.multi call
	[ "$(uname -m)" != x86_64 ] || [ "$(field 'kprobe, int3' 3)" = 1 ]
	# listed OPTIMIZATION k|r FUNCTION+OFFSET [FLAG]; while jumps are off there is none.
	grep -q '^listed 1 *k .*\[FTRACE\]' <<<"$output"
	grep -q '^listed 1 *r .*\[FTRACE\]' <<<"$output"
	[ "$(uname -m)" != x86_64 ] || grep -q '^listed 1 *k .*\[OPTIMIZED\]' <<<"$output"
	grep -q '^listed 0 *k [^[]*$' <<<"$output"
	run ! grep '^listed 0 .*OPTIMIZED' <<<"$output"
}

# The bytes at a kernel's address, by /proc/kcore: an ELF file with a segment for what is mapped.
KCORE='kcore() { # ADDRESS BYTES
	readelf -lW /proc/kcore 2>/dev/null | while read -r type offset start _ size _; do
		[ "$type" = LOAD ] || continue
		((start <= 0x$1 && 0x$1 - start < size)) || continue
		dd if=/proc/kcore iflag=skip_bytes,count_bytes skip=$((offset + 0x$1 - start)) count=$2 status=none |
			od -An -tx1 | sed "s/^ //"
		break
	done
}'

@test "text: the bytes of a probed function are what /proc/kcore has, without and with a probe" {
	needs-kprobes
	[ -r /proc/kcore ] || skip "this kernel has no /proc/kcore"
	run -0 in-lab "$KCORE"'
		address=$(awk "\$3 == \"ip_local_deliver\" { print \$1; exit }" /proc/kallsyms)
		on server build/kprobe_vs_xdp text -f ip_local_deliver veth0 >$TMPDIR/said
		sed -n "/^kprobe, ftrace/,/^\$/s/^  ip_local_deliver+0x\([0-9a-f]*\) *\(.*\) -> \(..\) .*/\1:\2:\3/p" $TMPDIR/said >$TMPDIR/place
		IFS=: read -r offset before with <$TMPDIR/place
		place=$(printf %x $((0x$address + 0x$offset)))
		echo "text:  $before -> $with"
		found=$(kcore $place 5)
		DEADLINE=30 start server build/kprobe_vs_xdp -f ip_local_deliver veth0
		echo "kcore: $found -> $(kcore $place 1)"
		stop server kprobe_vs_xdp
		echo "after: $(kcore $place 5)"'
	echo "$output"
	said=$(sed -n 's/^text:  //p' <<<"$output")
	[[ $said == *' -> '?? ]]
	[ "$(sed -n 's/^kcore: //p' <<<"$output")" = "$said" ]
	[ "$(sed -n 's/^after: //p' <<<"$output")" = "${said% -> *}" ]
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
