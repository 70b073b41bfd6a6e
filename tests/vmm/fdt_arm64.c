/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree, node by node (Devicetree Specification; Linux,
 * Documentation/devicetree/bindings).  Errors stick to the writer: they are looked at once, at the
 * end.
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "tests/vmm/board.h"
#include "tests/vmm/fdt_arm64.h"

#define FDT_GIC_PHANDLE 1
#define FDT_GICD_BYTES  0x10000
#define FDT_GICR_BYTES  0x20000 /* for each vCPU */
#define FDT_UART_BYTES  0x1000

/* arm,gic-v3.yaml: kind, number within the kind, trigger. */
enum { FDT_SPI = 0, FDT_PPI = 1, FDT_LEVEL_HIGH = 4 };

struct fdt_writer {
	void *blob;
	int error; /* the first; of libfdt's numbers */
};

static void fdt_note(struct fdt_writer *writer, int error)
{
	if (!writer->error)
		writer->error = error;
}

static void fdt_open(struct fdt_writer *writer, const char *name)
{
	fdt_note(writer, fdt_begin_node(writer->blob, name));
}

static void fdt_close(struct fdt_writer *writer)
{
	fdt_note(writer, fdt_end_node(writer->blob));
}

static void fdt_text(struct fdt_writer *writer, const char *name, const char *text)
{
	fdt_note(writer, fdt_property_string(writer->blob, name, text));
}

static void fdt_flag(struct fdt_writer *writer, const char *name)
{
	fdt_note(writer, fdt_property(writer->blob, name, NULL, 0));
}

static void fdt_number(struct fdt_writer *writer, const char *name, uint32_t value)
{
	fdt_note(writer, fdt_property_u32(writer->blob, name, value));
}

static void fdt_number64(struct fdt_writer *writer, const char *name, uint64_t value)
{
	fdt_note(writer, fdt_property_u64(writer->blob, name, value));
}

/* Pairs of address and size. */
static void fdt_ranges(struct fdt_writer *writer, const uint64_t *values, unsigned count)
{
	uint64_t cells[4];

	for (unsigned i = 0; i < count; i++)
		cells[i] = htobe64(values[i]);
	fdt_note(writer, fdt_property(writer->blob, "reg", cells, (int)(count * sizeof(cells[0]))));
}

static void fdt_interrupts(
	struct fdt_writer *writer, uint32_t kind, const uint32_t *numbers, unsigned count)
{
	uint32_t cells[4 * 3];

	for (unsigned i = 0; i < count; i++) {
		cells[3 * i] = htobe32(kind);
		cells[3 * i + 1] = htobe32(numbers[i]);
		cells[3 * i + 2] = htobe32(FDT_LEVEL_HIGH);
	}
	fdt_note(writer, fdt_property(writer->blob, "interrupts", cells,
				 (int)(count * 3 * sizeof(cells[0]))));
}

static void fdt_random(struct fdt_writer *writer, const char *name, size_t size)
{
	uint8_t bytes[64];

	if (getrandom(bytes, size, 0) != (ssize_t)size)
		fdt_note(writer, -FDT_ERR_INTERNAL);
	fdt_note(writer, fdt_property(writer->blob, name, bytes, (int)size));
}

static void fdt_add_chosen(struct fdt_writer *writer, const struct fdt_board *board)
{
	fdt_open(writer, "chosen");
	fdt_text(writer, "bootargs", board->command_line);
	fdt_text(writer, "stdout-path", "/uart");
	if (board->initrd_bytes) {
		fdt_number64(writer, "linux,initrd-start", board->initrd_gpa);
		fdt_number64(writer, "linux,initrd-end", board->initrd_gpa + board->initrd_bytes);
	}
	fdt_random(writer, "kaslr-seed", 8);
	fdt_random(writer, "rng-seed", 64);
	fdt_close(writer);
}

static void fdt_add_memory(struct fdt_writer *writer, const struct fdt_board *board)
{
	const uint64_t ram[] = { board->ram_gpa, board->ram_bytes };

	fdt_open(writer, "memory");
	fdt_text(writer, "device_type", "memory");
	fdt_ranges(writer, ram, 2);
	fdt_close(writer);
}

