/* SPDX-License-Identifier: Apache-2.0 */
/* AT, executed by the guest's own CPU, and the guest's aborts: see walk_oracle.h. */
#include <errno.h>
#include <string.h>

#include "tests/guest/layout_arm64.h"
#include "tests/system/walk_oracle.h"

enum { MP_STATE_RUNNABLE = 0, ASK_AT_ONCE = 20000, ASK_TIMEOUT_MS = 5000 };

/* Where the guest has memory and nothing in it: below the end of RAM. */
enum {
	SCRATCH_BYTES = 4 << 20,
	SCRATCH_DONE = 0x1000,
	SCRATCH_ASKED = 0x2000,
};

#define PSTATE_EL1H_MASKED UINT64_C(0x3c5)
#define PAR_FAILED         UINT64_C(1)
#define PAR_ADDRESS        UINT64_C(0x000ffffffffff000) /* 51:48 are 0 without FEAT_LPA */
#define STATUS_TRANSLATION 0x04 /* + level; Arm ARM, ESR_ELx.DFSC and PAR_EL1.FST */
#define STATUS_PERMISSION  0x0c

/* One question and its four answers: PAR_EL1 after each AT. */
struct asked {
	uint64_t gva, el1_read, el1_write, el0_read, el0_write;
};

/* x0: the next struct asked, x1: how many, x2: where to write 1 at the end.  Needs no stack. */
__asm__("	.pushsection .rodata\n"
	"	.balign 8\n"
	"	.macro	walk_ask op, at\n"
	"	at	\\op, x3\n"
	"	isb\n"
	"	mrs	x4, par_el1\n"
	"	str	x4, [x0, #\\at]\n"
	"	.endm\n"
	"	.globl	walk_ask_start, walk_ask_end\n"
	"walk_ask_start:\n"
	"	ldr	x3, [x0]\n"
	"	walk_ask s1e1r, 8\n"
	"	walk_ask s1e1w, 16\n"
	"	walk_ask s1e0r, 24\n"
	"	walk_ask s1e0w, 32\n"
	"	add	x0, x0, #40\n"
	"	subs	x1, x1, #1\n"
	"	b.ne	walk_ask_start\n"
	"	dsb	sy\n"
	"	mov	x3, #1\n"
	"	str	x3, [x2]\n"
	"1:	b	1b\n"
	"walk_ask_end:\n"
	"	.popsection\n");
extern const uint8_t walk_ask_start[], walk_ask_end[];

const struct walk_half walk_halves[2] = {
	{ 0, UINT64_C(0x0000ffffffffffff) },
	{ UINT64_C(0xffff000000000000), UINT64_MAX },
};

const uint64_t walk_page_sizes = 0x1000 | 0x200000 | 0x40000000;
const uint8_t walk_endless_loop[] = { 0x00, 0x00, 0x00, 0x14 };
const unsigned walk_endless_loop_length = sizeof(walk_endless_loop);
const char walk_oracle_name[] = "AT";

unsigned walk_hole_bits(unsigned level)
{
	return 12 + 9 * (4 - level);
}

bool walk_oracle_is_there(struct walk_guest *guest, unsigned index)
{
	struct vcpu *vcpu = &guest->vm.vcpus[index];

	if (vcpu_fetch(vcpu, CPU_MP, ASK_TIMEOUT_MS) < 0)
		walk_bail("the state of vCPU %u", index);
	return vcpu->cpu.arm64.mp_state == MP_STATE_RUNNABLE;
}

/* ---- asking ------------------------------------------------------------------------------ */

static gpa_t scratch_gpa(const struct walk_guest *guest)
{
	const struct memory *memory = &guest->vm.memory;
	const struct memory_region *last = &memory->regions[memory->count - 1];

	return last->gpa + last->size - SCRATCH_BYTES;
}

/* As the vCPU's kernel sees it: by the MMU that the guest has on, or as it is. */
static gva_t scratch_gva(const struct view *view, gpa_t gpa)
{
	gva_t gvas[] = { gpa, KERNEL_OFFSET + gpa };
	struct translation translation;

	for (unsigned i = 0; i < 2; i++)
		if (view_translate(view, gvas[i], &translation) == 1 && translation.gpa == gpa)
			return gvas[i];
	walk_bail("no address for our code in the guest");
}

static void scratch_write(struct walk_guest *guest, gpa_t gpa, const void *buf, size_t length)
{
	if (memory_write(&guest->vm.memory, gpa, buf, length) < 0)
		walk_bail("the guest's memory cannot be written");
}

static void scratch_read(struct walk_guest *guest, gpa_t gpa, void *buf, size_t length)
{
	if (memory_read(&guest->vm.memory, gpa, buf, length) < 0)
		walk_bail("the guest's memory cannot be read");
}

static void scratch_fill(struct walk_guest *guest, gpa_t gpa, const gva_t *gvas, unsigned count)
{
	const uint64_t no = 0;

	scratch_write(guest, gpa, walk_ask_start, (size_t)(walk_ask_end - walk_ask_start));
	scratch_write(guest, gpa + SCRATCH_DONE, &no, sizeof(no));
	for (unsigned i = 0; i < count; i++) {
		struct asked asked = { .gva = gvas[i] };

		scratch_write(
			guest, gpa + SCRATCH_ASKED + i * sizeof(asked), &asked, sizeof(asked));
	}
}

static void oracle_store(struct vcpu *vcpu, const struct arm64_regs *regs)
{
	if (vcpu_fetch(vcpu, CPU_STOP, ASK_TIMEOUT_MS) < 0)
		walk_bail("registers cannot be read");
	vcpu->cpu.arm64.regs = *regs;
	vcpu->cpu.dirty |= CPU_GENERAL;
	if (vcpu_store(vcpu, ASK_TIMEOUT_MS) < 0)
		walk_bail("registers cannot be written");
}

