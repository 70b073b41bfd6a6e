/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the EL1&0 stage 1 tables of arm64 (VMSAv8-64, Arm ARM D8): one half of the address space is
 * chosen by bit 55 and described by its fields of TCR_EL1, then one loop descends from its TTBR.
 * It must know nothing of KVM, of file descriptors or of the guest's system, and writes nothing.
 *
 * A clear access flag counts as mapped: a debugger reads what the guest's next access would, after
 * its fault.  Concatenated tables belong to stage 2 alone.  Not walked: 128-bit descriptors, EL2's
 * own regime.  Permissions are the direct ones (no permission indirection or overlays); "user"
 * means that EL0 may load, so an execute-only page of EL0 is not a user page.
 */
#include <errno.h>
#include <string.h>
#include "kvm/paging_arm64.h"

#define BIT(n)          (UINT64_C(1) << (n))
#define BITS(high, low) ((~UINT64_C(0) >> (63 - (high))) & (~UINT64_C(0) << (low)))

#define SCTLR_M         BIT(0)
#define SCTLR_WXN       BIT(19)
#define SCTLR_EE        BIT(25)
#define TCR_HA          BIT(39)
#define TCR_HD          BIT(40)
#define TCR_DS          BIT(59)

#define ENTRY_VALID     BIT(0)
#define ENTRY_TABLE     BIT(1) /* at the last level: a page */
#define ENTRY_EL0       BIT(6)
#define ENTRY_READ_ONLY BIT(7)
#define ENTRY_DBM       BIT(51)
#define ENTRY_PXN       BIT(53)
#define ENTRY_UXN       BIT(54)
#define TABLE_PXN       BIT(59)
#define TABLE_UXN       BIT(60)
#define TABLE_NO_EL0    BIT(61)
#define TABLE_READ_ONLY BIT(62)

enum { HALF_BIT = 55 }; /* of an address: which half it is in */
enum { GRANULE_4K = 12, GRANULE_16K = 14, GRANULE_64K = 16, LAST_LEVEL = 3 };

/* Where a descriptor keeps bits 51:48 of its address: nowhere, by FEAT_LPA2, by FEAT_LPA. */
enum address_form { FORM_48, FORM_LPA2, FORM_LPA };

/* What the registers say of one half of the address space. */
struct half {
	unsigned granule_bits;
	unsigned input_bits;
	unsigned output_bits;
	enum address_form form;
	int first_block_level;
	uint64_t ttbr;
	bool tbi, disabled, no_table_rights, no_el0;
	bool big_endian, write_implies_xn, hardware_dirty;
};

static unsigned field(uint64_t reg, unsigned high, unsigned low)
{
	return (unsigned)((reg & BITS(high, low)) >> low);
}

/* PARange and IPS have one encoding; more than 52 bits needs descriptors that we do not walk. */
static unsigned size_decode(unsigned code)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48, 52 };

	return code < sizeof(bits) ? bits[code] : 52;
}

