/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On real arm64 KVM: what the guest sees under debug against what it sees alone.  Every case is one
 * instruction in one state.  It runs once with guest debug off, and once as the run control would
 * have it: exits judged by decide(), exceptions entered by inject(), steps masked and unmasked.  At
 * the end all registers must be equal, in KVM.
 *
 * All guest memory is filled with a store to nowhere, which leaves KVM_RUN as an MMIO exit:
 * wherever the instruction leads, at the next one or in a vector, the vCPU stops there untouched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>

#if !defined(__aarch64__)

int main(void)
{
	printf("1..0 # SKIP the guest of this test is arm64 code\n");
	return 0;
}

#else

#include "kvm/arch_arm64.h"
#include "kvm/transfer.h"

#define ENTRIES(array) (sizeof(array) / sizeof((array)[0]))

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("# ");
	vprintf(format, arguments);
	va_end(arguments);
	printf("\nBail out!\n");
	exit(1);
}

#define CHECK(condition)                                                                           \
	((condition) ? (void)0                                                                     \
		     : fail("%s:%d: %s: %s", __FILE__, __LINE__, #condition, strerror(errno)))

/* ---- the guest --------------------------------------------------------------------------- */

#define RAM     UINT64_C(0x40000000)
#define CODE    (RAM + 0x1000)
#define TARGET  (RAM + 0x3000) /* where branches and ERET lead */
#define VECTORS (RAM + 0x10000)
#define DATA    (RAM + 0x20000)
#define NOWHERE UINT64_C(0x90000000)
#define STORE   0xf900039fu /* str xzr, [x28] */

enum { RAM_BYTES = 0x100000, CODE_WORDS = 8 };

/* One instruction in one state. */
struct scene {
	const char *name;
	uint32_t words[CODE_WORDS];
	uint64_t pstate, sctlr, mdscr, spsr;
	uint64_t bcr, bvr;   /* the guest's pair 1 */
	uint64_t bcr5, bvr5; /* pair 5: context-aware */
	uint64_t wcr, wvr;   /* pair 1 */
	bool irq;            /* an interrupt is pending */
};

struct machine {
	int kvm_fd, vm_fd, vcpu_fd;
	struct kvm_run *run;
	uint8_t *ram;
	struct kvm_vcpu_init init;
	struct cpu cpu;
	struct debug_plan plan;
};

static void machine_create(struct machine *machine)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = RAM,
		.memory_size = RAM_BYTES };
	int feature = KVM_ARM_VCPU_SVE, size;

	machine->vm_fd = ioctl(machine->kvm_fd, KVM_CREATE_VM, 0);
	machine->ram =
		mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(machine->vm_fd >= 0 && machine->ram != MAP_FAILED);
	region.userspace_addr = (uintptr_t)machine->ram;
	CHECK(ioctl(machine->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) == 0);
	if (ioctl(machine->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_MTE) > 0) {
		struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_MTE };

		printf("# with MTE: %d\n", ioctl(machine->vm_fd, KVM_ENABLE_CAP, &cap));
	}
	machine->vcpu_fd = ioctl(machine->vm_fd, KVM_CREATE_VCPU, 0);
	CHECK(ioctl(machine->vm_fd, KVM_ARM_PREFERRED_TARGET, &machine->init) == 0);
	if (ioctl(machine->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0) {
		machine->init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS;
		machine->init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
		printf("# with pointer authentication\n");
	}
	if (ioctl(machine->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) > 0) {
		machine->init.features[0] |= 1u << KVM_ARM_VCPU_SVE;
		CHECK(ioctl(machine->vcpu_fd, KVM_ARM_VCPU_INIT, &machine->init) == 0);
		CHECK(ioctl(machine->vcpu_fd, KVM_ARM_VCPU_FINALIZE, &feature) == 0);
		printf("# with SVE\n");
	}
	size = ioctl(machine->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	machine->run =
		mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, machine->vcpu_fd, 0);
	CHECK(machine->run != MAP_FAILED);
}

static void machine_set(struct machine *machine, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { id, (uintptr_t)&value };

	if (ioctl(machine->vcpu_fd, KVM_SET_ONE_REG, &reg) < 0)
		fail("set %llx: %s", (unsigned long long)id, strerror(errno));
}

static uint64_t machine_get(struct machine *machine, uint64_t id)
{
	uint64_t value = 0;
	struct kvm_one_reg reg = { id, (uintptr_t)&value };

	if (ioctl(machine->vcpu_fd, KVM_GET_ONE_REG, &reg) < 0)
		fail("get %llx: %s", (unsigned long long)id, strerror(errno));
	return value;
}

#define CORE(member)                                                                               \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))

static void machine_set_debug_off(struct machine *machine)
{
	struct kvm_guest_debug debug = { .control = 0 };

	CHECK(ioctl(machine->vcpu_fd, KVM_SET_GUEST_DEBUG, &debug) == 0);
}

static void machine_set_irq(struct machine *machine, bool level)
{
	struct kvm_irq_level irq = { .irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT,
		.level = level };

	CHECK(ioctl(machine->vm_fd, KVM_IRQ_LINE, &irq) == 0);
}

