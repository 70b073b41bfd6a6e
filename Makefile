# SPDX-License-Identifier: Apache-2.0
# gdbproxyd: `make help` lists what there is to make; HACKING.md says where things are.

# Says what is made; V=1 shows the commands.
Q := $(if $(V),,@)
say = @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '  %-6s %s\n' $(1) $@)

ifdef CROSS_COMPILE
CC := $(CROSS_COMPILE)gcc
AR := $(CROSS_COMPILE)ar
OBJCOPY := $(CROSS_COMPILE)objcopy
endif
OBJCOPY ?= objcopy
MACHINE := $(shell $(CC) -dumpmachine)
ARCH := $(if $(filter aarch64%,$(MACHINE)),arm64,$(if $(filter x86_64%,$(MACHINE)),x86_64,\
	$(error gdbproxyd knows x86_64 and arm64, not $(MACHINE))))
VARIANT := $(if $(SANITIZE),-sanitized)
BUILD := build/$(ARCH)$(VARIANT)
VERSION := $(shell sed -n 's/.*GDBPROXYD_VERSION "\(.*\)"/\1/p' daemon/version.h)

DESTDIR ?=
PREFIX ?= /usr/local
CACHE := $(or $(GDBPROXY_CACHE),$(HOME)/.cache/gdbproxy)

WARNINGS := -Wall -Wextra -Wpedantic -Wno-overlength-strings -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef \
	-Werror
# -isystem: libev's own header is not ours to warn about.
EV_CFLAGS_arm64 := -isystem $(CACHE)/arm64-libev/usr/include
EV_LDFLAGS_arm64 := -L$(CACHE)/arm64-libev/usr/lib/aarch64-linux-gnu
EV_CFLAGS := $(if $(CROSS_COMPILE),$(EV_CFLAGS_$(ARCH)))
EV_LDFLAGS := $(if $(CROSS_COMPILE),$(EV_LDFLAGS_$(ARCH)))
comma := ,
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all)
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -I. $(EV_CFLAGS) $(WARNINGS) -fno-common -fstack-protector-strong \
	$(SANITIZE_FLAGS) $(CFLAGS)
ALL_LDFLAGS := $(SANITIZE_FLAGS) $(EV_LDFLAGS) $(LDFLAGS)

# ---- what is made of what --------------------------------------------------------------------

CONF := conf/conf.c conf/conf_error.c conf/conf_file.c conf/conf_lex.c conf/conf_table.c \
	conf/conf_type.c

PROTOCOL := protocol/breakpoint_code.c protocol/client.c protocol/cmd_breakpoint.c \
	protocol/cmd_file.c protocol/cmd_leave.c protocol/cmd_lldb.c protocol/cmd_memory.c \
	protocol/cmd_monitor.c protocol/cmd_process.c protocol/cmd_qemu.c protocol/cmd_query.c \
	protocol/cmd_register.c protocol/cmd_run.c protocol/cmd_scan.c protocol/cmd_thread.c \
	protocol/cmd_transfer.c protocol/command.c protocol/command_table.c \
	protocol/conversation.c protocol/cursor.c protocol/description.c protocol/document.c \
	protocol/fifo.c protocol/handover.c protocol/hex.c protocol/nothing.c protocol/osdata.c \
	protocol/packet.c protocol/packet_queue.c protocol/reply.c protocol/saved_registers.c \
	protocol/session.c protocol/session_lobby.c protocol/session_non_stop.c \
	protocol/stop_queue.c protocol/stop_reply.c protocol/stored_vm.c protocol/thread_id.c