static unsigned physical_bits(const struct paging_arm64 *paging)
{
	if (paging->id_aa64mmfr0_el1 == 0)
		return 48;
	return size_decode(field(paging->id_aa64mmfr0_el1, 3, 0));
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* TG0 and TG1 name the same three sizes by different numbers; 0 for the reserved one of each. */
static unsigned granule_decode(uint64_t tcr, bool upper)
{
	static const uint8_t tg0[] = { GRANULE_4K, GRANULE_64K, GRANULE_16K, 0 };
	static const uint8_t tg1[] = { 0, GRANULE_16K, GRANULE_4K, GRANULE_64K };

	return upper ? tg1[field(tcr, 31, 30)] : tg0[field(tcr, 15, 14)];
}

/* ID_AA64MMFR0_EL1: TGran4 and TGran64 are signed, TGran16 is not.  All are taken when unknown. */
static bool granule_is_implemented(uint64_t mmfr0, unsigned granule_bits)
{
	if (mmfr0 == 0)
		return true;
	if (granule_bits == GRANULE_16K)
		return field(mmfr0, 23, 20) != 0;
	if (granule_bits == GRANULE_64K)
		return field(mmfr0, 27, 24) < 8;
	return field(mmfr0, 31, 28) < 8;
}

/* FEAT_LPA2 in force; the 64K granule has its 52 bits another way and ignores TCR_EL1.DS. */
static bool granule_uses_lpa2(const struct paging_arm64 *paging, unsigned granule_bits)
{
	unsigned tgran4 = field(paging->id_aa64mmfr0_el1, 31, 28);
	unsigned tgran16 = field(paging->id_aa64mmfr0_el1, 23, 20);

	if (!(paging->tcr_el1 & TCR_DS) || granule_bits == GRANULE_64K)
		return false;
	return granule_bits == GRANULE_4K ? tgran4 >= 1 && tgran4 < 8 : tgran16 >= 2;
}

static void half_set_output(struct half *half, const struct paging_arm64 *paging)
{
	unsigned size = smaller(size_decode(field(paging->tcr_el1, 34, 32)), physical_bits(paging));

	half->form = FORM_48;
	if (granule_uses_lpa2(paging, half->granule_bits))
		half->form = FORM_LPA2;
	else if (half->granule_bits == GRANULE_64K && size == 52)
		half->form = FORM_LPA;
	half->output_bits = half->form == FORM_48 ? smaller(size, 48) : size;
}

/* Blocks: level 1 down for 4K, 2 for the others, one more where 52 bits are in play. */
static void half_set_blocks(struct half *half, const struct paging_arm64 *paging)
{
	bool more = half->form == FORM_LPA2;

	if (half->granule_bits == GRANULE_64K)
		more = physical_bits(paging) == 52;
	half->first_block_level = (half->granule_bits == GRANULE_4K ? 1 : 2) - more;
}

/*
 * TnSZ out of range faults where FEAT_LVA (too small) or FEAT_TTST (too large) is implemented;
 * elsewhere the implementation may also take the nearest value, and we cannot know.
 * Returns 1, 0 when every access faults, -EINVAL.
 */
static int half_set_input(struct half *half, const struct paging_arm64 *paging, unsigned tnsz)
{
	bool lva = field(paging->id_aa64mmfr2_el1, 19, 16) != 0;
	bool ttst = field(paging->id_aa64mmfr2_el1, 31, 28) != 0;
	bool is_64k = half->granule_bits == GRANULE_64K;
	bool wide = is_64k ? lva : half->form == FORM_LPA2;
	unsigned most = !ttst ? 39 : is_64k ? 47 : 48;

	if (tnsz < (wide ? 12u : 16u))
		return lva ? 0 : -EINVAL;
	if (tnsz > most)
		return ttst ? 0 : -EINVAL;
	half->input_bits = 64 - tnsz;
	return 1;
}

/* Takes the fields that differ only in place between the halves. */
static void half_set_flags(struct half *half, const struct paging_arm64 *paging, bool upper)
{
	uint64_t tcr = paging->tcr_el1;

	half->ttbr = upper ? paging->ttbr1_el1 : paging->ttbr0_el1;
	half->disabled = tcr & (upper ? BIT(23) : BIT(7));
	half->tbi = tcr & (upper ? BIT(38) : BIT(37));
	half->no_table_rights = tcr & (upper ? BIT(42) : BIT(41));
	half->no_el0 = tcr & (upper ? BIT(56) : BIT(55));
	half->hardware_dirty = (tcr & TCR_HA) && (tcr & TCR_HD);
	half->write_implies_xn = paging->sctlr_el1 & SCTLR_WXN;
	half->big_endian = paging->sctlr_el1 & SCTLR_EE;
}

/* Returns 1, 0 when every access to this half faults, -EINVAL when what happens is not defined. */
static int half_read(struct half *half, const struct paging_arm64 *paging, bool upper)
{
	uint64_t tcr = paging->tcr_el1;

	*half = (struct half){ .granule_bits = granule_decode(tcr, upper) };
	half_set_flags(half, paging, upper);
	if (half->disabled)
		return 0;
	if (half->granule_bits == 0 ||
		!granule_is_implemented(paging->id_aa64mmfr0_el1, half->granule_bits))
		return -EINVAL;
	half_set_output(half, paging);
	half_set_blocks(half, paging);
	return half_set_input(half, paging, upper ? field(tcr, 21, 16) : field(tcr, 5, 0));
}

/*
 * The bits above the input address that do not repeat bit 55 as they must, the top byte apart when it
 * is ignored.
 */
static uint64_t half_wrong_bits(const struct half *half, gva_t gva)
{
	uint64_t above = BITS(half->tbi ? HALF_BIT : 63, half->input_bits);

	return (gva ^ (gva & BIT(HALF_BIT) ? ~UINT64_C(0) : 0)) & above;
}

/*
 * The largest block, of one half, of nothing but addresses that no input size reaches: those that agree
 * with this one down to the highest bit which is wrong.
 */
static uint64_t impossible_bytes(uint64_t wrong)
{
	unsigned bit = 63 - (unsigned)__builtin_clzll(wrong);

	return BIT(smaller(bit, HALF_BIT));
}

static unsigned level_shift(const struct half *half, int level)
{
	return half->granule_bits + (half->granule_bits - 3) * (unsigned)(LAST_LEVEL - level);
}

static int first_level(const struct half *half)
{
	unsigned stride = half->granule_bits - 3;

	return LAST_LEVEL - (int)((half->input_bits - half->granule_bits - 1) / stride);
}

/* TTBRn_EL1.BADDR: aligned to the first table's own size, which may be less than a granule. */
static gpa_t half_root(const struct half *half)
{
	unsigned size_bits = half->input_bits - level_shift(half, first_level(half)) + 3;

	if (half->form == FORM_48)
		return half->ttbr & BITS(47, size_bits);
	if (size_bits < 6)
		size_bits = 6;
	return (half->ttbr & BITS(47, size_bits)) | (half->ttbr & BITS(5, 2)) << 46;
}

static gpa_t entry_address(const struct half *half, uint64_t entry)
{
	if (half->form == FORM_LPA2)
		return (entry & BITS(49, half->granule_bits)) | (entry & BITS(9, 8)) << 42;
	if (half->form == FORM_LPA)
		return (entry & BITS(47, 16)) | (entry & BITS(15, 12)) << 36;
	return entry & BITS(47, half->granule_bits);
}

/* An address beyond the output size is an address size fault, at whatever level it is met. */
static bool address_is_possible(const struct half *half, gpa_t gpa)
{
	return gpa >> half->output_bits == 0;
}

static bool entry_is_usable(const struct half *half, int level, uint64_t entry)
{
	bool block = level < LAST_LEVEL && !(entry & ENTRY_TABLE);

	if (!(entry & ENTRY_VALID) || (block && level < half->first_block_level))
		return false;
	if (level == LAST_LEVEL && !(entry & ENTRY_TABLE))
		return false;
	return block || address_is_possible(half, entry_address(half, entry));
}

static bool entry_is_leaf(int level, uint64_t entry)
{
	return level == LAST_LEVEL || !(entry & ENTRY_TABLE);
}

static int step_read(const struct half *half, const struct physical *memory, gpa_t table,
	uint64_t index, int level, struct translation *out)
{
	gpa_t gpa = table + index * 8;
	struct translation_step *step = &out->steps[out->nsteps];
	uint8_t bytes[8];
	uint64_t entry = 0;

	if (memory->read(memory->context, gpa, bytes, sizeof(bytes)) < 0)
		return -EFAULT;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		entry = entry << 8 | bytes[half->big_endian ? i : sizeof(bytes) - 1 - i];
	*step = (struct translation_step){
		.table_gpa = table,
		.entry_gpa = gpa,
		.entry = entry,
		.level = (uint8_t)(level + 1),
	};
	out->nsteps++;
	return 0;
}

/*
 * Direct permissions, Arm ARM D8.4.  limits: the OR of the tables' limiting attributes.  A page
 * that EL0 may write is never executable at EL1; with hardware dirty state, DBM makes AP[2] a dirty
 * flag.
 */
static void permissions_set(
	const struct half *half, uint64_t entry, uint64_t limits, struct translation *out)
{
	bool clean = half->hardware_dirty && (entry & ENTRY_DBM);
	bool read_only = (entry & ENTRY_READ_ONLY) && !clean;
	bool el0 = (entry & ENTRY_EL0) && !(limits & TABLE_NO_EL0);
	bool pxn = (entry & ENTRY_PXN) || (limits & TABLE_PXN);
	bool uxn = (entry & ENTRY_UXN) || (limits & TABLE_UXN);

	out->writable = !read_only && !(limits & TABLE_READ_ONLY);
	out->executable = !pxn && !(out->writable && (el0 || half->write_implies_xn));
	out->user = el0 && !half->no_el0;
	out->user_executable =
		!half->no_el0 && !uxn && !(el0 && out->writable && half->write_implies_xn);
}

static int leaf_translate(
	const struct half *half, int level, gva_t gva, uint64_t limits, struct translation *out)
{
	uint64_t entry = out->steps[out->nsteps - 1].entry;
	uint64_t bytes = BIT(level_shift(half, level));
	gpa_t base = entry_address(half, entry) & ~(bytes - 1);

	if (!address_is_possible(half, base))
		return 0;
	out->hole_bytes = 0;
	out->page_bytes = bytes;
	out->gpa = base | (gva & (bytes - 1));
	permissions_set(half, entry, limits, out);
	return 1;
}

static int tables_descend(
	const struct half *half, const struct physical *memory, gva_t gva, struct translation *out)
{
	uint64_t index_mask = BIT(half->granule_bits - 3) - 1;
	uint64_t input = gva & BITS(half->input_bits - 1, 0);
	uint64_t limits = 0;
	gpa_t table = half_root(half);

	if (!address_is_possible(half, table))
		return 0;
	for (int level = first_level(half);; level++) {
		uint64_t index = input >> level_shift(half, level) & index_mask;
		uint64_t entry;
		int rc = step_read(half, memory, table, index, level, out);

		out->hole_bytes = BIT(level_shift(half, level));
		if (rc < 0)
			return rc;
		entry = out->steps[out->nsteps - 1].entry;
		if (!entry_is_usable(half, level, entry))
			return 0;
		if (entry_is_leaf(level, entry))
			return leaf_translate(half, level, gva, limits, out);
		limits |= half->no_table_rights ? 0 : entry;
		table = entry_address(half, entry);
	}
}

/* SCTLR_EL1.M clear: the address is its own translation; the top byte is ignored as ever. */
static int flat_translate(const struct paging_arm64 *paging, gva_t gva, struct translation *out)
{
	struct half half = { 0 };
	unsigned bits = physical_bits(paging);
	uint64_t wrong;

	half_set_flags(&half, paging, gva & BIT(HALF_BIT));
	wrong = gva & BITS(half.tbi ? HALF_BIT : 63, bits);
	if (wrong) {
		out->hole_bytes = impossible_bytes(wrong);
		return 0;
	}
	out->gpa = gva & BITS(bits - 1, 0);
	out->page_bytes = BIT(bits);
	out->writable = out->user = out->executable = out->user_executable = true;
	return 1;
}

int paging_arm64_walk(const struct paging_arm64 *paging, const struct physical *memory, gva_t gva,
	struct translation *out)
{
	struct half half;
	uint64_t wrong;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!(paging->sctlr_el1 & SCTLR_M))
		return flat_translate(paging, gva, out);
	out->hole_bytes = BIT(HALF_BIT);
	rc = half_read(&half, paging, gva & BIT(HALF_BIT));
	if (rc <= 0)
		return rc;
	wrong = half_wrong_bits(&half, gva);
	if (wrong) {
		out->hole_bytes = impossible_bytes(wrong);
		return 0;
	}
	out->half_bits = (uint8_t)half.input_bits;
	return tables_descend(&half, memory, gva, out);
}
