#!/usr/bin/env bats
# kprobe_vs_xdp text on a kernel that has probes: what it says is compared with what the kernel says elsewhere, in
# its list of probes and in /proc/kcore.

bats_require_minimum_version 1.5.0
load says
load summary

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

@test "text: a probe is a call, a jump or a breakpoint, as the kernel's own list has it" {
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
