# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the tests of the notes are written with, outside the sandbox: how the programs here are compiled, and
# how an experiment is run.

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return
	export LC_ALL=C # what tools say is compared
	COMPILE_BPF=$(ask-make '$(CLANG) $(BPFFLAGS)')
	COMPILE_C=$(ask-make '$(CC) $(CFLAGS)')
	LIBRARIES=$(ask-make '$(LDLIBS)')
	export COMPILE_BPF COMPILE_C LIBRARIES
}

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# ask-make TEXT: what it becomes in the Makefile.
ask-make() {
	make -s --no-print-directory --eval "ask: ; @echo $1" ask
}

# compile NAME[-VARIANT] [FLAG…]: tests/notes/NAME.bpf.c as the labs are compiled, to the object
# NAME[-VARIANT].
compile() {
	# shellcheck disable=SC2086 # a word each
	$COMPILE_BPF "${@:2}" -c "tests/notes/${1%%-*}.bpf.c" -o "$BATS_TEST_TMPDIR/$1.o"
}

# What the programs as printed lack to be compiled.
# shellcheck disable=SC2034 # for who loads this
INCLUDES=(-include linux/bpf.h -include bpf/bpf_helpers.h)

# build NAME [FLAG…]: tests/notes/NAME.c as the loaders are built, to the program NAME.
build() {
	# shellcheck disable=SC2086 # a word each
	$COMPILE_C "${@:2}" "tests/notes/$1.c" $LIBRARIES -o "$BATS_TEST_TMPDIR/$1"
}

# experiment SCRIPT: runs it in a sandbox, with the words of tests/notes/notes.bash.
experiment() {
	OBJECTS=$BATS_TEST_TMPDIR common/netns.sh bash -c "source tests/notes/notes.bash; $1"
}
