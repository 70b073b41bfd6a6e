/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The printf instruction of agent code: its format, as a person typed it (backslash escapes still in
 * it), the conversions that a debugger lets through, d i u x X o c s p with l, ll or z, and strings
 * from guest memory.  Every length has a bound.
 */
#ifndef KVM_AGENT_PRINTF_H
#define KVM_AGENT_PRINTF_H

#include "kvm/agent.h"

enum {
	AGENT_MAX_OUTPUT = 4096, /* bytes of one printf; what is more is cut off */
	AGENT_MAX_WIDTH = 256,   /* the largest width and precision of a conversion */
	AGENT_MAX_STRING = 1024, /* bytes of one %s; a longer one ends with "..." */
};

/*
 * The format is length bytes, the last of them its NUL.  0, or -EINVAL: no NUL or one inside, an
 * escape or a conversion that is none of those above, or not exactly count conversions.
 */
int agent_printf_check(const uint8_t *format, size_t length, unsigned count);

/*
 * Puts out a format that has been checked, args in its order.  0, or what the host returned for a
 * string that could not be read; then nothing is put out.  A null pointer is "(null)".
 */
int agent_printf(const uint8_t *format, const uint64_t *args, const struct agent_host *host);

#endif
