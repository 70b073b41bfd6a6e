/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux on x86-64: the image is mapped at its place in one fixed GiB (Linux,
 * Documentation/arch/x86/x86_64/mm.rst), _text first, at a multiple of 2 MiB.
 */
#include "kvm/linux_arch.h"
#include "kvm/arch_x86_64.h"

#define KERNEL_MAP       UINT64_C(0xffffffff80000000) /* __START_KERNEL_map */
#define KERNEL_MAP_BYTES (UINT64_C(1) << 30)          /* KERNEL_IMAGE_SIZE, with KASLR */
#define LINK_BASE        UINT64_C(0xffffffff81000000) /* + CONFIG_PHYSICAL_START, as nearly all have */
#define ALIGNMENT        (UINT64_C(2) << 20)          /* the least CONFIG_PHYSICAL_ALIGN */

/* KPTI: a process has two root tables side by side, the kernel's first (PTI_USER_PGTABLE_BIT). */
#define CR3_USER_TABLE (UINT64_C(1) << 12)

static bool in_kernel_map(gva_t gva)
{
	return gva >= KERNEL_MAP && gva - KERNEL_MAP < KERNEL_MAP_BYTES;
}

static bool x86_tables(struct cpu *cpu, unsigned n)
{
	struct x86_sregs *sregs = &cpu->x86_64.sregs;
	unsigned others = sregs->cr3 & CR3_USER_TABLE ? 1 : 0;

	if (!(sregs->efer & X86_EFER_LMA))
		return false;
	if (n < others)
		sregs->cr3 &= ~CR3_USER_TABLE;
	return n <= others;
}

/* ---- where the text is ------------------------------------------------------------------- */

static unsigned add_anchor(
	struct linux_anchor *anchors, unsigned count, enum linux_kernel_clue clue, gva_t gva)
{
	if (in_kernel_map(gva))
		anchors[count++] = (struct linux_anchor){ .clue = clue, .gva = gva };
	return count;
}

/* SDM vol. 3, figure 6-8: the target of a 64-bit gate; 0 when it cannot be read. */
static gva_t gate_target(struct linux_probe *probe, unsigned vector)
{
	const struct x86_table *idt = &probe->cpu.x86_64.sregs.idt;
	uint8_t gate[16];
	gva_t target = 0;

	if (vector * sizeof(gate) + sizeof(gate) - 1 > idt->limit ||
		linux_probe_read_gva(probe, idt->base + vector * sizeof(gate), gate, sizeof(gate)) <
			0)
		return 0;
	for (int i = 11; i >= 6; i--)
		target = target << 8 | gate[i];
	return target << 16 | (gva_t)gate[1] << 8 | gate[0];
}

static unsigned x86_anchors(struct linux_probe *probe, struct linux_anchor *anchors)
{
	enum { PAGE_FAULT = 14, DIVIDE_ERROR = 0 };
	const struct cpu *cpu = &probe->cpu;
	unsigned count = 0;

	if (cpu->valid & CPU_MSRS)
		count = add_anchor(
			anchors, count, LINUX_KERNEL_LSTAR, cpu->x86_64.msrs[X86_MSR_LSTAR]);
	count = add_anchor(anchors, count, LINUX_KERNEL_IDT, gate_target(probe, PAGE_FAULT));
	count = add_anchor(anchors, count, LINUX_KERNEL_IDT, gate_target(probe, DIVIDE_ERROR));
	return add_anchor(anchors, count, LINUX_KERNEL_PC, cpu->x86_64.regs.rip);
}

/* ---- where the image is ------------------------------------------------------------------ */

/* KERNELOFFSET must lead back to a link address. */
static bool slide_is_possible(gva_t base, uint64_t slide)
{
	return slide % ALIGNMENT == 0 && slide < KERNEL_MAP_BYTES && in_kernel_map(base - slide);
}

static bool x86_place(
	struct linux_probe *probe, const struct linux_image *image, struct linux_kernel *out)
{
	(void)probe;
	if (!in_kernel_map(image->text) || image->text % ALIGNMENT)
		return false;
	out->base = image->text;
	out->physical = image->physical;
	out->has_vmcoreinfo = image->has_info && slide_is_possible(image->text, image->info.slide);
	out->slide = out->has_vmcoreinfo ? image->info.slide : image->text - LINK_BASE;
	out->has_slide = out->has_vmcoreinfo || image->text >= LINK_BASE;
	if (!out->has_slide)
		out->slide = 0;
	return true;
}

static bool x86_locate(const struct vmcoreinfo *info, struct linux_image *image)
{
	if (!info->has_phys_base || !in_kernel_map(info->stext))
		return false;
	image->text = info->stext & -ALIGNMENT;
	image->physical = image->text - KERNEL_MAP + info->phys_base;
	return true;
}

const struct linux_arch linux_arch_x86_64 = {
	.arch = &arch_x86_64,
	.more_groups = CPU_MSRS,
	.tables = x86_tables,
	.anchors = x86_anchors,
	.place = x86_place,
	.locate = x86_locate,
};
