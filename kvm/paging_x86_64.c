/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the x86 page tables of every mode, as one loop over the number of levels: 2 is 32-bit
 * paging, 3 PAE, 4 and 5 the long modes; 0 means that paging is off.  It must know nothing of KVM,
 * of file descriptors or of the guest's system, and it writes nothing: no accessed bits.
 *
 * What the registers given do not tell is taken for present, since no guest uses it otherwise:
 * PSE-36 and 1 GiB pages.  AMD's reserved G bit of upper tables is not checked.  PAE's four top
 * entries are read where CR3 points, while a CPU uses those it loaded with CR3: the two differ only
 * in a guest that has changed them since.  Linear-address masking comes before the linear address.
 */
#include <errno.h>
#include <string.h>
#include "kvm/paging_x86_64.h"

#define BIT(n)          (UINT64_C(1) << (n))
#define BITS(high, low) ((~UINT64_C(0) >> (63 - (high))) & (~UINT64_C(0) << (low)))

#define CR0_PE          BIT(0)
#define CR0_PG          BIT(31)
#define CR4_PSE         BIT(4)
#define CR4_PAE         BIT(5)
#define CR4_LA57        BIT(12)
#define EFER_LME        BIT(8)
#define EFER_LMA        BIT(10)
#define EFER_NXE        BIT(11)

#define ENTRY_PRESENT   BIT(0)
#define ENTRY_WRITE     BIT(1)
#define ENTRY_USER      BIT(2)
#define ENTRY_PAGE_SIZE BIT(7)
#define ENTRY_NX        BIT(63)

enum { PHYS_BITS_MAX = 52, PHYS_BITS_MIN = 32, PSE36_PHYS_BITS = 40, PAGE_BITS = 12 };

struct mode {
	unsigned levels;      /* 0 when paging is off */
	unsigned index_bits;  /* of one table */
	unsigned entry_bytes; /* 4 or 8 */
	unsigned linear_bits;
	unsigned phys_bits;
	bool large; /* PS in a level 2 entry means a page */
	bool nx;    /* bit 63 is a right, not reserved */
	gpa_t root;
};

static bool registers_are_consistent(const struct paging_x86_64 *paging)
{
	bool paged = paging->cr0 & CR0_PG;
	bool lme = paging->efer & EFER_LME;
	bool lma = paging->efer & EFER_LMA;

	if (paged && !(paging->cr0 & CR0_PE))
		return false;
	if (lma != (paged && lme))
		return false;
	return !lma || (paging->cr4 & CR4_PAE);
}

static unsigned mode_levels(const struct paging_x86_64 *paging)
{
	if (!(paging->cr0 & CR0_PG))
		return 0;
	if (!(paging->cr4 & CR4_PAE))
		return 2;
	if (!(paging->efer & EFER_LMA))
		return 3;
	return paging->cr4 & CR4_LA57 ? 5 : 4;
}

static unsigned mode_linear_bits(unsigned levels)
{
	if (levels < 4)
		return 32;
	return levels == 4 ? 48 : 57;
}

/* The part of CR3 that is an address: SDM vol. 3, tables 4-3, 4-7 and 4-12. */
static gpa_t mode_root(unsigned levels, uint64_t cr3)
{
	if (levels == 2)
		return cr3 & BITS(31, 12);
	if (levels == 3)
		return cr3 & BITS(31, 5);
	return cr3 & BITS(51, 12);
}

static unsigned mode_phys_bits(unsigned stated)
{
	if (stated == 0 || stated > PHYS_BITS_MAX)
		return PHYS_BITS_MAX;
	return stated < PHYS_BITS_MIN ? PHYS_BITS_MIN : stated;
}

static int mode_read(struct mode *mode, const struct paging_x86_64 *paging)
{
	unsigned levels = mode_levels(paging);

	if (!registers_are_consistent(paging))
		return -EINVAL;
	*mode = (struct mode){
		.levels = levels,
		.index_bits = levels == 2 ? 10 : 9,
		.entry_bytes = levels == 2 ? 4 : 8,
		.linear_bits = mode_linear_bits(levels),
		.phys_bits = mode_phys_bits(paging->phys_bits),
		.large = levels > 2 || (paging->cr4 & CR4_PSE),
		.nx = paging->efer & EFER_NXE,
		.root = mode_root(levels, paging->cr3),
	};
	return 0;
}

static bool linear_is_possible(const struct mode *mode, gva_t gva)
{
	uint64_t top;

	if (mode->linear_bits == 32)
		return gva <= UINT32_MAX;
	top = gva >> (mode->linear_bits - 1);
	return top == 0 || top == ~UINT64_C(0) >> (mode->linear_bits - 1);
}

/*
 * The largest block of nothing but impossible addresses: of those that agree with this one down to the
 * highest bit which makes it so.
 */
static uint64_t impossible_bytes(const struct mode *mode, gva_t gva)
{
	uint64_t wrong = mode->linear_bits != 32 && gva & BIT(63) ? ~gva : gva;

	return BIT(63 - __builtin_clzll(wrong));
}

/* PAE's level 3 entries are registers' images rather than table entries: no rights, no pages. */
static bool entry_is_pdpte_of_pae(const struct mode *mode, unsigned level)
{
	return mode->levels == 3 && level == 3;
}

static bool entry_is_leaf(const struct mode *mode, unsigned level, uint64_t entry)
{
	if (level == 1)
		return true;
	if (!(entry & ENTRY_PAGE_SIZE))
		return false;
	return (level == 2 && mode->large) || (level == 3 && mode->levels > 3);
}

