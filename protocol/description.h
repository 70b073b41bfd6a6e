/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target description a debugger reads as target.xml (GDB manual appendix G), written from
 * struct target_description.  Knows what XML gdb and lldb want, and no register by name.
 */
#ifndef PROTOCOL_DESCRIPTION_H
#define PROTOCOL_DESCRIPTION_H

#include <stddef.h>
#include "protocol/document.h"
#include "protocol/target.h"

/* Appends the whole document, with all registers or those that are listed; ask document_status(). */
void description_write(
	struct document *document, const struct target_description *description, bool all);

/* The register of this number with its size, or NULL when there is none. */
const struct target_register *description_register(
	const struct target_description *description, unsigned number);

/* Bytes of one register, at most TARGET_REGISTER_MAX_BYTES. */
size_t description_register_size(const struct target_register *reg);

#endif
