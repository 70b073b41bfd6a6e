/* SPDX-License-Identifier: Apache-2.0 */
/* The vCPU ioctls a channel carries on arm64.  Sizes: arch/arm64/include/uapi/asm/kvm.h. */
#include <string.h>

#include "kvm/channel.h"
#include "kvm/channel_rules.h"

/* A register's id, then its value of 1 to 256 bytes, a power of two. */
enum { ONE_REG_ID = 8, ONE_REG_MAX = ONE_REG_ID + 256 };

/* Bits 52 to 55 of an id: the size of the value, as a power of two (KVM_REG_SIZE). */
static bool one_reg_agrees(const void *argument, uint32_t size)
{
	uint64_t id;

	memcpy(&id, argument, sizeof(id));
	return UINT32_C(1) << (id >> 52 & 15) == size - ONE_REG_ID;
}

#define GET_ONE_REG CHANNEL_WRITES(0xab, 16) /* "writes": the kernel reads the id */
#define SET_ONE_REG CHANNEL_WRITES(0xac, 16)

static const struct channel_rule rules[] = {
	{ GET_ONE_REG, ONE_REG_ID + 1, 1, ONE_REG_MAX, CHANNEL_ONE_REG, one_reg_agrees },
	{ SET_ONE_REG, ONE_REG_ID + 1, 1, ONE_REG_MAX, CHANNEL_ONE_REG, one_reg_agrees },
	/* GET_MP_STATE, SET_MP_STATE */
	{ CHANNEL_READS(0x98, 4), 4, 0, 0, CHANNEL_PLAIN, NULL },
	{ CHANNEL_WRITES(0x99, 4), 4, 0, 0, CHANNEL_PLAIN, NULL },
	/* GET_VCPU_EVENTS, SET_VCPU_EVENTS */
	{ CHANNEL_READS(0x9f, 64), 64, 0, 0, CHANNEL_PLAIN, NULL },
	{ CHANNEL_WRITES(0xa0, 64), 64, 0, 0, CHANNEL_PLAIN, NULL },
	/* SET_GUEST_DEBUG: control, then bcr, bvr, wcr, wvr, 16 of each */
	{ CHANNEL_WRITES(0x9b, 520), 520, 0, 0, CHANNEL_GUEST_DEBUG, NULL },
	{ CHANNEL_SYNC_CODE, 16, 0, 0, CHANNEL_CODE, NULL },
};

const struct channel_rules channel_rules = {
	.rule = rules,
	.count = sizeof(rules) / sizeof(rules[0]),
};
