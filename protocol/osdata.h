/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of "info os" as gdb reads them (GDB manual, appendix H): which columns each has.
 * Knows no session and no target.
 */
#ifndef PROTOCOL_OSDATA_H
#define PROTOCOL_OSDATA_H

#include "protocol/document.h"
#include "protocol/process.h"

/* A whole document: which tables there are. */
void osdata_write_types(struct document *document);

/* Around the rows of one table. */
void osdata_begin(struct document *document, const char *type);
void osdata_end(struct document *document);

/* One row of the table "processes", and of "vcpus"; state is one line. */
void osdata_put_process(struct document *document, const struct process *process);
void osdata_put_vcpu(struct document *document, unsigned thread, const char *state);

#endif
