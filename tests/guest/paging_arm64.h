/* SPDX-License-Identifier: Apache-2.0 */
/* The arm64 guest's page tables: 4 KiB granule, 4 levels, pages and blocks of all sizes. */
#ifndef PAGING_ARM64_H
#define PAGING_ARM64_H

/* Builds the tables; once. */
void paging_init(void);

/* Goes over to them, from the boot tables. */
void paging_load(void);

#endif
