/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 with one group and one interrupt: the virtual timer's (Arm IHI 0069). */
#ifndef GIC_ARM64_H
#define GIC_ARM64_H

#include <stdint.h>

#define GIC_NO_INTERRUPT 1023

/* The distributor; once. */
void gic_init(void);

/* Redistributor and CPU interface of the CPU this runs on. */
void gic_init_cpu(unsigned cpu);

/* The INTID of the interrupt that is taken with this; GIC_NO_INTERRUPT or near if there is none. */
uint32_t gic_begin_interrupt(void);
void gic_end_interrupt(uint32_t intid);

#endif