static void machine_fill(struct machine *machine, const struct scene *scene)
{
	uint32_t store = STORE;

	for (size_t at = 0; at < RAM_BYTES; at += sizeof(store))
		memcpy(machine->ram + at, &store, sizeof(store));
	for (unsigned n = 0; n < CODE_WORDS; n++) {
		if (scene->words[n])
			memcpy(machine->ram + (CODE - RAM) + n * 4, &scene->words[n], 4);
	}
	__builtin___clear_cache((char *)machine->ram, (char *)machine->ram + RAM_BYTES);
}

static void machine_set_debug_registers(struct machine *machine, const struct scene *scene)
{
	machine_set(machine, ARM64_SYS_REG(2, 0, 0, 1, 5), scene->bcr);
	machine_set(machine, ARM64_SYS_REG(2, 0, 0, 1, 4), scene->bvr);
	machine_set(machine, ARM64_SYS_REG(2, 0, 0, 5, 5), scene->bcr5);
	machine_set(machine, ARM64_SYS_REG(2, 0, 0, 5, 4), scene->bvr5);
	machine_set(machine, ARM64_SYS_REG(2, 0, 0, 1, 7), scene->wcr);
	machine_set(machine, ARM64_SYS_REG(2, 0, 0, 1, 6), scene->wvr);
	machine_set(machine, ARM64_SYS_REG(2, 0, 0, 2, 2), scene->mdscr);
}

/* The same state for every run of a scene. */
static void machine_prepare(struct machine *machine, const struct scene *scene)
{
	machine_fill(machine, scene);
	CHECK(ioctl(machine->vcpu_fd, KVM_ARM_VCPU_INIT, &machine->init) == 0);
	machine_set_debug_off(machine);
	machine_set_irq(machine, scene->irq);
	for (unsigned n = 0; n < 31; n++)
		machine_set(machine, CORE(regs.regs[0]) + 2 * n, 0x1000 + n);
	machine_set(machine, CORE(regs.regs[1]), DATA);
	machine_set(machine, CORE(regs.regs[3]), TARGET);
	machine_set(machine, CORE(regs.regs[9]), 0x280); /* for MSR DAIF */
	machine_set(machine, CORE(regs.regs[28]), NOWHERE);
	machine_set(machine, CORE(regs.regs[30]), TARGET);
	machine_set(machine, CORE(regs.sp), RAM + 0x30000);
	machine_set(machine, CORE(sp_el1), RAM + 0x40000);
	machine_set(machine, CORE(elr_el1), TARGET);
	machine_set(machine, CORE(spsr[0]), scene->spsr);
	machine_set(machine, ARM64_SYS_REG(3, 0, 12, 0, 0), VECTORS);
	machine_set(machine, ARM64_SYS_REG(3, 0, 5, 2, 0), 0x1234);
	machine_set(machine, ARM64_SYS_REG(3, 0, 6, 0, 0), 0x5678);
	machine_set(machine, ARM64_SYS_REG(3, 0, 13, 0, 1), 77); /* CONTEXTIDR_EL1 */
	machine_set(machine, ARM64_SYS_REG(3, 0, 1, 0, 0),
		machine_get(machine, ARM64_SYS_REG(3, 0, 1, 0, 0)) ^ scene->sctlr);
	machine_set_debug_registers(machine, scene);
	machine_set(machine, CORE(regs.pstate), scene->pstate);
	machine_set(machine, CORE(regs.pc), CODE);
	memset(&machine->cpu, 0, sizeof(machine->cpu));
}

/* ---- the channel, shortened: programs run here, and their report is read here ------------- */

static int program_run_step(struct machine *machine, uint32_t request, uint8_t *arg)
{
	struct kvm_one_reg reg;

	if (request != KVM_GET_ONE_REG && request != KVM_SET_ONE_REG)
		return ioctl(machine->vcpu_fd, request, arg) < 0 ? -errno : 0;
	memcpy(&reg.id, arg, sizeof(reg.id));
	reg.addr = (uintptr_t)arg + sizeof(reg.id);
	return ioctl(machine->vcpu_fd, request, &reg) < 0 ? -errno : 0;
}

struct report {
	struct channel_report head;
	uint8_t bytes[CHANNEL_MAX_BYTES];
};

static size_t program_run(
	struct machine *machine, const struct program *program, struct report *report)
{
	struct channel_program head;
	size_t at = sizeof(head), out = 0;

	memcpy(&head, program->bytes, sizeof(head));
	CHECK(!program->overflow);
	memset(report, 0, sizeof(*report));
	while (at < program->length) {
		struct channel_step step;
		struct channel_result result = { 0 };
		_Alignas(8) uint8_t arg[1024];

		memcpy(&step, program->bytes + at, sizeof(step));
		memcpy(arg, program->bytes + at + sizeof(step), step.size);
		at += sizeof(step) + channel_padded(step.size);
		result.rc = program_run_step(machine, step.request, arg);
		result.size = result.rc < 0 ? 0 : step.size;
		memcpy(report->bytes + out, &result, sizeof(result));
		memcpy(report->bytes + out + sizeof(result), arg, result.size);
		out += sizeof(result) + channel_padded(result.size);
		report->head.result_count++;
	}
	return sizeof(report->head) + out;
}

