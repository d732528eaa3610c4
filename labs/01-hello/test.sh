#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The story of lab 01: a program is loaded, runs when something else happens, and is gone.
source "$(dirname "$0")/../../common/netns.sh"

host client
host server
greeting="hello, number $RANDOM$RANDOM"
start client build/hello -v -n client -g "$greeting"
stage "$@"

# seen FILENAME: has hello printed an event of its execve?
seen() { output-of client hello | grep -q " $1\$"; }

say "the life of hello so far"
errors-of client hello

say "an execve on the client is seen, one on the server is not"
show server /bin/date +%T
show client /bin/uname -s
wait-for seen /bin/uname || fail "the execve of uname on the client was not seen (exercise 1.3)"
! seen /bin/date || fail "the execve of date on the server was seen too (exercise 1.5)"
output-of client hello | grep -v ready

say "the program's own hello stands in the kernel's trace"
# (On a busy machine others may have pushed it out of the small trace: then there is another.)
greeted() { on client /bin/true && grep "bpf_trace_printk: $greeting" /sys/kernel/tracing/trace; }
wait-for greeted || fail "no greeting in /sys/kernel/tracing/trace (exercise 1.1)"
greeted | tail -n 1

say "hello ends, and nothing of it stays loaded"
id=$(id-of prog client hello hello)
show client bpftool prog show id "$id"
stop client hello || fail "hello did not end well"
output-of client hello | grep 'total: [1-9]' || fail "no exec was counted (exercise 1.2)"
unloaded() { ! bpftool prog show id "$id"; }
wait-for unloaded || fail "program $id is still loaded"
show client bpftool prog show id "$id" || :
