/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux on arm64: the image is mapped somewhere in the vmalloc area (Linux, Documentation/arch/arm64/
 * memory.rst), linked to run right above the area for modules.  Its head, from _text to _stext, is
 * 64 KiB that newer kernels (5.11 on) do not map and may give away once they run.  Little-endian
 * kernels only, like our hosts.
 */
#include <stdio.h>
#include "kvm/linux_arch.h"
#include "kvm/arch_arm64.h"

#define TTBR_BADDR (BIT(48) - 2)
#define HEAD_BYTES UINT64_C(0x10000)    /* SEGMENT_ALIGN */
#define LINK_ALIGN UINT64_C(0x200000)   /* of KIMAGE_VADDR */
#define MAGIC_AT   56                   /* Documentation/arch/arm64/booting.rst */
#define MAGIC      UINT32_C(0x644d5241) /* "ARM\x64" */

enum { PAGE = 4096 };

static uint64_t arm64_register(const struct cpu *cpu, enum arm64_sysreg sysreg)
{
	return arm64_sysreg(&cpu->arm64, sysreg);
}

/* TCR_EL1.TG1. */
static uint64_t granule(const struct cpu *cpu)
{
	static const uint32_t bytes[] = { 0, 16384, 4096, 65536 };

	return bytes[FIELD(arm64_register(cpu, ARM64_TCR_EL1), 30, 2)];
}

/*
 * KPTI: in user mode TTBR1_EL1 has tramp_pg_dir, which lies two pages before swapper_pg_dir (one,
 * without CONFIG_ARM64_SW_TTBR0_PAN in kernels that had no reserved_pg_dir for themselves).
 */
static bool arm64_tables(struct cpu *cpu, unsigned n)
{
	enum { PAGES_BETWEEN = 2 };

	if (!(arm64_register(cpu, ARM64_SCTLR_EL1) & BIT(0)))
		return false;
	if (n < PAGES_BETWEEN)
		cpu->arm64.sysregs[ARM64_TTBR1_EL1] += (PAGES_BETWEEN - n) * granule(cpu);
	return n <= PAGES_BETWEEN;
}

/* ---- where the text is ------------------------------------------------------------------- */

static unsigned add_anchor(
	struct linux_anchor *anchors, unsigned count, enum linux_kernel_clue clue, gva_t gva)
{
	if (count < LINUX_MAX_ANCHORS && (gva & BIT(55)))
		anchors[count++] = (struct linux_anchor){ .clue = clue, .gva = gva };
	return count;
}

/* The values in one page that may be the address of a table of vectors. */
static unsigned add_vectors(
	struct linux_probe *probe, gva_t gva, struct linux_anchor *anchors, unsigned count)
{
	uint64_t values[PAGE / 8];
	struct translation translation;

	if (linux_probe_read_gva(probe, gva, values, sizeof(values)) < 0)
		return count;
	for (unsigned i = 0; i < PAGE / 8; i++) {
		uint64_t value = values[i];

		if (value % 2048 == 0 && (value & BIT(55)) && count < LINUX_MAX_ANCHORS &&
			linux_probe_translate(probe, value, &translation) && translation.executable)
			count = add_anchor(anchors, count, LINUX_KERNEL_VBAR, value);
	}
	return count;
}

/*
 * With KPTI in user mode VBAR_EL1 has the trampoline, a second mapping of a few pages of text; in
 * them or beside them is a literal with the address of the true vectors (Linux,
 * arch/arm64/kernel/entry.S, tramp_data_read_var).
 */
static unsigned add_trampoline(
	struct linux_probe *probe, gva_t vbar, struct linux_anchor *anchors, unsigned count)
{
	enum { BEFORE = 3, AFTER = 6 };
	gva_t first = (vbar & -(gva_t)PAGE) - BEFORE * PAGE;

