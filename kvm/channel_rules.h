/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which vCPU ioctls a channel carries: one table per architecture, in channel_x86_64.c and
 * channel_arm64.c, of which a build links one.  Pure: the numbers are written out, so both tables
 * compile and are tested on any host.
 */
#ifndef KVM_CHANNEL_RULES_H
#define KVM_CHANNEL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ioctl numbers as asm-generic/ioctl.h builds them; 0xae is KVM's letter (linux/kvm.h). */
#define CHANNEL_READS(number, size)  (UINT32_C(0x80000000) | (size) << 16 | 0xae00 | (number))
#define CHANNEL_WRITES(number, size) (UINT32_C(0x40000000) | (size) << 16 | 0xae00 | (number))
#define CHANNEL_SWAPS(number, size)  (UINT32_C(0xc0000000) | (size) << 16 | 0xae00 | (number))

enum channel_quirk {
	CHANNEL_PLAIN,   /* the argument goes to the ioctl as it is */
	CHANNEL_COUNTED, /* begins with a count, and the ioctl returns how many it has done */
	CHANNEL_XSAVE2,  /* KVM does not know how long it is: at least what the machine may need */
	CHANNEL_ONE_REG, /* id and value: a struct kvm_one_reg points to the value */
	CHANNEL_GUEST_DEBUG, /* the first word is kvm_guest_debug.control */
	CHANNEL_CODE,        /* CHANNEL_SYNC_CODE, no ioctl */
};

struct channel_rule {
	uint32_t request;
	uint32_t size; /* of the argument, the smallest */
	uint32_t unit; /* it may be longer by units of this size; 0: it may not */
	uint32_t max;  /* the largest, when unit is not 0 */
	enum channel_quirk quirk;
	/* Does the argument say the same about its length as size does?  NULL: it says nothing. */
	bool (*agrees)(const void *argument, uint32_t size);
};

struct channel_rules {
	const struct channel_rule *rule;
	size_t count;
};

extern const struct channel_rules channel_rules;

/* The rule that allows request with an argument of size bytes, or NULL. */
const struct channel_rule *channel_rule_find(uint32_t request, uint32_t size);

#endif
