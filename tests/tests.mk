# SPDX-License-Identifier: Apache-2.0
# The tests: what they are made of, and `make check`.

UNIT := test_activation test_agent test_breakpoint test_breakpoint_code test_channel test_client test_command \
	test_condition test_conf test_conversation test_ctl_request test_cursor test_debugger test_decide_arm64 \
	test_decide_x86_64 test_description test_description_arm64 test_directory \
	test_document test_dwarf test_exception_log test_fd_keep test_fd_receive test_fifo test_handover test_handover_talk test_hostile_reports \
	test_hex test_hold test_inject_arm64 test_inject_x86_64 test_instruction_arm64 \
	test_instruction_x86_64 test_isolation test_journal test_json test_keep test_linux_guest test_linux_kernel_arm64 \
	test_linux_kernel_x86_64 test_listen_address test_loss test_mappings test_memory test_monitor \
	test_notify test_options test_packet test_packet_queue test_page_memo test_paging_arm64 \
	test_paging_x86_64 test_pauth_arm64 test_peer test_plan_arm64 test_plan_x86_64 test_plant \
	test_port test_program test_prometheus test_register_set test_registers_arm64 test_registers_x86_64 \
	test_reply test_run_control test_saved_registers test_scan test_seat test_session \
	test_step_arm64 test_step_x86_64 test_stop_queue test_stop_reply test_stored_vm test_table_entry \
	test_thread_id test_view test_vmcoreinfo test_walk_memo
