/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds any page to the reader of vmcoreinfo.  What it takes must be printable and must come back the
 * same when it is written as a kernel would write it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvm/vmcoreinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int write_again(const struct vmcoreinfo *info, char *text, size_t size)
{
	int done = snprintf(text, size,
		"OSRELEASE=%s\nSYMBOL(_stext)=%" PRIx64 "\nKERNELOFFSET=%" PRIx64 "\n",
		info->release, info->stext, info->slide);

	if (info->has_phys_base)
		done += snprintf(text + done, size - (size_t)done,
			"NUMBER(phys_base)=%" PRIu64 "\n", info->phys_base);
	if (info->has_kimage_voffset)
		done += snprintf(text + done, size - (size_t)done,
			"NUMBER(kimage_voffset)=0x%" PRIx64 "\n", info->kimage_voffset);
	return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct vmcoreinfo info, again;
	char text[512];
	int at = length < VMCOREINFO_HEAD_BYTES ? 0 : vmcoreinfo_text(bytes);

	if (at < 0 || vmcoreinfo_parse(bytes + at, length - (size_t)at, &info) < 0)
		return 0;
	for (const char *c = info.release; *c; c++)
		if (*c <= ' ' || *c > '~')
			abort();
	if (vmcoreinfo_parse(text, (size_t)write_again(&info, text, sizeof(text)), &again) < 0)
		abort();
	if (memcmp(&info, &again, sizeof(info)) != 0)
		abort();
	return 0;
}
