/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of small numbers: bit n % 64 of word n / 64. */
#ifndef KVM_BITMAP_H
#define KVM_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_has(const uint64_t *map, unsigned n)
{
	return map[n / 64] >> n % 64 & 1;
}

static inline void bitmap_add(uint64_t *map, unsigned n)
{
	map[n / 64] |= UINT64_C(1) << n % 64;
}

static inline void bitmap_remove(uint64_t *map, unsigned n)
{
	map[n / 64] &= ~(UINT64_C(1) << n % 64);
}

#endif
