/* SPDX-License-Identifier: Apache-2.0 */
/* Contents for the vector registers that are easy to tell in a debugger. */
#include "tests/guest/arch.h"
#include "tests/guest/cpu.h"
#include "tests/guest/insn_arm64.h"

#define VECTOR_COUNT    32
#define PREDICATE_COUNT 16
#define VECTOR_WORDS    32 /* of 64 bits, in the longest vector of SVE */
#define ID_AA64PFR0_SVE 32

/* Registers one behind the other without gaps, as long as this CPU has them. */
struct image {
	uint64_t vectors[VECTOR_COUNT * VECTOR_WORDS];
	uint8_t predicates[PREDICATE_COUNT * VECTOR_WORDS];
};

static struct image images[CPU_MAX], image_now;

#define LOW_NUMBERS  "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"
#define HIGH_NUMBERS "16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31"

/* LDR or STR of the registers of those numbers, in order, at `at`. */
#define EACH(numbers, instruction, at)                                                             \
	__asm__ volatile(".arch_extension sve\n"                                                   \
			 ".irp n, " numbers "\n" instruction "\n"                                  \
			 ".endr\n"                                                                 \
			 ".arch_extension nosve\n"                                                 \
			 :                                                                         \
			 : "r"(at)                                                                 \
			 : "memory")

#define EACH_VECTOR(instruction, at)                                                               \
	EACH(LOW_NUMBERS ", " HIGH_NUMBERS, instruction " q\\n, [%0, #16 * \\n]", at)
#define EACH_SVE_VECTOR(instruction, at)                                                           \
	EACH(LOW_NUMBERS ", " HIGH_NUMBERS, instruction " z\\n, [%0, #\\n, mul vl]", at)
#define EACH_PREDICATE(instruction, at)                                                            \
	EACH(LOW_NUMBERS, instruction " p\\n, [%0, #\\n, mul vl]", at)

static bool vector_has_sve(void)
{
	return read_sysreg(id_aa64pfr0_el1) >> ID_AA64PFR0_SVE & 15;
}

/* 64-bit words in a vector, which are bytes in a predicate. */
static unsigned vector_words(void)
{
	uint64_t words = 2;

	if (vector_has_sve())
		__asm__ volatile(".arch_extension sve\ncntd %0\n.arch_extension nosve"
				 : "=r"(words));
	return (unsigned)words;
}

/*
 * vN, and zN above it: 0x1111111111111100 + N, the CPU's index, and from there on the number of the
 * word with N.  pN: bytes of N in both digits.
 */
static void vector_paint(struct image *image, unsigned cpu)
{
	unsigned words = vector_words();

	for (unsigned n = 0; n < VECTOR_COUNT; n++) {
		uint64_t *vector = &image->vectors[n * words];

		vector[0] = 0x1111111111111100 + n;
		vector[1] = cpu;
		for (unsigned i = 2; i < words; i++)
			vector[i] = (uint64_t)i << 32 | n;
	}
	for (unsigned i = 0; i < PREDICATE_COUNT * words; i++)
		image->predicates[i] = (uint8_t)(i / words * 0x11);
}

void arch_fill_vector_registers(unsigned cpu)
{
	struct image *image = &images[cpu];

	vector_paint(image, cpu);
	if (!vector_has_sve()) {
		EACH_VECTOR("ldr", image->vectors);
		return;
	}
	EACH_SVE_VECTOR("ldr", image->vectors);
	EACH_PREDICATE("ldr", image->predicates);
	__asm__ volatile(".arch_extension sve\nsetffr\n.arch_extension nosve" : : : "memory");
}

bool arch_check_vector_registers(unsigned cpu)
{
	const struct image *image = &images[cpu];
	unsigned words = vector_words();
	bool is_same = true;

	if (vector_has_sve()) {
		EACH_SVE_VECTOR("str", image_now.vectors);
		EACH_PREDICATE("str", image_now.predicates);
	} else {
		EACH_VECTOR("str", image_now.vectors);
	}
	for (unsigned i = 0; i < VECTOR_COUNT * words; i++)
		is_same = is_same && image_now.vectors[i] == image->vectors[i];
	for (unsigned i = 0; vector_has_sve() && i < PREDICATE_COUNT * words; i++)
		is_same = is_same && image_now.predicates[i] == image->predicates[i];
	return is_same;
}
