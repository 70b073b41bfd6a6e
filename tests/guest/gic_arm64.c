/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt controller's few registers that this takes. */
#include "tests/guest/arch.h"
#include "tests/guest/gic_arm64.h"
#include "tests/guest/insn_arm64.h"
#include "tests/guest/layout_arm64.h"
#include "tests/vmm/board.h"

#define GICD_CTLR         0x0000
#define GICD_CTLR_ENABLE  0x12 /* group 1, affinity routing */
#define GICR_BYTES        0x20000
#define GICR_WAKER        0x0014
#define GICR_WAKER_SLEEP  0x2
#define GICR_WAKER_ASLEEP 0x4
#define GICR_IGROUPR0     0x10080
#define GICR_ISENABLER0   0x10100

static volatile uint32_t *gic_register(uint64_t gpa)
{
	return (volatile uint32_t *)(KERNEL_OFFSET + gpa);
}

void gic_init(void)
{
	*gic_register(BOARD_GICD_ADDRESS + GICD_CTLR) = GICD_CTLR_ENABLE;
}

void gic_init_cpu(unsigned cpu)
{
	uint64_t gicr = BOARD_GICR_ADDRESS + (uint64_t)cpu * GICR_BYTES;

	*gic_register(gicr + GICR_WAKER) &= ~(uint32_t)GICR_WAKER_SLEEP;
	while (*gic_register(gicr + GICR_WAKER) & GICR_WAKER_ASLEEP)
		arch_relax();
	*gic_register(gicr + GICR_IGROUPR0) = 0xffffffff;
	*gic_register(gicr + GICR_ISENABLER0) = 1u << BOARD_TIMER_INTID;
	write_sysreg(icc_sre_el1, 7);
	write_sysreg(icc_pmr_el1, 0xff);
	write_sysreg(icc_igrpen1_el1, 1);
}

uint32_t gic_begin_interrupt(void)
{
	return (uint32_t)read_sysreg(icc_iar1_el1);
}

void gic_end_interrupt(uint32_t intid)
{
	write_sysreg(icc_eoir1_el1, intid);
}
