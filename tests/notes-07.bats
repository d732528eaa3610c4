#!/usr/bin/env bats
# The notes against a kernel that has kprobes: for each claim on them that a chapter says is wrong, an
# experiment. The programs are in tests/notes.

bats_require_minimum_version 1.5.0

load notes/words
load needs

@test "notes 07: not any instruction, not any function: the kernel refuses probes in its middle, in its own, and in what is not there" {
	experiment '
		cd /sys/kernel/tracing
		probe() { echo "p:underhood_$$ $1" >>kprobe_events; }
		unprobe() { echo "-:underhood_$$" >>kprobe_events; }
		probe ip_local_deliver && unprobe
		fails probe ip_local_deliver+1 # within an instruction
		for name in sys_open kmalloc; do
			! grep -q " $name$" /proc/kallsyms || fail "there is a $name"
			fails probe $name
		done
		[ "$(wc -l </sys/kernel/debug/kprobes/blacklist)" -gt 100 ]
		fails probe exc_int3' # the breakpoint itself
}

@test "notes 07: declared by BPF_PROG, a program at a kprobe gets wrong arguments" {
	compile arguments
	compile arguments-printed -DAS_PRINTED
	build attach
	experiment '
		lab
		for variant in arguments arguments-printed; do
			expect attached "$("$OBJECTS/attach" "$OBJECTS/$variant.o" "/sys/fs/bpf/$variant")"
		done
		on client build/volley 10.0.0.2 9 20 777 >/dev/null
		expect 20 "$(variable arguments packets)"
		expect 0 "$(variable arguments-printed packets)"
		[ "$(variable arguments-printed calls)" -ge 20 ]'
}

@test "notes 07: what a program at a kprobe returns stops nothing" {
	compile refuse
	build attach
	experiment '
		lab
		# Since 6.12 or so the verifier does not even let it.
		if ! SAID=$("$OBJECTS/attach" "$OBJECTS/refuse.o" /sys/fs/bpf/refuse); then
			refused refuse "should have been in [0, 0]"
			exit
		fi
		expect attached "$SAID"
		received() { on server awk "/^Udp: [0-9]/ { print \$3 }" /proc/net/snmp; } # to a port without a program
		before=$(received)
		on client build/volley 10.0.0.2 9 20 >/dev/null
		expect $((before + 20)) "$(received)"
		[ "$(variable refuse calls)" -ge 20 ]'
}
