/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single registers of an x86-64 vCPU, as description_x86_64 names them, read from and written to
 * the cached groups.  Pure: what changed is marked dirty, and stored by others.
 *
 * One table of rows, each saying where a run of registers is kept and which two functions know its
 * form.
 */
#include <errno.h>
#include <string.h>
#include "kvm/arch_x86_64.h"

struct row {
	unsigned first, count;
	uint32_t needed; /* groups to read it */
	uint32_t dirty;  /* groups a write changes */
	void (*read)(const struct cpu *cpu, unsigned index, void *value);
	int (*write)(struct cpu *cpu, unsigned index, const void *value);
};

/* ---- little-endian values ---------------------------------------------------------------- */

static void put(void *value, uint64_t number, unsigned bytes)
{
	uint8_t *at = value;

	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get(const void *value, unsigned bytes)
{
	const uint8_t *at = value;
	uint64_t number = 0;

	for (unsigned i = 0; i < bytes; i++)
		number |= (uint64_t)at[i] << (8 * i);
	return number;
}

/* ---- general registers ------------------------------------------------------------------- */

static uint64_t *general_find(struct x86_regs *regs, unsigned index)
{
	uint64_t *const order[] = { &regs->rax, &regs->rbx, &regs->rcx, &regs->rdx, &regs->rsi,
		&regs->rdi, &regs->rbp, &regs->rsp, &regs->r8, &regs->r9, &regs->r10, &regs->r11,
		&regs->r12, &regs->r13, &regs->r14, &regs->r15 };

	return order[index];
}

/*
 * Outside 64-bit mode the upper halves of the eight old registers are not part of the machine, yet
 * they may hold something: they are neither shown nor touched.
 */
static bool general_is_halved(const struct cpu *cpu, unsigned index)
{
	return index < X86_REG_R8 && !arch_x86_64_is_64bit(cpu);
}

static void general_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_regs regs = cpu->x86_64.regs;
	uint64_t number = *general_find(&regs, index);

	put(value, general_is_halved(cpu, index) ? (uint32_t)number : number, 8);
}

static int general_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t *at = general_find(&cpu->x86_64.regs, index), number = get(value, 8);

	if (general_is_halved(cpu, index))
		number = (*at & ~UINT64_C(0xffffffff)) | (uint32_t)number;
	*at = number;
	return 0;
}

static void rip_read(const struct cpu *cpu, unsigned index, void *value)
{
	uint64_t rip = cpu->x86_64.regs.rip;

	(void)index;
	put(value, arch_x86_64_is_64bit(cpu) ? rip : (uint32_t)rip, 8);
}

/* VM entry fails with a RIP that is too wide for the mode (26.3.1.4). */
static int rip_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t rip = get(value, 8);

	(void)index;
	if (arch_x86_64_is_64bit(cpu) ? !arch_x86_64_is_canonical(cpu, rip) : rip >> 32 != 0)
		return -EINVAL;
	cpu->x86_64.regs.rip = rip;
	return 0;
}

static void eflags_read(const struct cpu *cpu, unsigned index, void *value)
{
	(void)index;
	put(value, cpu->x86_64.regs.rflags, 4);
}

/* Reserved bits keep their value; VM goes with a whole set of segments and is not for writing. */
static int eflags_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t flags = (get(value, 4) & X86_FLAGS_WRITABLE) | X86_FLAGS_FIXED;

	(void)index;
	if ((flags ^ cpu->x86_64.regs.rflags) & X86_FLAGS_VM)
		return -EINVAL;
	cpu->x86_64.regs.rflags = flags;
	return 0;
}

/* ---- segments ---------------------------------------------------------------------------- */

static struct x86_segment *segment_find(struct x86_sregs *sregs, unsigned index)
{
	struct x86_segment *const order[] = { &sregs->cs, &sregs->ss, &sregs->ds, &sregs->es,
		&sregs->fs, &sregs->gs };

	return order[index];
}

static void selector_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_sregs sregs = cpu->x86_64.sregs;

	put(value, segment_find(&sregs, index)->selector, 4);
}

/*
 * A selector stands for a descriptor.  In real mode that is arithmetic, and is done.  Elsewhere a
 * selector without its descriptor would give a segment that no guest can have: read-only, but a
 * debugger may write back what it has read.
 */
static int selector_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_segment *segment = segment_find(&cpu->x86_64.sregs, index);
	uint64_t selector = get(value, 4);

	if (selector == segment->selector)
		return 0;
	if (selector > UINT16_MAX)
		return -EINVAL;
	if (!arch_x86_64_is_real(cpu))
		return -EROFS;
	segment->selector = (uint16_t)selector;
	segment->base = selector << 4;
	return 0;
}

static void base_read(const struct cpu *cpu, unsigned index, void *value)
{
	put(value, index ? cpu->x86_64.sregs.gs.base : cpu->x86_64.sregs.fs.base, 8);
}

static int base_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_sregs *sregs = &cpu->x86_64.sregs;
	uint64_t base = get(value, 8);

	if (!arch_x86_64_is_canonical(cpu, base))
		return -EINVAL;
	*(index ? &sregs->gs.base : &sregs->fs.base) = base;
	return 0;
}