static void machine_fetch(struct machine *machine, uint32_t groups)
{
	static struct program program;
	static struct report report;
	struct results results;
	size_t length;

	program_init(&program, 0);
	transfer_fetch(&program, &machine->cpu, groups);
	length = program_run(machine, &program, &report);
	CHECK(report.head.result_count == transfer_count(&machine->cpu, groups));
	results_init(&results, &report.head, length);
	CHECK(transfer_take(&results, &machine->cpu, groups) == 0);
	CHECK(!results.left);
	if ((machine->cpu.valid & groups) != groups)
		fail("groups %x did not come", groups & ~machine->cpu.valid);
}

/* What is dirty, and guest debug as planned; every step must succeed. */
static void machine_store(struct machine *machine, bool debug)
{
	static struct program program;
	static struct report report;
	struct injection none = { .kind = INJECT_NONE };
	struct results results;
	uint8_t arg[528];
	size_t length;

	program_init(&program, 0);
	transfer_store(&program, &machine->cpu);
	if (debug)
		transfer_guest_debug(&program, arg, arch_arm64.encode(&machine->plan, &none, arg));
	length = program_run(machine, &program, &report);
	results_init(&results, &report.head, length);
	while (results.left) {
		const void *bytes;
		size_t size;
		int rc = results_next(&results, &bytes, &size);

		if (rc < 0)
			fail("a store failed: %s", strerror(-rc));
	}
}

/* ---- alone, and under debug -------------------------------------------------------------- */

enum { ALL_GROUPS = CPU_GENERAL | CPU_SYSTEM | CPU_FLOAT | CPU_DEBUG | CPU_MSRS | CPU_MP };

static uint32_t machine_enter(struct machine *machine)
{
	if (ioctl(machine->vcpu_fd, KVM_RUN, 0) < 0)
		fail("KVM_RUN: %s", strerror(errno));
	return machine->run->exit_reason;
}

/* The vCPU stands at a store to nowhere: what it holds, before that store is completed. */
static struct cpu machine_end(struct machine *machine)
{
	CHECK(machine->run->exit_reason == KVM_EXIT_MMIO);
	CHECK(machine->run->mmio.phys_addr == NOWHERE);
	memset(&machine->cpu, 0, sizeof(machine->cpu));
	machine_fetch(machine, ALL_GROUPS);
	machine->run->immediate_exit = 1;
	CHECK(ioctl(machine->vcpu_fd, KVM_RUN, 0) < 0 && errno == EINTR);
	machine->run->immediate_exit = 0;
	return machine->cpu;
}

static struct cpu run_alone(struct machine *machine, const struct scene *scene)
{
	machine_prepare(machine, scene);
	if (machine_enter(machine) != KVM_EXIT_MMIO)
		fail("%s: alone: exit %u", scene->name, machine->run->exit_reason);
	return machine_end(machine);
}

static int memory_read(void *context, gva_t gva, void *buf, size_t length)
{
	const struct machine *machine = context;

	if (gva < RAM || gva + length > RAM + RAM_BYTES)
		return -EFAULT;
	memcpy(buf, machine->ram + (gva - RAM), length);
	return 0;
}

static struct decision machine_decide(struct machine *machine, const struct step_plan *step)
{
	struct debug_event event = { .cpu = &machine->cpu, .plan = &machine->plan, .step = step };
	struct decision decision;
	uint8_t exit_bytes[64] = { 0 };

	machine_fetch(machine, CPU_STOP | CPU_DEBUG);
	memcpy(exit_bytes, &machine->run->debug.arch, sizeof(machine->run->debug.arch));
	event.exit = exit_bytes;
	if (memory_read(machine, machine->cpu.arm64.regs.pc, event.code, 16) == 0)
		event.code_length = 16;
	arch_arm64.decide(&event, &decision);
	return decision;
}

/* One instruction, as the run control steps it; what it came to. */
static struct decision machine_step(struct machine *machine, struct debug_request request)
{
	struct guest_memory memory = { .read = memory_read, .context = machine };
	struct step_plan step;
	struct decision decision;
	uint8_t code[64];

	machine_fetch(machine, CPU_STOP | CPU_DEBUG);
	CHECK(memory_read(machine, machine->cpu.arm64.regs.pc, code, sizeof(code)) == 0);
	arch_arm64.step_begin(&machine->cpu, &memory, code, sizeof(code), false, &step);
	request.step = step.trap;
	request.run_to_count = step.run_to_count;
	memcpy(request.run_to, step.run_to, sizeof(step.run_to));
	arch_arm64.plan(&machine->cpu, &request, &machine->plan);
	machine_store(machine, true);
	if (machine_enter(machine) != KVM_EXIT_DEBUG)
		fail("a step ended with exit %u", machine->run->exit_reason);
	decision = machine_decide(machine, &step);
	if (decision.step_done && decision.inject.kind != INJECT_NONE)
		arch_arm64.inject(&machine->cpu, &decision.inject);
	arch_arm64.step_end(&machine->cpu, &memory, &step);
	machine_store(machine, false);
	return decision;
}

/* Goes on until the scene's end, or until something is to be reported. */
static struct decision machine_continue(struct machine *machine, struct debug_request request)
{
	struct decision decision = { .report = false };

	for (unsigned exits = 0; exits < 8; exits++) {
		machine_fetch(machine, CPU_STOP | CPU_DEBUG);
		arch_arm64.plan(&machine->cpu, &request, &machine->plan);
		machine_store(machine, true);
		if (machine_enter(machine) == KVM_EXIT_MMIO)
			return decision;
		decision = machine_decide(machine, NULL);
		if (decision.report)
			return decision;
		if (decision.step_silently)
			CHECK(machine_step(
				machine, (struct debug_request){ .software = request.software })
					.step_done);
		if (decision.inject.kind != INJECT_NONE)
			arch_arm64.inject(&machine->cpu, &decision.inject);
		machine_store(machine, false);
	}
	fail("it goes round in circles");
}

