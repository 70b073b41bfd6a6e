/* SPDX-License-Identifier: Apache-2.0 */
/* The x86-64 guest's page tables: 4 levels, with pages of all three sizes. */
#ifndef PAGING_X86_64_H
#define PAGING_X86_64_H

/* Builds the tables; once. */
void paging_init(void);

/* Goes over to them, from the boot tables. */
void paging_load(void);

#endif