static void k_gs_base_read(const struct cpu *cpu, unsigned index, void *value)
{
	(void)index;
	put(value, cpu->x86_64.msrs[X86_MSR_KERNEL_GS_BASE], 8);
}

/* WRMSR refuses an address that is not canonical, and so does KVM. */
static int k_gs_base_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t base = get(value, 8);

	(void)index;
	if (!arch_x86_64_is_canonical(cpu, base))
		return -EINVAL;
	cpu->x86_64.msrs[X86_MSR_KERNEL_GS_BASE] = base;
	return 0;
}

/* ---- x87 --------------------------------------------------------------------------------- */

static void st_read(const struct cpu *cpu, unsigned index, void *value)
{
	memcpy(value, cpu->x86_64.fpu.fpr[index], 10);
}

static int st_write(struct cpu *cpu, unsigned index, const void *value)
{
	memcpy(cpu->x86_64.fpu.fpr[index], value, 10);
	return 0;
}

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

/* The tag the x87 itself would give to these 80 bits (volume 1, 8.1.7). */
static unsigned tag_of(const uint8_t *st)
{
	uint64_t fraction = get(st, 8);
	unsigned exponent = (unsigned)get(st + 8, 2) & 0x7fff;

	if (exponent == 0)
		return fraction == 0 ? TAG_ZERO : TAG_SPECIAL;
	if (exponent == 0x7fff || !(fraction >> 63))
		return TAG_SPECIAL;
	return TAG_VALID;
}

/*
 * FXSAVE keeps one bit for each physical register; the tag word has two, which come from the
 * contents (volume 1, 10.5.1.1).  The contents are kept by their place on the stack, so TOP
 * turns one into the other.
 */
static unsigned tag_word_expand(const struct x86_fpu *fpu)
{
	unsigned top = (fpu->fsw >> 11) & 7, word = 0;

	for (unsigned physical = 0; physical < 8; physical++) {
		unsigned tag = TAG_EMPTY;

		if (fpu->ftwx & (1u << physical))
			tag = tag_of(fpu->fpr[(physical - top) & 7]);
		word |= tag << (2 * physical);
	}
	return word;
}

static uint8_t tag_word_abridge(unsigned word)
{
	unsigned abridged = 0;

	for (unsigned physical = 0; physical < 8; physical++)
		if (((word >> (2 * physical)) & 3) != TAG_EMPTY)
			abridged |= 1u << physical;
	return (uint8_t)abridged;
}

enum { FCTRL, FSTAT, FTAG, FISEG, FIOFF, FOSEG, FOOFF, FOP };

/* KVM's last_ip and last_dp are 64 bits wide: gdb shows their upper half where selectors were. */
static void fpu_control_read(const struct cpu *cpu, unsigned index, void *value)
{
	const struct x86_fpu *fpu = &cpu->x86_64.fpu;
	const uint64_t order[] = {
		[FCTRL] = fpu->fcw,
		[FSTAT] = fpu->fsw,
		[FTAG] = tag_word_expand(fpu),
		[FISEG] = fpu->last_ip >> 32,
		[FIOFF] = fpu->last_ip,
		[FOSEG] = fpu->last_dp >> 32,
		[FOOFF] = fpu->last_dp,
		[FOP] = fpu->last_opcode & 0x7ff,
	};

	put(value, order[index], 4);
}

static void half_set(uint64_t *whole, bool upper, uint64_t half)
{
	unsigned shift = upper ? 32 : 0;

	*whole = (*whole & ~(UINT64_C(0xffffffff) << shift)) | half << shift;
}

static int fpu_control_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_fpu *fpu = &cpu->x86_64.fpu;
	uint64_t number = get(value, 4);

	if (index == FISEG || index == FIOFF) {
		half_set(&fpu->last_ip, index == FISEG, number);
		return 0;
	}
	if (index == FOSEG || index == FOOFF) {
		half_set(&fpu->last_dp, index == FOSEG, number);
		return 0;
	}
	if (number > UINT16_MAX)
		return -EINVAL;
	if (index == FCTRL)
		fpu->fcw = (uint16_t)number;
	else if (index == FSTAT)
		fpu->fsw = (uint16_t)number;
	else if (index == FTAG)
		fpu->ftwx = tag_word_abridge((unsigned)number);
	else
		fpu->last_opcode = number & 0x7ff;
	return 0;
}

/* ---- SSE --------------------------------------------------------------------------------- */

static void xmm_read(const struct cpu *cpu, unsigned index, void *value)
{
	memcpy(value, cpu->x86_64.fpu.xmm[index], 16);
}

static int xmm_write(struct cpu *cpu, unsigned index, const void *value)
{
	memcpy(cpu->x86_64.fpu.xmm[index], value, 16);
	return 0;
}

static void mxcsr_read(const struct cpu *cpu, unsigned index, void *value)
{
	(void)index;
	put(value, cpu->x86_64.fpu.mxcsr, 4);
}