/* The two ways to get to the end of a scene that must make no difference. */
static struct cpu run_debugged(struct machine *machine, const struct scene *scene)
{
	struct decision decision;

	machine_prepare(machine, scene);
	decision = machine_continue(machine, (struct debug_request){ .software = true });
	if (decision.report)
		fail("%s: reported as %d", scene->name, decision.reason);
	return machine_end(machine);
}

static struct cpu run_stepped(struct machine *machine, const struct scene *scene)
{
	struct decision decision;
	uint64_t pc;

	machine_prepare(machine, scene);
	decision = machine_step(machine, (struct debug_request){ .software = true });
	if (!decision.step_done || decision.report)
		fail("%s: the step was not done", scene->name);
	pc = machine_get(machine, CORE(regs.pc));
	machine_set_debug_off(machine);
	if (machine_enter(machine) != KVM_EXIT_MMIO)
		fail("%s: stepped: exit %u", scene->name, machine->run->exit_reason);
	if (!scene->irq && machine_get(machine, CORE(regs.pc)) != pc)
		fail("%s: the step did not end where it seemed", scene->name);
	return machine_end(machine);
}

/* ---- comparing --------------------------------------------------------------------------- */

static bool differs(const char *name, uint64_t alone, uint64_t debugged)
{
	if (alone == debugged)
		return false;
	printf("# %s: alone %llx, debugged %llx\n", name, (unsigned long long)alone,
		(unsigned long long)debugged);
	return true;
}

/* A breakpoint of either kind leaves FAR_EL1 UNKNOWN. */
static bool far_is_unknown(const struct cpu *cpu)
{
	unsigned class = (unsigned)cpu->arm64.sysregs[ARM64_ESR_EL1] >> ESR_EC_SHIFT;

	return class == EC_BRK || class == EC_BREAKPOINT || class == EC_BREAKPOINT + 1;
}

/*
 * Makes equal what may differ: see far_is_unknown(); and qemu clears NZCV and DIT at an exception.
 */
static void registers_settle(struct cpu *alone, const struct cpu *debugged)
{
	const uint64_t kept = PSTATE_N | PSTATE_Z | PSTATE_C | PSTATE_V | PSTATE_DIT;

	if (far_is_unknown(alone))
		alone->arm64.sysregs[ARM64_FAR_EL1] = debugged->arm64.sysregs[ARM64_FAR_EL1];
	if (alone->arm64.regs.pc - VECTORS < 0x800 && !(alone->arm64.regs.pstate & kept))
		alone->arm64.regs.pstate |= debugged->arm64.regs.pstate & kept;
}

static bool is_there(const struct cpu *cpu, unsigned number)
{
	struct target_register any = { .name = NULL };

	return description_arm64_has(cpu, number, &any);
}

/* The clock goes on by itself. */
static bool is_clock(unsigned number)
{
	return number == ARM64_NUMBER_SYSREGS + ARM64_CNTVCT_EL0 ||
	       number == ARM64_NUMBER_SYSREGS + ARM64_CNTPCT_EL0;
}

/* How many words of a register that this vCPU has are not the same in both; each is printed. */
static unsigned register_differs(const struct cpu *alone, const struct cpu *debugged,
	const struct target_register *reg, unsigned number)
{
	uint64_t a[TARGET_REGISTER_MAX_BYTES / 8] = { 0 }, b[TARGET_REGISTER_MAX_BYTES / 8] = { 0 };
	unsigned count = 0;

	if (is_clock(number) || !is_there(alone, number))
		return 0;
	CHECK(arch_arm64.register_read(alone, number, a) ==
		arch_arm64.register_read(debugged, number, b));
	for (size_t i = 0; i < ENTRIES(a); i++)
		count += differs(reg->name, a[i], b[i]);
	return count;
}

static bool registers_differ(const struct cpu *alone, const struct cpu *debugged)
{
	const struct target_description *description = arch_arm64.description;
	unsigned number = 0, count = 0;

	for (unsigned f = 0; f < description->feature_count; f++) {
		const struct target_feature *feature = &description->features[f];

		for (unsigned i = 0; i < feature->count; i++, number++)
			count += register_differs(alone, debugged, &feature->registers[i], number);
	}
	count += !!memcmp(&alone->arm64.debugregs, &debugged->arm64.debugregs,
		sizeof(alone->arm64.debugregs));
	return count != 0;
}

static unsigned tests, failures;

static void result(const char *how, const char *name, bool good)
{
	failures += !good;
	printf("%sok %u - %s: %s\n", good ? "" : "not ", ++tests, how, name);
}

static void compare(struct machine *machine, const struct scene *scene, const char *how,
	struct cpu (*run)(struct machine *machine, const struct scene *scene))
{
	static struct cpu alone, debugged;

	alone = run_alone(machine, scene);
	debugged = run(machine, scene);
	registers_settle(&alone, &debugged);
	result(how, scene->name, !registers_differ(&alone, &debugged));
}

/* ---- the scenes -------------------------------------------------------------------------- */

