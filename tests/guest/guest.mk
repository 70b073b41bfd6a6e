# SPDX-License-Identifier: Apache-2.0
# The guests: freestanding programs for demo-vmm.  Expects ARCH (x86_64 or arm64), CC for it and
# BUILD (build/ARCH); gives GUESTS, the list of what it makes.

GUEST_OUT := $(BUILD)/guest
GUESTS := $(addprefix $(GUEST_OUT)/, demo.elf selftest.elf chaos.elf)

GUEST_WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Werror
GUEST_CFLAGS := -std=gnu11 -I. -O1 -g -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-asynchronous-unwind-tables \
	-fno-unwind-tables -fno-strict-aliasing -fno-builtin -mgeneral-regs-only $(GUEST_WARNINGS)
GUEST_LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	-Wl,--no-warn-rwx-segments

GUEST_COMMON := console.o cpu.o libc.o lock.o work.o
GUEST_x86_64 := apic_x86_64.o arch_x86_64.o boot_x86_64.o paging_x86_64.o trap_x86_64.o \
	trap_entry_x86_64.o user_entry_x86_64.o vector_x86_64.o
GUEST_arm64 := arch_arm64.o boot_arm64.o gic_arm64.o paging_arm64.o trap_arm64.o \
	trap_entry_arm64.o user_entry_arm64.o vector_arm64.o
GUEST_CFLAGS_x86_64 := -mcmodel=kernel -mno-red-zone
GUEST_USER_CFLAGS_x86_64 := -mno-red-zone
# Signed return addresses: without pointer authentication the instructions do nothing.
GUEST_CFLAGS_arm64 := -mno-outline-atomics -march=armv8-a -mno-omit-leaf-frame-pointer \
	-mbranch-protection=pac-ret
GUEST_USER_CFLAGS_arm64 := $(GUEST_CFLAGS_arm64)

GUEST_OBJECTS := $(addprefix $(GUEST_OUT)/, $(GUEST_COMMON) $(GUEST_$(ARCH)))
GUEST_HEADERS := $(wildcard tests/guest/*.h) tests/vmm/board.h

$(GUEST_OUT)/%.o: tests/guest/%.c $(GUEST_HEADERS) tests/guest/guest.mk
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(CC) $(GUEST_CFLAGS) $(GUEST_CFLAGS_$(ARCH)) -c $< -o $@

$(GUEST_OUT)/%.o: tests/guest/%.S $(GUEST_HEADERS) tests/guest/guest.mk
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(CC) -I. -g -c $< -o $@

# The user program is an ordinary program of the small code model, linked low.
$(GUEST_OUT)/user.o: tests/guest/user.c $(GUEST_HEADERS) tests/guest/guest.mk
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(CC) $(GUEST_CFLAGS) $(GUEST_USER_CFLAGS_$(ARCH)) -c $< -o $@

$(GUEST_OUT)/guest.lds: tests/guest/guest_$(ARCH).lds $(GUEST_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -I. $< -o $@

$(GUEST_OUT)/demo.elf: $(GUEST_OBJECTS) $(GUEST_OUT)/demo.o $(GUEST_OUT)/user.o $(GUEST_OUT)/guest.lds
$(GUEST_OUT)/selftest.elf: $(GUEST_OBJECTS) $(GUEST_OUT)/user.o $(GUEST_OUT)/guest.lds \
	$(addprefix $(GUEST_OUT)/, selftest.o selftest_$(ARCH).o selftest_code_$(ARCH).o)
$(GUEST_OUT)/chaos.elf: $(GUEST_OBJECTS) $(GUEST_OUT)/user.o $(GUEST_OUT)/guest.lds \
	$(addprefix $(GUEST_OUT)/, chaos.o chaos_$(ARCH).o selftest_code_$(ARCH).o)

$(GUESTS):
	$(call say,LINK)
	$(Q)$(CC) $(GUEST_LDFLAGS) -Wl,-T,$(GUEST_OUT)/guest.lds $(filter %.o, $^) -o $@
