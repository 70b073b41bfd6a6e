/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' text format: see prometheus.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include "daemon/prometheus.h"

/* What is being written; what does not fit fails the whole. */
struct prometheus_text {
	char *bytes;
	size_t size, length;
	bool is_full;
};

__attribute__((format(printf, 2, 3))) static void text_add(
	struct prometheus_text *text, const char *format, ...)
{
	size_t room = text->size - text->length;
	va_list args;
	int n;

	if (text->is_full)
		return;
	va_start(args, format);
	n = vsnprintf(text->bytes + text->length, room, format, args);
	va_end(args);
	text->is_full = n < 0 || (size_t)n >= room;
	if (!text->is_full)
		text->length += (size_t)n;
}

static int text_end(const struct prometheus_text *text)
{
	return text->is_full ? -ENOBUFS : (int)text->length;
}

static void text_add_value(struct prometheus_text *text, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '\n')
			text_add(text, "\\n");
		else if (c == '"' || c == '\\')
			text_add(text, "\\%c", c);
		else if (c >= 0x20 && c <= 0x7e)
			text_add(text, "%c", c);
		else
			text_add(text, "\\\\x%02x", c);
	}
}

int prometheus_write_head(
	char *text, size_t size, const char *name, const char *type, const char *help)
{
	struct prometheus_text out = { .bytes = text, .size = size };

	text_add(&out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
	return text_end(&out);
}

int prometheus_write_sample(char *text, size_t size, const char *name,
	const struct prometheus_label *labels, unsigned label_count, uint64_t value)
{
	struct prometheus_text out = { .bytes = text, .size = size };

	text_add(&out, "%s", name);
	for (unsigned i = 0; i < label_count; i++) {
		text_add(&out, "%s%s=\"", i ? "," : "{", labels[i].name);
		text_add_value(&out, labels[i].value);
		text_add(&out, "\"");
	}
	text_add(&out, "%s %" PRIu64 "\n", label_count ? "}" : "", value);
	return text_end(&out);
}
