/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's own #BP and #DB, given back to it as the hardware would have delivered them.  Pure: the
 * exception goes into the cached registers, or is left for KVM_SET_GUEST_DEBUG, the last thing
 * before KVM_RUN.
 *
 * KVM advances RIP over INT3 by the length it has from the #BP exit (vmx_inject_exception(),
 * svm_update_soft_interrupt_rip()): so RIP stays at INT3 and the injection is for that very stop.
 */
#include <string.h>
#include "kvm/arch_x86_64.h"
#include "kvm/instruction_x86_64.h"

/*
 * Only a bare INT3.  In front of one with prefixes our own INT3 has replaced a prefix, and KVM
 * knows the length of ours: that one must be executed itself, and exit by itself.
 */
bool inject_x86_64_is_breakpoint(const uint8_t *code, unsigned length)
{
	return length > 0 && code[0] == 0xcc;
}

void inject_x86_64_own_breakpoint(
	const struct cpu *cpu, const uint8_t *code, unsigned length, struct injection *injection)
{
	(void)cpu;
	(void)code;
	(void)length;
	*injection = (struct injection){ .kind = INJECT_BREAKPOINT };
}

uint32_t inject_x86_64_groups(const struct injection *injection)
{
	return injection->kind == INJECT_DEBUG ? CPU_STOP | CPU_DEBUG | CPU_EVENTS : 0;
}

/* ---- #DB --------------------------------------------------------------------------------- */

/* As a CPU leaves an instruction behind: RF and the shadow of MOV SS or STI last for one. */
static void inject_skip(struct cpu *cpu, uint8_t bytes)
{
	uint64_t rip = cpu->x86_64.regs.rip + bytes;

	cpu->x86_64.regs.rip = arch_x86_64_is_64bit(cpu) ? rip : (uint32_t)rip;
	cpu->x86_64.regs.rflags &= ~X86_FLAGS_RF;
	cpu->x86_64.events.interrupt.shadow = 0;
	cpu->dirty |= CPU_GENERAL;
	if (cpu->valid & CPU_EVENTS)
		cpu->dirty |= CPU_EVENTS;
}

static bool events_take_payload(const struct cpu *cpu)
{
	return (cpu->valid & CPU_EVENTS) && (cpu->x86_64.events.flags & X86_EVENT_VALID_PAYLOAD);
}

/*
 * KVM merges the payload into DR6 and clears DR7.GD when it delivers it, or makes it a VM exit to a
 * nested hypervisor (kvm_deliver_exception_payload()).  An exception that waits there already is a
 * fault, raised again when its instruction is; another #DB keeps its causes.
 */
static void inject_payload(struct cpu *cpu, uint64_t dr6)
{
	struct x86_events *events = &cpu->x86_64.events;

	if (events->exception.pending && events->exception.nr == X86_DB &&
		events->exception_has_payload)
		dr6 |= events->exception_payload;
	memset(&events->exception, 0, sizeof(events->exception));
	events->exception.pending = 1;
	events->exception.nr = X86_DB;
	events->exception_has_payload = 1;
	events->exception_payload = dr6;
	cpu->dirty |= CPU_EVENTS;
}

/*
 * What the kernel would do with the payload; INJECT_DB queues the exception and clears GD.  That the
 * exception waits is noted, not stored: a step has to know where the vCPU goes from here.
 */
static void inject_dr6(struct cpu *cpu, uint64_t dr6)
{
	struct x86_debugregs *own = &cpu->x86_64.debugregs;
	struct x86_events *events = &cpu->x86_64.events;

	memset(&events->exception, 0, sizeof(events->exception));
	events->exception.pending = 1;
	events->exception.nr = X86_DB;
	if (!(cpu->valid & CPU_DEBUG))
		return;
	own->dr6 = (own->dr6 & ~X86_DR6_B) | X86_DR6_ACTIVE_LOW;
	own->dr6 = (own->dr6 | dr6) ^ (dr6 & X86_DR6_ACTIVE_LOW);
	cpu->dirty |= CPU_DEBUG;
}

void inject_x86_64(struct cpu *cpu, struct injection *injection)
{
	if (injection->kind != INJECT_DEBUG)
		return;
	if (injection->skip)
		inject_skip(cpu, injection->skip);
	injection->skip = 0;
	if (events_take_payload(cpu)) {
		inject_payload(cpu, injection->dr6);
		injection->kind = INJECT_NONE;
	} else {
		inject_dr6(cpu, injection->dr6);
	}
}
