/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/dwarf_*.c: nothing twice, and every register that a call or an unwinder goes by is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/arch.h"
#include "protocol/description.h"

static const struct target_description *descriptions[2];

static const struct target_alias *find(const struct target_alias *aliases, const char *name)
{
	for (; aliases->name; aliases++)
		if (!strcmp(aliases->name, name))
			return aliases;
	return NULL;
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static void test_nothing_twice(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (const struct target_alias *a = descriptions[i]->aliases; a->name; a++)
			for (const struct target_alias *b = a + 1; b->name; b++) {
				assert_string_not_equal(a->name, b->name);
				assert_int_not_equal(a->dwarf, b->dwarf);
				assert_false(same(a->role, b->role));
				assert_false(same(a->other, b->other));
			}
}

/* lldb would know two registers by one name. */
static void test_no_other_name_is_a_register(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (const struct target_alias *a = descriptions[i]->aliases; a->name; a++)
			for (unsigned n = 0; a->other && n < descriptions[i]->register_count; n++)
				assert_string_not_equal(
					a->other, description_register(descriptions[i], n)->name);
}

static void expect(unsigned i, const char *name, int dwarf, const char *role)
{
	const struct target_alias *alias = find(descriptions[i]->aliases, name);

	assert_non_null(alias);
	assert_int_equal(alias->dwarf, dwarf);
	assert_true(role ? same(alias->role, role) : !alias->role);
}

static void test_those_of_a_call(void **state)
{
	(void)state;
	expect(0, "rip", 16, "pc");
	expect(0, "rsp", 7, "sp");
	expect(0, "rbp", 6, "fp");
	expect(0, "rdi", 5, "arg1");
	expect(0, "rbx", 3, NULL);
	expect(0, "eflags", 49, "flags");
	expect(0, "xmm15", 32, NULL);
	expect(1, "pc", 32, "pc");
	expect(1, "sp", 31, "sp");
	expect(1, "x29", 29, "fp");
	expect(1, "x30", 30, "ra");
	expect(1, "x7", 7, "arg8");
	expect(1, "v31", 95, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_twice),
		cmocka_unit_test(test_no_other_name_is_a_register),
		cmocka_unit_test(test_those_of_a_call),
	};

	descriptions[0] = arch_x86_64.description;
	descriptions[1] = arch_arm64.description;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
