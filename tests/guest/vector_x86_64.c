/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents for the x87, SSE, AVX and AVX-512 registers that are easy to tell in a debugger.  The CPU may
 * lack all but the first two.
 */
#include "tests/guest/arch.h"
#include "tests/guest/cpu.h"
#include "tests/guest/insn_x86_64.h"
#include "tests/guest/vector_x86_64.h"

#define VECTOR_COUNT    16

#define CPUID_HAS_XSAVE 0x04000000u /* leaf 1, ecx */
#define CR4_OSXSAVE     0x40000ull

/* Bits of XCR0 and of the header's first word (Intel SDM volume 1, 13.1 and 13.4). */
#define STATE_AVX    0x4ull
#define STATE_AVX512 0xe0ull
#define STATE_MAX    8 /* bits that there are names for here */

/* What FXRSTOR takes (Intel SDM volume 1, table 10-2). */
struct vector_image {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved_0;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint64_t st[8][2];
	uint64_t xmm[VECTOR_COUNT][2];
	uint64_t reserved_1[12];
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct vector_image) == 512, "Intel SDM");

static struct vector_image images[CPU_MAX];

/* What XRSTOR takes in its standard format; the states beyond SSE are where CPUID says. */
struct vector_area {
	struct vector_image legacy;
	uint64_t states, reserved[7];
	uint8_t rest[4096 - 576];
} __attribute__((aligned(64)));

static struct vector_area areas[CPU_MAX];
static uint64_t cpu_features;

/* Puts 64-bit words n * stride bytes apart into a state: value + n. */
static void area_fill(
	struct vector_area *area, unsigned state, unsigned start, unsigned stride, uint64_t value)
{
	uint32_t regs[4];

	read_cpuid_part(0xd, state, regs);
	for (unsigned n = 0; start + n * stride < regs[0]; n++)
		*(uint64_t *)((uint8_t *)area + regs[1] + start + n * stride) = value + n;
}

/* Bits of XCR0, once the CPU has been told to use them; 0: it has no XSAVE. */
static uint64_t states_enable(void)
{
	uint32_t regs[4];
	uint64_t states;

	if (!(cpu_features & CPUID_HAS_XSAVE))
		return 0;
	read_cpuid(0xd, regs);
	states = regs[0] & (3 | STATE_AVX);
	if ((regs[0] & STATE_AVX512) == STATE_AVX512)
		states |= STATE_AVX512;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	write_xcr0(states);
	return states;
}

static void states_load(struct vector_area *area)
{
	__asm__ volatile("xrstor64 %0" : : "m"(*area), "a"((uint32_t)area->states), "d"(0));
}

static void states_save(struct vector_area *area, uint64_t states)
{
	__asm__ volatile("xsave64 %0" : "+m"(*area) : "a"((uint32_t)states), "d"(0));
}

/*
 * Bits 128 to 255 of ymmN hold 0x2222222222222200 + N and the CPU's index; zmmN from bit 256 on
 * 0x3333333333333300 + N (N < 16); zmmN from bit 0 on 0x4444444444444400 + N - 16 (N >= 16); kN
 * 0x5500 + N.
 */
static void states_fill(unsigned cpu)
{
	struct vector_area *area = &areas[cpu];

	area->legacy = images[cpu];
	area->states = states_enable();
	if (area->states & STATE_AVX) {
		area_fill(area, 2, 0, 16, 0x2222222222222200);
		for (unsigned n = 0; n < VECTOR_COUNT; n++)
			area_fill(area, 2, 16 * n + 8, 4096, cpu);
	}
	if (area->states & STATE_AVX512) {
		area_fill(area, 5, 0, 8, 0x5500);
		area_fill(area, 6, 0, 32, 0x3333333333333300);
		area_fill(area, 7, 0, 64, 0x4444444444444400);
	}
	if (area->states)
		states_load(area);
}

/* Whether a state still is as it was loaded. */
static bool state_is_same(
	const struct vector_area *area, const struct vector_area *now, unsigned state)
{
	uint32_t regs[4];
	bool is_same = true;

	read_cpuid_part(0xd, state, regs);
	for (unsigned i = 0; i < regs[0]; i++)
		is_same = is_same && ((const uint8_t *)area)[regs[1] + i] ==
					     ((const uint8_t *)now)[regs[1] + i];
	return is_same;
}

static bool states_are_same(unsigned cpu)
{
	static struct vector_area now[CPU_MAX];
	const struct vector_area *area = &areas[cpu];
	bool is_same = true;

	if (!area->states)
		return true;
	states_save(&now[cpu], area->states);
	for (unsigned state = 2; state < STATE_MAX; state++)
		if (area->states >> state & 1)
			is_same = is_same && state_is_same(area, &now[cpu], state);
	return is_same;
}

void vector_init(const struct board_info *info)
{
	cpu_features = info->cpu_features;
}

/* xmmN holds 0x1111111111111100 + N and the CPU's index, st(0) pi and st(1) 1. */
void arch_fill_vector_registers(unsigned cpu)
{
	struct vector_image *image = &images[cpu];

	*image = (struct vector_image){
		.fcw = 0x37f,
		.fsw = 6 << 11, /* st(0) is physical register 6 */
		.ftw = 0xc0,
		.mxcsr = 0x1f80,
		.st = { { 0xc90fdaa22168c235, 0x4000 }, { 0x8000000000000000, 0x3fff } },
	};
	for (unsigned i = 0; i < VECTOR_COUNT; i++) {
		image->xmm[i][0] = 0x1111111111111100 + i;
		image->xmm[i][1] = cpu;
	}
	__asm__ volatile("fxrstor64 %0" : : "m"(*image));
	states_fill(cpu);
}

bool arch_check_vector_registers(unsigned cpu)
{
	const struct vector_image *image = &images[cpu];
	struct vector_image now;
	bool is_same = true;

	__asm__ volatile("fxsave64 %0" : "=m"(now));
	for (unsigned i = 0; i < VECTOR_COUNT; i++)
		is_same = is_same && now.xmm[i][0] == image->xmm[i][0] &&
			  now.xmm[i][1] == image->xmm[i][1];
	return is_same && now.mxcsr == image->mxcsr && now.fcw == image->fcw &&
	       now.st[0][0] == image->st[0][0] && now.st[1][0] == image->st[1][0] &&
	       states_are_same(cpu);
}
