/* SPDX-License-Identifier: Apache-2.0 */
/* Contents for the x87 and SSE registers that are easy to tell in a debugger. */
#include "tests/guest/arch.h"
#include "tests/guest/cpu.h"

#define VECTOR_COUNT 16

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
	       now.st[0][0] == image->st[0][0] && now.st[1][0] == image->st[1][0];
}
