/* SPDX-License-Identifier: Apache-2.0 */
/* A spin lock.  Not for interrupt handlers. */
#ifndef LOCK_H
#define LOCK_H

#include <stdint.h>

void lock_acquire(uint32_t *lock);
void lock_release(uint32_t *lock);

#endif