# Pure: both architectures, on any host.
KVM_PURE := kvm/agent.c kvm/agent_printf.c kvm/arch_arm64.c kvm/arch_x86_64.c kvm/breakpoint.c \
	kvm/channel.c kvm/condition.c kvm/cpu_arm64.c kvm/decide_arm64.c kvm/decide_x86_64.c \
	kvm/description_arm64.c kvm/description_x86_64.c kvm/dwarf_arm64.c kvm/dwarf_x86_64.c \
	kvm/exception_log.c kvm/float_x86_64.c kvm/hit.c kvm/inject_arm64.c kvm/inject_x86_64.c \
	kvm/instruction_arm64.c kvm/instruction_x86_64.c kvm/journal.c kvm/limitation.c kvm/loss.c \
	kvm/mappings.c kvm/memory.c kvm/monitor.c kvm/monitor_breakpoints.c \
	kvm/monitor_exceptions.c kvm/monitor_linux.c kvm/monitor_memory.c kvm/monitor_paging.c \
	kvm/monitor_policy.c kvm/monitor_registers.c kvm/monitor_rules.c kvm/monitor_settings.c \
	kvm/monitor_table.c kvm/monitor_vcpus.c kvm/monitor_words.c kvm/page_memo.c \
	kvm/paging_arm64.c kvm/paging_x86_64.c kvm/pauth_arm64.c kvm/plan_arm64.c \
	kvm/plan_x86_64.c kvm/plant.c kvm/port.c kvm/port_lend.c kvm/program.c \
	kvm/register_set.c kvm/registers_arm64.c kvm/registers_x86_64.c kvm/rule.c \
	kvm/run_control.c kvm/run_event.c kvm/run_keep.c kvm/run_launch.c kvm/run_points.c kvm/run_report.c \
	kvm/seat.c kvm/step_arm64.c kvm/step_x86_64.c kvm/system_x86_64.c kvm/table_entry.c \
	kvm/table_entry_arm64.c kvm/table_entry_x86_64.c kvm/terms.c kvm/vcpu.c kvm/view.c \
	kvm/views_x86_64.c kvm/vm.c kvm/walk_memo.c kvm/xsave_x86_64.c
KVM_NATIVE := kvm/channel_$(ARCH).c kvm/transfer_$(ARCH).c

# Finding a guest's Linux kernel: pure, too.
LINUX_KERNEL := kvm/linux_guest.c kvm/linux_image.c kvm/linux_kernel.c kvm/linux_kernel_arm64.c \
	kvm/linux_kernel_x86_64.c kvm/linux_probe.c kvm/vmcoreinfo.c

LENDER := kvm/lender.c kvm/lender_alarm.c kvm/lender_kick.c kvm/lender_link.c kvm/lender_program.c kvm/lender_sync.c kvm/lender_tie.c \
	kvm/lender_loss.c kvm/lender_vcpu.c kvm/lender_xsave.c
LIBGDBPROXY := $(LENDER) kvm/channel.c kvm/channel_$(ARCH).c kvm/journal.c kvm/loss.c protocol/handover.c

DAEMON := daemon/activation.c daemon/address.c daemon/control.c daemon/counts.c daemon/ctl.c \
	daemon/ctl_request.c daemon/daemon.c daemon/debugger.c daemon/directory.c \
	daemon/fd_keep.c daemon/fd_receive.c daemon/fd_send.c daemon/hold.c daemon/http_request.c daemon/isolation.c daemon/json.c \
	daemon/landlock.c daemon/lent_vm.c \
	daemon/listener.c daemon/listeners.c daemon/lobby.c daemon/log.c daemon/metrics.c \
	daemon/notify.c daemon/options.c daemon/outlet.c daemon/peer.c daemon/peer_process.c daemon/prometheus.c \
	daemon/question.c daemon/reload.c daemon/restore.c daemon/service.c daemon/store.c \
	daemon/store_name.c daemon/syscall_check.c daemon/syscall_filter.c daemon/user.c daemon/vmm.c daemon/vmm_shown.c daemon/worker.c daemon/worker_report.c

CTL := ctl/answer.c ctl/link.c ctl/order.c ctl/record.c ctl/table.c

