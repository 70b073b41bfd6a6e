/* SPDX-License-Identifier: Apache-2.0 */
/* What an exception or interrupt leaves on the kernel's stack, and who gets to see it. */
#ifndef TRAP_ARM64_H
#define TRAP_ARM64_H

#include <stdint.h>

/* Laid out by trap_entry_arm64.S. */
struct trap_frame {
	uint64_t x[31];
	uint64_t sp; /* of EL0; in the kernel the frame itself tells */
	uint64_t elr, spsr, esr, far;
};

#define SPSR_SS     (1ull << 21)
#define SPSR_MODE   0xfull
#define SPSR_EL0T   0x0ull
#define SPSR_EL1H   0x5ull
#define SPSR_MASKED 0x3c0ull /* D, A, I, F */

/* Exception classes (Arm ARM, ESR_EL1). */
enum {
	EC_UNKNOWN = 0x00,
	EC_SVC = 0x15,
	EC_FETCH_LOWER = 0x20,
	EC_FETCH = 0x21,
	EC_PC_ALIGNMENT = 0x22,
	EC_DATA_LOWER = 0x24,
	EC_DATA = 0x25,
	EC_BREAKPOINT_LOWER = 0x30,
	EC_BREAKPOINT = 0x31,
	EC_STEP_LOWER = 0x32,
	EC_STEP = 0x33,
	EC_WATCHPOINT_LOWER = 0x34,
	EC_WATCHPOINT = 0x35,
	EC_BRK = 0x3c,
};

#define MDSCR_SS  (1ull << 0)
#define MDSCR_KDE (1ull << 13)
#define MDSCR_MDE (1ull << 15)

void trap_handle_sync(struct trap_frame *frame);
void trap_handle_irq(struct trap_frame *frame);
void trap_handle_bad(struct trap_frame *frame);

#endif
