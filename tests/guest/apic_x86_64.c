/* SPDX-License-Identifier: Apache-2.0 */
/* The local APIC by its memory-mapped registers. */
#include "tests/guest/apic_x86_64.h"
#include "tests/guest/layout_x86_64.h"

#define APIC_EOI            0x0b0
#define APIC_SPURIOUS       0x0f0
#define APIC_ICR_LOW        0x300
#define APIC_ICR_HIGH       0x310
#define APIC_LVT_TIMER      0x320
#define APIC_TIMER_INITIAL  0x380
#define APIC_TIMER_DIVIDE   0x3e0

#define APIC_ENABLE         0x100
#define APIC_TIMER_PERIODIC 0x20000
#define APIC_TIMER_DIVIDE_1 0xb
#define APIC_TIMER_COUNT    10000000 /* 10 ms: KVM's APIC timer runs at 1 GHz */
#define APIC_ICR_INIT       0x4500   /* INIT, assert */
#define APIC_ICR_STARTUP    0x4600   /* SIPI, assert; the vector is the page */

static volatile uint32_t *apic_register(uint32_t offset)
{
	return (volatile uint32_t *)(APIC_ADDRESS + offset);
}

void apic_enable(void)
{
	*apic_register(APIC_SPURIOUS) = APIC_ENABLE | VECTOR_SPURIOUS;
}

void apic_start_timer(void)
{
	*apic_register(APIC_TIMER_DIVIDE) = APIC_TIMER_DIVIDE_1;
	*apic_register(APIC_LVT_TIMER) = APIC_TIMER_PERIODIC | VECTOR_TIMER;
	*apic_register(APIC_TIMER_INITIAL) = APIC_TIMER_COUNT;
}

void apic_end_interrupt(void)
{
	*apic_register(APIC_EOI) = 0;
}

void apic_start_cpu(uint32_t apic_id)
{
	*apic_register(APIC_ICR_HIGH) = apic_id << 24;
	*apic_register(APIC_ICR_LOW) = APIC_ICR_INIT;
	*apic_register(APIC_ICR_HIGH) = apic_id << 24;
	*apic_register(APIC_ICR_LOW) = APIC_ICR_STARTUP | TRAMPOLINE_GPA >> 12;
}
