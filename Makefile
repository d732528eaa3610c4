# Underhood Labs. `make` alone lists what can be made.
#
# A lab is a folder labs/NN-NAME; its stem is NAME with - as _. Adding one needs no new rule here.

FOLDERS := $(sort $(notdir $(wildcard labs/*)))
NUMBERS := $(foreach folder,$(FOLDERS),$(firstword $(subst -, ,$(folder))))
lab      = $(notdir $(wildcard labs/$1-*))
stem     = $(subst -,_,$(patsubst $1-%,%,$(call lab,$1)))
# What the story of a lab runs: words of its script.
runs     = $(sort build/$(call stem,$1) build/probe $(filter build/%,$(file <labs/$(call lab,$1)/test.sh)))
STEMS   := $(foreach number,$(NUMBERS),$(call stem,$(number)))
WITHIN  := $(wildcard labs/*/*/)

CLANG   ?= clang
CC      := gcc
ARCH    := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
# An exercise not yet solved may leave a parameter unused, and in a BPF program a function.
WARN    := -Wall -Wextra -Werror -Wno-unused-parameter
BPFWARN := $(WARN) -Wno-unused-function
# asm/types.h stands in the compiler's own multiarch folder, where there is one.
MULTI    = /usr/include/$(shell $(CC) -print-multiarch)
# The version of the BPF instruction set. It is named because compilers differ in their default: v1 up to clang 19, v3
# from clang 20 on. It is not v3, because v3 has 32-bit registers. A compiler that uses them may save half of a packet
# pointer on the stack, and the verifier refuses such a program, however correct it is (common/context.h).
# tests/accepted tries each program with v3 and v4 too.
BPF_CPU ?= v2
BPFFLAGS = -target bpf -mcpu=$(BPF_CPU) -include common/atomic.h -D__TARGET_ARCH_$(ARCH) -O2 -g $(BPFWARN) -Icommon -idirafter $(MULTI)
CFLAGS  := -O2 -g $(WARN) -D_GNU_SOURCE -Icommon -Ibuild $(addprefix -I,$(sort $(dir $(WITHIN:%/=%))))
LDLIBS  := -Wl,--as-needed -lbpf -lelf -lz -lpcap -pthread
SANDBOX := common/netns.sh
# What the graded tests use.
TOOLS   := $(addprefix build/,probe execs rush volley cuts counters early flood hold ring sums through flows strange verified frames tags.bpf.o untunnel.bpf.o)
# What is measured, a lab each.
BENCHES := $(patsubst tests/bench/%.c,build/%.o,$(wildcard tests/bench/*.bpf.c))

# These change what a shell, grep, git or a compiler does, and are a user's own affair.
unexport BASH_ENV ENV BASHOPTS SHELLOPTS POSIXLY_CORRECT CDPATH GREP_OPTIONS GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
# A compiler and Bats want a folder for temporary files that they can write to.
ifneq (,$(TMPDIR))
ifneq (yes,$(shell [ -d "$$TMPDIR" ] && [ -w "$$TMPDIR" ] && echo yes))
export TMPDIR := /tmp
endif
endif

# Under sudo the build still belongs to the owner of the tree, and so do its files.
OWNER   := $(shell stat -c %u .)
ifeq (0,$(filter-out $(OWNER),$(shell id -u)))
AS_OWNER := setpriv --reuid $(OWNER) --regid $(shell stat -c %g .) --clear-groups
endif

SOURCES := $(wildcard common/*.[ch] labs/*/*.[ch] labs/*/*/*.[ch] tests/*.[ch] tests/bench/*.[ch])
# In build/ all stand side by side.
same = $(filter %/$1,$(SOURCES))
$(foreach name,$(sort $(notdir $(filter %.c,$(SOURCES)))),\
	$(if $(word 2,$(call same,$(name))),$(error two files have one name: $(call same,$(name)))))
FORMATTED = $(SOURCES) $(wildcard tests/notes/*.c tests/wheats/*/*.c)
SCRIPTS  = $(shell grep -slE '^.!/bin/b?a?sh|^. shellcheck shell|/env bats' common/* common/vm/* labs/*/* tests/* tests/notes/* tests/bench/* .ci/run)

Q       := $(if $(V),,@)
# What each step of the build begins with: where it cannot write, it ends with a line that says so.
WRITES   = @$(AS_OWNER) common/may-write $@
# A script that cannot become root names the target that works without: make vm-TARGET.
export GOAL = $@

vpath %.c $(addprefix labs/,$(FOLDERS)) $(WITHIN) common tests tests/bench
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.SECONDARY:
.PHONY: force help vm-shell test-kernels all deps doctor check test test-all handout mutants wheats fuzz bench clean format lint

## help       lists what can be made (the default)
help:
	@sed -n 's/^## /  make /p' Makefile

## deps       installs the packages that the goals beside it lack (alone: labs 01 to 06) [FOR="vm test lint"]
deps:
	$Qcommon/deps.sh $(or $(FOR),--goals $(filter-out deps,$(MAKECMDGOALS)))

## doctor     probes this machine: what the labs need, and what mends it
doctor: $(filter deps,$(MAKECMDGOALS))
	$Qcommon/doctor.sh

## lab-NN     builds lab NN and runs its story on a private network
$(NUMBERS:%=lab-%): lab-%: $$(call runs,$$*)
	$Qcommon/vm/or-here $* $(SANDBOX) labs/$(call lab,$*)/test.sh
	@printf '\n%s\n' "Read labs/$(call lab,$*)/README.md; play: make shell-$*; be graded: make check-$*"

## check-NN   runs the graded tests of lab NN: its points, and what went wrong
$(NUMBERS:%=check-%): check-%: $(filter deps,$(MAKECMDGOALS))
	$Q+tests/check $*

## check      the same for all labs, with a total
check: $(filter deps,$(MAKECMDGOALS))
	$Q+tests/check $(NUMBERS)

## test       proves that every lab and every tool works on this machine
test: all
	$Qtests/run some

## test-all   the same, and the tests of the tests: student edition, mutants, wheats; the VM; older kernels
test-all: all
	$Qcommon/netns.sh --kernel && { tests/run some; some=$$?; tests/run rest && exit $$some; }

## test-kernels  runs the labs on 6.1, 6.12 and the newest as well, in a VM; a table [of the labs LABS; RECORD=yes writes tests/machines.tsv]
test-kernels: all
	$QRECORD=$(RECORD) tests/kernels running 6.1 6.12 newest -- $(LABS)

## shell-NN   opens a shell inside lab NN's network, its program attached
$(NUMBERS:%=shell-%): shell-%: $$(call runs,$$*)
	$Qcommon/vm/or-here $* $(SANDBOX) labs/$(call lab,$*)/test.sh shell

# -- building: a BPF object, the skeleton that carries it, the loader ------------------------------

# `make deps lab-02` at once, in parallel too: first what the compilers need.
FIRST := build/. $(filter deps,$(MAKECMDGOALS))

# The command that compiled the last time, of each kind. When it is another one now, all is compiled again.
build/command-bpf: COMMAND = $(CLANG) $(BPFFLAGS)
build/command-c: COMMAND = $(CC) $(CFLAGS)
build/command-bpf build/command-c: force | build/.
	$Q[ "$$(cat $@ 2>/dev/null)" = '$(COMMAND)' ] || \
	$(AS_OWNER) sh -c 'common/may-write $@ && echo "$$0" >$@' '$(COMMAND)'

build/%.bpf.o: %.bpf.c build/command-bpf | $(FIRST)
	$(WRITES)
	@echo "  BPF   $@"
	$Q$(AS_OWNER) common/explain-bpf $(CLANG) $(BPFFLAGS) -MMD -MP -c $< -o $@

build/%.skel.h: build/%.bpf.o
	$(WRITES)
	@echo "  SKEL  $@"
	$Q$(AS_OWNER) sh -c '. common/path.sh; bpftool gen skeleton $< name $*_bpf >$@'

# Who carries a program: a loader, or a part of one.
CARRIERS := $(patsubst %.bpf.c,%,$(notdir $(wildcard labs/*/*.bpf.c)))
$(CARRIERS:%=build/%.o): build/%.o: build/%.skel.h

build/%.o: %.c build/command-c | $(FIRST)
	$(WRITES)
	@echo "  CC    $@"
	$Q$(AS_OWNER) $(CC) $(CFLAGS) -MMD -MP -c $< -o $@

SHARED := build/loader.o build/verifier.o build/prefix.o build/pins.o
$(STEMS:%=build/%): $(SHARED) | build/pass.bpf.o
# Other .c files in a lab's folder are parts of its loader.
parts = $(filter-out $1 %.bpf,$(basename $(notdir $(wildcard labs/*-$(subst _,-,$1)/*.c))))
objects = $(patsubst %,build/%.o,$(call parts,$1))
$(foreach stem,$(STEMS),$(eval build/$(stem): $(call objects,$(stem)))\
	$(if $(call objects,$(stem)),$(eval $(call objects,$(stem)): | build/$(stem).skel.h)))
# A folder in a lab's folder is a further program: its .c files and those parts. Who builds a lab's
# loader builds these too.
further = $(notdir $(patsubst %/,%,$(wildcard labs/*-$(subst _,-,$1)/*/)))
pieces  = $(filter-out $1,$(basename $(notdir $(wildcard labs/*/$1/*.c))))
$(foreach stem,$(STEMS),$(foreach program,$(call further,$(stem)),\
	$(eval build/$(stem): | build/$(program))\
	$(eval build/$(program): $(SHARED) \
		$(patsubst %,build/%.o,$(call pieces,$(program))) $(call objects,$(stem)))))

build/%: build/%.o
	$(WRITES)
	@echo "  LINK  $@"
	$Q$(AS_OWNER) $(CC) $^ $(LDLIBS) -o $@

## vm-TARGET  makes TARGET in a virtual machine, on a stock kernel [KERNEL=6.12; X.Y, newest, PATH]
# What can be built is built here first, where it is quicker. A lab that goes there by itself measures there, alone and
# among all: by a clock of instructions, -I.
exactly = $(if $(filter check test test-all,$1)$(wildcard labs/$(lastword $(subst -, ,$1))-*/kernel),-I)
vm-%: all
	$Qcommon/vm/run -k "$(or $(KERNEL),6.12)" $(call exactly,$*) $(VMFLAGS) make --no-print-directory $* $(MAKEOVERRIDES)

## vm-shell   opens a shell in it
vm-shell: all
	$Qcommon/vm/run -k "$(or $(KERNEL),6.12)" $(VMFLAGS) bash

.PHONY: tools
tools: $(TOOLS)

## all        builds every lab
all: $(STEMS:%=build/%) tools

build/.:
	@$(AS_OWNER) common/may-write build/.

## handout    writes the student edition to DIR, the labs LABS="01 02" (default: all) blank
handout:
	$Qtests/handout "$(or $(DIR),build/handout)" $(LABS)

## mutants    proves that wrong programs fail the graded tests [of the labs LABS; FULL=1: those proved already, too]
mutants: all
	$Qtests/trials mutants $(LABS)

## wheats     proves that right programs of another design pass them
wheats: all
	$Qtests/trials wheats $(LABS)

## fuzz       throws frames at common/parse.h [for SECONDS=10]
fuzz: SECONDS := 10
fuzz: build/fuzz
	$Qtests/fuzz $(SECONDS)

build/fuzz: tests/fuzz.c common/parse.h | $(FIRST)
	$(WRITES)
	@echo "  FUZZ  $@"
	$Q$(AS_OWNER) $(CLANG) -O1 -g $(WARN) -fsanitize=fuzzer,address -Icommon $< -o $@

## bench      measures what the labs cost [of the labs LABS]
bench: all build/bench $(BENCHES)
	$Qtests/bench/run $(LABS)

build/bench: build/timing.o
build/refusals: build/verifier.o

## format     brings the C sources into the house style
format:
	$Q$(AS_OWNER) clang-format -i $(FORMATTED)

# tidy FILES,FLAGS: as many at once as there are CPUs.
tidy = printf '%s\n' $1 | xargs -P "$$(nproc)" -I % clang-tidy --quiet % -- $2

## lint       looks for what a reader would stumble over
lint: $(CARRIERS:%=build/%.skel.h)
	$Qclang-format --dry-run --Werror $(FORMATTED)
	$Qshellcheck $(SCRIPTS)
	$Qprintf '%s\n' $(filter-out %.bpf.c,$(filter %.c,$(SOURCES))) | \
		xargs -n 1 -P "$$(nproc)" $(CC) -std=gnu2x -include tests/c23.h $(CFLAGS) -fsyntax-only
	$Q$(call tidy,$(filter %.bpf.c,$(SOURCES)),$(BPFFLAGS))
	$Q$(call tidy,$(filter-out %.bpf.c,$(filter %.c,$(SOURCES))),$(CFLAGS))

## clean      removes what was built
clean:
	$Qrm -rf build

-include $(wildcard build/*.d)