/* Lets the vCPU execute the code at gva, alone, until it says that it is done. */
static void oracle_run(struct walk_guest *guest, unsigned index, gva_t gva, unsigned count)
{
	struct view view = walk_guest_view(guest, index);
	struct arm64_regs saved = view.vcpu->cpu.arm64.regs, regs = saved;
	uint64_t done = 0;

	regs.pc = gva;
	regs.pstate = PSTATE_EL1H_MASKED;
	regs.x[0] = gva + SCRATCH_ASKED;
	regs.x[1] = count;
	regs.x[2] = gva + SCRATCH_DONE;
	oracle_store(view.vcpu, &regs);
	walk_guest_resume_one(guest, index);
	for (unsigned ms = 0; !done && ms < WALK_PATIENCE_MS; ms++) {
		walk_guest_pump(guest, 1);
		scratch_read(guest, scratch_gpa(guest) + SCRATCH_DONE, &done, sizeof(done));
	}
	walk_guest_stop(guest);
	oracle_store(view.vcpu, &saved);
	if (!done)
		walk_bail("vCPU %u did not come to the end of our code", index);
}

static unsigned par_status(uint64_t par)
{
	return par >> 1 & 0x3f;
}

static int status_level(unsigned status)
{
	if (status < STATUS_TRANSLATION || status >= STATUS_TRANSLATION + 4)
		return -1;
	return (int)(status - STATUS_TRANSLATION) + 1;
}

static void oracle_answer(const struct asked *asked, struct walk_answer *answer)
{
	bool is_mapped = !(asked->el1_read & PAR_FAILED);

	*answer = (struct walk_answer){
		.is_told = true,
		.is_mapped = is_mapped,
		.gpa = (asked->el1_read & PAR_ADDRESS) | (asked->gva & 0xfff),
		.writable = !(asked->el1_write & PAR_FAILED),
		.user = !(asked->el0_read & PAR_FAILED),
		.level = is_mapped ? -1 : status_level(par_status(asked->el1_read)),
	};
	/* What EL0 may write is what it may read and EL1 may write: the tables know nothing else. */
	if (!(asked->el0_write & PAR_FAILED) != (answer->writable && answer->user))
		walk_bail("the CPU contradicts itself at 0x%llx", (unsigned long long)asked->gva);
}

static void oracle_ask_some(struct walk_guest *guest, unsigned index, const gva_t *gvas,
	struct walk_answer *answers, unsigned count)
{
	struct view view = walk_guest_view(guest, index);
	gpa_t gpa = scratch_gpa(guest);

	scratch_fill(guest, gpa, gvas, count);
	oracle_run(guest, index, scratch_gva(&view, gpa), count);
	for (unsigned i = 0; i < count; i++) {
		struct asked asked;

		scratch_read(guest, gpa + SCRATCH_ASKED + i * sizeof(asked), &asked, sizeof(asked));
		oracle_answer(&asked, &answers[i]);
	}
}

void walk_oracle_ask(struct walk_guest *guest, unsigned index, const gva_t *gvas,
	struct walk_answer *answers, unsigned count)
{
	for (unsigned done = 0; done < count; done += ASK_AT_ONCE) {
		unsigned some = count - done < ASK_AT_ONCE ? count - done : ASK_AT_ONCE;

		oracle_ask_some(guest, index, gvas + done, answers + done, some);
	}
}

/* ---- the console ------------------------------------------------------------------------- */

int walk_oracle_judge_walk(const struct view *view, const char *line)
{
	struct translation translation;
	uint64_t kernel, user;
	gva_t gva;
	int rc;

	if (strncmp(line, "walk ", 5) != 0 || !walk_line_number(line, "va", &gva) ||
		!walk_line_number(line, "kernel", &kernel) ||
		!walk_line_number(line, "user", &user))
		return 0;
	rc = view_translate(view, gva, &translation);
	if (rc != !(kernel & PAR_FAILED) || (rc == 1 && translation.user) != !(user & PAR_FAILED))
		return -1;
	if (rc == 1 && translation.gpa != ((kernel & PAR_ADDRESS) | (gva & 0xfff)))
		return -1;
	if (!(user & PAR_FAILED) && translation.gpa != ((user & PAR_ADDRESS) | (gva & 0xfff)))
		return -1;
	return 1;
}

/* Exception classes (Arm ARM, ESR_EL1.EC): aborts of a fetch and of data, from EL0 and from EL1. */
static bool fault_is_explained(uint64_t esr, int rc, const struct translation *translation)
{
	unsigned class = esr >> 26 & 0x3f, status = esr & 0x3f;
	bool is_fetch = class == 0x20 || class == 0x21, is_write = !is_fetch && (esr & 0x40);
	bool is_user = class == 0x20 || class == 0x24;

	if (status_level(status) >= 0)
		return rc == 0 && translation->nsteps &&
		       translation->steps[translation->nsteps - 1].level == status_level(status);
	if (status < STATUS_PERMISSION || status >= STATUS_PERMISSION + 4 || rc != 1)
		return false;
	if (is_fetch) /* EL0's own right to execute is not in a translation */
		return is_user || !translation->executable;
	return (is_user && !translation->user) || (is_write && !translation->writable);
}

int walk_oracle_judge_fault(const struct view *view, const char *line)
{
	struct translation translation;
	uint64_t esr;
	gva_t gva;
	int rc;

	if (strncmp(line, "selftest page-", 14) != 0 || !walk_line_number(line, "esr", &esr) ||
		!walk_line_number(line, "far", &gva))
		return 0;
	rc = view_translate(view, gva, &translation);
	return fault_is_explained(esr, rc, &translation) ? 1 : -1;
}