#define BRK   0xd4224680u /* brk #0x1234 */
#define NOP   0xd503201fu
#define STR   0xf9000020u /* str x0, [x1] */
#define LDR   0xf9400020u /* ldr x0, [x1] */
#define FLAGS (PSTATE_N | PSTATE_C | PSTATE_PAN | BIT(23) | PSTATE_SSBS | PSTATE_F)
#define ARMED (MDSCR_MDE | MDSCR_KDE)
#define SPAN  BIT(23)
#define DSSBS BIT(44)

/* What the guest itself must get.  Each is also stepped into. */
static const struct scene exceptions[] = {
	{ .name = "BRK at EL1h", .words = { BRK }, .pstate = 0x5 },
	{ .name = "BRK at EL1h, masked", .words = { BRK }, .pstate = 0x3c5 },
	{ .name = "BRK at EL1h, flags", .words = { BRK }, .pstate = 0x5 | FLAGS },
	{ .name = "BRK at EL1h, SPAN changed", .words = { BRK }, .pstate = 0x5, .sctlr = SPAN },
	{ .name = "BRK at EL1h, DSSBS changed", .words = { BRK }, .pstate = 0x5, .sctlr = DSSBS },
	{ .name = "BRK at EL1h, DIT, TCO", .words = { BRK }, .pstate = 0x5 | BIT(24) | BIT(25) },
	{ .name = "BRK at EL1t", .words = { BRK }, .pstate = 0x4 },
	{ .name = "BRK at EL1t, flags", .words = { BRK }, .pstate = 0x4 | FLAGS, .sctlr = SPAN },
	{ .name = "BRK at EL0", .words = { BRK }, .pstate = 0x0 },
	{ .name = "BRK at EL0, flags", .words = { BRK }, .pstate = FLAGS, .sctlr = DSSBS },
	{ .name = "BRK at EL0, SPAN changed", .words = { BRK }, .pstate = 0, .sctlr = SPAN },
	{ .name = "BRK #0xdb60, the guest's", .words = { 0xd43b6c00 }, .pstate = 0x5 },

	{ .name = "breakpoint at EL1h",
		.words = { NOP },
		.pstate = 0x5,
		.mdscr = ARMED,
		.bcr = 0x1e7,
		.bvr = CODE },
	{ .name = "breakpoint at EL1t, flags",
		.words = { NOP },
		.pstate = 0x4 | FLAGS,
		.mdscr = ARMED,
		.bcr = 0x1e7,
		.bvr = CODE },
	{ .name = "breakpoint at EL0",
		.words = { NOP },
		.pstate = 0x200,
		.mdscr = MDSCR_MDE,
		.bcr = 0x1e5,
		.bvr = CODE },
	{ .name = "breakpoint on BRK",
		.words = { BRK },
		.pstate = 0x5,
		.mdscr = ARMED,
		.bcr = 0x1e7,
		.bvr = CODE },
	{ .name = "breakpoint linked to the context",
		.words = { NOP },
		.pstate = 0x5,
		.mdscr = ARMED,
		.bcr = 0x1e7 | BIT(20) | 5 << 16,
		.bvr = CODE,
		.bcr5 = 0x3001e7,
		.bvr5 = 77 },
	{ .name = "watchpoint, write, EL1h",
		.words = { STR },
		.pstate = 0x5,
		.mdscr = ARMED,
		.wcr = 0x1ff7,
		.wvr = DATA },
	{ .name = "watchpoint, read, EL0, flags",
		.words = { LDR },
		.pstate = FLAGS,
		.mdscr = MDSCR_MDE,
		.wcr = 0x1fef,
		.wvr = DATA },
	{ .name = "watchpoint, upper half",
		.words = { STR },
		.pstate = 0x5,
		.mdscr = ARMED,
		.wcr = 0x1e1f,
		.wvr = DATA },
	{ .name = "watchpoint, 4 KiB",
		.words = { LDR },
		.pstate = 0x5,
		.mdscr = ARMED,
		.wcr = 0xc001fff,
		.wvr = DATA },
};

/* What the guest has set up, and hardware does not raise. */
static const struct scene silences[] = {
	{ .name = "breakpoint without KDE",
		.words = { NOP },
		.pstate = 0x5,
		.mdscr = MDSCR_MDE,
		.bcr = 0x1e7,
		.bvr = CODE },
	{ .name = "breakpoint with D set",
		.words = { NOP },
		.pstate = 0x205,
		.mdscr = ARMED,
		.bcr = 0x1e7,
		.bvr = CODE },
	{ .name = "breakpoint without MDE",
		.words = { NOP },
		.pstate = 0x5,
		.mdscr = MDSCR_KDE,
		.bcr = 0x1e7,
		.bvr = CODE },
	{ .name = "breakpoint of EL0 at EL1",
		.words = { NOP },
		.pstate = 0x5,
		.mdscr = ARMED,
		.bcr = 0x1e5,
		.bvr = CODE },
	{ .name = "breakpoint linked to another context",
		.words = { NOP },
		.pstate = 0x5,
		.mdscr = ARMED,
		.bcr = 0x1e7 | BIT(20) | 5 << 16,
		.bvr = CODE,
		.bcr5 = 0x3001e7,
		.bvr5 = 78 },
	{ .name = "watchpoint with D set",
		.words = { STR },
		.pstate = 0x205,
		.mdscr = ARMED,
		.wcr = 0x1ff7,
		.wvr = DATA },
	{ .name = "watchpoint without KDE",
		.words = { LDR },
		.pstate = 0x5,
		.mdscr = MDSCR_MDE,
		.wcr = 0x1fff,
		.wvr = DATA },
	{ .name = "watchpoint for reads, a write",
		.words = { STR },
		.pstate = 0x5,
		.mdscr = ARMED,
		.wcr = 0x1fef,
		.wvr = DATA },
	{ .name = "watchpoint beside",
		.words = { STR },
		.pstate = 0x5,
		.mdscr = ARMED,
		.wcr = 0x1ff7,
		.wvr = DATA + 8 },
};

