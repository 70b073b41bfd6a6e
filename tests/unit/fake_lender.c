/* SPDX-License-Identifier: Apache-2.0 */
/* A VMM for tests: see fake_lender.h. */
#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "fake_lender.h"

enum {
	PML4 = 0x1000,
	PDPT = 0x2000,
	PAGE_DIRECTORY = 0x3000,
	PAGE_TABLE = 0x4000, /* and the alias's one page further */
	IDT = 0x6000,
	STACK = 0x9000, /* one page each, growing down from its end */
};

enum { TF = 0x100, DR6_LOW_HIGH = 0, NO_VECTOR = -1, DB = 1, BP = 3 };

#define DR6_ACTIVE_LOW UINT64_C(0xffff0ff0)
#define DR6_BD         UINT64_C(0x2000)
#define DR6_BS         UINT64_C(0x4000)
#define DR7_GD         UINT64_C(0x2000)

__attribute__((format(printf, 2, 3))) static void violate(
	struct fake_lender *lender, const char *format, ...)
{
	va_list args;

	if (atomic_fetch_add(&lender->violations, 1))
		return;
	va_start(args, format);
	vsnprintf(lender->violation, sizeof(lender->violation), format, args);
	va_end(args);
}

/* ---- guest memory ------------------------------------------------------------------------ */

static gpa_t flatten(gva_t gva)
{
	return gva >= FAKE_ALIAS ? gva - FAKE_ALIAS : gva;
}

static uint8_t load(struct fake_lender *lender, gva_t gva)
{
	gpa_t gpa = flatten(gva);

	if (gpa >= FAKE_MEMORY) {
		violate(lender, "access beyond memory, at 0x%llx", (unsigned long long)gva);
		return 0xf4;
	}
	return __atomic_load_n(&lender->memory[gpa], __ATOMIC_SEQ_CST);
}

static void store(struct fake_lender *lender, gva_t gva, uint8_t byte)
{
	gpa_t gpa = flatten(gva);

	if (gpa >= FAKE_MEMORY) {
		violate(lender, "store beyond memory, at 0x%llx", (unsigned long long)gva);
		return;
	}
	__atomic_store_n(&lender->original[gpa], byte, __ATOMIC_SEQ_CST);
	__atomic_store_n(&lender->memory[gpa], byte, __ATOMIC_SEQ_CST);
}

static uint64_t load_number(struct fake_lender *lender, gva_t gva, unsigned bytes)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < bytes; i++)
		number |= (uint64_t)load(lender, gva + i) << (8 * i);
	return number;
}

static void store_number(struct fake_lender *lender, gva_t gva, unsigned bytes, uint64_t number)
{
	for (unsigned i = 0; i < bytes; i++)
		store(lender, gva + i, (uint8_t)(number >> (8 * i)));
}

/* ---- exceptions and exits ---------------------------------------------------------------- */

static void push(struct fake_vcpu *vcpu, uint64_t number)
{
	vcpu->regs.rsp -= 8;
	store_number(vcpu->lender, vcpu->regs.rsp, 8, number);
}

/* Enters the handler; return_to is what it will return to. */
static void deliver(struct fake_vcpu *vcpu, int vector, uint64_t return_to)
{
	uint64_t rsp = vcpu->regs.rsp;

	if (vector == BP) {
		gpa_t gpa = flatten(vcpu->regs.rip);

		if (vcpu->lender->original[gpa] != 0xcc)
			violate(vcpu->lender, "vCPU %u: #BP where the guest has no INT3, 0x%llx",
				vcpu->index, (unsigned long long)vcpu->regs.rip);
		atomic_fetch_add(&vcpu->guest_bp, 1);
	} else {
		atomic_fetch_add(&vcpu->guest_db, 1);
	}
	push(vcpu, 0x10);
	push(vcpu, rsp);
	push(vcpu, vcpu->regs.rflags | (vcpu->tf ? TF : 0));
	push(vcpu, 8);
	push(vcpu, return_to);
	vcpu->tf = false;
	vcpu->regs.rip = vector == BP ? FAKE_BP_HANDLER : FAKE_DB_HANDLER;
}

