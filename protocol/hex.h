/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hexadecimal text, strictly: a character that is no digit is an error and never a zero.
 * Knows nothing of packets.
 */
#ifndef PROTOCOL_HEX_H
#define PROTOCOL_HEX_H

#include <stddef.h>
#include <stdint.h>

/* The value of a digit of either case, or -EINVAL. */
int hex_digit_value(uint8_t digit);

/* The lower-case digit of the low four bits. */
uint8_t hex_digit(unsigned value);

/* Writes 2 * count digits, high nibble of each byte first; no terminator. */
void hex_encode(uint8_t *digits, const void *bytes, size_t count);

/* Reads 2 * count digits: 0, or -EINVAL with bytes left in any state. */
int hex_decode(void *bytes, const uint8_t *digits, size_t count);

#endif
