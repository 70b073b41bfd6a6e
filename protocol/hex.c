/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal text; see hex.h. */
#include <errno.h>
#include "protocol/hex.h"

int hex_digit_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -EINVAL;
}

uint8_t hex_digit(unsigned value)
{
	static const uint8_t digits[] = "0123456789abcdef";

	return digits[value & 0xf];
}

void hex_encode(uint8_t *digits, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < count; i++) {
		digits[2 * i] = hex_digit(from[i] >> 4);
		digits[2 * i + 1] = hex_digit(from[i]);
	}
}

int hex_decode(void *bytes, const uint8_t *digits, size_t count)
{
	uint8_t *to = bytes;

	for (size_t i = 0; i < count; i++) {
		int high = hex_digit_value(digits[2 * i]);
		int low = hex_digit_value(digits[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