/* As KVM has it in MPIDR_EL1 (Linux, arch/arm64/kvm/sys_regs.c, reset_mpidr()). */
static uint32_t fdt_affinity(unsigned vcpu)
{
	return (vcpu & 0xf) | (vcpu >> 4 & 0xff) << 8;
}

static void fdt_add_cpus(struct fdt_writer *writer, const struct fdt_board *board)
{
	char name[16];

	fdt_open(writer, "cpus");
	fdt_number(writer, "#address-cells", 1);
	fdt_number(writer, "#size-cells", 0);
	for (unsigned i = 0; i < board->nr_vcpus; i++) {
		uint32_t affinity = fdt_affinity(i);

		snprintf(name, sizeof(name), "cpu@%x", affinity);
		fdt_open(writer, name);
		fdt_text(writer, "device_type", "cpu");
		fdt_text(writer, "compatible", "arm,armv8");
		fdt_text(writer, "enable-method", "psci");
		fdt_number(writer, "reg", affinity);
		fdt_close(writer);
	}
	fdt_close(writer);
}

static void fdt_add_psci(struct fdt_writer *writer)
{
	fdt_open(writer, "psci");
	fdt_text(writer, "compatible", "arm,psci-0.2");
	fdt_text(writer, "method", "hvc");
	fdt_close(writer);
}

static void fdt_add_gic(struct fdt_writer *writer, const struct fdt_board *board)
{
	const uint64_t frames[] = { BOARD_GICD_ADDRESS, FDT_GICD_BYTES, BOARD_GICR_ADDRESS,
		(uint64_t)FDT_GICR_BYTES * board->nr_vcpus };

	fdt_open(writer, "interrupt-controller");
	fdt_text(writer, "compatible", "arm,gic-v3");
	fdt_flag(writer, "interrupt-controller");
	fdt_number(writer, "#interrupt-cells", 3);
	fdt_number(writer, "phandle", FDT_GIC_PHANDLE);
	fdt_ranges(writer, frames, 4);
	fdt_close(writer);
}

/* Secure and non-secure physical, virtual, hypervisor's. */
static void fdt_add_timer(struct fdt_writer *writer)
{
	static const uint32_t ppis[] = { 13, 14, BOARD_TIMER_INTID - 16, 10 };

	fdt_open(writer, "timer");
	fdt_text(writer, "compatible", "arm,armv8-timer");
	fdt_flag(writer, "always-on");
	fdt_interrupts(writer, FDT_PPI, ppis, 4);
	fdt_close(writer);
}

/* Our PL011 as the part of it that has no clocks. Its interrupt never comes. */
static void fdt_add_uart(struct fdt_writer *writer)
{
	static const uint64_t registers[] = { BOARD_UART_ADDRESS, FDT_UART_BYTES };
	static const uint32_t spi = 1;

	fdt_open(writer, "uart");
	fdt_text(writer, "compatible", "arm,sbsa-uart");
	fdt_number(writer, "current-speed", 115200);
	fdt_ranges(writer, registers, 2);
	fdt_interrupts(writer, FDT_SPI, &spi, 1);
	fdt_close(writer);
}

static void fdt_add_root(struct fdt_writer *writer, const struct fdt_board *board)
{
	fdt_open(writer, "");
	fdt_text(writer, "compatible", "linux,dummy-virt");
	fdt_number(writer, "#address-cells", 2);
	fdt_number(writer, "#size-cells", 2);
	fdt_number(writer, "interrupt-parent", FDT_GIC_PHANDLE);
	fdt_add_chosen(writer, board);
	fdt_add_memory(writer, board);
	fdt_add_cpus(writer, board);
	fdt_add_psci(writer);
	fdt_add_gic(writer, board);
	fdt_add_timer(writer);
	fdt_add_uart(writer);
	fdt_close(writer);
}

int fdt_write(const struct fdt_board *board, void *blob, size_t size)
{
	struct fdt_writer writer = { .blob = blob };

	fdt_note(&writer, fdt_create(blob, (int)size));
	fdt_note(&writer, fdt_finish_reservemap(blob));
	fdt_add_root(&writer, board);
	fdt_note(&writer, fdt_finish(blob));
	if (!writer.error)
		return 0;
	warnx("device tree: %s", fdt_strerror(writer.error));
	return -EIO;
}