UNIT += $(if $(filter x86_64,$(ARCH)),test_lender_loss test_transfer_x86_64) test_xsave_x86_64
UNIT_HELPERS := $(filter-out tests/unit/test_%.c tests/unit/rsp_serve.c,$(wildcard tests/unit/*.c))
FUZZERS := fuzz_agent fuzz_channel fuzz_conf fuzz_ctl fuzz_handover fuzz_journal fuzz_lender fuzz_lobby fuzz_monitor \
	fuzz_packet fuzz_session fuzz_stored_vm fuzz_vmcoreinfo

UNIT_PROGRAMS := $(addprefix $(BUILD)/tests/unit/,$(UNIT))
FUZZ_REPLAYS := $(addprefix $(BUILD)/tests/fuzz/,$(FUZZERS))

# With gdbproxyctl's parts: the other end of what the daemon writes.
$(BUILD)/tests/helpers.a: $(call object,$(UNIT_HELPERS) $(CTL))
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/tests/helpers.a $(BUILD)/product.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread $(filter %.o,$^) $(filter %.a,$^) -lcmocka -lev -lm -o $@

$(BUILD)/tests/replay: $(BUILD)/tests/session/replay.o $(BUILD)/tests/helpers.a $(BUILD)/product.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

# Our walks of a running guest's page tables against the CPU's.
WALK := tests/system/walk.c tests/system/walk_guest.c tests/system/walk_oracle_$(ARCH).c \
	tests/system/walk_sample.c
$(BUILD)/tests/walk: $(call object,$(WALK)) $(BUILD)/product.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@
$(BUILD)/static/walk: $(call object,$(WALK)) $(BUILD)/product.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static $^ -o $@

# The lender on the machine's KVM, with a daemon of the test's own.
TEST_LENDERS := $(BUILD)/tests/test_lender $(BUILD)/static/test_lender
$(TEST_LENDERS): $(call object,tests/system/test_lender.c tests/system/fake_daemon.c) $(BUILD)/libgdbproxy.a $(BUILD)/product.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(filter static,$(notdir $(@D))),-static) -pthread $^ -o $@

# Where there is no KVM: VMMs whose KVM is a stand-in, and who has gdbproxyd take it for one.  x86-64.
STANDIN_VMMS := $(BUILD)/tests/standin-vmm $(BUILD)/tests/standin-scale
STANDIN := $(if $(filter x86_64,$(ARCH)),$(STANDIN_VMMS) $(BUILD)/tests/standin-fd.so)
$(BUILD)/tests/standin-vmm: $(call object,tests/system/standin_vmm.c)
$(BUILD)/tests/standin-scale: $(call object,tests/system/scale.c tests/system/scale_standin.c)
$(STANDIN_VMMS): $(call object,tests/system/standin_kvm.c tests/system/standin_fd_make.c) $(BUILD)/libgdbproxy.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread -Wl,--wrap=ioctl $(filter %.o,$^) $(filter %.a,$^) -o $@
$(BUILD)/tests/standin-fd.so: $(BUILD)/pic/tests/system/standin_fd.o

# The memory of the VMM is not sealed (tests/system/hostile).
UNSEALED := $(BUILD)/tests/unsealed.so
$(UNSEALED): $(BUILD)/pic/tests/system/unsealed.o

# What is preloaded into a gdbproxyd, or into a VMM.
$(BUILD)/tests/standin-fd.so $(UNSEALED):
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared $^ -o $@

# Exceptions given back to an arm64 guest, against the CPU's own.
$(BUILD)/static/test_arm64_inject: $(call object,tests/system/test_arm64_inject.c) $(BUILD)/product.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static $^ -o $@

# Clients, good and bad, for rigs too.
CTL_PEERS := $(BUILD)/static/ctl_peer $(BUILD)/static/hostile_peer
$(BUILD)/static/hostile_peer: $(call object,tests/unit/handover_talk.c tests/system/standin_fd_make.c)
$(CTL_PEERS): $(BUILD)/static/%: $(BUILD)/tests/system/%.o
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static $^ -o $@

$(BUILD)/tests/ctl_peer: $(BUILD)/tests/system/ctl_peer.o
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

# Many VMs.
$(BUILD)/static/scale: $(call object,tests/system/scale.c tests/system/scale_kvm.c) $(BUILD)/libgdbproxy.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static -pthread $^ -o $@

# Who kills debugger, worker and main, and looks at what is left (tests/chaos/chaos.c); and the VMM whose calls it
# watches.  Static, for rigs and for this machine.
CHAOS := tests/chaos/cast.c tests/chaos/chaos.c tests/chaos/debugger.c tests/chaos/dice.c tests/chaos/image.c \
	tests/chaos/rsp_peer.c tests/chaos/witness.c
$(BUILD)/static/chaos: $(call object,$(CHAOS))
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static $^ -o $@
$(BUILD)/static/watched-vmm: $(call object,$(VMM) tests/vmm/kvm_watch.c) $(BUILD)/libgdbproxy.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static -pthread -Wl,--wrap=ioctl $^ $(VMM_LIBS_$(ARCH)) -o $@

# Has a worker do what it may not.
$(BUILD)/static/force_call: $(call object,tests/system/force_call.c)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static -s $^ -o $@

# A Linux guest's /init.
$(BUILD)/static/linux_init: $(call object,tests/system/linux_init.c)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static -s $^ -o $@

# The lender is no part of the product's archive, whose other end it is.
$(BUILD)/tests/unit/test_lender_loss: $(call object,$(LENDER))
$(BUILD)/tests/fuzz/fuzz_lender: $(call object,$(LENDER))
fuzz-fuzz_lender: $(call object,$(LENDER))

# A fuzz entry as an ordinary program that takes the files of a corpus.
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay_corpus.o \
		$(BUILD)/tests/helpers.a $(BUILD)/product.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) -lev -lm -o $@

# What tests talk with, in rigs and here.
.PHONY: tests peers
peers: $(CTL_PEERS) $(UNSEALED) $(STANDIN)
tests: $(UNIT_PROGRAMS) $(FUZZ_REPLAYS) $(BUILD)/tests/replay $(BUILD)/tests/ctl_peer $(STANDIN)

-include $(wildcard $(BUILD)/tests/*/*.d) $(patsubst %.o,%.d,$(call object,$(LENDER)) $(BUILD)/pic/tests/system/standin_fd.o \
	$(BUILD)/pic/tests/system/unsealed.o)

# ---- make check --------------------------------------------------------------------------------

.PRECIOUS: %.o
.PHONY: check check-built check-unproven lint fuzz

SANITIZED := build/$(ARCH)-sanitized
# Each program of a folder, one after the other: fails if one of them does.
each = rc=0; for t in $(1); do CMOCKA_MESSAGE_OUTPUT=TAP $$t || rc=1; done; exit $$rc
unit = $(call each,$(addprefix $(1)/tests/unit/,$(UNIT)))
corpora = rc=0; for f in $(FUZZERS); do $(1)/tests/fuzz/$$f tests/fuzz/corpus/$${f\#fuzz_} || rc=1; \
	done; exit $$rc

# What the rigs run; the arm64 half needs the cross compiler.
ARM64 := CROSS_COMPILE=aarch64-linux-gnu-
WALKS := $(BUILD)/tests/walk $(BUILD)/static/walk
CHAOS_PROGRAMS = $(1)/static/chaos $(1)/static/watched-vmm

# As many compilers as the machine has processors.
JOBS := -j$(shell nproc)

check: deps
	tests/rig/fetch
	tests/debuggers fetch
	$(MAKE) $(JOBS) all static tests peers $(WALKS) $(BUILD)/static/scale $(TEST_LENDERS) $(BUILD)/static/force_call \
		$(call CHAOS_PROGRAMS,$(BUILD))
	$(MAKE) $(JOBS) SANITIZE=1 all tests $(SANITIZED)/tests/test_lender
	$(MAKE) $(JOBS) $(ARM64) all static peers build/arm64/static/walk build/arm64/static/test_arm64_inject \
		build/arm64/static/force_call build/arm64/static/linux_init build/arm64/static/scale \
		$(call CHAOS_PROGRAMS,build/arm64)
	$(MAKE) check-built

# Where another gdb would say other things than the one that has been through all themes.
NEWEST := breakpoints conditions steps registers memory threads interrupt arm64

# The long ones first: two run at a time.
check-built:
	@tests/run \
		'gdb, x86-64 in Bochs=tests/system/session x86-bochs 2' \
		'gdb, arm64=tests/system/session arm64 2,4' \
		'gdb, arm64 without SVE=RIG_CPU=neoverse-n1 tests/system/session arm64 2 registers arm64' \
		'Linux, arm64=tests/system/linux' \
		'self-tests, x86-64 in Bochs=tests/system/selftest x86-bochs' \
		'self-tests, arm64=tests/system/selftest arm64' \
		'gdb, this machine=tests/system/session host 2,4' \
		'common address, this machine=tests/system/hub host' \
		'common address, arm64=tests/system/hub arm64' \
		'common address, x86-64 in Bochs=tests/system/hub x86-bochs' \
		'newest gdb, arm64=GDB=gdb-new tests/system/session arm64 2 $(NEWEST)' \
		'lldb, arm64=LLDB=lldb tests/system/session arm64 2' \
		'newest lldb, arm64=LLDB=lldb-new tests/system/session arm64 2' \
		'lldb, this machine=LLDB=lldb tests/system/session host 2' \
		'lldb 19, this machine=LLDB=lldb-19 tests/system/session host 2' \
		'newest lldb, this machine=LLDB=lldb-new tests/system/session host 2,4' \
		'newest gdb, this machine=GDB=gdb-new tests/system/session host 2' \
		'non-stop, this machine=tests/system/non-stop host' \
		'non-stop, arm64=tests/system/non-stop arm64' \
		'non-stop, newest gdb, this machine=GDB=gdb-new tests/system/non-stop host' \
		'non-stop, newest gdb, arm64=GDB=gdb-new tests/system/non-stop arm64' \
		'gdbproxyctl, arm64=tests/system/ctl arm64' \
		'gdbproxyctl, x86-64 in Bochs=tests/system/ctl x86-bochs' \
		'many VMs, arm64=tests/system/scale arm64 40 8' \
		'many VMs, without KVM=tests/system/scale alone 1000 100 5' \
		'many vCPUs, without KVM=tests/system/scale alone 2 2 2 250' \
		'sudden death, x86-64 in Bochs=tests/system/sudden-death x86-bochs 6' \
		'sudden death, arm64=tests/system/sudden-death arm64 20' \
		'sudden death, this machine=tests/system/sudden-death host 20' \
		'chaos, arm64=tests/chaos/run arm64 --rounds 100 --seconds 300' \
		'chaos, x86-64 in Bochs=tests/chaos/run x86-bochs --rounds 100 --seconds 300' \
		'self-tests, this machine=tests/system/selftest host' \
		'page walks, x86-64 in Bochs=tests/system/walk-run x86-bochs' \
		'page walks, arm64=tests/system/walk-run arm64' \
		'page walks, this machine=tests/system/walk-run host' \
		'exceptions, arm64=tests/system/inject-run' \
		'systemd, arm64=tests/system/systemd' \
		'service manager=tests/system/manager' \
		'users=tests/system/users' \
		'hostile peers, without KVM=tests/system/hostile alone' \
		'isolation, arm64=tests/system/isolation arm64' \
		'isolation, x86-64 in Bochs=tests/system/isolation x86-bochs' \
		'lender, x86-64 in Bochs=tests/system/lender x86-bochs' \
		'lender, this machine=tests/system/lender host' \
		'lender, this machine, sanitized=BIN=$(SANITIZED) tests/system/lender host' \
		'stand-in VMM=tests/system/stand-in' \
		'stand-in VMM, sanitized=BIN=$(SANITIZED) tests/system/stand-in' \
		'gdbproxyctl, no VM=tests/system/ctl-alone' \
		'gdbproxyctl, no VM, sanitized=tests/system/ctl-alone $(SANITIZED)' \
		'completion=tests/system/completion' \
		'lint=tests/lint' \
		'exposure of the unit=tests/exposure' \
		'system calls, annotated=tests/syscalls $(BUILD)' \
		'unit=$(call unit,$(BUILD))' \
		'unit, sanitized=$(call unit,$(SANITIZED))' \
		'sessions=$(BUILD)/tests/replay tests/session/*.rsp' \
		'sessions, sanitized=$(SANITIZED)/tests/replay tests/session/*.rsp' \
		'fuzz corpora=$(call corpora,$(BUILD))' \
		'fuzz corpora, sanitized=$(call corpora,$(SANITIZED))'

# Not part of the gate yet: written where there was no /dev/kvm, and never run where there is one; and hostile in the
# arm64 rig, a quarter of an hour, most of which 'hostile alone' does too.
check-unproven:
	@tests/run \
		'gdbproxyctl, this machine=tests/system/ctl host' \
		'many VMs, this machine=tests/system/scale host' \
		'chaos, this machine=tests/chaos/run host --rounds 100 --seconds 60' \
		'hostile peers, this machine=tests/system/hostile host' \
		'hostile peers, arm64=tests/system/hostile arm64' \
		'isolation, this machine=tests/system/isolation host'

lint:
	tests/lint

.PHONY: bench
bench: deps all
	tests/system/bench

# ---- make chaos --------------------------------------------------------------------------------

# CHAOS_SEED: does again what was done with it.  WRAP and BIN: tests/chaos/run.
CHAOS_ROUNDS ?= 2000
CHAOS_KINDS ?= host arm64 x86-bochs
CHAOS_HOURS ?= 8

.PHONY: chaos
chaos: deps
	tests/rig/fetch
	@RUN_LOGS=build/logs/chaos tests/run -t $$(($(CHAOS_HOURS) * 3600)) $(foreach kind,$(CHAOS_KINDS),\
		'chaos, $(kind)=CHAOS_SECONDS=$$(($(CHAOS_HOURS) * 3600 - 60)) tests/chaos/run $(kind) --rounds $(CHAOS_ROUNDS)')

# ---- make fuzz ---------------------------------------------------------------------------------

FUZZ_SECONDS ?= 60
FUZZ_BUILD := build/$(ARCH)-fuzz

fuzz:
	$(MAKE) CC=clang BUILD=$(FUZZ_BUILD) FUZZ=1 \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined' $(addprefix fuzz-,$(FUZZERS))
fuzz-%: $(FUZZ_BUILD)/tests/fuzz/%.o $(FUZZ_BUILD)/tests/helpers.a $(FUZZ_BUILD)/product.a
	clang -fsanitize=fuzzer,address,undefined $(filter %.o,$^) $(filter %.a,$^) -lev -lm -o $(FUZZ_BUILD)/$*
	mkdir -p $(FUZZ_BUILD)/corpus/$*
	$(FUZZ_BUILD)/$* -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -timeout=20 \
		$(FUZZ_BUILD)/corpus/$* tests/fuzz/corpus/$(patsubst fuzz_%,%,$*)
