#!/usr/bin/env bats
# The graded tests of lab 01. Each name begins with the exercise that it grades.
#
# The program sees every execve of the machine, so a busy one adds to each number. The kernel counts
# the program's runs (loaders started with -v ask it to); what the program counts must equal that.

load helper

setup() {
	briefly
	host client && host server
	requires client tracepoint
}

# detach: stops the loader. The pinned maps stay, and from here on nothing changes in them.
detach() {
	stop client hello
}

# -- 1.1: say hello ------------------------------------------------------------------------------

@test "1.1 [1] the greeting is in the kernel's trace" {
	greeting=hi-$SRANDOM
	attach client build/hello -g "$greeting"
	wait-for greeted "$greeting" 1 || wrong "$greeting in /sys/kernel/tracing/trace" \
		"none (a terminal that reads trace_pipe takes the lines away from here)"
}

@test "1.1 [1] each exec is greeted, once, even if nobody reads the events" {
	greeting=hi-$SRANDOM
	attach client build/hello -g "$greeting"
	kill -STOP "$(pid-of client hello)"
	build/rush "$PINS/hello" 300 # more than the ring has room for
	wait-for greeted "$greeting" 10 || :
	[ "$said" = 10 ] || wrong "10 greetings of 10 execs" "$said"
}

@test "1.1 [1] -n server: an exec on the client is not greeted" {
	greeting=hi-$SRANDOM
	attach client build/hello -g "$greeting"
	wait-for greeted "$greeting" 1 || wrong "a greeting without -n" "none"
	stop client hello
	greeting=hi-$SRANDOM
	attach client build/hello -n server -g "$greeting"
	! greeted "$greeting" 1 || wrong "no greeting" "$said"
}

# greeted TEXT N: makes a process that calls execve 10 times, and sets $said to how often the trace
# says TEXT of it; fails when that is less than N. The trace keeps a few hundred lines of the whole
# machine, so others may push ours out: wait-for makes another process then. (Not from trace_pipe,
# which takes the lines away from whoever else is reading.)
greeted() {
	local comm sh chain=$BATS_TEST_TMPDIR/chain

	# The trace shows each line of a process with the name that it bore last.
	comm=$(printf 'greet-%08x' "$SRANDOM")
	sh=$BATS_TEST_TMPDIR/$comm
	ln -s /bin/sh "$sh"
	echo '[ "$1" = 0 ] || exec "$2" "$0" $(($1 - 1)) "$2"' >"$chain"
	on client "$sh" "$chain" 8 "$sh" # after an exec of nsenter and one of sh, eight more
	said=$(grep -c "^ *$comm-[0-9].* bpf_trace_printk: $1\$" /sys/kernel/tracing/trace) || :
	[ "$said" -ge "$2" ]
}

# left-out: how often the kernel did not run the program, because another task was preempted in it on the same CPU. A kernel
# that preempts its own code does so under load; Debian's 7.3 is one.
left-out() {
	bpftool -j prog show pinned "$PINS/$TESTED" | jq '.recursion_misses // 0'
}

# -- 1.2: count ----------------------------------------------------------------------------------

@test "1.2 [2] every exec is counted, once" {
	attach client build/hello -v
	for _ in {1..20}; do on client true; done
	detach
	[ "$(runs)" -ge 20 ] || wrong "20 runs or more" "$(runs)"
	[ "$(global execs)" = "$(runs)" ] || wrong "execs $(runs)" "execs $(global execs)"
}

@test "1.2 [2] execs on several CPUs at once are all counted" {
	attach client build/hello -v
	build/rush "$PINS/hello" 100000
	detach
	[ $(($(runs) + $(left-out))) -ge 200000 ] || wrong "200000 runs or more" "$(runs), and $(left-out) left out"
	[ "$(global execs)" = "$(runs)" ] || wrong "execs $(runs)" "execs $(global execs)"
}

# -- 1.3: events ---------------------------------------------------------------------------------

# event FILENAME: what hello prints of the execve of FILENAME, once it has: in $pid, $uid, $comm and,
# with -v, $netns.
event() {
	wait-for printed "$1" || wrong "an event of the execve of $1" "none" || return 1
	read -r pid uid comm netns < <(line "$1" | head -n 1 | sed "s| *$1\$||")
}

printed() {
	[ -n "$(line "$1")" ]
}

line() {
	output-of client hello | grep -F " $1"
}

# program NAME: a copy of `true` under a name of its own, for an execve that nobody else makes.
program() {
	local copy=$BATS_TEST_TMPDIR/$1

	cp /bin/true "$copy"
	echo "$copy"
}

# caller: a copy of build/execs; the name is its own, and as long as the kernel keeps one.
caller() {
	local copy

	copy=$BATS_TEST_TMPDIR/$(printf 'caller-%08x' "$SRANDOM")
	cp build/execs "$copy"
	echo "$copy"
}

