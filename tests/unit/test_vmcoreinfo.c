/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/vmcoreinfo.c: pages as kernels write them, and pages that only look so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "kvm/vmcoreinfo.h"

#define X86                                                                                        \
	"OSRELEASE=6.1.0-50-amd64\nBUILD-ID=94df\nPAGESIZE=4096\nSYMBOL(_stext)="                  \
	"ffffffffb8e00000\n"                                                                       \
	"NUMBER(phys_base)=-851443712\nKERNELOFFSET=37e00000\nNUMBER(KERNEL_IMAGE_SIZE)="          \
	"1073741824\n"
#define ARM64                                                                                      \
	"OSRELEASE=6.1.0-50-arm64\nSYMBOL(_stext)=ffffb4db94810000\n"                              \
	"NUMBER(kimage_voffset)=0xffffb4db54600000\nKERNELOFFSET=34db8c800000\n"
#define REST "SYMBOL(_stext)=ffff\nKERNELOFFSET=0\n"

static int parse(const char *text, struct vmcoreinfo *out)
{
	return vmcoreinfo_parse(text, strlen(text), out);
}

static void test_kernels(void **state)
{
	struct vmcoreinfo info;

	(void)state;
	assert_int_equal(parse(X86, &info), 0);
	assert_string_equal(info.release, "6.1.0-50-amd64");
	assert_int_equal(info.stext, 0xffffffffb8e00000);
	assert_int_equal(info.slide, 0x37e00000);
	assert_true(info.has_phys_base && !info.has_kimage_voffset);
	assert_int_equal(info.phys_base, -851443712);
	assert_int_equal(parse(ARM64, &info), 0);
	assert_int_equal(info.slide, 0x34db8c800000);
	assert_true(info.has_kimage_voffset && !info.has_phys_base);
	assert_int_equal(info.kimage_voffset, 0xffffb4db54600000);
}

static void test_end(void **state)
{
	static const char terminated[] = "OSRELEASE=6.1\n" REST "\0KERNELOFFSET=zz\n";
	struct vmcoreinfo info;

	(void)state;
	assert_int_equal(vmcoreinfo_parse(terminated, sizeof(terminated), &info), 0);
	/* What is cut off is not there: of a last line without its newline nothing is taken. */
	assert_int_equal(
		parse("OSRELEASE=6.1\nSYMBOL(_stext)=ffff\nKERNELOFFSET=0", &info), -EINVAL);
	for (size_t length = 0; length < strlen("OSRELEASE=6.1\n" REST); length++)
		assert_int_equal(vmcoreinfo_parse("OSRELEASE=6.1\n" REST, length, &info), -EINVAL);
}

static void test_malformed(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		REST,
		"OSRELEASE=\n" REST,
		"OSRELEASE=6.1 \n" REST,
		"OSRELEASE=6\x01\n" REST,
		"OSRELEASE=6\x80\n" REST,
		"BUILD-ID=1\nOSRELEASE=6.1\n" REST,
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffff\n",
		"OSRELEASE=6.1\nKERNELOFFSET=0\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=\nKERNELOFFSET=0\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=fffg\nKERNELOFFSET=0\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=-1\nKERNELOFFSET=0\n",
		"OSRELEASE=6.1\nSYMBOL(_stext)=ffff\nKERNELOFFSET=10000000000000000\n",
		"OSRELEASE=6.1\n" REST "NUMBER(phys_base)=\n",
		"OSRELEASE=6.1\n" REST "NUMBER(phys_base)=-\n",
		"OSRELEASE=6.1\n" REST "NUMBER(phys_base)=18446744073709551616\n",
		"OSRELEASE=6.1\n" REST "NUMBER(phys_base)=ff\n",
		"OSRELEASE=6.1\n" REST "NUMBER(kimage_voffset)=0x\n",
	};
	char release[128];
	struct vmcoreinfo info;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (parse(texts[i], &info) != -EINVAL)
			fail_msg("accepted: %s", texts[i]);
	snprintf(release, sizeof(release), "OSRELEASE=%065d\n" REST, 0);
	assert_int_equal(parse(release, &info), -EINVAL);
	snprintf(release, sizeof(release), "OSRELEASE=%064d\n" REST, 0);
	assert_int_equal(parse(release, &info), 0);
}

static void test_page_head(void **state)
{
	uint8_t head[VMCOREINFO_HEAD_BYTES] = "OSRELEASE=6.1.0";

	(void)state;
	assert_int_equal(vmcoreinfo_text(head), 0);
	head[0] = 'o';
	assert_int_equal(vmcoreinfo_text(head), -ENOENT);
	memcpy(head, "\x0b\0\0\0\0\x08\0\0\0\0\0\0VMCOREINFO\0\0OSRELEASE=6.1.0", sizeof(head) - 1);
	assert_int_equal(vmcoreinfo_text(head), 24);
	head[24] = 'o';
	assert_int_equal(vmcoreinfo_text(head), -ENOENT);
	head[24] = 'O';
	head[12] = 'v';
	assert_int_equal(vmcoreinfo_text(head), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_page_head),
	};

	return cmocka_run_group_tests_name("vmcoreinfo", tests, NULL, NULL);
}