# The one user of libfdt, and only on arm64: linked statically.
FDT_CFLAGS := $(if $(CROSS_COMPILE),-isystem $(CACHE)/arm64-libfdt/usr/include)
FDT_LDFLAGS := $(if $(CROSS_COMPILE),-L$(CACHE)/arm64-libfdt/usr/lib/aarch64-linux-gnu)
VMM_arm64 := tests/vmm/fdt_arm64.c
VMM_LIBS_arm64 := $(FDT_LDFLAGS) -l:libfdt.a
VMM := $(VMM_$(ARCH)) tests/vmm/bus.c tests/vmm/elf.c tests/vmm/exit_log.c tests/vmm/kvm_call.c \
	tests/vmm/linux_$(ARCH).c tests/vmm/machine_$(ARCH).c tests/vmm/main.c tests/vmm/memory.c tests/vmm/power.c \
	tests/vmm/uart.c tests/vmm/vcpu.c tests/vmm/vm.c

object = $(patsubst %.c,$(BUILD)/%.o,$(1))
pic_object = $(patsubst %.c,$(BUILD)/pic/%.o,$(1))

PRODUCT := $(CONF) $(PROTOCOL) $(KVM_PURE) $(LINUX_KERNEL) $(KVM_NATIVE) $(DAEMON)
PROGRAMS := $(BUILD)/gdbproxyd $(BUILD)/gdbproxyctl $(BUILD)/demo-vmm $(BUILD)/libgdbproxy.a $(BUILD)/libgdbproxy.so

.DELETE_ON_ERROR:
.PHONY: all
all: $(PROGRAMS)

include tests/guest/guest.mk
include tests/tests.mk