@test "1.3 [3] an event tells who calls: user and command" {
	attach client build/hello
	caller=$(caller) nowhere=$BATS_TEST_TMPDIR/nowhere
	on client setpriv --reuid 1234 --regid 4321 --clear-groups "$caller" 1 1 "$nowhere"
	event "$nowhere"
	[ "$uid" = 1234 ] || wrong "uid 1234" "uid $uid"
	[ "$comm" = "${caller##*/}" ] || wrong "comm ${caller##*/}, the caller's" "comm $comm"
}

@test "1.3 [3] an event is sent also when the filename is not in memory" {
	attach client build/hello
	caller=$(caller)
	on client "$caller" 1 1
	wait-for printed "${caller##*/}  (not in memory)" || wrong "an event with an empty filename" "none"
}

@test "1.3 [3] an event tells the process, the same one before and after an execve" {
	attach client build/hello
	first=$(program first) second=$(program second) third=$(program third)
	cp /bin/sh "$first"
	on client sh -c "exec $first -c 'exec $second'"
	on client "$third"
	event "$first"
	before=$pid
	event "$second"
	after=$pid
	event "$third"
	[ "$before" -gt 0 ] || wrong "a process id" "$before"
	[ "$before" = "$after" ] || wrong "pid $before again" "pid $after"
	[ "$before" != "$pid" ] || wrong "another pid than $before" "pid $pid"
	# Had the first event been sent twice, it would have come twice before the third.
	[ "$(line "$first" | wc -l)" = 1 ] || wrong "one event of the execve of $first" "$(line "$first")"
}

@test "1.3 [3] an event tells the process, whichever of its threads it is" {
	attach client build/hello
	nowhere=$BATS_TEST_TMPDIR/nowhere
	on client build/execs 3 1 "$nowhere"
	wait-for threads-printed || wrong "3 events of the execve of $nowhere" "$(line "$nowhere" | wc -l)"
	pids=$(line "$nowhere" | awk '{ print $1 }' | sort -u | xargs)
	[ "$(wc -w <<<"$pids")" = 1 ] || wrong "one pid from three threads" "$pids"
}

threads-printed() {
	[ $(($(line "$nowhere" | wc -l) + $(left-out))) -ge 3 ]
}

@test "1.3 [3] the filename comes whole, also of an execve that fails" {
	attach client build/hello
	nowhere=$BATS_TEST_TMPDIR/no-such-program
	on client "$nowhere" || :
	event "$nowhere"
}

@test "1.3 [3] a filename too long for the event is cut, not lost" {
	attach client build/hello
	deep=$BATS_TEST_TMPDIR/$(printf 'd%.0s' {1..200})/$(printf 'e%.0s' {1..200})
	on client "$deep" || :
	event "${deep:0:255}"
	! line "${deep:0:256}" || wrong "255 characters of the filename" "more"
}

# -- 1.4: what a full ring loses -----------------------------------------------------------------

# overflow: more execs than the ring has room for, while the loader is stopped and reads none.
overflow() {
	kill -STOP "$(pid-of client hello)"
	build/rush "$PINS/hello" 100000
	kill -CONT "$(pid-of client hello)"
}

# accounted: every run of the program became an event that hello printed, or was counted as lost.
accounted() {
	local events

	[ "$(global lost)" -gt 0 ] || wrong "some lost" "lost $(global lost)" || return 1
	events=$(output-of client hello | sed -n 's/^total:.* \([0-9]*\) events.*/\1/p')
	[ "$((events + $(global lost)))" = "$(runs)" ] ||
		wrong "events + lost = $(runs) runs" "$events + $(global lost)"
}

@test "1.4 [2] events and losses add up to the runs" {
	attach client build/hello -v
	overflow
	detach
	accounted
}

@test "1.4 [2] a ring that was full takes events again, and loses no more" {
	attach client build/hello -v
	overflow
	true=$(program later)
	wait-for arrives "$true" || wrong "an event once the ring is read again" "none"
	detach
	accounted
}

# arrives PROGRAM: an execve of it is printed.
arrives() {
	on client "$1"
	printed "$1"
}

# -- 1.5: filter by network namespace ------------------------------------------------------------

@test "1.5 [2] -n client: execs on the client are counted, all others are not" {
	attach client build/hello -n client
	for _ in 1 2 3; do on client /bin/true; done
	for _ in 1 2; do on server /bin/true; done
	[ "$(global execs)" = 3 ] || wrong "execs 3" "execs $(global execs)"
}

@test "1.5 [2] -n client: events come from the client only" {
	attach client build/hello -n client
	inside=$(program inside) outside=$(program outside)
	on server "$outside"
	on client "$inside"
	event "$inside"
	! line "$outside" || wrong "no event of $outside" "$(line "$outside")"
}

@test "1.5 [2] an event tells the network namespace, whichever it is" {
	attach client build/hello -v
	here=$(program here) there=$(program there)
	on client "$here"
	on server "$there"
	event "$here"
	[ "$netns" = "$(stat -Lc %i /run/netns/client)" ] ||
		wrong "the client's: $(stat -Lc %i /run/netns/client)" "$netns"
	event "$there"
	[ "$netns" = "$(stat -Lc %i /run/netns/server)" ] ||
		wrong "the server's: $(stat -Lc %i /run/netns/server)" "$netns"
}
