/* SPDX-License-Identifier: Apache-2.0 */
/* The registers that XSAVE saves: x87, SSE, AVX, AVX-512, PKRU.  See registers_x86_64.h. */
#include <errno.h>
#include <string.h>
#include "kvm/registers_x86_64.h"
#include "kvm/xsave_x86_64.h"

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
	uint64_t fraction = registers_x86_64_get(st, 8);
	unsigned exponent = (unsigned)registers_x86_64_get(st + 8, 2) & 0x7fff;

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

	registers_x86_64_put(value, order[index], 4);
}

static void half_set(uint64_t *whole, bool upper, uint64_t half)
{
	unsigned shift = upper ? 32 : 0;

	*whole = (*whole & ~(UINT64_C(0xffffffff) << shift)) | half << shift;
}

static int fpu_control_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_fpu *fpu = &cpu->x86_64.fpu;
	uint64_t number = registers_x86_64_get(value, 4);

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
	registers_x86_64_put(value, cpu->x86_64.fpu.mxcsr, 4);
}

/* Loading one of the upper 16 bits is #GP (volume 1, 10.2.3), and a refused FXRSTOR in KVM. */
static int mxcsr_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t mxcsr = registers_x86_64_get(value, 4);

	(void)index;
	if (mxcsr > UINT16_MAX)
		return -EINVAL;
	cpu->x86_64.fpu.mxcsr = (uint32_t)mxcsr;
	return 0;
}

/* ---- extended states --------------------------------------------------------------------- */

/* A run of registers in one component (SDM volume 1, 13.5). */
struct extended {
	unsigned first, count;
	enum x86_component component;
	unsigned start, stride, size;
};

static const struct extended extended_runs[] = {
	{ X86_REG_YMM0H, 16, X86_COMPONENT_AVX, 0, 16, 16 },
	{ X86_REG_XMM16, 16, X86_COMPONENT_HI16_ZMM, 0, 64, 16 },
	{ X86_REG_YMM16H, 16, X86_COMPONENT_HI16_ZMM, 16, 64, 16 },
	{ X86_REG_K0, 8, X86_COMPONENT_OPMASK, 0, 8, 8 },
	{ X86_REG_ZMM0H, 16, X86_COMPONENT_ZMM_HI256, 0, 32, 32 },
	{ X86_REG_ZMM16H, 16, X86_COMPONENT_HI16_ZMM, 32, 64, 32 },
	{ X86_REG_PKRU, 1, X86_COMPONENT_PKRU, 0, 4, 4 },
};

/* The run that register `number` is in, and its place in the area; 0 when that is not there. */
static size_t extended_place(const struct cpu *cpu, unsigned number, const struct extended **out)
{
	const struct extended *run = extended_runs;

	while (number - run->first >= run->count)
		run++;
	*out = run;
	return xsave_x86_64_place(&cpu->x86_64.xsave, run->component,
		run->start + (size_t)(number - run->first) * run->stride, run->size);
}

static bool extended_is_there(const struct cpu *cpu, unsigned index)
{
	const struct extended *run;

	return extended_place(cpu, X86_REG_YMM0H + index, &run);
}

static void extended_read(const struct cpu *cpu, unsigned index, void *value)
{
	const struct extended *run;
	size_t place = extended_place(cpu, X86_REG_YMM0H + index, &run);

	memcpy(value, cpu->x86_64.xsave.area + place, run->size);
}

static int extended_write(struct cpu *cpu, unsigned index, const void *value)
{
	const struct extended *run;
	size_t place = extended_place(cpu, X86_REG_YMM0H + index, &run);

	memcpy(cpu->x86_64.xsave.area + place, value, run->size);
	xsave_x86_64_use(&cpu->x86_64.xsave, run->component);
	return 0;
}

/* ---- the table --------------------------------------------------------------------------- */

enum { EXTENDED = CPU_FLOAT | CPU_XSAVE };

static const struct x86_row rows[] = {
	{ X86_REG_ST0, 8, CPU_FLOAT, CPU_FLOAT, st_read, st_write, NULL },
	{ X86_REG_FCTRL, 8, CPU_FLOAT, CPU_FLOAT, fpu_control_read, fpu_control_write, NULL },
	{ X86_REG_XMM0, 16, CPU_FLOAT, CPU_FLOAT, xmm_read, xmm_write, NULL },
	{ X86_REG_MXCSR, 1, CPU_FLOAT, CPU_FLOAT, mxcsr_read, mxcsr_write, NULL },
	{ X86_REG_YMM0H, X86_REG_PKRU + 1 - X86_REG_YMM0H, EXTENDED, CPU_FLOAT, extended_read,
		extended_write, extended_is_there },
};

const struct x86_rows float_x86_64_rows = { rows, sizeof(rows) / sizeof(rows[0]) };