static void return_from(struct fake_vcpu *vcpu)
{
	uint64_t rsp = vcpu->regs.rsp;

	vcpu->tf = load_number(vcpu->lender, rsp + 16, 8) & TF;
	vcpu->regs.rip = load_number(vcpu->lender, rsp, 8);
	vcpu->regs.rsp = load_number(vcpu->lender, rsp + 24, 8);
}

static int debug_exit(struct fake_vcpu *vcpu, uint32_t exception, uint64_t dr6)
{
	uint64_t words[3] = { vcpu->regs.rip, dr6 ^ DR6_ACTIVE_LOW, vcpu->debugreg[7] };

	vcpu->bp_exit = exception == BP;
	memset(vcpu->debug_exit, 0, sizeof(vcpu->debug_exit));
	memcpy(vcpu->debug_exit, &exception, sizeof(exception));
	memcpy(vcpu->debug_exit + 8, words, sizeof(words));
	return CHANNEL_DEBUG;
}

static bool uses(const struct fake_vcpu *vcpu, uint32_t bit)
{
	return (vcpu->control & KVM_GUESTDBG_ENABLE) && (vcpu->control & bit);
}

/* Bits of the debug registers in force, the daemon's or the guest's own, that cover gva. */
static uint64_t matching(const struct fake_vcpu *vcpu, bool execute, gva_t gva)
{
	static const uint8_t lengths[] = { 1, 2, 8, 4 };
	bool ours = uses(vcpu, KVM_GUESTDBG_USE_HW_BP);
	const uint64_t *addresses = ours ? vcpu->debugreg : vcpu->debugregs.db;
	uint64_t dr7 = ours ? vcpu->debugreg[7] : vcpu->debugregs.dr7, bits = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned rw = (dr7 >> (16 + 4 * i)) & 3, len = (dr7 >> (18 + 4 * i)) & 3;

		if (((dr7 >> (2 * i)) & 3) && execute == (rw == 0) &&
			gva - addresses[i] < lengths[len])
			bits |= UINT64_C(1) << i;
	}
	return bits;
}

/* ---- instructions ------------------------------------------------------------------------ */

static void check_guards(struct fake_vcpu *vcpu)
{
	struct fake_lender *lender = vcpu->lender;

	for (unsigned i = 0; i < FAKE_GUARDS; i++) {
		gpa_t gpa = atomic_load(&lender->guards[i]);

		if (gpa && load(lender, gpa) != 0xcc &&
			!(flatten(vcpu->regs.rip) == gpa && vcpu->once))
			violate(lender,
				"vCPU %u ran at 0x%llx while the breakpoint at 0x%llx was out",
				vcpu->index, (unsigned long long)vcpu->regs.rip,
				(unsigned long long)gpa);
	}
}

static bool is_halted(const struct fake_vcpu *vcpu)
{
	return vcpu->mp_state == KVM_MP_STATE_HALTED;
}

/* INT3 that KVM does not intercept. */
static void execute_int3(struct fake_vcpu *vcpu)
{
	gpa_t gpa = flatten(vcpu->regs.rip);

	if (vcpu->lender->original[gpa] != 0xcc)
		violate(vcpu->lender, "vCPU %u executed a planted INT3 by itself, at 0x%llx",
			vcpu->index, (unsigned long long)vcpu->regs.rip);
	deliver(vcpu, BP, vcpu->regs.rip + 1);
}

/* A #DB that KVM keeps to itself is the guest's. */
static int raise_db(struct fake_vcpu *vcpu, uint64_t dr6)
{
	if (uses(vcpu, KVM_GUESTDBG_USE_HW_BP) || uses(vcpu, KVM_GUESTDBG_SINGLESTEP))
		return debug_exit(vcpu, DB, dr6);
	deliver(vcpu, DB, vcpu->regs.rip);
	return -1;
}

/*
 * MOV DR7, RAX; while somebody watches the debug registers (DR7.GD) it exits instead.  While nobody debugs, the
 * first of them goes by itself into KVM, which has it executed again.
 */
