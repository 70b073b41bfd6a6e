/* SPDX-License-Identifier: Apache-2.0 */
/* The serial port's two register files.  stdio does the locking between vCPUs and the lines. */
#include "tests/vmm/uart.h"

/* 16550 (PC16550D data sheet, table II). */
#define UART_16550_PORTS   8
#define UART_16550_THR     0
#define UART_16550_LSR     5
#define UART_16550_LSR_TX  0x60 /* transmitter holding register and shifter are empty */
#define UART_16550_NOTHING 0x00

static uint64_t uart_16550_read(struct device *device, uint64_t offset, unsigned size)
{
	(void)device;
	(void)size;
	return offset == UART_16550_LSR ? UART_16550_LSR_TX : UART_16550_NOTHING;
}

static void uart_16550_write(struct device *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct uart *uart = container_of(device, struct uart, device);

	(void)size;
	if (offset == UART_16550_THR)
		putc((int)(value & 0xff), uart->out);
}

void uart_init_16550(struct uart *uart, uint64_t address, FILE *out)
{
	uart->out = out;
	uart->device = (struct device){
		.name = "16550",
		.address = address,
		.size = UART_16550_PORTS,
		.read = uart_16550_read,
		.write = uart_16550_write,
	};
}

/* PL011 (ARM DDI 0183, table 3-1). */
#define UART_PL011_BYTES   0x1000
#define UART_PL011_DR      0x00
#define UART_PL011_FR      0x18
#define UART_PL011_FR_IDLE 0x90 /* transmit FIFO empty, receive FIFO empty */

static uint64_t uart_pl011_read(struct device *device, uint64_t offset, unsigned size)
{
	(void)device;
	(void)size;
	return offset == UART_PL011_FR ? UART_PL011_FR_IDLE : 0;
}

static void uart_pl011_write(struct device *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct uart *uart = container_of(device, struct uart, device);

	(void)size;
	if (offset == UART_PL011_DR)
		putc((int)(value & 0xff), uart->out);
}

void uart_init_pl011(struct uart *uart, uint64_t address, FILE *out)
{
	uart->out = out;
	uart->device = (struct device){
		.name = "PL011",
		.address = address,
		.size = UART_PL011_BYTES,
		.read = uart_pl011_read,
		.write = uart_pl011_write,
	};
}
