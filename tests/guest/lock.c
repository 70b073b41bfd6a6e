/* SPDX-License-Identifier: Apache-2.0 */
/* The spin lock's loop; the atomic part is the architecture's. */
#include "tests/guest/arch.h"
#include "tests/guest/lock.h"

void lock_acquire(uint32_t *lock)
{
	while (!arch_try_lock(lock))
		arch_relax();
}

void lock_release(uint32_t *lock)
{
	arch_unlock(lock);
}