/* Instructions to step, each in the states below. */
static const struct {
	const char *name;
	uint32_t words[CODE_WORDS];
} stepped[] = {
	{ "nop", { NOP } },
	{ "subs", { 0xf1000400 } },
	{ "str", { STR } },
	{ "mrs x7, daif", { 0xd53b4227 } },
	{ "mrs xzr, daif", { 0xd53b423f } },
	{ "msr daif, x9", { 0xd51b4229 } },
	{ "msr daif, xzr", { 0xd51b423f } },
	{ "msr daifset, #2", { 0xd50342df } },
	{ "msr daifset, #15", { 0xd5034fdf } },
	{ "msr daifclr, #2", { 0xd50342ff } },
	{ "msr daifclr, #15", { 0xd5034fff } },
	{ "msr spsel, #0", { 0xd50040bf } },
	{ "svc #5", { 0xd40000a1 } },
	{ "hvc #0", { 0xd4000002 } },
	{ "smc #0", { 0xd4000003 } },
	{ "brk #0x1234", { BRK } },
	{ "udf #0", { 0x00010000 } },
	{ "hlt #0", { 0xd4400000 } },
	{ "eret", { 0xd69f03e0 } },
	{ "b", { 0x14000004 } },
	{ "b.ne", { 0x54000081 } },
	{ "cbz x9", { 0xb4000089 } },
	{ "br x3", { 0xd61f0060 } },
	{ "ret", { 0xd65f03c0 } },
	{ "mrs x0, sctlr_el1", { 0xd5381000 } },
	{ "msr spsr_el1, x9", { 0xd5184009 } },
	{ "msr elr_el1, x3", { 0xd5184023 } },
	{ "yield", { 0xd503203f } },
	{ "ldxr alone", { 0x885f7c20 } },
	{ "stxr alone", { 0x88047c20 } },
};

static const struct {
	const char *name;
	uint64_t pstate, spsr;
} states[] = {
	{ "EL1h", 0x5, 0x60000000 },
	{ "EL1h, I set", 0x85, 0x5 },
	{ "EL1h, A F set, flags", 0x60000145, 0x85 },
	{ "EL1h, D set", 0x205, 0x4 },
	{ "EL1h, all set", 0x3c5, 0x3c5 },
	{ "EL1t", 0x4, 0x1c0 },
	{ "EL0", 0x0, 0x5 },
	{ "EL0, I set", 0x80, 0x5 },
};

static void test_stepped(struct machine *machine)
{
	for (size_t i = 0; i < ENTRIES(stepped); i++) {
		for (size_t n = 0; n < ENTRIES(states); n++) {
			struct scene scene = { .pstate = states[n].pstate, .spsr = states[n].spsr };
			char name[64];

			snprintf(name, sizeof(name), "%s, %s", stepped[i].name, states[n].name);
			scene.name = name;
			memcpy(scene.words, stepped[i].words, sizeof(scene.words));
			compare(machine, &scene, "step", run_stepped);
		}
	}
}

/* With an interrupt pending a step is still a step, and the interrupt comes after it. */
static void test_irq(struct machine *machine)
{
	static const struct {
		const char *name;
		uint32_t word;
		uint64_t pstate, elr, spsr;
	} rows[] = {
		{ "nop", NOP, 0x5, CODE + 4, 0x5 },
		{ "nop at EL0", NOP, 0x0, CODE + 4, 0x0 },
		{ "branch", 0x14000004, 0x60000005, CODE + 16, 0x60000005 },
		{ "msr daifclr, #2", 0xd50342ff, 0x85, CODE + 4, 0x5 },
		{ "svc: not before the handler opens", 0xd4000001, 0x5, CODE + 4, 0x5 },
	};

	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct scene scene = { .name = rows[i].name,
			.words = { rows[i].word },
			.pstate = rows[i].pstate,
			.irq = true };
		struct cpu cpu = run_stepped(machine, &scene);

		result("step with an interrupt pending", rows[i].name,
			!differs("ELR_EL1", rows[i].elr, cpu.arm64.regs.elr_el1) &&
				!differs("SPSR_EL1", rows[i].spsr, cpu.arm64.regs.spsr_el1));
	}
	machine_set_irq(machine, false);
}

/*
 * Row 42: the store must succeed.  A store before it brings the page in, for a page fault of KVM's
 * clears the monitor as well.
 */
