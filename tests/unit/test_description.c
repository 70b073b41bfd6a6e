/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/description.c: what gdb's parser demands, for both architectures. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/description.h"
#include "tests/unit/fake_description.h"

static const struct target_description *const descriptions[] = { &fake_description_x86_64,
	&fake_description_arm64 };

static char *write_description(
	const struct target_description *description, struct document *document)
{
	*document = (struct document){ .text = NULL };
	description_write(document, description, false);
	assert_int_equal(document_status(document), 0);
	return document->text;
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}

/* Registers in the order of their numbers; one element each. */
static void test_registers_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct target_description *description = descriptions[i];
		struct document document;
		const char *at = write_description(description, &document);

		assert_int_equal(count_of(at, "<reg "), description->register_count);
		assert_int_equal(count_of(at, "<feature "), description->feature_count);
		for (unsigned n = 0; n < description->register_count; n++) {
			char wanted[64] = "<reg name=\"";

			strcat(wanted, description_register(description, n)->name);
			strcat(wanted, "\"");
			at = strstr(at, wanted);
			assert_non_null(at);
		}
		document_fini(&document);
	}
}

/* Every type="..." is one the debugger has or one defined before, in the same feature. */
static void test_types_are_defined_first(void **state)
{
	static const char known[] = " int int8 int16 int32 int64 int128 uint8 uint16 uint32 uint64"
				    " uint128 code_ptr data_ptr i387_ext ieee_half ieee_single"
				    " ieee_double ";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct document document;
		const char *text = write_description(descriptions[i], &document);
		const char *feature = text;

		for (const char *at = text; (at = strstr(at, " type=\"")); at++) {
			const char *name = at + 7;
			int length = (int)strcspn(name, "\"");
			char builtin[64], definition[64];
			const char *found;

			for (const char *f = feature; f && f < at; f = strstr(f + 1, "<feature "))
				feature = f;
			snprintf(builtin, sizeof(builtin), " %.*s ", length, name);
			snprintf(definition, sizeof(definition), " id=\"%.*s\"", length, name);
			found = strstr(feature, definition);
			assert_true(strstr(known, builtin) || (found && found < at));
		}
		document_fini(&document);
	}
}

static void test_fields_have_both_ends(void **state)
{
	struct document document;
	const char *text = write_description(&fake_description_x86_64, &document);

	(void)state;
	assert_int_equal(count_of(text, " start=\""), count_of(text, " end=\""));
	assert_non_null(strstr(text, "<flags id=\"test_control\" size=\"8\">"));
	assert_non_null(strstr(text, "<field name=\"LEVEL\" start=\"4\" end=\"7\"/>"));
	assert_int_equal(count_of(text, "<union "), 1);
	assert_int_equal(count_of(text, "save-restore=\"no\""), FAKE_ODD_COUNT);
	document_fini(&document);
}

static void test_flags_shared_in_a_feature(void **state)
{
	static const struct target_flag field = { "F", 0, 0 };
	static const struct target_flags flags = { "shared", 4, 1, &field };
	static const struct target_register registers[] = {
		{ "a", 32, TARGET_TYPE_FLAGS, NULL, &flags, false },
		{ "b", 32, TARGET_TYPE_FLAGS, NULL, &flags, false },
		{ "c", 32, TARGET_TYPE_FLAGS, NULL, NULL, false },
		{ "v", 128, TARGET_TYPE_VECTOR, NULL, NULL, false },
	};
	static const struct target_feature features[] = { { "one", registers, 4 },
		{ "two", registers, 2 } };
	static const struct target_description description = { .architecture = "other",
		.features = features,
		.feature_count = 2,
		.register_count = 6 };
	struct document document;
	const char *text = write_description(&description, &document);

	(void)state;
	assert_int_equal(count_of(text, "<flags "), 2);
	assert_int_equal(count_of(text, "<union "), 0);
	assert_non_null(
		strstr(text, "<reg name=\"v\" bitsize=\"128\" type=\"uint128\" group=\"vector\" "));
	assert_non_null(strstr(text, "<reg name=\"c\" bitsize=\"32\" type=\"int\"/>"));
	document_fini(&document);
}

