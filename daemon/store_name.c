/* SPDX-License-Identifier: Apache-2.0 */
/* Names in the fd store: see store_name.h. */
#include "daemon/store_name.h"

#include <stdio.h>
#include <string.h>

void store_name_format(const struct store_name *name, char *text, size_t size)
{
	if (name->role == STORE_MEMORY)
		snprintf(text, size, "%c%x.%x", (char)name->role, name->number, name->id);
	else
		snprintf(text, size, "%c.%x", (char)name->role, name->id);
}

/* Lower-case hex without leading zeros, up to max: how many characters; 0: there is no such number. */
static size_t hex_read(const char *text, unsigned max, unsigned *number)
{
	static const char digits[] = "0123456789abcdef";
	size_t length = 0;

	*number = 0;
	for (const char *digit; text[length] && (digit = strchr(digits, text[length])); length++) {
		if (length && *number == 0)
			return 0;
		*number = *number * 16 + (unsigned)(digit - digits);
		if (*number > max)
			return 0;
	}
	return length;
}

bool store_name_parse(const char *text, struct store_name *name)
{
	size_t length = 0;

	if (!text[0] || !strchr("sjlpcm", text[0]))
		return false;
	name->role = (enum store_role)text[0];
	name->number = 0;
	text++;
	if (name->role == STORE_MEMORY)
		length = hex_read(text, STORE_NUMBER_MAX, &name->number);
	if ((name->role == STORE_MEMORY && !length) || text[length] != '.')
		return false;
	text += length + 1;
	length = hex_read(text, STORE_ID_MAX, &name->id);
	return length && text[length] == '\0' && name->id;
}
