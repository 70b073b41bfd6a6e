/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single registers of an x86-64 vCPU, as description_x86_64 names them, read from and written to
 * the cached groups: the general registers, the segments, and finding the row of any of them.
 * Pure: what changed is marked dirty, and stored by others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kvm/registers_x86_64.h"

/* ---- little-endian values ---------------------------------------------------------------- */

void registers_x86_64_put(void *value, uint64_t number, unsigned bytes)
{
	uint8_t *at = value;

	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(number >> (8 * i));
}

uint64_t registers_x86_64_get(const void *value, unsigned bytes)
{
	const uint8_t *at = value;
	uint64_t number = 0;

	for (unsigned i = 0; i < bytes; i++)
		number |= (uint64_t)at[i] << (8 * i);
	return number;
}

/* ---- general registers ------------------------------------------------------------------- */

static uint64_t *general_find(struct x86_regs *regs, unsigned index)
{
	uint64_t *const order[] = { &regs->rax, &regs->rbx, &regs->rcx, &regs->rdx, &regs->rsi,
		&regs->rdi, &regs->rbp, &regs->rsp, &regs->r8, &regs->r9, &regs->r10, &regs->r11,
		&regs->r12, &regs->r13, &regs->r14, &regs->r15 };

	return order[index];
}

/*
 * Outside 64-bit mode the upper halves of the eight old registers are not part of the machine, yet
 * they may hold something: they are neither shown nor touched.
 */
static bool general_is_halved(const struct cpu *cpu, unsigned index)
{
	return index < X86_REG_R8 && !arch_x86_64_is_64bit(cpu);
}

static void general_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_regs regs = cpu->x86_64.regs;
	uint64_t number = *general_find(&regs, index);

	registers_x86_64_put(value, general_is_halved(cpu, index) ? (uint32_t)number : number, 8);
}

static int general_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t *at = general_find(&cpu->x86_64.regs, index),
		 number = registers_x86_64_get(value, 8);

	if (general_is_halved(cpu, index))
		number = (*at & ~UINT64_C(0xffffffff)) | (uint32_t)number;
	*at = number;
	return 0;
}

static void rip_read(const struct cpu *cpu, unsigned index, void *value)
{
	uint64_t rip = cpu->x86_64.regs.rip;

	(void)index;
	if (cpu->linear_pc)
		rip = arch_x86_64_pc(cpu);
	registers_x86_64_put(value, arch_x86_64_is_64bit(cpu) ? rip : (uint32_t)rip, 8);
}

/* VM entry fails with a RIP that is too wide for the mode (26.3.1.4). */
static int rip_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t rip = registers_x86_64_get(value, 8);

	(void)index;
	if (arch_x86_64_is_64bit(cpu) ? !arch_x86_64_is_canonical(cpu, rip) : rip >> 32 != 0)
		return -EINVAL;
	if (cpu->linear_pc)
		arch_x86_64_pc_set(cpu, rip);
	else
		cpu->x86_64.regs.rip = rip;
	return 0;
}

static void eflags_read(const struct cpu *cpu, unsigned index, void *value)
{
	(void)index;
	registers_x86_64_put(value, cpu->x86_64.regs.rflags, 4);
}

/* Reserved bits keep their value; VM goes with a whole set of segments and is not for writing. */
static int eflags_write(struct cpu *cpu, unsigned index, const void *value)
{
	uint64_t flags = (registers_x86_64_get(value, 4) & X86_FLAGS_WRITABLE) | X86_FLAGS_FIXED;

	(void)index;
	if ((flags ^ cpu->x86_64.regs.rflags) & X86_FLAGS_VM)
		return -EINVAL;
	cpu->x86_64.regs.rflags = flags;
	return 0;
}

/* ---- segments ---------------------------------------------------------------------------- */

static struct x86_segment *segment_find(struct x86_sregs *sregs, unsigned index)
{
	struct x86_segment *const order[] = { &sregs->cs, &sregs->ss, &sregs->ds, &sregs->es,
		&sregs->fs, &sregs->gs };

	return order[index];
}

static void selector_read(const struct cpu *cpu, unsigned index, void *value)
{
	struct x86_sregs sregs = cpu->x86_64.sregs;

	registers_x86_64_put(value, segment_find(&sregs, index)->selector, 4);
}

/*
 * A selector stands for a descriptor.  In real mode that is arithmetic, and is done.  Elsewhere a
 * selector without its descriptor would give a segment that no guest can have: read-only, but a
 * debugger may write back what it has read.
 */
static int selector_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_segment *segment = segment_find(&cpu->x86_64.sregs, index);
	uint64_t selector = registers_x86_64_get(value, 4);

	if (selector == segment->selector)
		return 0;
	if (selector > UINT16_MAX)
		return -EINVAL;
	if (!arch_x86_64_is_real(cpu))
		return -EROFS;
	segment->selector = (uint16_t)selector;
	segment->base = selector << 4;
	return 0;
}