/* What lldb reads and gdb reads over. */
static void test_aliases(void **state)
{
	static const struct target_register registers[] = {
		{ "x29", 64, TARGET_TYPE_INT, NULL, NULL, false },
		{ "x9", 64, TARGET_TYPE_INT, NULL, NULL, false },
		{ "other", 64, TARGET_TYPE_INT, NULL, NULL, false },
		{ "st0", 80, TARGET_TYPE_X87, NULL, NULL, false },
	};
	static const struct target_feature feature = { "one", registers, 4 };
	static const struct target_alias aliases[] = { { "absent", "a", "arg1", 1 },
		{ "x29", "fp", "fp", 29 }, { "x9", NULL, NULL, 9 }, { NULL, NULL, NULL, 0 } };
	static const struct target_description description = { .architecture = "aarch64",
		.features = &feature,
		.feature_count = 1,
		.register_count = 4,
		.aliases = aliases };
	struct document document;
	const char *text = write_description(&description, &document);

	(void)state;
	assert_non_null(
		strstr(text, "<reg name=\"x29\" bitsize=\"64\" type=\"int\" altname=\"fp\""
			     " generic=\"fp\" dwarf_regnum=\"29\" ehframe_regnum=\"29\"/>"));
	assert_non_null(strstr(text, "<reg name=\"x9\" bitsize=\"64\" type=\"int\""
				     " dwarf_regnum=\"9\" ehframe_regnum=\"9\"/>"));
	assert_non_null(strstr(text, "<reg name=\"other\" bitsize=\"64\" type=\"int\"/>"));
	assert_non_null(strstr(text, "<reg name=\"st0\" bitsize=\"80\" type=\"i387_ext\" group="
				     "\"float\" encoding=\"vector\" format=\"vector-uint8\"/>"));
	assert_null(strstr(text, "absent"));
	document_fini(&document);
}

static void test_wide_and_unlisted(void **state)
{
	static const struct target_register upper[] = {
		{ .name = "h0", .bits = 128, .type = TARGET_TYPE_WIDE },
		{ .name = "h1", .bits = 256, .type = TARGET_TYPE_WIDE },
	};
	static const struct target_register hidden[] = { { .name = "quiet", .bits = 64 } };
	static const struct target_feature features[] = { { "one", upper, 2 },
		{ "two", hidden, 1 } };
	struct target_description description = { .architecture = "i386:x86-64",
		.features = features,
		.feature_count = 2,
		.register_count = 3,
		.listed_count = 2 };
	struct document document;
	const char *text = write_description(&description, &document);

	(void)state;
	assert_non_null(strstr(text, "<reg name=\"h0\" bitsize=\"128\" type=\"uint128\""));
	assert_non_null(strstr(text, "<reg name=\"h1\" bitsize=\"256\" type=\"v2ui128\""));
	assert_true(strstr(text, "<vector id=\"v2ui128\"") < strstr(text, "<reg name=\"h0\""));
	assert_int_equal(count_of(text, "<union "), 0);
	assert_null(strstr(text, "quiet"));
	assert_null(strstr(text, "two"));
	document_reset(&document);
	description_write(&document, &description, true);
	assert_non_null(strstr(document.text, "<reg name=\"quiet\""));
	document_fini(&document);
	description.listed_count = 0;
	assert_non_null(strstr(write_description(&description, &document), "<reg name=\"quiet\""));
	document_fini(&document);
}

/* Elements as many as the registers are long, and each type once. */
static void test_scalable(void **state)
{
	static const uint16_t lengths[] = { 128, 384, 2048 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const uint16_t bits = lengths[i];
		const struct target_register registers[] = {
			{ .name = "s0", .bits = bits, .type = TARGET_TYPE_SCALABLE },
			{ .name = "s1", .bits = bits, .type = TARGET_TYPE_SCALABLE },
			{ .name = "b0", .bits = bits / 8, .type = TARGET_TYPE_BYTES },
		};
		const struct target_feature feature = { "one", registers, 3 };
		const struct target_description description = { .architecture = "aarch64",
			.features = &feature,
			.feature_count = 1,
			.register_count = 3 };
		struct document document;
		const char *text = write_description(&description, &document);
		char wanted[128];

		snprintf(wanted, sizeof(wanted),
			"<vector id=\"svevbu\" type=\"uint8\" count=\"%u\"/>", bits / 8);
		assert_non_null(strstr(text, wanted));
		snprintf(wanted, sizeof(wanted),
			"<vector id=\"svep\" type=\"uint8\" count=\"%u\"/>", bits / 64);
		assert_non_null(strstr(text, wanted));
		snprintf(wanted, sizeof(wanted),
			"<reg name=\"s1\" bitsize=\"%u\" type=\"svev\" group=\"vector\" ", bits);
		assert_non_null(strstr(text, wanted));
		assert_int_equal(count_of(text, "<union id=\"svev\""), 1);
		assert_int_equal(count_of(text, "type=\"svep\" group=\"vector\" encoding="), 1);
		document_fini(&document);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct target_description *description = descriptions[i];

		assert_null(description_register(description, description->register_count));
		assert_null(description_register(description, UINT32_MAX));
		assert_int_equal(description_register_size(
					 description_register(description, description->pc)),
			8);
	}
	assert_string_equal(description_register(&fake_description_x86_64, 16)->name, "rip");
	assert_string_equal(description_register(&fake_description_arm64, 32)->name, "pc");
	assert_int_equal(
		description_register_size(description_register(&fake_description_x86_64, 24)), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_in_order),
		cmocka_unit_test(test_types_are_defined_first),
		cmocka_unit_test(test_fields_have_both_ends),
		cmocka_unit_test(test_flags_shared_in_a_feature),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_wide_and_unlisted),
		cmocka_unit_test(test_scalable),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