static void test_exclusive(struct machine *machine)
{
	static const struct {
		struct scene scene;
		uint64_t end, x4; /* x4: what the store has left there */
	} rows[] = {
		{ { .name = "ldxr, add, stxr",
			  .pstate = 0x5,
			  .words = { STR, 0x885f7c20, 0x11000400, 0x88047c20 } },
			CODE + 16, 0 },
		{ { .name = "ldaxr, cmp, b.ne out, stlxr, EL0",
			  .pstate = 0x0,
			  .words = { STR, 0xc85ffc20, 0xeb00001f, 0x54000101, 0xc804fc20 } },
			CODE + 20, 0 },
		{ { .name = "ldaxr, cmp, b.ne out taken",
			  .pstate = 0x85,
			  .words = { STR, 0xc85ffc20, 0xeb09001f, 0x540000c1, 0xc804fc20 } },
			CODE + 0x24, 0x1004 },
	};
	const struct debug_request request = { .software = true };

	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct cpu cpu;
		bool good;

		machine_prepare(machine, &rows[i].scene);
		CHECK(machine_step(machine, request).step_done);
		CHECK(machine_step(machine, request).step_done);
		good = machine_get(machine, CORE(regs.pc)) == rows[i].end;
		machine_set_debug_off(machine);
		CHECK(machine_enter(machine) == KVM_EXIT_MMIO);
		cpu = machine_end(machine);
		good = good && !differs("x4", rows[i].x4, cpu.arm64.regs.x[4]) &&
		       !differs("DAIF", rows[i].scene.pstate & PSTATE_DAIF,
			       cpu.arm64.regs.pstate & PSTATE_DAIF);
		result("run", rows[i].scene.name, good);
	}
}

static void expect(struct machine *machine, const struct scene *scene,
	const struct hardware_point *point, enum target_stop_reason reason, uint64_t address)
{
	struct debug_request request = { .points = point, .point_count = 1 };
	struct decision decision;
	bool good;

	machine_prepare(machine, scene);
	machine_fetch(machine, CPU_STOP);
	CHECK(arch_arm64.check_point(&machine->cpu, NULL, 0, point) == 0);
	decision = machine_continue(machine, request);
	good = decision.report && decision.reason == reason && decision.address == address &&
	       machine->cpu.arm64.regs.pc == CODE + 4;
	/* Past it, and no further. */
	request.skip_at_pc = request.skip_watch = true;
	decision = machine_step(machine, request);
	good = good && decision.step_done && machine_get(machine, CORE(regs.pc)) == CODE + 8;
	machine_set_debug_off(machine);
	CHECK(machine_enter(machine) == KVM_EXIT_MMIO);
	machine_end(machine);
	result("reported", scene->name, good);
}

/* Rows 34 and 37. */
static void test_points(struct machine *machine)
{
	static const struct {
		const char *name;
		struct hardware_point point;
		uint32_t word;
		enum target_stop_reason reason;
		uint64_t address;
	} rows[] = {
		{ "hardware breakpoint", { TARGET_BREAK_HARDWARE, CODE + 4, 4 }, NOP,
			TARGET_STOP_HWBREAK, 0 },
		{ "write watchpoint", { TARGET_WATCH_WRITE, DATA, 8 }, STR, TARGET_STOP_WATCH,
			DATA },
		{ "read watchpoint", { TARGET_WATCH_READ, DATA, 8 }, LDR, TARGET_STOP_RWATCH,
			DATA },
		{ "access watchpoint, a write", { TARGET_WATCH_ACCESS, DATA, 8 }, STR,
			TARGET_STOP_AWATCH, DATA },
		{ "one byte of a doubleword", { TARGET_WATCH_WRITE, DATA + 5, 1 }, STR,
			TARGET_STOP_WATCH, DATA + 5 },
		{ "4 KiB", { TARGET_WATCH_WRITE, DATA, 4096 }, STR, TARGET_STOP_WATCH, DATA },
		{ "in two pieces, the second hit", { TARGET_WATCH_WRITE, DATA - 3, 7 }, STR,
			TARGET_STOP_WATCH, DATA },
	};

	for (size_t i = 0; i < ENTRIES(rows); i++) {
		struct scene scene = {
			.name = rows[i].name, .words = { NOP, rows[i].word, NOP }, .pstate = 0x5
		};

		expect(machine, &scene, &rows[i].point, rows[i].reason, rows[i].address);
	}
}

/* Vector registers there and back, by whichever way this vCPU has. */
static void test_vectors(struct machine *machine)
{
	struct scene scene = { .name = "vector registers", .words = { NOP }, .pstate = 0x5 };
	uint8_t value[16], back[16];
	uint32_t fpcr = 0x3000000;
	bool good = true;

	machine_prepare(machine, &scene);
	machine_fetch(machine, CPU_FLOAT);
	for (unsigned n = 0; n < 32; n++) {
		memset(value, (int)n + 1, sizeof(value));
		CHECK(arch_arm64.register_write(&machine->cpu, ARM64_NUMBER_V + n, value) == 0);
	}
	CHECK(arch_arm64.register_write(&machine->cpu, ARM64_NUMBER_FPCR, &fpcr) == 0);
	machine_store(machine, false);
	memset(&machine->cpu, 0, sizeof(machine->cpu));
	machine_fetch(machine, CPU_FLOAT);
	for (unsigned n = 0; n < 32; n++) {
		memset(value, (int)n + 1, sizeof(value));
		CHECK(arch_arm64.register_read(&machine->cpu, ARM64_NUMBER_V + n, back) == 0);
		good = good && !memcmp(value, back, sizeof(back));
	}
	result("stored", scene.name, good && machine->cpu.arm64.fp.fpcr == fpcr);
}