static void base_read(const struct cpu *cpu, unsigned index, void *value)
{
	registers_x86_64_put(
		value, index ? cpu->x86_64.sregs.gs.base : cpu->x86_64.sregs.fs.base, 8);
}

static int base_write(struct cpu *cpu, unsigned index, const void *value)
{
	struct x86_sregs *sregs = &cpu->x86_64.sregs;
	uint64_t base = registers_x86_64_get(value, 8);

	if (!arch_x86_64_is_canonical(cpu, base))
		return -EINVAL;
	*(index ? &sregs->gs.base : &sregs->fs.base) = base;
	return 0;
}

/*
 * No register of the CPU: Linux's number of a system call to be restarted.  A vCPU is in none that a
 * debugger could have interrupted, which is -1; gdb writes that when it moves pc.
 */
static void orig_rax_read(const struct cpu *cpu, unsigned index, void *value)
{
	(void)cpu;
	(void)index;
	registers_x86_64_put(value, UINT64_MAX, 8);
}

static int orig_rax_write(struct cpu *cpu, unsigned index, const void *value)
{
	(void)cpu;
	(void)index;
	return registers_x86_64_get(value, 8) == UINT64_MAX ? 0 : -EROFS;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct x86_row general_rows[] = {
	{ X86_REG_RAX, 16, CPU_STOP, CPU_GENERAL, general_read, general_write, NULL },
	{ X86_REG_RIP, 1, CPU_STOP, CPU_GENERAL, rip_read, rip_write, NULL },
	{ X86_REG_EFLAGS, 1, CPU_GENERAL, CPU_GENERAL, eflags_read, eflags_write, NULL },
	{ X86_REG_CS, 6, CPU_STOP, CPU_SYSTEM, selector_read, selector_write, NULL },
	{ X86_REG_FS_BASE, 2, CPU_SYSTEM, CPU_SYSTEM, base_read, base_write, NULL },
	{ X86_REG_ORIG_RAX, 1, CPU_GENERAL, 0, orig_rax_read, orig_rax_write, NULL },
};

static const struct x86_row *rows_find(const struct x86_row *rows, size_t count, unsigned number)
{
	for (size_t i = 0; i < count; i++)
		if (number >= rows[i].first && number - rows[i].first < rows[i].count)
			return &rows[i];
	return NULL;
}

static const struct x86_row *row_find(unsigned number)
{
	const struct x86_row *row =
		rows_find(general_rows, sizeof(general_rows) / sizeof(general_rows[0]), number);

	if (!row)
		row = rows_find(float_x86_64_rows.row, float_x86_64_rows.count, number);
	if (!row)
		row = rows_find(system_x86_64_rows.row, system_x86_64_rows.count, number);
	return row;
}

uint32_t registers_x86_64_groups(unsigned number)
{
	const struct x86_row *row = row_find(number);

	return row ? row->needed : 0;
}

static bool row_is_there(const struct x86_row *row, const struct cpu *cpu, unsigned number)
{
	return (cpu->valid & row->needed) == row->needed &&
	       (!row->is_there || row->is_there(cpu, number - row->first));
}

bool registers_x86_64_is_there(const struct cpu *cpu, unsigned number)
{
	const struct x86_row *row = row_find(number);

	return row && row_is_there(row, cpu, number);
}

int registers_x86_64_read(const struct cpu *cpu, unsigned number, void *value)
{
	const struct x86_row *row = row_find(number);

	if (!row)
		return -ENOENT;
	if (!row_is_there(row, cpu, number))
		return -ENODATA;
	row->read(cpu, number - row->first, value);
	return 0;
}

int registers_x86_64_write(struct cpu *cpu, unsigned number, const void *value)
{
	uint8_t before[TARGET_REGISTER_MAX_BYTES] = { 0 }, after[TARGET_REGISTER_MAX_BYTES] = { 0 };
	const struct x86_row *row = row_find(number);
	int rc;

	if (!row)
		return -ENOENT;
	if (!row_is_there(row, cpu, number))
		return -ENODATA;
	row->read(cpu, number - row->first, before);
	rc = row->write(cpu, number - row->first, value);
	row->read(cpu, number - row->first, after);
	if (memcmp(before, after, sizeof(before)) != 0)
		cpu->dirty |= row->dirty;
	return rc;
}

/* ---- by number --------------------------------------------------------------------------- */

int registers_x86_64_parse_numbered(const char *text, uint32_t *number)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text < '0' || *text > '9' || value > UINT32_MAX)
		return -EINVAL;
	*number = (uint32_t)value;
	return 0;
}