static bool execute_mov_dr7(struct fake_vcpu *vcpu)
{
	if (uses(vcpu, KVM_GUESTDBG_USE_HW_BP) && (vcpu->debugreg[7] & DR7_GD))
		return false;
	if (!vcpu->control && !vcpu->lends) {
		vcpu->lends = true;
		if (atomic_load(&vcpu->busy))
			vcpu->waiting_vector = DB;
		return true;
	}
	vcpu->lends = false;
	vcpu->debugregs.dr7 = vcpu->regs.rax;
	vcpu->regs.rip += 3;
	return true;
}

/* Executes one, with the trap that may follow.  -1: on with the next; else the reason to exit. */
static int execute(struct fake_vcpu *vcpu)
{
	struct fake_lender *lender = vcpu->lender;
	uint64_t rip = vcpu->regs.rip, bits = matching(vcpu, true, rip), traps = 0;
	bool step = vcpu->tf;
	uint8_t opcode;
	gva_t at;

	if (vcpu->control && atomic_exchange(&vcpu->stray, false))
		return debug_exit(vcpu, DB, FAKE_STRAY_DR6 ^ DR6_ACTIVE_LOW);
	if (vcpu->lends && uses(vcpu, KVM_GUESTDBG_USE_HW_BP))
		violate(lender, "vCPU %u: KVM takes the daemon's debug registers for the guest's",
			vcpu->index);
	if (bits)
		return raise_db(vcpu, bits);
	check_guards(vcpu);
	opcode = load(lender, rip);
	if (opcode == 0xcc && uses(vcpu, KVM_GUESTDBG_USE_SW_BP))
		return debug_exit(vcpu, BP, 0);
	atomic_fetch_add(&vcpu->executed, 1);
	switch (opcode) {
	case 0x90:
		vcpu->regs.rip = rip + 1;
		break;
	case 0xcc:
		execute_int3(vcpu);
		return -1;
	case 0xeb:
		vcpu->regs.rip = rip + 2 + (uint64_t)(int64_t)(int8_t)load(lender, rip + 1);
		break;
	case 0x0f:
		if (!execute_mov_dr7(vcpu))
			return debug_exit(vcpu, DB, DR6_BD);
		break;
	case 0xcf:
		return_from(vcpu);
		break;
	case 0xf4:
		vcpu->regs.rip = rip + 1;
		vcpu->mp_state = KVM_MP_STATE_HALTED;
		break;
	case 0xe6:
		vcpu->regs.rip = rip + 2;
		atomic_fetch_add(&vcpu->vmm_exits, 1);
		if (vcpu->once)
			return CHANNEL_VMM_EXIT;
		break;
	case 0xfe:
	case 0xc6:
		at = load_number(lender, rip + 3, 4);
		store(lender, at,
			opcode == 0xc6 ? load(lender, rip + 7) : (uint8_t)(load(lender, at) + 1));
		vcpu->regs.rip = rip + (opcode == 0xc6 ? 8 : 7);
		traps = matching(vcpu, false, at);
		break;
	default:
		violate(lender, "vCPU %u: no instruction 0x%02x, at 0x%llx", vcpu->index, opcode,
			(unsigned long long)rip);
		vcpu->mp_state = KVM_MP_STATE_HALTED;
		break;
	}
	if (step)
		traps |= DR6_BS;
	return traps ? raise_db(vcpu, traps) : -1;
}

/* ---- ioctls ------------------------------------------------------------------------------ */

static int set_guest_debug(struct fake_vcpu *vcpu, const uint8_t *argument)
{
	uint32_t control;

	memcpy(&control, argument, sizeof(control));
	atomic_store(&vcpu->debug_control, control);
	if (control & (KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_INJECT_DB)) {
		if (vcpu->waiting_vector != NO_VECTOR)
			return -EBUSY;
		vcpu->waiting_vector = control & KVM_GUESTDBG_INJECT_BP ? BP : DB;
		if (vcpu->waiting_vector == BP && !vcpu->bp_exit)
			violate(vcpu->lender, "vCPU %u: a #BP of unknown length", vcpu->index);
	}
	vcpu->control = control & KVM_GUESTDBG_ENABLE ? control : 0;
	memcpy(vcpu->debugreg, argument + 8, sizeof(vcpu->debugreg));
	vcpu->tf = uses(vcpu, KVM_GUESTDBG_SINGLESTEP);
	return 0;
}

