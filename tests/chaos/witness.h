/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be seen of a running guest from outside, without its VMM's help: its memory, what its CPUs
 * report there (tests/guest/chaos.h), and whether KVM's guest debug is on (tests/vmm/kvm_watch.h).
 */
#ifndef WITNESS_H
#define WITNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/chaos/image.h"

struct chaos_report;
struct kvm_watch;

struct witness {
	const struct image *image;
	const uint8_t *memory; /* the guest's */
	size_t size;
	uint8_t *kept; /* a copy of it, from the time when nobody had debugged */
	const struct kvm_watch *watch;
	const volatile struct chaos_report *reports; /* one for each CPU */
	unsigned nr_vcpus;
};

/* Of the VMM pid.  0, or -errno (-ENOENT: not there, yet). */
int witness_open(struct witness *witness, const struct image *image, pid_t vmm, unsigned nr_vcpus);
void witness_close(struct witness *witness);

/* Keeps a copy of the guest's memory.  0 or -errno. */
int witness_keep(struct witness *witness);

/* How many bytes of code and of what is read only are not as in the guest's ELF file. */
unsigned witness_count_code(const struct witness *witness);

/* The same for all memory but what the file says that the guest writes: by what was kept. */
unsigned witness_count_all(const struct witness *witness);

/* A line, begun with "# ", for each of the first differences of code, or of all. */
void witness_print_code(const struct witness *witness, FILE *out);
void witness_print_all(const struct witness *witness, FILE *out);

/* How many vCPUs have guest debug on. */
unsigned witness_count_debugged(const struct witness *witness);

uint64_t witness_rounds(const struct witness *witness, unsigned vcpu);
uint64_t witness_ticks(const struct witness *witness, unsigned vcpu);
uint64_t witness_failures(const struct witness *witness);  /* of all CPUs */
uint64_t witness_suspended(const struct witness *witness); /* likewise */

#endif
