/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers between struct cpu and the steps of a program: the one place that knows which ioctl
 * carries what.  One file per architecture, compiled only for that machine: transfer_x86_64.c,
 * transfer_arm64.c.
 */
#ifndef KVM_TRANSFER_H
#define KVM_TRANSFER_H

#include "kvm/arch.h"
#include "kvm/program.h"

/* The architecture of this machine: &arch_x86_64 or &arch_arm64. */
const struct arch *transfer_arch(void);

/* Its number in ELF's e_machine, as the handover names architectures. */
uint32_t transfer_machine(void);

/* Appends to `after` what fetches these groups of CPU_.... */
void transfer_fetch(struct program *program, const struct cpu *cpu, uint32_t groups);

/* How many steps that is: what tells the results of `before` from those of `after`. */
unsigned transfer_count(const struct cpu *cpu, uint32_t groups);

/*
 * Reads the results of transfer_fetch() with the same groups into cpu and marks valid what came.
 * -EPROTO when the results do not fit the request; an ioctl that failed only leaves its group
 * invalid.
 */
int transfer_take(struct results *results, struct cpu *cpu, uint32_t groups);

/* Appends to `before` what stores the dirty groups, in the only safe order; clears dirty. */
void transfer_store(struct program *program, struct cpu *cpu);

/* Appends KVM_SET_GUEST_DEBUG with size bytes from arch->encode(): always the last of `before`. */
void transfer_guest_debug(struct program *program, const void *arg, size_t size);

/*
 * Appends to `after`, first, what ends KVM's single step with the same arg: x86-64 hides and drops
 * RFLAGS.TF as long as it is in force, so what is stored later would lose the guest's own.
 */
void transfer_disarm(struct program *program, const void *arg, size_t size);

/*
 * One register by the architecture's own number, as arch->parse_numbered() gives it: appends to
 * `after` what reads it, or writes value.
 */
void transfer_get_numbered(struct program *program, uint32_t number);
void transfer_set_numbered(struct program *program, uint32_t number, uint64_t value);

/* The result of the former.  -ENODATA: KVM does not give it. */
int transfer_take_numbered(struct results *results, uint64_t *value);

#endif