static int set_regs(struct fake_vcpu *vcpu, const uint8_t *argument)
{
	memcpy(&vcpu->regs, argument, sizeof(vcpu->regs));
	vcpu->regs.rflags &= ~(uint64_t)TF;
	if (vcpu->waiting_vector == BP)
		violate(vcpu->lender, "vCPU %u: KVM_SET_REGS dropped a #BP", vcpu->index);
	vcpu->waiting_vector = NO_VECTOR;
	return 0;
}

/* KVM never shows a waiting soft exception, and one without payload as injected and pending. */
static int get_events(struct fake_vcpu *vcpu, uint8_t *argument)
{
	vcpu->events.exception.injected = vcpu->waiting_vector == DB;
	vcpu->events.exception.pending = vcpu->waiting_vector == DB;
	vcpu->events.exception.nr = DB;
	memcpy(argument, &vcpu->events, sizeof(vcpu->events));
	return 0;
}

static int set_events(struct fake_vcpu *vcpu, const uint8_t *argument)
{
	memcpy(&vcpu->events, argument, sizeof(vcpu->events));
	if (vcpu->waiting_vector == BP)
		violate(vcpu->lender, "vCPU %u: KVM_SET_VCPU_EVENTS dropped a #BP", vcpu->index);
	vcpu->waiting_vector =
		vcpu->events.exception.injected ? vcpu->events.exception.nr : NO_VECTOR;
	return 0;
}

static int msrs(struct fake_vcpu *vcpu, uint8_t *argument)
{
	uint32_t count;

	memcpy(&count, argument, sizeof(count));
	for (unsigned i = 0; i < count; i++)
		memcpy(argument + 8 + 16 * i + 8, &vcpu->msr_value, 8);
	return (int)count;
}

/* One that nobody but a person at a debugger knows, and one that there is not. */
static int odd_msrs(struct fake_vcpu *vcpu, uint32_t request, uint8_t *argument)
{
	uint32_t index;

	memcpy(&index, argument + 8, sizeof(index));
	if (index == FAKE_NO_MSR)
		return 0;
	if (index != FAKE_MSR)
		return msrs(vcpu, argument);
	if (request == (uint32_t)KVM_SET_MSRS)
		memcpy(&vcpu->odd_msr_value, argument + 16, 8);
	memcpy(argument + 16, &vcpu->odd_msr_value, 8);
	return 1;
}

static int get(void *argument, const void *state, size_t size)
{
	memcpy(argument, state, size);
	return 0;
}

static int set(void *state, const void *argument, size_t size)
{
	memcpy(state, argument, size);
	return 0;
}

static bool must_fail(struct fake_vcpu *vcpu, uint32_t request)
{
	if (atomic_load(&vcpu->fail_request) != request || atomic_load(&vcpu->fail_times) <= 0)
		return false;
	atomic_fetch_sub(&vcpu->fail_times, 1);
	return true;
}

static int serve(struct fake_vcpu *vcpu, uint32_t request, uint8_t *argument)
{
	if (must_fail(vcpu, request))
		return -atomic_load(&vcpu->fail_errno);
	switch (request) {
	case (uint32_t)KVM_GET_REGS:
		return get(argument, &vcpu->regs, sizeof(vcpu->regs));
	case (uint32_t)KVM_SET_REGS:
		return set_regs(vcpu, argument);
	case (uint32_t)KVM_GET_SREGS:
		return get(argument, &vcpu->sregs, sizeof(vcpu->sregs));
	case (uint32_t)KVM_SET_SREGS:
		return set(&vcpu->sregs, argument, sizeof(vcpu->sregs));
	case (uint32_t)KVM_GET_DEBUGREGS:
		return get(argument, &vcpu->debugregs, sizeof(vcpu->debugregs));
	case (uint32_t)KVM_SET_DEBUGREGS:
		return set(&vcpu->debugregs, argument, sizeof(vcpu->debugregs));
	case (uint32_t)KVM_GET_FPU:
		return get(argument, &vcpu->fpu, sizeof(vcpu->fpu));
	case (uint32_t)KVM_SET_FPU:
		return set(&vcpu->fpu, argument, sizeof(vcpu->fpu));
	case (uint32_t)KVM_GET_VCPU_EVENTS:
		return get_events(vcpu, argument);
	case (uint32_t)KVM_SET_VCPU_EVENTS:
		return set_events(vcpu, argument);
	case (uint32_t)KVM_GET_MP_STATE:
		return get(argument, &vcpu->mp_state, sizeof(vcpu->mp_state));
	case (uint32_t)KVM_GET_MSRS:
	case (uint32_t)KVM_SET_MSRS:
		return odd_msrs(vcpu, request, argument);
	case (uint32_t)KVM_SET_GUEST_DEBUG:
		return set_guest_debug(vcpu, argument);
	case (uint32_t)KVM_GET_XSAVE: /* an old KVM, on a machine without XSAVE */
	case (uint32_t)KVM_GET_XSAVE2:
	case (uint32_t)KVM_GET_XCRS:
	case (uint32_t)KVM_GET_CPUID2:
		return -EINVAL;
	default:
		violate(vcpu->lender, "no such ioctl 0x%x", request);
		return -ENOTTY;
	}
}

