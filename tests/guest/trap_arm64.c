/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel does about exceptions, interrupts and system calls. */
#include "tests/guest/arch.h"
#include "tests/guest/console.h"
#include "tests/guest/cpu.h"
#include "tests/guest/gic_arm64.h"
#include "tests/guest/insn_arm64.h"
#include "tests/guest/layout_arm64.h"
#include "tests/guest/trap_arm64.h"
#include "tests/guest/user.h"
#include "tests/vmm/board.h"

#define TRAP_EXIT_STATUS 100 /* what the guest ends with at an exception nobody expects */
#define SVC_NUMBER       0xffffull

_Static_assert(__builtin_offsetof(struct trap_frame, x[30]) == FRAME_X30, "layout_arm64.h");
_Static_assert(__builtin_offsetof(struct trap_frame, far) == FRAME_FAR, "layout_arm64.h");
_Static_assert(sizeof(struct trap_frame) == FRAME_BYTES, "layout_arm64.h");

_Noreturn void trap_leave_user(uint64_t result);

static unsigned trap_class(const struct trap_frame *frame)
{
	return (unsigned)(frame->esr >> 26 & 0x3f);
}

static bool trap_is_from_user(const struct trap_frame *frame)
{
	return (frame->spsr & SPSR_MODE) == SPSR_EL0T;
}

/* FAR says something only for some classes (Arm ARM, FAR_EL1). */
static uint64_t trap_read_far(const struct trap_frame *frame)
{
	switch (trap_class(frame)) {
	case EC_FETCH_LOWER:
	case EC_FETCH:
	case EC_PC_ALIGNMENT:
	case EC_DATA_LOWER:
	case EC_DATA:
	case EC_WATCHPOINT_LOWER:
	case EC_WATCHPOINT:
		return frame->far;
	default:
		return 0;
	}
}

static void trap_record(struct record *record, const struct trap_frame *frame)
{
	unsigned n = record->nr_events++;

	if (n >= RECORD_EVENTS)
		return;
	record->events[n] = (struct record_event){
		.pc = frame->elr,
		.cause = frame->esr,
		.detail = trap_read_far(frame),
		.flags = frame->spsr,
		.is_from_user = trap_is_from_user(frame),
	};
}

/* The next step, or no more of them. */
static void trap_step_on(struct record *record, struct trap_frame *frame)
{
	if (record->nr_steps) {
		record->nr_steps--;
		frame->spsr |= SPSR_SS;
	} else {
		write_sysreg(mdscr_el1, read_sysreg(mdscr_el1) & ~MDSCR_SS);
		frame->spsr &= ~SPSR_SS;
	}
}

/* Lets the guest get past what it ran into. */
static void trap_go_on(struct record *record, struct trap_frame *frame)
{
	switch (trap_class(frame)) {
	case EC_SVC: /* ELR is after it already */
		break;
	case EC_FETCH_LOWER:
	case EC_FETCH:
	case EC_PC_ALIGNMENT: /* a call of what is no code */
		frame->elr = frame->x[30];
		break;
	case EC_STEP_LOWER:
	case EC_STEP:
		trap_step_on(record, frame);
		break;
	case EC_BREAKPOINT_LOWER:
	case EC_BREAKPOINT: /* once each: what is disarmed does not hit again */
		write_sysreg(dbgbcr0_el1, 0);
		break;
	case EC_WATCHPOINT_LOWER:
	case EC_WATCHPOINT:
		write_sysreg(dbgwcr0_el1, 0);
		break;
	default:
		frame->elr += 4;
		break;
	}
}

void arch_print_trap(const struct trap_frame *frame)
{
	console_print("esr %#lx elr %#lx spsr %#lx far %#lx sp %#lx x30 %#lx", frame->esr,
		frame->elr, frame->spsr, frame->far, frame->sp, frame->x[30]);
}

void trap_handle_bad(struct trap_frame *frame)
{
	console_print("unexpected exception on CPU %u", arch_cpu()->index);
	arch_print_trap(frame);
	arch_exit(TRAP_EXIT_STATUS);
}

static void trap_handle_syscall(struct cpu *cpu, struct trap_frame *frame)
{
	cpu->nr_syscalls++;
	cpu->record.syscall_flags = frame->spsr;
	if (frame->x[8] == USER_CALL_EXIT)
		trap_leave_user(frame->x[0]);
	frame->x[0] = cpu->nr_syscalls;
}

/* SVC #0 is the system call; other numbers are exceptions like any other. */
static bool trap_is_syscall(const struct trap_frame *frame)
{
	return trap_class(frame) == EC_SVC && !(frame->esr & SVC_NUMBER) &&
	       trap_is_from_user(frame);
}

void trap_handle_sync(struct trap_frame *frame)
{
	struct cpu *cpu = arch_cpu();

	if (trap_is_syscall(frame)) {
		trap_handle_syscall(cpu, frame);
	} else if (cpu->record.is_on) {
		trap_record(&cpu->record, frame);
		trap_go_on(&cpu->record, frame);
	} else {
		trap_handle_bad(frame);
	}
}

void trap_handle_irq(struct trap_frame *frame)
{
	uint32_t intid = gic_begin_interrupt();

	(void)frame;
	if (intid == BOARD_TIMER_INTID) {
		arch_start_timer();
		timer_tick(arch_cpu());
	}
	if (intid < GIC_NO_INTERRUPT - 3)
		gic_end_interrupt(intid);
}
