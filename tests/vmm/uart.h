/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A serial port that only talks: what the guest sends appears in out, line by line.  One wire, two
 * register files: the 16550 of a PC and the PL011 of arm64 boards.  Always ready to send, never
 * with a byte received, no interrupts.
 */
#ifndef UART_H
#define UART_H

#include <stdio.h>

#include "tests/vmm/bus.h"

struct uart {
	struct device device;
	FILE *out;
};

/* 8 ports from address on.  out stays the caller's. */
void uart_init_16550(struct uart *uart, uint64_t address, FILE *out);

/* 4 KiB of registers from address on.  out stays the caller's. */
void uart_init_pl011(struct uart *uart, uint64_t address, FILE *out);

#endif
