/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel does about exceptions, interrupts and system calls. */
#include "tests/guest/apic_x86_64.h"
#include "tests/guest/arch.h"
#include "tests/guest/console.h"
#include "tests/guest/cpu.h"
#include "tests/guest/insn_x86_64.h"
#include "tests/guest/layout_x86_64.h"
#include "tests/guest/trap_x86_64.h"
#include "tests/guest/user.h"

#define TRAP_EXCEPTIONS  32
#define TRAP_EXIT_STATUS 100 /* what the guest ends with at an exception nobody expects */

extern char syscall_entry[];
_Noreturn void trap_leave_user(uint64_t result);

/* The part of what the CPU tells of an exception that is not in the frame. */
static uint64_t trap_read_debug(const struct trap_frame *frame)
{
	if (frame->vector == VECTOR_DB)
		return read_dr6();
	return frame->vector == VECTOR_PF ? read_cr2() : 0;
}

static void trap_record(struct record *record, const struct trap_frame *frame)
{
	unsigned n = record->nr_events++;

	if (n >= RECORD_EVENTS)
		return;
	record->events[n] = (struct record_event){
		.pc = frame->rip,
		.cause = frame->vector,
		.detail = frame->error,
		.debug = trap_read_debug(frame),
		.flags = frame->rflags,
		.is_from_user = (frame->cs & 3) == 3,
	};
}

/* Lets the guest get past what it ran into: code that faults says in r11 where to go on. */
static void trap_go_on(struct trap_frame *frame)
{
	if (frame->vector == VECTOR_DB) {
		write_dr6(DR6_QUIET);
		frame->rflags |= RFLAGS_RF;
	} else if (frame->vector != VECTOR_BP) {
		frame->rip = frame->r11;
	}
}

void arch_print_trap(const struct trap_frame *frame)
{
	console_print(
		"vector %lu error %#lx rip %#lx cs %#lx rflags %#lx rsp %#lx cr2 %#lx dr6 %#lx",
		frame->vector, frame->error, frame->rip, frame->cs, frame->rflags, frame->rsp,
		read_cr2(), read_dr6());
}

static void trap_handle_exception(struct trap_frame *frame)
{
	struct record *record = &arch_cpu()->record;

	if (!record->is_on) {
		console_print("unexpected exception on CPU %u", arch_cpu()->index);
		arch_print_trap(frame);
		arch_exit(TRAP_EXIT_STATUS);
	}
	trap_record(record, frame);
	trap_go_on(frame);
}

/*
 * A software KVM (kvm_pvm) executes a SYSCALL of user code but for the change of privilege, so that
 * the kernel's first instruction is fetched by the user.
 */
static bool trap_is_half_syscall(const struct trap_frame *frame)
{
	return frame->vector == VECTOR_PF && frame->rip == (uintptr_t)syscall_entry &&
	       (frame->cs & 3) == 3;
}

static void trap_finish_syscall(struct trap_frame *frame)
{
	frame->rip = frame->rcx;
	frame->rflags = frame->r11;
	trap_handle_syscall(frame);
}

void trap_handle(struct trap_frame *frame)
{
	if (trap_is_half_syscall(frame)) {
		trap_finish_syscall(frame);
	} else if (frame->vector < TRAP_EXCEPTIONS) {
		trap_handle_exception(frame);
	} else if (frame->vector == VECTOR_TIMER) {
		timer_tick(arch_cpu());
		apic_end_interrupt();
	}
}

void trap_handle_syscall(struct trap_frame *frame)
{
	struct cpu *cpu = arch_cpu();

	cpu->nr_syscalls++;
	cpu->record.syscall_flags = frame->rflags;
	if (frame->rax == USER_CALL_EXIT)
		trap_leave_user(frame->rdi);
	frame->rax = cpu->nr_syscalls;
}