all: guests
.PHONY: guests
guests: $(GUESTS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c $< -o $@

# Which system calls are allowed: the code says so itself.
ANNOTATED := $(CONF) $(PROTOCOL) $(KVM_PURE) $(LINUX_KERNEL) $(KVM_NATIVE) $(DAEMON) daemon/main.c
SYSCALL_LISTS := daemon/syscalls.libc $(if $(SANITIZE),tests/sanitizers.libc)
$(BUILD)/daemon/syscall_numbers: daemon/syscalls.awk
	@mkdir -p $(@D)
	$(Q)echo '#include <asm/unistd.h>' | $(CC) -E -dM - > $@
$(BUILD)/daemon/syscall_table.c: daemon/syscalls.awk $(BUILD)/daemon/syscall_numbers $(SYSCALL_LISTS) $(ANNOTATED)
	$(call say,AWK)
	$(Q)awk -f $^ > $@
$(BUILD)/daemon/syscall_table.o: $(BUILD)/daemon/syscall_table.c daemon/syscall_table.h
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# Everything of the product but main(): what the daemon and the tests link.
$(BUILD)/product.a: $(call object,$(PRODUCT)) $(BUILD)/daemon/syscall_table.o
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/gdbproxyd: $(BUILD)/daemon/main.o $(BUILD)/product.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -lev -lm -o $@

$(BUILD)/gdbproxyctl: $(call object,$(CTL) ctl/main.c)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

# One object, in which only the public names are left: nothing of ours meets a name of the VMM's.
$(BUILD)/libgdbproxy.a: $(call pic_object,$(LIBGDBPROXY))
	$(call say,AR)
	$(Q)$(CC) -r -nostdlib -o $(BUILD)/libgdbproxy.o $^
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/libgdbproxy.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/libgdbproxy.o

$(BUILD)/libgdbproxy.so: $(call pic_object,$(LIBGDBPROXY)) kvm/gdbproxy.map
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libgdbproxy.so.0 -Wl,--no-undefined -Wl,-z,nodelete \
		-Wl,--version-script=kvm/gdbproxy.map $(filter %.o,$^) -o $@

$(BUILD)/tests/vmm/fdt_arm64.o: ALL_CFLAGS += $(FDT_CFLAGS)

$(BUILD)/demo-vmm: $(call object,$(VMM)) $(BUILD)/libgdbproxy.a
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread $^ $(VMM_LIBS_$(ARCH)) -o $@

# For rigs, whose root has no libraries.
.PHONY: static
static: $(BUILD)/static/gdbproxyd $(BUILD)/static/gdbproxyctl $(BUILD)/static/demo-vmm
$(BUILD)/static/gdbproxyd: $(BUILD)/daemon/main.o $(BUILD)/product.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static $^ -lev -lm -o $@
$(BUILD)/static/gdbproxyctl: $(call object,$(CTL) ctl/main.c)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static $^ -o $@
$(BUILD)/static/demo-vmm: $(call object,$(VMM)) $(BUILD)/libgdbproxy.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -static -pthread $^ $(VMM_LIBS_$(ARCH)) -o $@

-include $(patsubst %.o,%.d,$(call object,$(PRODUCT) daemon/main.c $(CTL) ctl/main.c $(VMM)) \
	$(call pic_object,$(LIBGDBPROXY)))

# ---- for people ------------------------------------------------------------------------------

.PHONY: help deps demo install clean
help:
	@echo 'make            gdbproxyd, gdbproxyctl, libgdbproxy, demo-vmm and its guests, in build/ARCH'
	@echo 'make deps       installs what is missing, from Debian packages'
	@echo 'make demo       gdb debugs a demo guest through gdbproxyd'
	@echo 'make check      every test, both architectures (ONLY=NAME: those that match)'
	@echo 'make lint       format, static analysis, include directions'
	@echo 'make bench      what the daemon does beside what gdb would, gdbserver, QEMU: ratios'
	@echo 'make chaos      kills debugger, worker, daemon at random, CHAOS_ROUNDS times (default 2000)'
	@echo 'make fuzz       every fuzzer, FUZZ_SECONDS each (default 60)'
	@echo 'make install    DESTDIR= PREFIX=$(PREFIX)'
	@echo 'variables       CROSS_COMPILE=aarch64-linux-gnu- SANITIZE=1 CFLAGS= V=1'

deps:
	tests/deps

demo: deps
	tests/demo

install: $(BUILD)/gdbproxyd $(BUILD)/gdbproxyctl $(BUILD)/libgdbproxy.a $(BUILD)/libgdbproxy.so
	install -D -m 755 $(BUILD)/gdbproxyd $(DESTDIR)$(PREFIX)/sbin/gdbproxyd
	install -D -m 755 $(BUILD)/gdbproxyctl $(DESTDIR)$(PREFIX)/sbin/gdbproxyctl
	install -D -m 644 conf/gdbproxyctl.bash-completion \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/gdbproxyctl
	install -D -m 644 $(BUILD)/libgdbproxy.a $(DESTDIR)$(PREFIX)/lib/libgdbproxy.a
	install -D -m 755 $(BUILD)/libgdbproxy.so $(DESTDIR)$(PREFIX)/lib/libgdbproxy.so.0
	ln -sf libgdbproxy.so.0 $(DESTDIR)$(PREFIX)/lib/libgdbproxy.so
	install -D -m 644 kvm/gdbproxy.h $(DESTDIR)$(PREFIX)/include/gdbproxy.h
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' kvm/gdbproxy.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/gdbproxy.pc
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' conf/gdbproxyd.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/gdbproxyd.service
	install -m 644 conf/gdbproxyd.socket conf/gdbproxyd-rsp.socket $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -D -m 644 conf/gdbproxyd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/gdbproxyd.conf
	install -D -m 644 conf/gdbproxyd.8 $(DESTDIR)$(PREFIX)/share/man/man8/gdbproxyd.8
	install -D -m 644 conf/gdbproxyctl.8 $(DESTDIR)$(PREFIX)/share/man/man8/gdbproxyctl.8
	install -D -m 644 conf/gdbproxy.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/gdbproxy.conf.5
	install -D -m 644 gdbproxy.conf $(DESTDIR)$(PREFIX)/share/doc/gdbproxyd/gdbproxy.conf

clean:
	rm -rf build