/* Any register that may be written can be stored, `before` must never fail on one, and keeps it. */
static void test_every_write_is_accepted(struct machine *machine)
{
	struct scene scene = { .name = "every register", .words = { NOP }, .pstate = 0x5 };
	uint64_t value[TARGET_REGISTER_MAX_BYTES / 8];
	unsigned absent = 0;
	static struct cpu wanted;

	machine_prepare(machine, &scene);
	machine_fetch(machine, ALL_GROUPS);
	for (unsigned number = 0; number < arch_arm64.description->register_count; number++) {
		if (!is_there(&machine->cpu, number) ||
			arch_arm64.register_read(&machine->cpu, number, value) < 0)
			continue;
		if (number != ARM64_NUMBER_CPSR)
			value[0] ^= 1;
		arch_arm64.register_write(&machine->cpu, number, value);
	}
	machine_store(machine, false);
	result("stored", scene.name, true);
	wanted = machine->cpu;
	memset(&machine->cpu, 0, sizeof(machine->cpu));
	machine_fetch(machine, ALL_GROUPS);
	result("read back", scene.name, !registers_differ(&wanted, &machine->cpu));
	for (unsigned n = 0; n < ARM64_SYSREG_COUNT; n++)
		absent += bitmap_has(machine->cpu.arm64.sysregs_absent, n);
	printf("# %u breakpoints, %u watchpoints, %u of %u system registers not known here\n",
		machine->cpu.arm64.breakpoint_slots, machine->cpu.arm64.watchpoint_slots, absent,
		(unsigned)ARM64_SYSREG_COUNT);
}

/* ---- reports of a VMM that lies ---------------------------------------------------------- */

static int take_float(struct machine *machine, const struct report *report, size_t length)
{
	struct results results;

	memset(&machine->cpu, 0, sizeof(machine->cpu));
	results_init(&results, &report->head, length);
	return transfer_take(&results, &machine->cpu, CPU_FLOAT);
}

/* Where the answer for a register is in the report: its struct channel_result, or NULL. */
static uint8_t *answer_for(struct report *report, size_t length, uint64_t id)
{
	uint8_t *at = report->bytes, *end = (uint8_t *)report + length;
	struct channel_result head;

	for (; at < end; at += sizeof(head) + channel_padded(head.size)) {
		memcpy(&head, at, sizeof(head));
		if (head.rc >= 0 && !memcmp(at + sizeof(head), &id, sizeof(id)))
			return at;
	}
	return NULL;
}

static void test_lies(struct machine *machine)
{
	const uint64_t fpsr = KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE |
			      KVM_REG_ARM_CORE_REG(fp_regs.fpsr);
	struct scene scene = { .name = "vectors", .words = { NOP }, .pstate = 0x5 };
	static struct program program;
	static struct report report, honest;
	size_t length;
	uint8_t *at;

	machine_prepare(machine, &scene);
	program_init(&program, 0);
	transfer_fetch(&program, &machine->cpu, CPU_FLOAT);
	length = program_run(machine, &program, &honest);
	report = honest;
	result("taken", "an honest report",
		take_float(machine, &report, length) == 0 && machine->cpu.valid & CPU_FLOAT);
	report.head.result_count--;
	result("refused", "an answer too few", take_float(machine, &report, length) == -EPROTO);
	report = honest;
	answer_for(&report, length, fpsr)[sizeof(struct channel_result)] ^= 4;
	result("refused", "another register's", take_float(machine, &report, length) == -EPROTO);
	report = honest;
	answer_for(&report, length, fpsr)[offsetof(struct channel_result, size)] ^= 8;
	result("refused", "another size", take_float(machine, &report, length) == -EPROTO);
	report = honest;
	at = answer_for(&report, length, KVM_REG_ARM64_SVE_VLS);
	if (!at)
		return;
	memset(at + sizeof(struct channel_result) + sizeof(fpsr), 0, 64);
	result("not believed", "SVE without a length",
		take_float(machine, &report, length) == 0 && !(machine->cpu.valid & CPU_FLOAT));
	memset(at + sizeof(struct channel_result) + sizeof(fpsr), 0xff, 64);
	result("cut", "SVE of any length",
		take_float(machine, &report, length) == 0 && machine->cpu.arm64.vg == 32);
}

int main(void)
{
	struct machine machine = { .kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC) };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (machine.kvm_fd < 0) {
		printf("1..0 # SKIP no /dev/kvm: %s\n", strerror(errno));
		return 0;
	}
	machine_create(&machine);
	for (size_t i = 0; i < ENTRIES(exceptions); i++) {
		compare(&machine, &exceptions[i], "delivered", run_debugged);
		compare(&machine, &exceptions[i], "stepped into", run_stepped);
	}
	for (size_t i = 0; i < ENTRIES(silences); i++) {
		compare(&machine, &silences[i], "not raised", run_debugged);
		compare(&machine, &silences[i], "stepped over", run_stepped);
	}
	test_stepped(&machine);
	test_irq(&machine);
	test_exclusive(&machine);
	test_points(&machine);
	test_vectors(&machine);
	test_every_write_is_accepted(&machine);
	test_lies(&machine);
	printf("1..%u\n", tests);
	return failures != 0;
}

#endif
