#!/usr/bin/env bats
# Each lab's story, as a student starts it; and the shell on its network.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	unset MAKEFLAGS MAKELEVEL
}

@test "story: make lab-01" {
	run -0 make lab-01
	[[ $output == *"bpf_trace_printk: hello"* ]]
}

@test "story: make lab-02" {
	run -0 make lab-02
	[[ $output == *"sent back 4"* ]]
}

@test "story: make lab-03" {
	run -0 make lab-03
	[[ $output == *"TCP vlan 100 vlan 5 "*" dropped"* ]]
}

@test "story: make lab-04" {
	run -0 make lab-04
	[[ $output == *"the limit is on"*" 20 received"*"the limit is off"* ]]
}

@test "story: make lab-05" {
	run -0 make lab-05
	[[ $output == *"counter packets 10 bytes"*"10.0.0.1 > 10.0.0.2: ICMP echo request"*" != ef counter packets 0"*"hello"* ]]
}

@test "story: make lab-06" {
	run -0 make lab-06
	[[ $output == *"10.0.6.11 is drained"*"20 I am b3"*"I am b1"*"10.0.6.12 8080   weight 1     down"* ]]
}

@test "story: make shell-01 has the program attached" {
	run -0 make shell-01 <<<'on client /bin/true; stop client hello; output-of client hello'
	[[ $output == *" /bin/true"* ]]
}

@test "story: make shell-02 has the program attached, and hosts to play with" {
	run -0 make shell-02 <<-'END'
		set -e
		bpftool prog show id $(id-of prog server xdp_drop xdp_drop)
		on client ping -q -c 1 -W 0.1 10.0.0.2 && exit 1
		stop server xdp_drop
		on client ping -q -c 1 -W 1 10.0.0.2
	END
	[[ $output == *"100% packet loss"*" 0% packet loss"* ]]
}

@test "story: make shell-03 shows every frame" {
	run -0 make shell-03 <<<'on client ping -q -c 1 10.0.0.2; stop server parsing; output-of server parsing'
	[[ $output == *"ICMP 10.0.0.1 > 10.0.0.2, length 98, passed"* ]]
}

@test "story: make shell-04 has a firewall to give rules to" {
	run -0 make shell-04 <<-'END'
		set -e
		build/mapsctl block fd00::1
		on client ping -q -c 1 -W 0.1 fd00::2 && exit 1
		build/mapsctl list
	END
	[[ $output == *"100% packet loss"*"fd00::1/128"*" 1" ]]
}

@test "story: make shell-05 has a port forwarded, classes, and a tap" {
	run -0 make shell-05 <<-'END'
		set -e
		serve server 8080
		on client socat -u TCP:10.0.0.2:80 -
		on tap ip -br link show veth0
		stop server tc
		output-of server tc | tail -n 1
	END
	[[ $output == *"hello"*"veth0"*"forwarded"* ]]
}

@test "story: make shell-06 has a load balancer, and three servers behind it" {
	run -0 make shell-06 <<-'END'
		set -e
		on client socat -u TCP:10.0.6.100:80 -
		on lb build/lbd drain --no-wait 10.0.6.12
		on lb build/lbd status
	END
	[[ $output == *"I am b"*"10.0.6.12 8080   weight 1     draining"* ]]
}

@test "story: commands piped into a shell end it with their status" {
	run -0 make shell-01 <<<'true'
	run -2 make shell-01 <<<'exit 3'
	[[ $output == *"Error 3"* ]]
}

@test "story: what a story throws is one frame, whatever bytes are in it" {
	# Each write to a packet socket is a frame, and 10.0.0.1 holds the byte that ends a line.
	run -0 socat -u -x EXEC:'tests/frame vlan-tcp22',socktype=5 OPEN:/dev/null
	[ "$(grep -o 'length=[0-9]*' <<<"$output")" = length=58 ]
}