	if (vbar & BIT(55))
		for (unsigned i = 0; i < BEFORE + AFTER; i++)
			count = add_vectors(probe, first + i * PAGE, anchors, count);
	return count;
}

static unsigned arm64_anchors(struct linux_probe *probe, struct linux_anchor *anchors)
{
	gva_t vbar = arm64_register(&probe->cpu, ARM64_VBAR_EL1);
	unsigned count = add_anchor(anchors, 0, LINUX_KERNEL_VBAR, vbar);

	count = add_anchor(anchors, count, LINUX_KERNEL_PC, probe->cpu.arm64.regs.pc);
	return add_trampoline(probe, vbar, anchors, count);
}

/* ---- where the image is ------------------------------------------------------------------ */

static bool has_header(struct linux_probe *probe, gpa_t gpa)
{
	uint32_t magic;

	return linux_probe_read(probe, gpa + MAGIC_AT, &magic, sizeof(magic)) == 0 &&
	       magic == MAGIC;
}

/* How much of the head lies before the first page that is mapped: nothing, or all of it. */
static uint64_t head_before(struct linux_probe *probe, const struct linux_image *image)
{
	if (has_header(probe, image->physical - HEAD_BYTES))
		return HEAD_BYTES;
	if (has_header(probe, image->physical))
		return 0;
	if (image->has_info && (image->text - image->info.slide) % LINK_ALIGN == 0)
		return 0;
	return HEAD_BYTES;
}

/* VA_BITS_MIN: a kernel for 52 bits is linked as if there were fewer. */
static unsigned least_va_bits(const struct cpu *cpu)
{
	unsigned bits = 64 - (unsigned)FIELD(arm64_register(cpu, ARM64_TCR_EL1), 16, 6);

	if (bits <= 48)
		return bits;
	return granule(cpu) == 16384 ? 47 : 48;
}

/*
 * KIMAGE_VADDR without vmcoreinfo: the middle of the upper half, and above it the modules, by the
 * kernel's version (Linux, arch/arm64/include/asm/memory.h); 0 when it is not known.
 */
static gva_t link_base(const struct cpu *cpu, const char *banner)
{
	gva_t page_end = -(UINT64_C(1) << (least_va_bits(cpu) - 1));
	unsigned major, minor;

	if (sscanf(banner, "Linux version %3u.%3u", &major, &minor) != 2)
		return 0;
	if (major > 6 || (major == 6 && minor >= 5))
		return page_end + (UINT64_C(2) << 30);
	if (major == 6 || (major == 5 && minor >= 18))
		return page_end + (UINT64_C(128) << 20);
	return 0;
}

static bool slide_is_possible(gva_t base, uint64_t slide)
{
	gva_t link = base - slide;

	return link <= base && (link & BIT(55)) && link % LINK_ALIGN == 0;
}

static bool arm64_place(
	struct linux_probe *probe, const struct linux_image *image, struct linux_kernel *out)
{
	uint64_t head = head_before(probe, image);

	out->base = image->text - head;
	out->physical = image->physical - head;
	out->has_vmcoreinfo = image->has_info && slide_is_possible(out->base, image->info.slide);
	if (out->has_vmcoreinfo)
		out->slide = image->info.slide;
	else
		out->slide = out->base - link_base(&probe->cpu, out->banner);
	out->has_slide = slide_is_possible(out->base, out->slide) && out->slide != out->base;
	if (!out->has_slide)
		out->slide = 0;
	return true;
}

static bool arm64_locate(const struct vmcoreinfo *info, struct linux_image *image)
{
	if (!info->has_kimage_voffset || !(info->stext & BIT(55)))
		return false;
	image->text = info->stext;
	image->physical = info->stext - info->kimage_voffset;
	return true;
}

const struct linux_arch linux_arch_arm64 = {
	.arch = &arch_arm64,
	.tables = arm64_tables,
	.anchors = arm64_anchors,
	.place = arm64_place,
	.locate = arm64_locate,
};