/* ---- programs and reports ---------------------------------------------------------------- */

static struct channel_report *report_head(struct fake_vcpu *vcpu)
{
	return (struct channel_report *)(void *)vcpu->report;
}

static void report_begin(struct fake_vcpu *vcpu, uint32_t seq)
{
	memset(report_head(vcpu), 0, sizeof(struct channel_report));
	report_head(vcpu)->type = CHANNEL_REPORT;
	report_head(vcpu)->seq = seq;
	vcpu->report_length = sizeof(struct channel_report);
	vcpu->after_at = 0;
}

static bool program_step(struct fake_vcpu *vcpu, size_t *at)
{
	uint8_t *argument = vcpu->report + vcpu->report_length + sizeof(struct channel_result);
	struct channel_result result = { 0 };
	struct channel_step step;

	memcpy(&step, vcpu->program + *at, sizeof(step));
	memcpy(argument, vcpu->program + *at + sizeof(step), channel_padded(step.size));
	*at += sizeof(step) + channel_padded(step.size);
	result.rc = serve(vcpu, step.request, argument);
	result.size = result.rc < 0 ? 0 : step.size;
	memcpy(argument - sizeof(result), &result, sizeof(result));
	vcpu->report_length += sizeof(result) + channel_padded(result.size);
	report_head(vcpu)->result_count++;
	return result.rc >= 0;
}

static void fake_die(struct fake_vcpu *vcpu)
{
	if (vcpu->channel_fd >= 0)
		close(vcpu->channel_fd);
	vcpu->channel_fd = -1;
	atomic_store(&vcpu->dead, true);
}

/* Whoever waits below looks here now and then. */
static bool is_over(struct fake_vcpu *vcpu)
{
	if (atomic_load(&vcpu->die) && vcpu->channel_fd >= 0)
		fake_die(vcpu);
	return atomic_load(&vcpu->lender->quit) || vcpu->channel_fd < 0;
}

static void wait_while(struct fake_vcpu *vcpu, atomic_bool *flag)
{
	while (atomic_load(flag) && !is_over(vcpu))
		usleep(100);
}

static void spoil(struct fake_vcpu *vcpu, enum fake_garble garble)
{
	struct channel_report *report = report_head(vcpu);

	if (garble == FAKE_WRONG_SEQ)
		report->seq += 7;
	else if (garble == FAKE_WRONG_TYPE)
		report->type = CHANNEL_PROGRAM;
	else if (garble == FAKE_CUT_SHORT)
		vcpu->report_length = 20;
	else if (garble == FAKE_TOO_LONG)
		vcpu->report_length = sizeof(vcpu->report);
	if (garble == FAKE_NO_RESULTS) {
		report->result_count = 0;
		vcpu->report_length = sizeof(*report);
	}
}

/* How often it is to be sent. */
static unsigned spoil_anyhow(struct fake_vcpu *vcpu)
{
	const struct fake_spoilt *spoilt = &vcpu->spoilt;
	size_t length = vcpu->report_length;

	if (atomic_load(&vcpu->spoil_in) <= 0 || atomic_fetch_sub(&vcpu->spoil_in, 1) != 1)
		return 1;
	if (spoilt->size && spoilt->offset + spoilt->size <= sizeof(vcpu->report))
		memcpy(vcpu->report + spoilt->offset, &spoilt->value, spoilt->size);
	if (spoilt->longer < 0 && (size_t)-spoilt->longer >= length)
		vcpu->report_length = 1;
	else
		vcpu->report_length = length + (size_t)spoilt->longer;
	if (vcpu->report_length > sizeof(vcpu->report))
		vcpu->report_length = sizeof(vcpu->report);
	usleep(spoilt->delay_ms * 1000);
	return spoilt->times;
}

