/* SPDX-License-Identifier: Apache-2.0 */
/* arm64 instructions that C has no words for. */
#ifndef INSN_ARM64_H
#define INSN_ARM64_H

#include <stdint.h>

#define read_sysreg(name)                                                                          \
	__extension__({                                                                            \
		uint64_t value_;                                                                   \
		__asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                    \
		value_;                                                                            \
	})

#define write_sysreg(name, value)                                                                  \
	__asm__ volatile("msr " #name ", %0; isb" : : "r"((uint64_t)(value)) : "memory")

#endif
