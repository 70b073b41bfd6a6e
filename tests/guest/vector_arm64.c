/* SPDX-License-Identifier: Apache-2.0 */
/* Contents for the SIMD registers that are easy to tell in a debugger. */
#include "tests/guest/arch.h"
#include "tests/guest/cpu.h"

#define VECTOR_COUNT 32

static uint64_t images[CPU_MAX][VECTOR_COUNT][2];

/* LDR or STR of every register, in order, at image. */
#define EACH_VECTOR(instruction, image)                                                            \
	__asm__ volatile(                                                                          \
		".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n" instruction       \
		" q\\n, [%0, #16 * \\n]\n"                                                         \
		".endr\n"                                                                          \
		".irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, "             \
		"31\n" instruction " q\\n, [%0, #16 * \\n]\n"                                      \
		".endr"                                                                            \
		:                                                                                  \
		: "r"(image)                                                                       \
		: "memory")

/* vN holds 0x1111111111111100 + N and the CPU's index. */
void arch_fill_vector_registers(unsigned cpu)
{
	uint64_t(*image)[2] = images[cpu];

	for (unsigned i = 0; i < VECTOR_COUNT; i++) {
		image[i][0] = 0x1111111111111100 + i;
		image[i][1] = cpu;
	}
	EACH_VECTOR("ldr", image);
}

bool arch_check_vector_registers(unsigned cpu)
{
	uint64_t now[VECTOR_COUNT][2];
	bool is_same = true;

	EACH_VECTOR("str", now);
	for (unsigned i = 0; i < VECTOR_COUNT; i++)
		is_same =
			is_same && now[i][0] == images[cpu][i][0] && now[i][1] == images[cpu][i][1];
	return is_same;
}