static void report_send(struct fake_vcpu *vcpu, enum channel_reason reason, int run_errno)
{
	struct channel_report *report = report_head(vcpu);
	enum fake_garble garble = atomic_exchange(&vcpu->garble, FAKE_HONEST);
	unsigned times;

	report->reason = reason;
	report->run_errno = run_errno;
	if (reason == CHANNEL_DEBUG)
		memcpy(report->debug, vcpu->debug_exit, sizeof(vcpu->debug_exit));
	if (reason == CHANNEL_ENDING)
		report->debug[0] = (uint8_t)atomic_exchange(&vcpu->ending, 0);
	wait_while(vcpu, &vcpu->mute);
	if (is_over(vcpu))
		return;
	spoil(vcpu, garble);
	times = spoil_anyhow(vcpu);
	for (unsigned i = 0; i < (garble == FAKE_TWICE ? 2 : times); i++)
		if (send(vcpu->channel_fd, vcpu->report, vcpu->report_length, MSG_NOSIGNAL) < 0)
			fake_die(vcpu);
}

/* 1 one is in vcpu->program, 0 none is there, -1 the daemon is gone. */
static int message_receive(struct fake_vcpu *vcpu, void *buf, size_t size)
{
	ssize_t n = recv(vcpu->channel_fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	if ((size_t)n > size || channel_check_program(buf, (size_t)n) < 0) {
		violate(vcpu->lender, "vCPU %u: a message that is none, %zd bytes", vcpu->index, n);
		return -1;
	}
	if (atomic_load(&vcpu->die_in) > 0 && atomic_fetch_sub(&vcpu->die_in, 1) == 1) {
		fake_die(vcpu);
		return -1;
	}
	return 1;
}

/* Looks for a KICK, once; what follows it is for when the vCPU is parked. */
static void attend(struct fake_vcpu *vcpu)
{
	struct channel_program kick;
	int rc;

	if (vcpu->asked)
		return;
	rc = message_receive(vcpu, &kick, sizeof(kick));
	if (rc < 0)
		fake_die(vcpu);
	if (rc <= 0)
		return;
	if (kick.type != CHANNEL_KICK)
		violate(vcpu->lender, "vCPU %u: a program while it runs", vcpu->index);
	atomic_fetch_add(&vcpu->kicks, 1);
	vcpu->asked = true;
}

/* True: run. */
static bool program_serve(struct fake_vcpu *vcpu)
{
	struct channel_program head;
	size_t at = sizeof(head);
	bool ok = true;

	memcpy(&head, vcpu->program, sizeof(head));
	atomic_fetch_add(&vcpu->programs, 1);
	report_begin(vcpu, head.seq);
	for (unsigned i = 0; ok && i < head.before_count; i++)
		ok = program_step(vcpu, &at);
	report_head(vcpu)->failed = !ok;
	vcpu->once = head.flags & CHANNEL_ONCE;
	vcpu->ends = head.flags & CHANNEL_END;
	vcpu->after_at = at;
	if (ok && (head.flags & CHANNEL_RUN))
		return true;
	for (unsigned i = 0; ok && i < head.after_count; i++)
		program_step(vcpu, &at);
	report_send(vcpu, CHANNEL_PARKED, 0);
	return false;
}

static void park(struct fake_vcpu *vcpu, enum channel_reason reason, int run_errno)
{
	struct channel_program head;
	size_t at = vcpu->after_at;
	bool run = false;

	memcpy(&head, vcpu->program, sizeof(head));
	for (unsigned i = 0; at && i < head.after_count; i++)
		program_step(vcpu, &at);
	vcpu->asked = false;
	atomic_store(&vcpu->parked, true);
	report_send(vcpu, reason, run_errno);
	while (!run && !is_over(vcpu)) {
		struct pollfd poll_fd = { .fd = vcpu->channel_fd, .events = POLLIN };
		int rc = poll(&poll_fd, 1, 2) > 0
				 ? message_receive(vcpu, vcpu->program, sizeof(vcpu->program))
				 : 0;

		if (rc < 0)
			fake_die(vcpu);
		else if (rc > 0 && *(uint32_t *)(void *)vcpu->program == CHANNEL_KICK)
			atomic_fetch_add(&vcpu->kicks, 1);
		else if (rc > 0)
			run = program_serve(vcpu);
	}
	atomic_store(&vcpu->parked, false);
	atomic_fetch_add(&vcpu->runs, 1);
}

/* ---- the vCPU's thread ------------------------------------------------------------------- */

/* What KVM_RUN does first. */
static void enter(struct fake_vcpu *vcpu)
{
	int vector = vcpu->waiting_vector;

	if (vector == NO_VECTOR)
		return;
	vcpu->waiting_vector = NO_VECTOR;
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	deliver(vcpu, vector, vcpu->regs.rip + (vector == BP ? 1 : 0));
}

/* Some instructions: -1, or why it has to park. */
static int run_burst(struct fake_vcpu *vcpu)
{
	int error = atomic_exchange(&vcpu->fail_run, 0);

	if (error)
		return CHANNEL_FAILED;
	if (vcpu->ends && atomic_load(&vcpu->ending))
		return CHANNEL_ENDING;
	enter(vcpu);
	for (unsigned i = 0; i < 16; i++) {
		int reason;

		if (is_halted(vcpu) && !atomic_exchange(&vcpu->wake, false)) {
			usleep(100);
			return -1;
		}
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		reason = execute(vcpu);
		atomic_store(&vcpu->rip, vcpu->regs.rip);
		if (reason >= 0)
			return reason;
	}
	return -1;
}

static void *fake_thread(void *context)
{
	struct fake_vcpu *vcpu = context;

	report_begin(vcpu, 0);
	while (!is_over(vcpu)) {
		int error = atomic_load(&vcpu->fail_run), reason;

		wait_while(vcpu, &vcpu->stuck);
		if (is_over(vcpu))
			break;
		attend(vcpu);
		if (vcpu->channel_fd < 0)
			break;
		reason = vcpu->asked ? CHANNEL_ASKED : run_burst(vcpu);
		if (reason >= 0)
			park(vcpu, reason,
				reason == CHANNEL_FAILED  ? error
				: reason == CHANNEL_ASKED ? EINTR
							  : 0);
		else
			usleep(10);
	}
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------- */

void fake_lender_write(struct fake_lender *lender, gpa_t gpa, const void *bytes, size_t length)
{
	memcpy(lender->memory + gpa, bytes, length);
	memcpy(lender->original + gpa, bytes, length);
}

static void write_number(struct fake_lender *lender, gpa_t gpa, uint64_t number)
{
	fake_lender_write(lender, gpa, &number, sizeof(number));
}

static void write_gate(struct fake_lender *lender, unsigned vector, uint64_t entry)
{
	write_number(lender, IDT + 16 * vector,
		(entry & 0xffff) | UINT64_C(8) << 16 | UINT64_C(0x8e) << 40 | (entry >> 16) << 48);
}

static void build_memory(struct fake_lender *lender)
{
	static const uint8_t handler[] = { 0x90, 0xcf };

	write_number(lender, PML4, PDPT | 3);
	write_number(lender, PDPT, PAGE_DIRECTORY | 3);
	write_number(lender, PAGE_DIRECTORY, PAGE_TABLE | 3);
	write_number(lender, PAGE_DIRECTORY + 8, (PAGE_TABLE + 0x1000) | 3);
	for (gpa_t gpa = 0; gpa < FAKE_MEMORY; gpa += 0x1000) {
		write_number(lender, PAGE_TABLE + gpa / 0x1000 * 8, gpa | 3);
		write_number(lender, PAGE_TABLE + 0x1000 + gpa / 0x1000 * 8, gpa | 3);
	}
	write_gate(lender, DB, FAKE_DB_HANDLER);
	write_gate(lender, BP, FAKE_BP_HANDLER);
	write_gate(lender, 13, FAKE_FAULT_HANDLER);
	write_gate(lender, 14, FAKE_FAULT_HANDLER);
	fake_lender_write(lender, FAKE_BP_HANDLER, handler, sizeof(handler));
	fake_lender_write(lender, FAKE_DB_HANDLER, handler, sizeof(handler));
	fake_lender_write(lender, FAKE_FAULT_HANDLER, handler, sizeof(handler));
	for (gpa_t gpa = FAKE_CODE; gpa < FAKE_MEMORY; gpa++)
		fake_lender_write(lender, gpa, "\x90", 1);
}

static void build_vcpu(struct fake_lender *lender, unsigned index)
{
	struct fake_vcpu *vcpu = &lender->vcpus[index];

	vcpu->lender = lender;
	vcpu->index = index;
	vcpu->waiting_vector = NO_VECTOR;
	vcpu->regs.rip = FAKE_CODE + 0x1000 * index;
	vcpu->regs.rsp = STACK + 0x1000 * (index + 1) - 64;
	vcpu->regs.rflags = 2;
	vcpu->sregs.cr0 = 0x80000001;
	vcpu->sregs.cr3 = PML4;
	vcpu->sregs.cr4 = 0x20;
	vcpu->sregs.efer = 0x500;
	vcpu->sregs.cs.l = 1;
	vcpu->sregs.cs.selector = 8;
	vcpu->sregs.ss.selector = 0x10;
	vcpu->sregs.idt.base = IDT;
	vcpu->sregs.idt.limit = 0xfff;
	vcpu->debugregs.dr6 = 0xffff0ff0;
	vcpu->debugregs.dr7 = 0x400;
	/* JMP to itself at the end of the page keeps it there. */
	fake_lender_write(lender, FAKE_CODE + 0x1000 * index + 0xffe, "\xeb\xfe", 2);
}

int fake_lender_init(struct fake_lender *lender, unsigned count)
{
	memset(lender, 0, sizeof(*lender));
	lender->count = count;
	lender->memory_fd = memfd_create("fake-guest", MFD_CLOEXEC);
	if (lender->memory_fd < 0 || ftruncate(lender->memory_fd, FAKE_MEMORY) < 0)
		return -errno;
	lender->memory =
		mmap(NULL, FAKE_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, lender->memory_fd, 0);
	lender->original = calloc(1, FAKE_MEMORY);
	if (lender->memory == MAP_FAILED || !lender->original)
		return -ENOMEM;
	build_memory(lender);
	for (unsigned i = 0; i < count; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return -errno;
		lender->daemon_fd[i] = pair[0];
		build_vcpu(lender, i);
		lender->vcpus[i].channel_fd = pair[1];
	}
	return 0;
}

void fake_lender_start(struct fake_lender *lender)
{
	for (unsigned i = 0; i < lender->count; i++)
		pthread_create(&lender->vcpus[i].thread, NULL, fake_thread, &lender->vcpus[i]);
}

void fake_lender_fini(struct fake_lender *lender)
{
	atomic_store(&lender->quit, true);
	for (unsigned i = 0; i < lender->count; i++) {
		pthread_join(lender->vcpus[i].thread, NULL);
		if (lender->vcpus[i].channel_fd >= 0)
			close(lender->vcpus[i].channel_fd);
		if (lender->daemon_fd[i] >= 0)
			close(lender->daemon_fd[i]);
	}
	munmap(lender->memory, FAKE_MEMORY);
	free(lender->original);
	close(lender->memory_fd);
}

void fake_lender_guard(struct fake_lender *lender, gpa_t gpa)
{
	for (unsigned i = 0; i < FAKE_GUARDS; i++) {
		if (atomic_load(&lender->guards[i]))
			continue;
		atomic_store(&lender->guards[i], (unsigned)gpa);
		return;
	}
}

void fake_lender_unguard(struct fake_lender *lender, gpa_t gpa)
{
	for (unsigned i = 0; i < FAKE_GUARDS; i++)
		if (atomic_load(&lender->guards[i]) == gpa)
			atomic_store(&lender->guards[i], 0);
}

bool fake_lender_is_clean(const struct fake_lender *lender)
{
	return memcmp(lender->memory, lender->original, FAKE_MEMORY) == 0;
}
