/* SPDX-License-Identifier: Apache-2.0 */
/* Numbering the registers that a vCPU has, on an architecture of the test's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/register_set.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The architecture's numbers: a0..a2 are 0..2, b0 and b1 are 3 and 4, c0..c3 are 5..8. */
static const struct target_register a[] = { { .name = "a0", .bits = 64 },
	{ .name = "a1", .bits = 64 }, { .name = "a2", .bits = 64 } };
static const struct target_register b[] = { { .name = "b0", .bits = 32 },
	{ .name = "b1", .bits = 32 } };
static const struct target_register c[] = { { .name = "c0", .bits = 8 },
	{ .name = "c1", .bits = 8 }, { .name = "c2", .bits = 8 }, { .name = "c3", .bits = 8 } };

static const struct target_feature features[] = {
	{ "a", a, COUNT_OF(a) },
	{ "b", b, COUNT_OF(b) },
	{ "c", c, COUNT_OF(c) },
};

static const uint8_t expedited[] = { 2, 4, 8 };

static const struct target_description catalogue = {
	.architecture = "test",
	.features = features,
	.feature_count = COUNT_OF(features),
	.register_count = 9,
	.bulk_count = 5,
	.listed_count = 5,
	.expedited = expedited,
	.expedited_count = COUNT_OF(expedited),
	.pc = 2,
};

/* The test's vCPU: bit n of valid: it has register n; dirty: the size of the last ones. */
static const struct target_feature *every_feature(const struct cpu *cpu, unsigned index)
{
	(void)cpu;
	return &features[index];
}

static const struct target_feature *no_middle(const struct cpu *cpu, unsigned index)
{
	return index == 1 ? NULL : every_feature(cpu, index);
}

static bool has_bit(const struct cpu *cpu, unsigned number, struct target_register *reg)
{
	if (number >= 5 && cpu->dirty)
		reg->bits = (uint16_t)cpu->dirty;
	return cpu->valid >> number & 1;
}

static struct register_set set;

static const struct target_description *numbered(
	const struct arch *arch, uint32_t has, uint32_t size)
{
	static struct cpu cpu;

	cpu.valid = has;
	cpu.dirty = size;
	register_set_init(&set, arch, &cpu);
	return &set.description;
}

static void test_all_of_it(void **state)
{
	const struct arch arch = { .description = &catalogue, .feature = every_feature };
	const struct target_description *description = numbered(&arch, 0, 0);

	(void)state;
	assert_int_equal(description->feature_count, 3);
	assert_int_equal(description->register_count, 9);
	assert_int_equal(description->bulk_count, 5);
	assert_int_equal(description->listed_count, 5);
	assert_int_equal(description->pc, 2);
	assert_int_equal(description->expedited_count, 3);
	assert_memory_equal(description->expedited, expedited, sizeof(expedited));
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(register_set_find(&set, i), i);
	assert_int_equal(register_set_find(&set, 9), -ENOENT);
	assert_int_equal(register_set_find(&set, ~0u), -ENOENT);
}

static void test_a_feature_less(void **state)
{
	const struct arch arch = { .description = &catalogue, .feature = no_middle };
	const struct target_description *description = numbered(&arch, 0, 0);
	static const uint8_t wanted[] = { 2, 6 };

	(void)state;
	assert_int_equal(description->feature_count, 2);
	assert_string_equal(description->features[1].name, "c");
	assert_int_equal(description->register_count, 7);
	assert_int_equal(description->bulk_count, 3);
	assert_int_equal(description->listed_count, 3);
	assert_int_equal(register_set_find(&set, 3), 5);
	assert_int_equal(register_set_find(&set, 6), 8);
	assert_int_equal(description->expedited_count, 2);
	assert_memory_equal(description->expedited, wanted, sizeof(wanted));
}

