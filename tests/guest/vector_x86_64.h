/* SPDX-License-Identifier: Apache-2.0 */
/* What the vector registers are filled with depends on what the CPU has. */
#ifndef VECTOR_X86_64_H
#define VECTOR_X86_64_H

#include "tests/vmm/board.h"

/* Before the first arch_fill_vector_registers(). */
void vector_init(const struct board_info *info);

#endif
