/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XSAVE area as KVM_GET_XSAVE gives it: always the standard format, never the compacted one
 * (Intel SDM volume 1, 13.4).  Where a component is in it is no constant of the architecture: Intel
 * and AMD differ from AVX-512 on.  It is what leaf 0xD of the host's own CPUID says (KVM api.rst,
 * KVM_GET_XSAVE2), whatever the VMM tells its guest.  Pure.
 */
#ifndef KVM_XSAVE_X86_64_H
#define KVM_XSAVE_X86_64_H

#include <stddef.h>
#include <stdint.h>
#include "kvm/cpu_x86_64.h"

#define X86_COMPONENT_BIT(component) (UINT64_C(1) << (component))
#define X86_COMPONENTS_AVX512                                                                      \
	(X86_COMPONENT_BIT(X86_COMPONENT_OPMASK) | X86_COMPONENT_BIT(X86_COMPONENT_ZMM_HI256) |    \
		X86_COMPONENT_BIT(X86_COMPONENT_HI16_ZMM))

struct x86_cpuid_entry { /* struct kvm_cpuid_entry2 */
	uint32_t function, index, flags;
	uint32_t eax, ebx, ecx, edx;
	uint32_t padding[3];
};

/* The components that these leaves let XCR0 have: what KVM keeps for the guest. */
uint64_t xsave_x86_64_components(const struct x86_cpuid_entry *entries, size_t count);

/* Where in the area the size bytes at `start` of a component are; 0 when they are not in it. */
size_t xsave_x86_64_place(
	const struct x86_xsave *xsave, enum x86_component component, size_t start, size_t size);

/* Says that a component has been written to: without it, its contents would be its initial ones. */
void xsave_x86_64_use(struct x86_xsave *xsave, enum x86_component component);

/* The x87 and SSE part, in struct kvm_fpu's form and back. */
void xsave_x86_64_to_fpu(const struct x86_xsave *xsave, struct x86_fpu *fpu);
void xsave_x86_64_from_fpu(struct x86_xsave *xsave, const struct x86_fpu *fpu);

#endif