static unsigned level_shift(const struct mode *mode, unsigned level)
{
	return PAGE_BITS + mode->index_bits * (level - 1);
}

/* SDM vol. 3, table 4-4: a 4 MiB page reserves what PSE-36 leaves over; nothing else does. */
static uint64_t reserved_bits_of_2_levels(const struct mode *mode, unsigned level, bool leaf)
{
	unsigned phys_bits = mode->phys_bits;

	if (level == 1 || !leaf)
		return 0;
	if (phys_bits > PSE36_PHYS_BITS)
		phys_bits = PSE36_PHYS_BITS;
	return BITS(21, phys_bits - 19);
}

/* SDM vol. 3, tables 4-8 to 4-11 (PAE) and 4-14 to 4-20 (long modes). */
static uint64_t reserved_bits(const struct mode *mode, unsigned level, bool leaf)
{
	uint64_t bits = BITS(51, mode->phys_bits);

	if (mode->levels == 2)
		return reserved_bits_of_2_levels(mode, level, leaf);
	if (mode->levels == 3)
		bits |= BITS(62, 52);
	if (entry_is_pdpte_of_pae(mode, level))
		return bits | BIT(63) | BITS(8, 5) | BITS(2, 1);
	if (!mode->nx)
		bits |= ENTRY_NX;
	if (level > 3)
		bits |= ENTRY_PAGE_SIZE;
	if (leaf && level > 1)
		bits |= BITS(level_shift(mode, level) - 1, PAGE_BITS + 1);
	return bits;
}

static bool entry_is_usable(const struct mode *mode, unsigned level, uint64_t entry)
{
	bool leaf = entry_is_leaf(mode, level, entry);

	return (entry & ENTRY_PRESENT) && !(entry & reserved_bits(mode, level, leaf));
}

static gpa_t leaf_base(const struct mode *mode, unsigned level, uint64_t entry)
{
	if (mode->levels == 2 && level == 2)
		return (entry & BITS(31, 22)) | (entry & BITS(20, 13)) << 19;
	return entry & BITS(51, level_shift(mode, level));
}

static int step_read(const struct mode *mode, const struct physical *memory, gpa_t table,
	uint64_t index, unsigned level, struct translation *out)
{
	gpa_t gpa = table + index * mode->entry_bytes;
	struct translation_step *step = &out->steps[out->nsteps];
	uint8_t bytes[8] = { 0 };
	uint64_t entry = 0;

	if (memory->read(memory->context, gpa, bytes, mode->entry_bytes) < 0)
		return -EFAULT;
	for (unsigned i = mode->entry_bytes; i > 0; i--)
		entry = entry << 8 | bytes[i - 1];
	*step = (struct translation_step){
		.table_gpa = table,
		.entry_gpa = gpa,
		.entry = entry,
		.level = (uint8_t)level,
	};
	out->nsteps++;
	return 0;
}

/* rights: the AND of all entries' bits, with NX turned into "may execute". */
static int leaf_translate(
	const struct mode *mode, gva_t gva, uint64_t rights, struct translation *out)
{
	const struct translation_step *leaf = &out->steps[out->nsteps - 1];

	out->hole_bytes = 0;
	out->page_bytes = BIT(level_shift(mode, leaf->level));
	out->gpa = leaf_base(mode, leaf->level, leaf->entry) | (gva & (out->page_bytes - 1));
	out->writable = rights & ENTRY_WRITE;
	out->user = rights & ENTRY_USER;
	out->executable = rights & ENTRY_NX;
	out->user_executable = out->user && out->executable;
	return 1;
}

static int tables_descend(
	const struct mode *mode, const struct physical *memory, gva_t gva, struct translation *out)
{
	uint64_t rights = ~UINT64_C(0);
	gpa_t table = mode->root;

	for (unsigned level = mode->levels;; level--) {
		uint64_t index = gva >> level_shift(mode, level) & (BIT(mode->index_bits) - 1);
		uint64_t entry;
		int rc = step_read(mode, memory, table, index, level, out);

		out->hole_bytes = BIT(level_shift(mode, level));
		if (rc < 0)
			return rc;
		entry = out->steps[out->nsteps - 1].entry;
		if (!entry_is_usable(mode, level, entry))
			return 0;
		if (!entry_is_pdpte_of_pae(mode, level))
			rights &= entry ^ ENTRY_NX;
		if (entry_is_leaf(mode, level, entry))
			return leaf_translate(mode, gva, rights, out);
		table = entry & BITS(51, 12);
	}
}

static int flat_translate(gva_t gva, struct translation *out)
{
	out->gpa = gva;
	out->page_bytes = BIT(32);
	out->writable = out->user = out->executable = out->user_executable = true;
	return 1;
}

int paging_x86_64_walk(const struct paging_x86_64 *paging, const struct physical *memory, gva_t gva,
	struct translation *out)
{
	struct mode mode;
	int rc = mode_read(&mode, paging);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
		return rc;
	if (!linear_is_possible(&mode, gva)) {
		out->hole_bytes = impossible_bytes(&mode, gva);
		return 0;
	}
	if (mode.levels == 0)
		return flat_translate(gva, out);
	out->half_bits = (uint8_t)(mode.linear_bits == 32 ? 32 : mode.linear_bits - 1);
	return tables_descend(&mode, memory, gva, out);
}
