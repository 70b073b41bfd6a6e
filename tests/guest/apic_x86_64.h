/* SPDX-License-Identifier: Apache-2.0 */
/* The local APIC: timer, end of interrupt, starting other CPUs (Intel SDM volume 3, chapter 11). */
#ifndef APIC_X86_64_H
#define APIC_X86_64_H

#include <stdint.h>

void apic_enable(void);
void apic_start_timer(void);
void apic_end_interrupt(void);

/* Sends INIT and SIPI to the CPU with that APIC id, which starts at TRAMPOLINE_GPA. */
void apic_start_cpu(uint32_t apic_id);

#endif