/* Loading one of the upper 16 bits is #GP (volume 1, 10.2.3), and a refused FXRSTOR in KVM. */
static int mxcsr_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t mxcsr = get(value, 4);

	(void)index;
	if (mxcsr > UINT16_MAX)
		return -EINVAL;
	cpu->x86_64.fpu.mxcsr = (uint32_t)mxcsr;
	return 0;
}

/* ---- control registers ------------------------------------------------------------------- */

enum { CR0, CR2, CR3, CR4, CR8, EFER };

/* The bits that a write may change; one that is not here keeps what the guest gave it. */
static const uint64_t control_known[] = {
	[CR0] = UINT64_C(0xe005003f),
	[CR2] = UINT64_MAX,
	[CR3] = UINT64_C(0x000fffffffffffff),
	[CR4] = UINT64_C(0x03ff7fff),
	[CR8] = 0xf,
	[EFER] = UINT64_C(0x0020fd01),
};

static uint64_t *control_find(struct x86_sregs *sregs, unsigned index)
{
	uint64_t *const order[] = { [CR0] = &sregs->cr0,
		[CR2] = &sregs->cr2,
		[CR3] = &sregs->cr3,
		[CR4] = &sregs->cr4,
		[CR8] = &sregs->cr8,
		[EFER] = &sregs->efer };

	return order[index];
}

static void control_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_sregs sregs = cpu->x86_64.sregs;

	put(value, *control_find(&sregs, index), 8);
}

/* What KVM_SET_SREGS asks of them (kvm_is_valid_sregs()), and what VM entry does (26.3.1.1). */
static bool control_is_valid(const struct x86_sregs *sregs)
{
	bool paged = sregs->cr0 & X86_CR0_PG, lma = sregs->efer & X86_EFER_LMA;

	if (paged && !(sregs->cr0 & X86_CR0_PE))
		return false;
	if ((sregs->cr0 & X86_CR0_NW) && !(sregs->cr0 & X86_CR0_CD))
		return false;
	if (paged && (sregs->efer & X86_EFER_LME))
		return lma && (sregs->cr4 & X86_CR4_PAE);
	return !lma && !sregs->cs.l;
}

static int control_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t *at = control_find(&cpu->x86_64.sregs, index), before = *at;
	uint64_t change = get(value, 8) ^ before;

	if (change & ~control_known[index])
		return -EINVAL;
	*at ^= change;
	if (!change || control_is_valid(&cpu->x86_64.sregs))
		return 0;
	*at = before;
	return -EINVAL;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct row rows[] = {
	{ X86_REG_RAX, 16, CPU_STOP, CPU_GENERAL, general_read, general_write },
	{ X86_REG_RIP, 1, CPU_STOP, CPU_GENERAL, rip_read, rip_write },
	{ X86_REG_EFLAGS, 1, CPU_GENERAL, CPU_GENERAL, eflags_read, eflags_write },
	{ X86_REG_CS, 6, CPU_STOP, CPU_SYSTEM, selector_read, selector_write },
	{ X86_REG_ST0, 8, CPU_FLOAT, CPU_FLOAT, st_read, st_write },
	{ X86_REG_FCTRL, 8, CPU_FLOAT, CPU_FLOAT, fpu_control_read, fpu_control_write },
	{ X86_REG_XMM0, 16, CPU_FLOAT, CPU_FLOAT, xmm_read, xmm_write },
	{ X86_REG_MXCSR, 1, CPU_FLOAT, CPU_FLOAT, mxcsr_read, mxcsr_write },
	{ X86_REG_FS_BASE, 2, CPU_SYSTEM, CPU_SYSTEM, base_read, base_write },
	{ X86_REG_K_GS_BASE, 1, CPU_SYSTEM | CPU_MSRS, CPU_MSRS, k_gs_base_read, k_gs_base_write },
	{ X86_REG_CR0, 6, CPU_SYSTEM, CPU_SYSTEM, control_read, control_write },
};

static const struct row *row_find(unsigned number)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (number >= rows[i].first && number - rows[i].first < rows[i].count)
			return &rows[i];
	return NULL;
}

uint32_t registers_x86_64_groups(unsigned number)
{
	const struct row *row = row_find(number);

	return row ? row->needed : 0;
}

int registers_x86_64_read(const struct cpu *cpu, unsigned number, void *value)
{
	const struct row *row = row_find(number);

	if (!row)
		return -ENOENT;
	if ((cpu->valid & row->needed) != row->needed)
		return -ENODATA;
	row->read(cpu, number - row->first, value);
	return 0;
}

int registers_x86_64_write(struct cpu *cpu, unsigned number, const void *value)
{
	uint8_t before[TARGET_REGISTER_MAX_BYTES] = { 0 }, after[TARGET_REGISTER_MAX_BYTES] = { 0 };
	const struct row *row = row_find(number);
	int rc;

	if (!row)
		return -ENOENT;
	if ((cpu->valid & row->needed) != row->needed)
		return -ENODATA;
	row->read(cpu, number - row->first, before);
	rc = row->write(cpu, number - row->first, value);
	row->read(cpu, number - row->first, after);
	if (memcmp(before, after, sizeof(before)) != 0)
		cpu->dirty |= row->dirty;
	return rc;
}