static void test_registers_less(void **state)
{
	const struct arch arch = {
		.description = &catalogue, .feature = every_feature, .has_register = has_bit
	};
	/* Neither a1, nor any of b, nor c1. */
	const struct target_description *description = numbered(&arch, 0x1a5, 0);
	static const int own[] = { 0, 2, 5, 7, 8 };

	(void)state;
	assert_int_equal(description->feature_count, 2);
	assert_int_equal(description->features[0].count, 2);
	assert_string_equal(description->features[0].registers[1].name, "a2");
	assert_string_equal(description->features[1].name, "c");
	assert_string_equal(description->features[1].registers[1].name, "c2");
	assert_int_equal(description->register_count, COUNT_OF(own));
	for (unsigned i = 0; i < COUNT_OF(own); i++)
		assert_int_equal(register_set_find(&set, i), own[i]);
	assert_int_equal(register_set_find(&set, COUNT_OF(own)), -ENOENT);
	assert_int_equal(description->bulk_count, 2);
	assert_int_equal(description->pc, 1);
	assert_int_equal(description->expedited_count, 2);
	assert_int_equal(description->expedited[0], 1);
	assert_int_equal(description->expedited[1], 4);
}

/* The catalogue itself stays as it is, for the next guest. */
static void test_another_size(void **state)
{
	const struct arch arch = {
		.description = &catalogue, .feature = every_feature, .has_register = has_bit
	};
	const struct target_description *description = numbered(&arch, ~0u, 2048);

	(void)state;
	assert_int_equal(description->features[0].registers[0].bits, 64);
	assert_int_equal(description->features[2].registers[3].bits, 2048);
	assert_int_equal(c[3].bits, 8);
}

static struct target_register many[REGISTER_SET_MAX_REGISTERS + 5];
static const struct target_feature crowd[] = {
	{ "many", many, COUNT_OF(many) },
	{ "a", a, COUNT_OF(a) },
};

static const struct target_feature *every_crowd(const struct cpu *cpu, unsigned index)
{
	(void)cpu;
	return &crowd[index];
}

static void test_too_many(void **state)
{
	const struct target_description whole = {
		.features = crowd,
		.feature_count = COUNT_OF(crowd),
		.register_count = COUNT_OF(many) + COUNT_OF(a),
	};
	const struct arch arch = { .description = &whole, .feature = every_crowd };
	const struct target_description *description = numbered(&arch, 0, 0);

	(void)state;
	assert_int_equal(description->feature_count, 1);
	assert_int_equal(description->register_count, REGISTER_SET_MAX_REGISTERS);
	assert_int_equal(register_set_find(&set, REGISTER_SET_MAX_REGISTERS), -ENOENT);
}

/* In a view: its registers, then what is left of the catalogue, by the same numbers of ours. */
static void test_view(void **state)
{
	static const struct target_register v[] = { { .name = "v0", .bits = 32 },
		{ .name = "v1", .bits = 16 } };
	static const struct target_feature view_features[] = { { "v", v, COUNT_OF(v) } };
	static const uint16_t own[] = { 2, 0 };
	static const struct arch_view view = { .name = "other",
		.architecture = "another",
		.features = view_features,
		.feature_count = 1,
		.own = own,
		.replaces = 2 };
	const struct arch arch = {
		.description = &catalogue, .feature = every_feature, .has_register = has_bit
	};
	static struct cpu cpu = { .valid = 1 << 5 | 1 << 8 };

	(void)state;
	register_set_init_view(&set, &arch, &view, &cpu);
	assert_string_equal(set.description.architecture, "another");
	assert_int_equal(set.description.feature_count, 2);
	assert_int_equal(set.description.register_count, 4);
	assert_int_equal(set.description.bulk_count, 2);
	assert_int_equal(set.description.listed_count, 2);
	assert_int_equal(set.description.pc, 0);
	assert_int_equal(register_set_find(&set, 0), 2);
	assert_int_equal(register_set_find(&set, 1), 0);
	assert_int_equal(register_set_find(&set, 2), 5);
	assert_int_equal(register_set_find(&set, 3), 8);
	assert_int_equal(register_set_find(&set, 4), -ENOENT);
	assert_string_equal(register_set_get(&set, 1)->name, "v1");
	assert_int_equal(set.description.expedited_count, 2); /* 2 and 8; there is no 4 */
	assert_int_equal(set.description.expedited[0], 0);
	assert_int_equal(set.description.expedited[1], 3);
}

static void test_listing(void **state)
{
	const struct arch arch = { .description = &catalogue, .feature = every_feature };

	(void)state;
	numbered(&arch, 0, 0);
	register_set_list_all(&set, true);
	assert_int_equal(set.description.listed_count, 0);
	assert_int_equal(set.description.register_count, 9);
	register_set_list_all(&set, false);
	assert_int_equal(set.description.listed_count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_a_feature_less),
		cmocka_unit_test(test_registers_less),
		cmocka_unit_test(test_another_size),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
