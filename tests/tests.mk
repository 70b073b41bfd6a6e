# SPDX-License-Identifier: Apache-2.0
# The tests: what they are made of, and `make check`.

UNIT := test_breakpoint test_channel test_conf test_decide_arm64 test_decide_x86_64 \
	test_description test_fd_receive test_handover test_inject_arm64 test_inject_x86_64 \
	test_instruction_arm64 test_instruction_x86_64 test_journal test_listen_address \
	test_memory test_options test_packet test_paging_arm64 test_paging_x86_64 \
	test_plan_arm64 test_plan_x86_64 test_plant test_port test_program test_registers_arm64 \
	test_registers_x86_64 test_run_control test_session test_step_arm64 test_step_x86_64 \
	test_view
UNIT_HELPERS := $(wildcard tests/unit/fake_*.c tests/unit/reference_*.c)
FUZZERS := fuzz_channel fuzz_conf fuzz_handover fuzz_packet fuzz_session

UNIT_PROGRAMS := $(addprefix $(BUILD)/tests/unit/,$(UNIT))
FUZZ_REPLAYS := $(addprefix $(BUILD)/tests/fuzz/,$(FUZZERS))

$(BUILD)/tests/helpers.a: $(call object,$(UNIT_HELPERS))
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/tests/helpers.a $(BUILD)/product.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread $^ -lcmocka -lev -lm -o $@

$(BUILD)/tests/replay: $(BUILD)/tests/session/replay.o $(BUILD)/tests/helpers.a $(BUILD)/product.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

# A fuzz entry as an ordinary program that takes the files of a corpus.
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay_corpus.o \
		$(BUILD)/tests/helpers.a $(BUILD)/product.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -lev -lm -o $@

.PHONY: tests
tests: $(UNIT_PROGRAMS) $(FUZZ_REPLAYS) $(BUILD)/tests/replay

-include $(wildcard $(BUILD)/tests/*/*.d)
