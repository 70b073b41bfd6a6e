/* SPDX-License-Identifier: Apache-2.0 */
/* The two kinds of guest address.  A host address is a plain pointer or uint64_t named hva. */
#ifndef KVM_ADDRESS_H
#define KVM_ADDRESS_H

#include <stdint.h>

typedef uint64_t gva_t; /* guest-virtual (on x86-64: linear) */
typedef uint64_t gpa_t; /* guest-physical */

#endif
