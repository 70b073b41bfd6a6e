/* SPDX-License-Identifier: Apache-2.0 */
/* The XSAVE area: see xsave_x86_64.h. */
#include "kvm/xsave_x86_64.h"

#include <string.h>

enum { CPUID_XSTATE = 0xd };

/* The legacy region (volume 1, table 10-2 and 13.4.1) and the header (13.4.2). */
struct legacy {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t unused[96];
	uint64_t xstate_bv;
};

_Static_assert(offsetof(struct legacy, st) == 32, "SDM volume 1, table 10-2");
_Static_assert(offsetof(struct legacy, xmm) == 160, "SDM volume 1, table 10-2");
_Static_assert(offsetof(struct legacy, xstate_bv) == 512, "SDM volume 1, 13.4.2");

uint64_t xsave_x86_64_components(const struct x86_cpuid_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].function == CPUID_XSTATE && entries[i].index == 0)
			return entries[i].eax | (uint64_t)entries[i].edx << 32;
	return 0;
}

size_t xsave_x86_64_place(
	const struct x86_xsave *xsave, enum x86_component component, size_t start, size_t size)
{
	size_t offset = xsave->offset[component];
	size_t room = xsave->is_large ? X86_XSAVE2_BYTES : X86_XSAVE_BYTES;

	if (!offset || offset > room || start > room - offset || size > room - offset - start)
		return 0;
	return offset + start;
}

void xsave_x86_64_use(struct x86_xsave *xsave, enum x86_component component)
{
	uint8_t *header = xsave->area + offsetof(struct legacy, xstate_bv);

	header[component / 8] |= (uint8_t)(1 << component % 8);
}

void xsave_x86_64_to_fpu(const struct x86_xsave *xsave, struct x86_fpu *fpu)
{
	struct legacy legacy;

	memcpy(&legacy, xsave->area, sizeof(legacy));
	*fpu = (struct x86_fpu){
		.fcw = legacy.fcw,
		.fsw = legacy.fsw,
		.ftwx = legacy.ftw,
		.last_opcode = legacy.fop,
		.last_ip = legacy.fip,
		.last_dp = legacy.fdp,
		.mxcsr = legacy.mxcsr,
	};
	memcpy(fpu->fpr, legacy.st, sizeof(legacy.st));
	memcpy(fpu->xmm, legacy.xmm, sizeof(legacy.xmm));
}

void xsave_x86_64_from_fpu(struct x86_xsave *xsave, const struct x86_fpu *fpu)
{
	struct legacy legacy;

	memcpy(&legacy, xsave->area, sizeof(legacy));
	legacy.fcw = fpu->fcw;
	legacy.fsw = fpu->fsw;
	legacy.ftw = fpu->ftwx;
	legacy.fop = fpu->last_opcode;
	legacy.fip = fpu->last_ip;
	legacy.fdp = fpu->last_dp;
	legacy.mxcsr = fpu->mxcsr;
	memcpy(legacy.st, fpu->fpr, sizeof(legacy.st));
	memcpy(legacy.xmm, fpu->xmm, sizeof(legacy.xmm));
	memcpy(xsave->area, &legacy, sizeof(legacy));
	xsave_x86_64_use(xsave, X86_COMPONENT_X87);
	xsave_x86_64_use(xsave, X86_COMPONENT_SSE);
}
