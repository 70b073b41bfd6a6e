/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that a compiler may call by itself in a freestanding program. */
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
	char *out = to;
	const char *in = from;

	for (size_t i = 0; i < size; i++)
		out[i] = in[i];
	return to;
}

void *memset(void *to, int value, size_t size)
{
	char *out = to;

	for (size_t i = 0; i < size; i++)
		out[i] = (char)value;
	return to;
}
