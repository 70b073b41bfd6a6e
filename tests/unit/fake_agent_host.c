/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_agent_host.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/fake_agent_host.h"

static int read_register(void *context, unsigned number, uint64_t *value)
{
	(void)context;
	if (number >= FAKE_AGENT_REGISTERS)
		return -ENXIO;
	*value = number * UINT64_C(0x0123456789abcdef);
	return 0;
}

static int read_memory(void *context, uint64_t address, void *buf, size_t length)
{
	const struct fake_agent_host *fake = context;
	uint64_t at = address - FAKE_AGENT_MEMORY;

	if (at > FAKE_AGENT_MEMORY_SIZE || length > FAKE_AGENT_MEMORY_SIZE - at)
		return -EFAULT;
	memcpy(buf, fake->memory + at, length);
	return 0;
}

static void print(void *context, const char *text, size_t length)
{
	struct fake_agent_host *fake = context;

	if (length > sizeof(fake->paper) - fake->length)
		abort();
	memcpy(fake->paper + fake->length, text, length);
	fake->length += length;
}

void fake_agent_host_init(struct fake_agent_host *fake)
{
	static const char text[] = "a string\0and \x80\xff more";

	fake->host = (struct agent_host){
		.read_register = read_register,
		.read_memory = read_memory,
		.print = print,
		.context = fake,
	};
	fake->length = 0;
	for (size_t i = 0; i < sizeof(fake->memory); i++)
		fake->memory[i] = (uint8_t)(i * 131 + (i >> 8));
	for (size_t i = 0x2000; i < sizeof(fake->memory); i++)
		fake->memory[i] = (uint8_t)('a' + i % 26);
	memcpy(fake->memory + 0x100, text, sizeof(text));
}
